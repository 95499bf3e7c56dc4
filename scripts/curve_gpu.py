#!/usr/bin/env python3
"""Does training on a GPU lead where it should? Two parts, a JSON file each:

  scripts/curve_gpu.py --binary build/report/contig-gpu --out build/bench curve demo

curve  the loss of STEPS steps in bf16 on the same few batches, from the same weights: ours, and two runs of PyTorch (channels_last,
       and NCHW, whose kernels sum in other orders). Means over twenty steps are compared: ours must lie within the two,
       widened on both sides by what they ever differed by so far, at least by 5 % of the first loss (25 % at toy sizes).
demo   the demo cohort on the device and on the CPU: R@1 of the held-out persons, both directions; the device's must be at
       least twenty times chance.
"""
import json, os, subprocess, sys

import bench_gpu as b


def curve(a):
    size, batch, batches = (32, 4, 2) if a.toy else (224, 64, 4)
    kind = "bf16" if a.device == "cuda" else "f32"
    path = b.dump(a, size, batch, kind, batches)
    runs = {"ours": b.our_contestant(a, size, batch, kind, "--input", "floats", "--batches", batches)}
    for name, more in (("torch channels_last", []), ("torch NCHW", ["--contiguous"])):
        runs[name] = b.torch_contestant(a, "P2", "--dump", path, *more)
    # The head of `--interactive` stands after some steps of warming up, those of a worker with a file before any.
    warm = runs["ours"].ready()["warm_up_steps"]
    losses = {}
    for name, c in runs.items():
        steps = a.steps + (0 if name == "ours" else warm)
        losses[name] = c.ask(f"losses {steps}")[steps - a.steps:]
        c.close()
    mean = {n: [sum(x[i:i + a.mean]) / len(x[i:i + a.mean]) for i in range(0, len(x), a.mean)] for n, x in losses.items()}
    # Of a toy step, four images that end as one pixel, most of the gradient is the rounding of bf16.
    one, two, apart, rows = mean["torch channels_last"], mean["torch NCHW"], (0.25 if a.toy else 0.05) * losses["ours"][0], []
    for i, x in enumerate(mean["ours"]):
        apart = max(apart, abs(one[i] - two[i]))
        low, high = min(one[i], two[i]) - apart, max(one[i], two[i]) + apart
        rows.append({"until": min((i + 1) * a.mean, a.steps), "ours": x, "torch": [one[i], two[i]], "low": low, "high": high, "ok": low <= x <= high})
    return {"size": size, "batch": batch, "batches": batches, "precision": kind, "lr": a.lr, "losses": losses, "rows": rows, "ok": all(r["ok"] for r in rows)}


def show_curve(r):
    print(f"\nMean loss over {r['rows'][0]['until']} steps in {r['precision']}, {r['batches']} batches of {r['batch']} in turn, {r['size']} px, Adam at {r['lr']}")
    print("| until step | contig-gpu | PyTorch channels_last | PyTorch NCHW | allowed | within |\n|---|---|---|---|---|---|")
    for x in r["rows"]:
        print(f"| {x['until']} | {x['ours']:.4f} | {x['torch'][0]:.4f} | {x['torch'][1]:.4f} | {x['low']:.4f} to {x['high']:.4f} | {'yes' if x['ok'] else '**no**'} |")


def demo(a):
    rows = {}
    for device in dict.fromkeys(["cpu" if a.toy else a.device, "cpu"]):
        run = os.path.join(a.work, "demo-" + device)
        more = ["--max-steps", "2", "--image-size", "32"] if a.toy else []
        subprocess.run([a.binary, "train", "--device", device, "--run", run, *more], check=True, stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in open(os.path.join(run, "metrics.jsonl"))]
        test = [x for x in lines if x["kind"] == "test"][-1]
        every = test["retrieval"]["all"]
        rows[device] = {"loss": test["loss"], "r1": [every["image_to_genetics"]["r1"], every["genetics_to_image"]["r1"]], "chance": every["chance_r1"],
                        "candidates": every["candidates"], "images_per_second": sorted(x["images_per_second"] for x in lines if x["kind"] == "step")[-1]}
    own = next(iter(rows.values()))
    return {"rows": rows, "ok": a.toy or all(x >= 20 * own["chance"] for x in own["r1"])}


def show_demo(r):
    print("\nDemo cohort, held-out persons\n| device | loss | R@1 image to genetics, back | times chance | candidates | images/s at best |\n|---|---|---|---|---|---|")
    for device, x in r["rows"].items():
        print(f"| {device} | {x['loss']:.4f} | {x['r1'][0]:.3f}, {x['r1'][1]:.3f} | {x['r1'][0] / x['chance']:.0f}, {x['r1'][1] / x['chance']:.0f} "
              f"| {x['candidates']} | {x['images_per_second']:.0f} |")


PARTS = {"curve": (curve, show_curve), "demo": (demo, show_demo)}

if __name__ == "__main__":
    sys.exit(b.main(PARTS, __doc__))
