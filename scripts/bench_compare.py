#!/usr/bin/env python3
"""One training step: contig-gpu against PyTorch on the CPU, interleaved, as a table of ratios.

  go build -o contig-gpu ./cmd/contig-gpu
  python3 scripts/bench_compare.py [--rounds 5] [--compile] [--cases resnet18:64:32 ...]

Each round runs every contestant once, one after the other, so that a drift of the machine's speed touches all of
them; a figure is the median over the rounds of each run's median window, the ratio is taken round by round.
PyTorch's step is bench_torch.py, beside this script. Needs torch and torchvision in the Python that runs it (pip install torch torchvision).
"""
import argparse, json, os, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ["resnet18:64:32", "resnet50:64:32", "resnet50:224:8"]


def ours(binary, net, size, batch, a):
    cmd = [binary, "bench", "step", "--encoder", net, "--image-size", size, "--batch", batch, "--features", "481,7854",
           "--genetics", "h1", "--norm=false", "--threads", str(a.threads), "--windows", str(a.windows), "--seconds", str(a.seconds), "--json"]
    return json.loads(subprocess.run(cmd, check=True, capture_output=True, text=True).stdout)["images_per_second"]["median"]


def torch_rate(net, size, batch, extra, a):
    cmd = [sys.executable, a.torch_bench, "--net", net, "--size", size, "--batch", batch, "--threads", str(a.threads),
           "--windows", str(a.windows), "--seconds", str(a.seconds), "--json", *extra]
    out = subprocess.run(cmd, capture_output=True, text=True)
    if out.returncode != 0:
        print(f"PyTorch {' '.join(extra) or 'eager'} failed: {out.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(out.stdout.strip().splitlines()[-1])["median"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--torch-bench", default=os.path.join(HERE, "bench_torch.py"), help="the script that measures PyTorch")
    p.add_argument("--binary", default="./contig-gpu")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--windows", type=int, default=3)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--compile", action="store_true", help="torch.compile max-autotune, both layouts, as contestants too (minutes of compilation)")
    p.add_argument("--cases", nargs="*", default=CASES)
    a = p.parse_args()
    variants = {"eager": [], "channels_last": ["--channels-last"]}
    if a.compile:
        variants |= {"compile": ["--compile"], "compile, channels_last": ["--compile", "--channels-last"]}
    print("| step | contig-gpu img/s | " + " | ".join(f"PyTorch {v} img/s" for v in variants) + " | contig-gpu / best PyTorch (median, range) |")
    print("|---" * (len(variants) + 3) + "|")
    for case in a.cases:
        net, size, batch = case.split(":")
        mine, theirs, ratios = [], {v: [] for v in variants}, []
        for _ in range(a.rounds):
            mine.append(ours(a.binary, net, size, batch, a))
            for v, extra in variants.items():
                r = torch_rate(net, size, batch, extra, a)
                if r:
                    theirs[v].append(r)
            ratios.append(mine[-1] / max(t[-1] for t in theirs.values() if t))
        cells = [f"{statistics.median(theirs[v]):.1f}" if theirs[v] else "failed" for v in variants]
        print(f"| {net}, {size} px, batch {batch} | {statistics.median(mine):.1f} | {' | '.join(cells)} | "
              f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f}) |", flush=True)


if __name__ == "__main__":
    main()
