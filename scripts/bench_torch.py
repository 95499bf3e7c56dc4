#!/usr/bin/env python3
"""PyTorch's own speed for one ContIG training step, to be read beside `contig-gpu bench step`.

Model, loss and optimiser are those of docs/design.md: one image-encoder pass, one pair of heads and a genetics encoder per
modality, two-way loss, Adam with L2. Nobody lacks a modality. Every image and genotype is random; nothing is read from disk.
Needs torch and torchvision. Prints one line per window (img/s) and the median; --json for machines. bench_compare.py runs it
in turn with ours.

  bench_torch.py --net resnet18 --size 64 --batch 32 [--threads 2] [--windows 7] [--seconds 3]
                 [--channels-last] [--compile] [--device cuda --dtype bf16] [--features 481 7854] [--genetics h1]
"""
import argparse, json, statistics, time
import torch, torch.nn as nn, torch.nn.functional as F, torchvision


class ContIG(nn.Module):
    def __init__(self, net, features, genetics, hidden=2048, dim=128):
        super().__init__()
        trunk = getattr(torchvision.models, net)(weights=None)
        width = trunk.fc.in_features
        trunk.fc = nn.Identity()
        self.trunk = trunk
        head = lambda i: nn.Sequential(nn.Linear(i, hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.image_heads = nn.ModuleList(head(width) for _ in features)
        self.encoders = nn.ModuleList()
        self.heads = nn.ModuleList()
        for f in features:
            blocks, w = [], f
            for _ in range({"none": 0, "h1": 1, "h12": 2}[genetics]):
                blocks += [nn.Linear(w, hidden), nn.ReLU(), nn.BatchNorm1d(hidden)]
                w = hidden
            self.encoders.append(nn.Sequential(*blocks))
            self.heads.append(head(w))

    def forward(self, x, gs):
        h = self.trunk(x)
        return [(ih(h), gh(ge(g))) for ih, ge, gh, g in zip(self.image_heads, self.encoders, self.heads, gs)]


def info_nce(z, w, tau=0.1, lam=0.75):
    s = F.normalize(z.float(), dim=1, eps=1e-12) @ F.normalize(w.float(), dim=1, eps=1e-12).T / tau
    t = torch.arange(len(s), device=s.device)
    return lam * F.cross_entropy(s, t) + (1 - lam) * F.cross_entropy(s.T, t)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--net", default="resnet18")
    p.add_argument("--size", type=int, default=64)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--features", type=int, nargs="*", default=[481, 7854])
    p.add_argument("--genetics", default="h1")
    p.add_argument("--trunk-only", action="store_true", help="forward, backward and Adam of the image encoder alone")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--windows", type=int, default=7)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--channels-last", action="store_true")
    p.add_argument("--compile", action="store_true")
    p.add_argument("--device", default="cpu")
    p.add_argument("--dtype", default="fp32", choices=["fp32", "fp16", "bf16"])
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    dev = torch.device(a.device)
    model = ContIG(a.net, [] if a.trunk_only else a.features, a.genetics).to(dev)
    x = torch.rand(a.batch, 3, a.size, a.size, device=dev)
    gs = [] if a.trunk_only else [torch.randn(a.batch, f, device=dev) for f in a.features]
    if a.channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6, **({"fused": True} if dev.type == "cuda" else {}))
    amp = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(a.dtype)
    scaler = torch.amp.GradScaler(dev.type, enabled=a.dtype == "fp16")
    fwd = torch.compile(model, mode="max-autotune") if a.compile else model

    def step():
        opt.zero_grad(set_to_none=True)
        with torch.autocast(dev.type, dtype=amp, enabled=amp is not None):
            if a.trunk_only:
                loss = model.trunk(x).float().square().mean()
            else:
                pairs = fwd(x, gs)
        if not a.trunk_only:
            loss = sum(info_nce(z, w) for z, w in pairs) / len(pairs)
        scaler.scale(loss).backward()
        scaler.step(opt)
        scaler.update()

    sync = torch.cuda.synchronize if dev.type == "cuda" else lambda: None
    for _ in range(3):
        step()
    sync()
    rates = []
    for _ in range(a.windows):
        n, t0 = 0, time.perf_counter()
        while n == 0 or time.perf_counter() - t0 < a.seconds:
            step()
            n += 1
            if dev.type == "cuda" and n % 10 == 0:
                sync()
        sync()
        rates.append(n * a.batch / (time.perf_counter() - t0))
        if not a.json:
            print(f"{rates[-1]:.2f} img/s", flush=True)
    out = dict(torch=torch.__version__, net=a.net, size=a.size, batch=a.batch, threads=a.threads, device=a.device, dtype=a.dtype,
               channels_last=a.channels_last, compile=a.compile, features=gs and a.features, median=statistics.median(rates), min=min(rates), max=max(rates))
    print(json.dumps(out) if a.json else f"median {out['median']:.2f} img/s  [{out['min']:.2f}, {out['max']:.2f}]")


if __name__ == "__main__":
    main()
