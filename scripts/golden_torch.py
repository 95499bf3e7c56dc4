"""What the golden cases are made of: hash fills, digests, files, and the method in PyTorch, written for clarity.

Used by make_golden.py. gpu/gputest/golden/testdata/README.md says what the files hold.
"""
import json, math, os

import numpy as np, torch, torch.nn as nn, torch.nn.functional as F, torchvision
from safetensors.torch import save_file

MASK, GOLD = (1 << 64) - 1, 0x9E3779B97F4A7C15
BLOCKS = {"none": 0, "h1": 1, "h12": 2}  # hidden blocks of a genetics encoder


# ---------------------------------------------------------------- values that depend on a name only
def fnv1a64(name):
    h = 14695981039346656037
    for b in name.encode():
        h = ((h ^ b) * 1099511628211) & MASK
    return h


def uniform24(name, n):
    """n values in [0, 1) of 24 random bits each, exact in float32 (SplitMix64 from the hash of the name)."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(name)) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(GOLD)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / float(1 << 24)


def fill(name, shape, lo=-1.0, hi=1.0):
    """float64 tensor of float32 values: round32(lo + (hi - lo) u)."""
    v = (lo + (hi - lo) * uniform24(name, math.prod(shape))).astype(np.float32)
    return torch.from_numpy(v.astype(np.float64)).reshape(shape)


def choose(name, n, k):
    """n whole numbers in [0, k)."""
    return torch.from_numpy((uniform24(name, n) * k).astype(np.int64))


def weights_for(name, p):
    """The value of a parameter or buffer, by its full name."""
    s = list(p.shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros_like(p)
    if name.endswith("running_mean"):
        return fill(name, s, -0.1, 0.1)
    if name.endswith("running_var"):
        return fill(name, s, 0.5, 1.5)
    if len(s) == 4:
        k = math.sqrt(6.0 / (s[0] * s[2] * s[3]))
        return fill(name, s, -k, k)
    if len(s) == 2:
        k = 1 / math.sqrt(s[1])
        return fill(name, s, -k, k)
    return fill(name, s, 0.8, 1.2) if name.endswith("weight") else fill(name, s, -0.2, 0.2)


def load(module, prefix):
    """Fills every parameter and buffer by prefix + its name."""
    with torch.no_grad():
        for k, v in module.state_dict().items():
            v.copy_(weights_for(prefix + k, v))
    return module


# ---------------------------------------------------------------- digests of large tensors
def digest(name, t):
    """Length, sum, Euclidean norm, and products with four hash fills."""
    v = t.detach().double().reshape(-1)
    return dict(n=v.numel(), sum=v.sum().item(), l2=v.norm().item(), dot=[torch.dot(v, fill(f"digest/{k}/{name}", (v.numel(),))).item() for k in range(4)])


def tree_digest(named):
    return {k: digest(k, v) for k, v in named if v.is_floating_point()}


def gradients(module):
    return tree_digest((k, p.grad) for k, p in module.named_parameters())


def digest_error(a, b):
    """Estimate of |a - b| / |b| from two digests: a fill has variance 1/3."""
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a["dot"], b["dot"])) * 3 / 4) / max(b["l2"], 1e-300)


def worst_error(a, b):
    """The largest digest_error of two trees, over the tensors that are not zero."""
    return max(digest_error(a[k], b[k]) for k in b if b[k]["l2"] > 0)


def apart(curve, reference):
    """Relative errors of a curve, point by point."""
    return [abs(x - y) / max(abs(y), 1e-12) for x, y in zip(curve, reference)]


# ---------------------------------------------------------------- the losses
def pair_weights(person, how):
    """[b, b] keep (in the denominators) and positives (rows sum to 1), for the treatment of two rows of one person."""
    same, eye = person[:, None] == person[None, :], torch.eye(len(person), dtype=torch.bool)
    if how == "mask":
        return ~(same & ~eye), eye.double()
    if how == "positive":
        return torch.ones_like(same), same.double() / same.double().sum(1, keepdim=True)
    return torch.ones_like(same), eye.double()


def info_nce(z, w, tau, lam, person=None, how="avoid"):
    """Loss, image to genetics, genetics to image, of all rows given; zero of fewer than two."""
    if len(z) < 2:
        zero = (z.sum() + w.sum()) * 0
        return zero, zero, zero
    keep, pos = pair_weights(torch.arange(len(z)) if person is None else person, how)
    s = F.normalize(z, dim=1, eps=1e-12) @ F.normalize(w, dim=1, eps=1e-12).T / tau
    kept, own = s.masked_fill(~keep, -math.inf), pos.to(s) * s
    rows, cols = (kept.logsumexp(1) - own.sum(1)).mean(), (kept.logsumexp(0) - own.sum(0)).mean()
    return lam * rows + (1 - lam) * cols, rows, cols


def total_loss(terms, present, weights):
    """The weighted sum of the modalities' terms; present: {name: bool [b]}."""
    live = sum(int(r.sum() >= 2) for r in present.values())
    return {"mean": 1 / len(terms), "sum": 1.0, "present": 1 / max(live, 1)}[weights] * sum(terms.values())


def nt_xent(z0, z1, tau):
    """SimCLR: each of 2b unit rows finds its other view among the 2b - 1 others; mean of the 2b cross-entropies."""
    z, b = F.normalize(torch.cat([z0, z1]), dim=1, eps=1e-12), len(z0)
    s = (z @ z.T / tau).masked_fill(torch.eye(2 * b, dtype=torch.bool), -math.inf)
    return (s.logsumexp(1) - s[torch.arange(2 * b), torch.arange(2 * b).roll(b)]).mean()


def nt_xent_by_cross_entropy(z0, z1, tau):
    """The same by PyTorch's own cross-entropy, over the 2b - 1 others written side by side."""
    z, b = F.normalize(torch.cat([z0, z1]), dim=1, eps=1e-12), len(z0)
    others = torch.stack([torch.cat([torch.arange(i), torch.arange(i + 1, 2 * b)]) for i in range(2 * b)])
    target = torch.cat([torch.arange(b) + b - 1, torch.arange(b)])
    return F.cross_entropy(torch.gather(z @ z.T / tau, 1, others), target)


# ---------------------------------------------------------------- the models
def trunk(net):
    """torchvision's network without its last layer, and the width of its features."""
    t = getattr(torchvision.models, net)(weights=None)
    width, t.fc = t.fc.in_features, nn.Identity()
    return t, width


def mlp(i, hidden, dim):
    return nn.Sequential(nn.Linear(i, hidden), nn.ReLU(), nn.Linear(hidden, dim))


class ContIG(nn.Module):
    """One trunk; per modality two heads and a genetics encoder."""

    def __init__(self, net, features, genetics, hidden, dim):
        super().__init__()
        self.trunk, width = trunk(net)
        self.image_head = nn.ModuleDict({m: mlp(width, hidden, dim) for m in features})
        self.encoder, self.head = nn.ModuleDict(), nn.ModuleDict()
        for m, w in features.items():
            blocks = []
            for _ in range(BLOCKS[genetics]):
                blocks += [nn.Linear(w, hidden), nn.ReLU(), nn.BatchNorm1d(hidden)]
                w = hidden
            self.encoder[m], self.head[m] = nn.Sequential(*blocks), mlp(w, hidden, dim)

    def terms(self, image, tables, present, tau, lam):
        """Per modality the loss over its present rows; absent rows reach neither encoder nor statistics."""
        h, out = self.trunk(image), {}
        for m in self.head:
            r = present[m]
            if int(r.sum()) < 2:
                out[m] = (h.sum() * 0,) * 3
            else:
                out[m] = info_nce(self.image_head[m](h[r]), self.head[m](self.encoder[m](tables[m][r])), tau, lam)
        return out


class SimCLR(nn.Module):
    """A trunk and a projection; the two views pass one after the other."""

    def __init__(self, net, hidden, dim):
        super().__init__()
        self.trunk, width = trunk(net)
        self.projection = mlp(width, hidden, dim)

    def forward(self, views):
        return [self.projection(self.trunk(v)) for v in views]


OPTIMIZERS = dict(sgd=torch.optim.SGD, adam=torch.optim.Adam, adamw=torch.optim.AdamW)


# ---------------------------------------------------------------- files
class Store:
    """NAME.json lists the cases, one a line; NAME.safetensors holds their tensors as <case>/<tensor>."""

    def __init__(self, out, name):
        self.path, self.cases, self.tensors = os.path.join(out, name), {}, {}

    def case(self, name, tensors, **attributes):
        assert name not in self.cases, name
        self.cases[name] = dict(name=name, **attributes)
        for k, v in tensors.items():
            self.tensors[f"{name}/{k}"] = v.detach().clone().contiguous()

    def close(self):
        with open(self.path + ".json", "w") as f:
            f.write('{"cases": [\n' + ",\n".join(json.dumps(c, allow_nan=False) for c in self.cases.values()) + "\n]}\n")
        if self.tensors:
            save_file(self.tensors, self.path + ".safetensors")
        print(os.path.basename(self.path), len(self.cases), "cases")
