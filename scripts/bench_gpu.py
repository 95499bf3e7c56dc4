#!/usr/bin/env python3
"""One training step: contig-gpu against PyTorch on one GPU, in one call.

  scripts/bench_gpu.py --binary build/report/contig-gpu --out build/bench parity
  scripts/bench_gpu.py --out build/bench step --cases 448:64 224:256
  scripts/bench_gpu.py --out build/bench loss
  scripts/bench_gpu.py --device cpu --toy --out /tmp/bench parity step loss          # the logic, on any machine

parity  loss and gradient of one step, from the same weights and batch (the file of `bench step --dump`). PyTorch in float64
        on the device judges; ours may be off by 1e-5 (loss) and 1e-4 (gradient of heads and genetics encoders), or four times
        what PyTorch is off in the same precision, whichever is more. The image encoder's gradient may be off by 3e-2: in
        float32 one ReLU whose input rounds to the other side of 0 changes a whole path. The report says both errors.
step    images per second. Every contestant is a process that keeps its step warm; windows alternate between them. Ratios are
        taken window by window against the variant of PyTorch with the best median. Ours is the step of `train`: a batch of
        pixels travels to the GPU, which varies the images and looks the genetics up; the gradient's length is computed and
        brought back with the losses. PyTorch has images and tables ready in the GPU's memory, and computes no length. Its
        variants must agree on the loss of the first step within 1 %, from the same weights and numbers.
          P1 eager f16 with GradScaler   P2 eager bf16   P3 torch.compile max-autotune bf16   P4 CUDA graph bf16,
        all channels_last with fused Adam; P0, apart and for reference, the published loop in bf16: the encoder runs M x M
        times per batch, three Adam states step.
loss    forward and backward of the loss for growing batches, ours and with the b x b matrix written out.

Writes OUT/<part>.json and prints tables; a part that is run again replaces its file. --budget stops beginning cases after so
many seconds; what was left out is in the result. Needs torch; no torchvision.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
VARIANTS = {"P1": ("eager", "f16"), "P2": ("eager", "bf16"), "P3": ("compile", "bf16"), "P4": ("graph", "bf16"), "P0": ("published", "bf16")}
BAR = ("P1", "P2", "P3", "P4")
NO_TIME, NO_MEMORY = "no time was left for it", "out of memory"  # why a case may be left out
FLIPPED = 3e-2  # relative error of the image encoder's gradient in float32 by flipped ReLUs: PyTorch's own for ResNet-50
SAME_LOSS = 1e-2  # by which PyTorch's variants may differ in the loss of the first step: their precisions do


def ours(a, verb, *args):
    return [a.binary, "bench", verb, "--device", a.device, *map(str, args)]


def shape(a, size, batch, precision):
    return ["--encoder", a.encoder, "--image-size", size, "--batch", batch, "--features", a.features, "--hidden", a.hidden, "--embedding", a.embedding,
            "--genetics", "h1", "--missing", a.missing, "--precision", precision, "--lr", a.lr]


def memory_full(text):
    return any(w in text.lower() for w in ("out of memory", "out_of_memory", "cannot allocate", "e721:", "e722:"))


class Contestant:
    """A process that answers `window SECONDS` and `losses N` with a line of JSON each, after a first line of its own."""

    def __init__(self, name, command):
        self.name, self.errors = name, tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.head = None

    def ready(self):
        self.head = self.head or self.read()
        return self.head

    def read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        text = self.errors.read()
        last = text.strip().splitlines()[-1:] or [f"exit code {self.process.returncode}"]
        raise RuntimeError(NO_MEMORY if memory_full(text) else last[0][-300:])

    def ask(self, words):
        self.ready()
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def our_contestant(a, size, batch, precision, *more):
    return Contestant("ours", ours(a, "step", *shape(a, size, batch, precision), "--interactive", *more))


def torch_contestant(a, name, *data):
    """data: --dump FILE, or --shape SIZE:BATCH for random numbers."""
    variant, kind = VARIANTS[name]
    kind = kind if a.torch_device == "cuda" or kind == "bf16" else "f32"
    toy = ["--toy"] if a.toy else []
    return Contestant(name, [sys.executable, os.path.join(HERE, "bench_gpu.py"), "worker", *toy, "--torch-device", a.torch_device, "--lr", str(a.lr), "--encoder", a.encoder, "--features", a.features,
                             "--missing", str(a.missing), "--variant", variant, "--precision", kind, *data])


def worker(a):
    import torch
    import contig_torch
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.precision != "f32"
    torch.backends.cudnn.benchmark = True
    if a.toy:
        torch.set_num_threads(1)  # several processes share few cores
    if a.dump:
        model, batches = contig_torch.load(a.dump, a.torch_device)
        if a.contiguous:
            model = model.to(memory_format=torch.contiguous_format)
            batches = [{**b, "image": b["image"].contiguous(memory_format=torch.contiguous_format)} for b in batches]
    else:
        size, batch = map(int, a.shape.split(":"))
        features = {f"m{i}": int(f) for i, f in enumerate(a.features.split(","))}
        meta = {"encoder": a.encoder, "genetics": "h1", "hidden": a.hidden, "embedding": a.embedding, "tau": 0.1, "lambda": 0.75, "modalities": len(features),
                **{f"modality/{i}": m for i, m in enumerate(features)}}
        model, batches = contig_torch.draw(meta, features, size, batch, a.missing, a.torch_device)
    step = contig_torch.Step(model, batches, a.variant, a.torch_device, a.precision, a.lr)
    if a.shape:
        step.losses(3 if a.torch_device == "cuda" else 1)  # compiles, chooses algorithms
    first = {} if step.first is None else {"first_loss": step.first.item()}
    peak = torch.cuda.max_memory_allocated() if a.torch_device == "cuda" else 0
    print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "variant": a.variant,
                      "precision": a.precision, "device_bytes": peak, **first}), flush=True)
    contig_torch.serve(step)


def dump(a, size, batch, precision, batches=1):
    path = os.path.join(a.work, f"{size}-{batch}-{precision}-{batches}.safetensors")
    if not os.path.exists(path):
        subprocess.run(ours(a, "step", *shape(a, size, batch, precision), "--input", "floats", "--batches", batches, "--dump", path), check=True)
    return path


# parity

def parity(a):
    import torch
    import contig_torch
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    size, batch = (32, 4) if a.toy else (224, 16)
    rows = []
    reference = contig_torch.gradient(dump(a, size, batch, "f32"), a.torch_device, torch.float64, "f64")
    for kind in ["f32"] if a.device == "cpu" else ["f32", "bf16", "f16"]:
        path = dump(a, size, batch, kind)
        theirs = contig_torch.gradient(path, a.torch_device, torch.float32, kind)
        tensors, _ = contig_torch.read_safetensors(path)
        scale, losses = tensors["batch/0/scale"].double(), tensors["losses"].double()
        mine = float((scale * losses[:, 0]).sum()), {k[5:]: contig_torch.to_torch(v).double() for k, v in tensors.items() if k.startswith("grad/")}
        rows.append(judge(kind, reference, mine, theirs))
    return {"size": size, "batch": batch, "encoder": a.encoder, "missing": a.missing, "torch": torch.__version__, "rows": rows, "ok": all(r["ok"] for r in rows)}


def judge(kind, reference, mine, theirs):
    """Relative errors of the loss, of the whole gradient and of its parts."""
    row = {"precision": kind, "loss": reference[0], "loss_error": abs(mine[0] - reference[0]) / abs(reference[0]),
           "loss_error_torch": abs(theirs[0] - reference[0]) / abs(reference[0]), "parts": {}}
    row["ok"] = row["loss_error"] <= max(1e-5, 4 * row["loss_error_torch"])
    parts = {"all": list(reference[1])}
    for name in reference[1]:
        parts.setdefault(".".join(name.split(".")[:1 if name.startswith("trunk") else 2]), []).append(name)
    for part, names in parts.items():
        norm = sum(float(reference[1][n].square().sum()) for n in names) ** 0.5
        off = lambda got: (sum(float((got[1][n] - reference[1][n]).square().sum()) for n in names) ** 0.5) / norm
        e, t = off(mine), off(theirs)
        ok = e <= max(FLIPPED if part in ("all", "trunk") else 1e-4, 4 * t)
        row["parts"][part] = {"norm": norm, "error": e, "error_torch": t, "ok": ok}
        row["ok"] = row["ok"] and ok
    return row


def show_parity(r):
    print(f"\n{r['encoder']}, {r['size']} px, batch {r['batch']}, {100 * r['missing']:.0f} % of every modality missing; errors against float64")
    print("| precision | loss | loss error: ours, PyTorch | gradient error: ours, PyTorch | worst part: ours, PyTorch | within bounds |\n|---|---|---|---|---|---|")
    for x in r["rows"]:
        g = x["parts"]["all"]
        name, w = max(x["parts"].items(), key=lambda p: p[1]["error"] / max(1e-4, 4 * p[1]["error_torch"]))
        print(f"| {x['precision']} | {x['loss']:.6f} | {x['loss_error']:.1e}, {x['loss_error_torch']:.1e} | {g['error']:.1e}, {g['error_torch']:.1e} "
              f"| {name}: {w['error']:.1e}, {w['error_torch']:.1e} | {'yes' if x['ok'] else '**no**'} |")


# steps

def measure_step(a):
    began, rows = time.time(), []
    for case in a.cases or (["32:4"] if a.toy else ["448:64", "224:256"]):
        size, batch = map(int, case.split(":"))
        if time.time() - began > a.budget:
            rows.append({"size": size, "batch": batch, "left_out": NO_TIME})
            continue
        try:
            rows.append(one_case(a, size, batch, a.variants))
        except RuntimeError as e:
            rows.append({"size": size, "batch": batch, "left_out": str(e)})
        print(f"{case}: {rows[-1].get('left_out', 'done')} after {time.time() - began:.0f} s", file=sys.stderr, flush=True)
        write(a, "step", {"rows": rows})  # what there is, should the next case be cut off
    return {"rows": rows, "encoder": a.encoder, "features": a.features, "missing": a.missing, "windows": a.windows, "seconds": a.seconds,
            "ok": all(why in (NO_TIME, NO_MEMORY) for r in rows for why in [r.get("left_out", NO_TIME), *r.get("failed", {}).values()])}


def one_case(a, size, batch, names):
    """All contestants together where their memory allows it, else ours with one of PyTorch's at a time."""
    row = {"size": size, "batch": batch, "rates": {}, "failed": {}, "pairs": {}}
    mine = our_contestant(a, size, batch, a.our_precision)
    try:
        row["ours"] = mine.ready()
        gpu = row["ours"].get("gpu") or {}
        each = row["ours"]["device_bytes"] if gpu else 0
        groups = [names] if not gpu or 1.5 * each * (len(names) + 1) < gpu["free_bytes"] else [[n] for n in names]
        for group in groups:
            run_group(a, row, mine, group)
    finally:
        mine.close()
    bar = [n for n in BAR if n in row["rates"]]
    if bar:
        row["best"] = max(bar, key=lambda n: row["rates"][n]["median"])
        row["ratio"] = spread([o / t for o, t in row["pairs"][row["best"]]])
    row["rates"]["ours"] = spread([o for pairs in row["pairs"].values() for o, _ in pairs] or alone(a, size, batch))
    return row


def alone(a, size, batch):
    mine = our_contestant(a, size, batch, a.our_precision)
    try:
        return [rate(mine.ask(f"window {a.seconds}"), batch) for _ in range(a.windows)]
    finally:
        mine.close()


def run_group(a, row, mine, names):
    alive = []
    for c in [torch_contestant(a, n, "--shape", f"{row['size']}:{row['batch']}") for n in names]:
        try:
            row.setdefault("torch", {})[c.name] = c.ready()
            row.setdefault("first_loss", c.head["first_loss"])
            if abs(c.head["first_loss"] / row["first_loss"] - 1) > SAME_LOSS:
                raise RuntimeError(f"its first loss is {c.head['first_loss']:.6g}, another variant's {row['first_loss']:.6g}")
            alive.append(c)
        except RuntimeError as e:
            row["failed"][c.name] = str(e)
            c.close()
    try:
        for _ in range(a.windows):
            o = rate(mine.ask(f"window {a.seconds}"), row["batch"])
            for c in alive:
                row["pairs"].setdefault(c.name, []).append((o, rate(c.ask(f"window {a.seconds}"), row["batch"])))
    finally:
        for c in alive:
            c.close()
    for c in alive:
        row["rates"][c.name] = spread([t for _, t in row["pairs"][c.name]])


def rate(w, batch):
    return batch * w["runs"] / w["seconds"]


def spread(x):
    return {"median": statistics.median(x), "min": min(x), "max": max(x)}


def show_step(r):
    mine = [x["ours"] for x in r["rows"] if "ours" in x]
    if mine:
        print(f"\ncontig-gpu: {mine[0]['precision']}, {mine[0]['input']} batches, which travel to the device in every step (upload), "
              f"and the gradient's length {'too' if mine[0]['norm'] else 'left out'}; PyTorch has its data in the device's memory, and no length.")
    print("\n| step | upload, MB | " + " | ".join(["contig-gpu", *VARIANTS]) + " | contig-gpu / best of P1-P4 (median, range) |")
    print("|---" * (len(VARIANTS) + 4) + "|")
    for r in r["rows"]:
        if "left_out" in r:
            print(f"| {r['size']} px, batch {r['batch']} | | left out: {r['left_out']} |")
            continue
        cell = lambda n: f"{r['rates'][n]['median']:.1f} ({r['rates'][n]['min']:.1f}-{r['rates'][n]['max']:.1f})" if n in r["rates"] else r["failed"].get(n, "not run")
        ratio = f"**{r['ratio']['median']:.2f}** ({r['ratio']['min']:.2f}-{r['ratio']['max']:.2f}), {r['best']}" if "ratio" in r else "none"
        print(f"| {r['size']} px, batch {r['batch']} | {r['ours']['upload_bytes'] / 1e6:.1f} | " + " | ".join(cell(n) for n in ["ours", *VARIANTS]) + f" | {ratio} |", flush=True)


# the loss

def measure_loss(a):
    sizes = "16,64" if a.toy else "64,1024,8192,32768,131072"
    d = 16 if a.toy else 128
    out = subprocess.run(ours(a, "loss", "--batch", sizes, "--modalities", 3, "--embedding", d, "--windows", a.windows, "--seconds", min(a.seconds, 1), "--json"),
                         check=True, capture_output=True, text=True)
    r = json.loads(out.stdout)
    for x in r["rows"]:
        x["torch"] = plain_loss(a, x["batch"], r["modalities"], d)
    return r


def plain_loss(a, n, m, d):
    import torch
    import contig_torch
    try:
        z, w = ([torch.randn(n, d, device=a.torch_device, requires_grad=True) for _ in range(m)] for _ in range(2))
        if a.torch_device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        sync = torch.cuda.synchronize if a.torch_device == "cuda" else lambda: None

        def step():
            for i in range(m):  # one matrix at a time is alive
                (contig_torch.info_nce(z[i], w[i], None, 0.1, 0.75) / m).backward()

        step()
        sync()
        times = []
        for _ in range(a.windows):
            k, start = 0, time.perf_counter()
            while k == 0 or time.perf_counter() - start < min(a.seconds, 1):
                step()
                k += 1
            sync()
            times.append(1e3 * (time.perf_counter() - start) / k)
        return {"milliseconds": spread(times), "memory_bytes": torch.cuda.max_memory_allocated() if a.torch_device == "cuda" else 0}
    except torch.OutOfMemoryError:
        return {"problem": NO_MEMORY}


def show_loss(r):
    print(f"\nLoss of {r['modalities']} modalities, {r['embedding']} numbers, forward and backward\n| persons | contig-gpu ms | MiB | PyTorch ms | MiB | PyTorch / contig-gpu |\n|---|---|---|---|---|---|")
    for x in r["rows"]:
        o, t = x.get("milliseconds"), x["torch"].get("milliseconds")
        mib = lambda n: f"{n / 2**20:.1f}" if n else ""
        print(f"| {x['batch']} | {o['median']:.4f} | " if o else f"| {x['batch']} | {x['problem']} | ", f"{mib(x['memory_bytes'])} | ",
              f"{t['median']:.4f} | {mib(x['torch']['memory_bytes'])} | " if t else f"{x['torch']['problem']} | | ", f"{t['median'] / o['median']:.1f} |" if o and t else " |", sep="")


def write(a, part, result):
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, (a.name or part) + ".json"), "w") as f:
        json.dump(result, f, indent=1)


PARTS = {"parity": (parity, show_parity), "step": (measure_step, show_step), "loss": (measure_loss, show_loss)}


def main(parts, doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("parts", nargs="+", choices=[*parts, "worker"])
    p.add_argument("--binary", default="./contig-gpu")
    p.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    p.add_argument("--torch-device", choices=["cuda", "cpu"], help="of PyTorch, where it is another than ours: on the emulator")
    p.add_argument("--toy", action="store_true", help="sizes for a test of this script")
    p.add_argument("--out", default="build/bench", help="folder of the results")
    p.add_argument("--name", help="of the result, if not the part's")
    p.add_argument("--encoder")
    p.add_argument("--features", help="of the modalities, with commas")
    p.add_argument("--missing", type=float, default=0.1, help="share of the persons that lack a modality")
    p.add_argument("--lr", type=float, default=1e-4)
    p.add_argument("--windows", type=int, default=7)
    p.add_argument("--seconds", type=float, default=3, help="length of a window")
    p.add_argument("--cases", nargs="*", help="of step: SIZE:BATCH ...")
    p.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS), help="of PyTorch, in step")
    p.add_argument("--our-precision", default="auto", help="of ours, in step; auto times bf16 and f16 first")
    p.add_argument("--budget", type=float, default=1e9, help="begin no case of step after so many seconds")
    for hidden in ("variant", "precision", "dump", "shape"):  # of a worker
        p.add_argument("--" + hidden, help=argparse.SUPPRESS)
    p.add_argument("--contiguous", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    a.torch_device = a.torch_device or a.device
    a.encoder = a.encoder or ("resnet18" if a.toy else "resnet50")
    a.features = a.features or ("16,24,8" if a.toy else "481,7854,18574")
    a.hidden, a.embedding, a.steps, a.mean = (32, 16, 4, 2) if a.toy else (2048, 128, 200, 20)
    if a.parts == ["worker"]:
        return worker(a)
    failed = False
    with tempfile.TemporaryDirectory() as a.work:
        for part in a.parts:
            run, show = parts[part]
            result = run(a)
            write(a, part, result)
            show(result)
            failed = failed or not result.get("ok", True)
    return failed


if __name__ == "__main__":
    sys.exit(main(PARTS, __doc__))
