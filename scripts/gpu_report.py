#!/usr/bin/env python3
"""Makes a report of what the stages of gpu_report.sh left: WORK OUT COMMIT STAGE... Exits 1 if one of the stages named failed."""
import contextlib, datetime, glob, io, json, os, re, sys

ORDER = "doctor conformance golden memcheck racecheck parity step448 step224 step448max grid224 grid448 loss kernels curve demo resume ranks".split()

TESTS = ("conformance", "golden", "memcheck", "racecheck")


def read(work, name):
    """A stage: how it ended, its tests, and what it measured."""
    status = open(os.path.join(work, name + ".rc")).read().strip()
    if status.startswith("skipped"):
        return {"skipped": status[9:]}
    code, seconds = map(int, status.split())
    text = open(os.path.join(work, name + ".log"), errors="replace").read()
    s = {"exit": code, "seconds": seconds, "passed": len(re.findall(r"^\s*--- PASS", text, re.M)),
         "failed": re.findall(r"^\s*--- FAIL: (\S+)", text, re.M), "tests_skipped": len(re.findall(r"^\s*--- SKIP", text, re.M))}
    if code:
        s["last_lines"] = text.strip().splitlines()[-12:]
    elif name in TESTS and s["passed"] <= s["tests_skipped"]:
        s |= {"exit": 1, "last_lines": ["more tests were skipped than passed"]}
    found = os.path.join(work, name + ".json")
    if os.path.exists(found):
        s["result"] = json.load(open(found))
    for line in text.splitlines():
        if line.startswith("{"):
            s["result"] = json.loads(line)
    return s


def kernels(r):
    """The table of single operations."""
    print(f"\n{r['encoder']}, {r['image_size']} px, batch {r['batch']}, {r['precision']}; ceilings measured on this GPU: "
          f"copies {r['copy_bytes_per_second'] / 1e9:.0f} GB/s, products {r['product_flop_per_second'] / 1e12:.0f} TFLOP/s")
    convs = [(x["calls"] * x["milliseconds"]["median"], x["of_ceiling"]) for x in r["rows"] if "calls" in x]
    print(f"All convolutions of a step: {sum(ms for ms, _ in convs):.2f} ms, at the ceiling {sum(ms * c for ms, c in convs):.2f} ms.\n")
    print("| operation | shape | calls in a step | ms | rate | of ceiling |\n|---|---|---|---|---|---|")
    for x in r["rows"]:
        ms = x["milliseconds"]["median"]
        rate = f"{x['flops'] / ms / 1e9:.3g} TFLOP/s" if "flops" in x else f"{x['bytes'] / ms / 1e6:.4g} GB/s"
        print(f"| {x['op']} | {x['shape']} | {x.get('calls', '')} | {ms:.4f} | {rate} | {100 * x['of_ceiling']:.0f} % |")


def ranks(r):
    """What two ranks on one GPU had in common with one."""
    print(f"\nTwo ranks on this GPU, NCCL {r['nccl']}, float32: the losses of the first {r['compared']} steps within {r['loss_difference']:.1e} of one rank's, of all {r['steps']} within {r['loss_difference_of_all']:.1e}.")


def tables():
    """How the results of stages are shown; those that compare with PyTorch by the scripts that measured them."""
    show = {"kernels": kernels, "ranks": ranks}
    try:
        import bench_gpu, curve_gpu
    except ImportError:
        return show
    for parts in (bench_gpu.PARTS, curve_gpu.PARTS):
        show.update({name: s for name, (_, s) in parts.items()})
    return show | {name: show["step"] for name in ORDER if name.startswith(("step", "grid"))}


def summary(head, runs):
    print(f"# {head['gpu']}, {head['date']}\n\nCommit {head['commit']}. " + ", ".join(f"{x['name']} {x['version']}" for x in head["libraries"]) + ".\n")
    print("| stage | result | seconds | tests passed | failed | skipped |\n|---|---|---|---|---|---|")
    for name, r in runs.items():
        if "skipped" in r:
            print(f"| {name} | skipped: {r['skipped']} | | | | |")
            continue
        print(f"| {name} | {'passed' if r['exit'] == 0 else '**failed**, exit ' + str(r['exit'])} | {r['seconds']} | {r['passed'] or ''} | {len(r['failed']) or ''} | {r['tests_skipped'] or ''} |")
    for name, r in runs.items():
        for line in r.get("last_lines", []):
            print(f"    {name}: {line}")


def measured(runs):
    show = tables()
    for name, r in runs.items():
        if name in show and "result" in r:
            print(f"\n## {name}")
            show[name](r["result"])


def main():
    work, out, commit, *named = sys.argv[1:]
    runs = {n: read(work, n) for n in ORDER if os.path.exists(os.path.join(work, n + ".rc"))}
    gpu = runs.get("doctor", {}).get("result", {}).get("gpu") or {}
    if not gpu.get("name"):
        sys.exit("gpu_report: the stage doctor has found no GPU: " + str(gpu.get("why") or "run it first"))
    head = {"gpu": gpu["name"], "date": datetime.date.today().isoformat(), "commit": commit, "libraries": gpu["libraries"]}
    name = re.sub(r"[^A-Za-z0-9]+", "-", gpu["name"]).strip("-").lower()
    base = os.path.join(out, name + "-" + head["date"])
    os.makedirs(out, exist_ok=True)
    with open(base + ".json", "w") as f:
        json.dump({**head, "stages": runs}, f, indent=1)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        summary(head, runs)
        measured(runs)
    with open(base + ".md", "w") as f:
        f.write(text.getvalue())
    if gpu.get("cudnn_gpu"):
        with open(os.path.join(out, name + ".cudnn.json"), "w") as f:
            json.dump(gpu["cudnn_gpu"], f, indent=2)
    summary(head, runs)
    print("\nwritten: " + base + ".json, .md")
    sys.exit(any(runs[n].get("exit", 0) for n in named))


if __name__ == "__main__":
    main()
