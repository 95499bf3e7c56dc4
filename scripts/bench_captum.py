#!/usr/bin/env python3
"""Captum's own speed for SmoothGrad over Integrated Gradients of ContIG's genetics, to be read with `contig-gpu bench explain`.

Towers, loss and explained function are those of docs/explain.md: the loss of a reference batch with one person added. Weights,
persons and references are random; nothing is read from disk. Needs torch and captum. Two ways to write it:

  plain   a call of Captum for each person, as its tutorials have it; the loss of the batch of each step is computed whole
  batched one call for --rows persons, and the loss by the terms that the added person changes: the best that we could write

Prints seconds per person for each, the median of --windows; --json for machines.

  bench_captum.py [--features 481 7854 18574] [--persons 4] [--steps 50] [--draws 5] [--reference 256] [--threads 2]
"""
import argparse, json, statistics, time

import torch, torch.nn as nn, torch.nn.functional as F
from captum.attr import IntegratedGradients, NoiseTunnel

TAU, LAMBDA = 0.1, 0.75


def tower(features, hidden, dim):
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.BatchNorm1d(hidden), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, dim))


class Modality:
    """A tower, and the reference batch that a person is added to."""

    def __init__(self, features, o):
        self.tower = tower(features, o.hidden, o.dim).eval().requires_grad_(False)
        self.z = torch.randn(o.reference, o.dim)
        self.w = self.tower(torch.randn(o.reference, features))
        self.x = torch.randn(o.persons, features)
        self.own = torch.randn(o.persons, o.dim)  # the persons' image embeddings
        u, v = F.normalize(self.z, dim=1), F.normalize(self.w, dim=1)
        s = u @ v.T / TAU
        self.u, self.v, self.t = u, v, s.diagonal().sum()
        self.rows, self.columns = s.logsumexp(1), s.logsumexp(0)

    def plain(self, x, own):
        """The loss of the reference batch with each row of x added, each by itself."""
        return torch.stack([self.loss(torch.cat([self.z, z[None]]), torch.cat([self.w, w[None]])) for z, w in zip(own, self.tower(x))])

    @staticmethod
    def loss(z, w):
        s = F.normalize(z, dim=1) @ F.normalize(w, dim=1).T / TAU
        i = torch.arange(len(s))
        return LAMBDA * F.cross_entropy(s, i) + (1 - LAMBDA) * F.cross_entropy(s.T, i)

    def added(self, x, own):
        """The same, by the terms that the added rows change."""
        v, u = F.normalize(self.tower(x), dim=1), F.normalize(own, dim=1)
        a, b, s = v @ self.u.T / TAU, u @ self.v.T / TAU, (u * v).sum(1) / TAU
        rows = torch.logaddexp(self.rows, a).sum(1) - self.t + torch.logaddexp(b.logsumexp(1), s) - s
        columns = torch.logaddexp(self.columns, b).sum(1) - self.t + torch.logaddexp(a.logsumexp(1), s) - s
        return (LAMBDA * rows + (1 - LAMBDA) * columns) / (len(self.u) + 1)


def plain(ms, o, persons):
    for m in ms:
        for i in range(persons):
            f = lambda x, own=m.own[i:i + 1]: m.plain(x, own.expand(len(x), -1))
            explain(f, m.x[i:i + 1], o)


def batched(ms, o, persons):
    for m in ms:
        for lo in range(0, persons, o.rows):
            own = m.own[lo:lo + o.rows]
            f = lambda x, own=own: m.added(x, own.repeat_interleave(o.draws, 0).repeat(len(x) // (len(own) * o.draws), 1))
            explain(f, m.x[lo:lo + o.rows], o)


def explain(f, x, o):
    return NoiseTunnel(IntegratedGradients(f)).attribute(x, nt_type="smoothgrad", nt_samples=o.draws, stdevs=0.1, n_steps=o.steps, baselines=torch.zeros_like(x))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--features", type=int, nargs="*", default=[481, 7854, 18574])
    p.add_argument("--hidden", type=int, default=2048)
    p.add_argument("--dim", type=int, default=128)
    p.add_argument("--reference", type=int, default=256)
    p.add_argument("--persons", type=int, default=4, help="explained in a window")
    p.add_argument("--rows", type=int, default=2, help="persons in one call of batched")
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--draws", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--windows", type=int, default=3)
    p.add_argument("--ways", nargs="*", default=["plain", "batched"], choices=["plain", "batched"])
    p.add_argument("--json", action="store_true")
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    ms = [Modality(f, o) for f in o.features]
    with torch.no_grad():
        for m in ms:  # both ways are the same function
            a, b = m.plain(m.x[:2], m.own[:2]), m.added(m.x[:2], m.own[:2])
            assert torch.allclose(a, b, rtol=1e-4), (a, b)
    out = {}
    for way in o.ways:
        times = []
        for _ in range(o.windows + 1):
            t = time.perf_counter()
            dict(plain=plain, batched=batched)[way](ms, o, o.persons)
            times.append((time.perf_counter() - t) / o.persons)
        out[way] = statistics.median(times[1:])  # the first warms up
        if not o.json:
            print(f"{way:8} {out[way]:.3f} s per person")
    if o.json:
        print(json.dumps(out))


if __name__ == "__main__":
    main()
