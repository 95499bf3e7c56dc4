#!/usr/bin/env python3
"""bench_genotypes.py FOLDER [TURNS]: every 100th of 100,000 variants of 20,000 persons from a .bed, a .pgen and a .bgen, by this program (a benchmark of data/genofile),
bed-reader and pgenlib into float32, and by plink2 into a .bed, in turn. Prints the median and the least time by the clock, the least of the
processors, in seconds, and the resident memory in MiB.

Needs Go, plink2, and a python with numpy, bed-reader and pgenlib; makes FOLDER/b.* where they are absent, 2 GB.
"""
import os
import statistics
import subprocess
import sys
import time

PERSONS, VARIANTS, STEP = 20_000, 100_000, 100


def make(folder):
    import numpy as np

    rng = np.random.default_rng(1)
    with open(f"{folder}/b.bed", "wb") as f:
        f.write(b"\x6c\x1b\x01")
        for v in range(VARIANTS):
            if v % 50 == 0:  # haplotypes that neighbours share
                u = rng.integers(0, 65536, size=(2, PERSONS), dtype=np.uint16)
            u = np.roll(u, rng.integers(1, PERSONS))
            below = np.uint16(65536 * (rng.beta(0.6, 2) * 0.5 + 0.005))
            code = np.array([3, 2, 0], dtype=np.uint8)[(u[0] < below).astype(np.uint8) + (u[1] < below)]
            code[rng.integers(0, PERSONS, size=PERSONS // 200)] = 1
            four = code.reshape(-1, 4)
            f.write((four[:, 0] | four[:, 1] << 2 | four[:, 2] << 4 | four[:, 3] << 6).tobytes())
    with open(f"{folder}/b.bim", "w") as f:
        for v in range(VARIANTS):
            f.write(f"{1 + v * 22 // VARIANTS}\trs{v}\t0\t{1000 + v * 10}\tA\tG\n")
    with open(f"{folder}/b.fam", "w") as f:
        for i in range(PERSONS):
            f.write(f"P{i} P{i} 0 0 {1 + i % 2} -9\n")
    run(["plink2", "--bfile", f"{folder}/b", "--make-pgen", "--out", f"{folder}/b"])
    run(["plink2", "--bfile", f"{folder}/b", "--export", "bgen-1.2", "bits=8", "ref-first", "--out", f"{folder}/b"])


def run(args, **env):
    return subprocess.run(args, check=True, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


BED_READER = """
import sys, numpy as np
from bed_reader import open_bed
bed = open_bed(sys.argv[1])
x = bed.read(index=np.s_[:, ::%d], dtype="float32", order="C")
""" % STEP

PGENLIB = """
import sys, numpy as np, pgenlib
r = pgenlib.PgenReader(sys.argv[1].encode())
at = np.arange(0, r.get_variant_ct(), %d, dtype=np.uint32)
x = np.empty((len(at), r.get_raw_sample_ct()), dtype=np.float32)
r.read_dosages_list(at, x)
x = np.ascontiguousarray(x.T)
""" % STEP


def contestants(folder, bench):
    with open(f"{folder}/some", "w") as f:
        for v in range(0, VARIANTS, STEP):
            f.write(f"rs{v}\n")
    ours = [bench, "-test.run", "^$", "-test.benchtime", "1x", "-test.bench", "Every/float32"]
    bits = ours[:-1] + ["Every/bits"]
    late = {"GOGC": "800"}  # as the program begins: cmd/contig-gpu/collect.go
    plink2 = ["plink2", "--extract", f"{folder}/some", "--make-bed", "--out", f"{folder}/out"]
    return [
        (".bed   this, 2 bits", bits, {**late, "CONTIG_BENCH_GENOTYPES": f"{folder}/b.bed"}),
        (".bed   this, float32", ours, {**late, "CONTIG_BENCH_GENOTYPES": f"{folder}/b.bed"}),
        (".bed   bed-reader", [sys.executable, "-c", BED_READER, f"{folder}/b.bed"], {}),
        (".bed   plink2", plink2 + ["--bfile", f"{folder}/b"], {}),
        (".pgen  this, 2 bits", bits, {**late, "CONTIG_BENCH_GENOTYPES": f"{folder}/b.pgen"}),
        (".pgen  this, float32", ours, {**late, "CONTIG_BENCH_GENOTYPES": f"{folder}/b.pgen"}),
        (".pgen  pgenlib", [sys.executable, "-c", PGENLIB, f"{folder}/b.pgen"], {}),
        (".pgen  plink2", plink2 + ["--pfile", f"{folder}/b"], {}),
        (".bgen  this, 2 bits", bits, {**late, "CONTIG_BENCH_GENOTYPES": f"{folder}/b.bgen"}),
        (".bgen  this, float32", ours, {**late, "CONTIG_BENCH_GENOTYPES": f"{folder}/b.bgen"}),
        (".bgen  plink2", plink2 + ["--bgen", f"{folder}/b.bgen", "ref-first", "--sample", f"{folder}/b.sample"], {}),
    ]


def once(args, env):
    start = time.monotonic()
    child = subprocess.Popen(args, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(args)[:200]}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    folder, turns = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(f"{folder}/b.bgen"):
        make(folder)
    bench = f"{folder}/bench.test"
    run(["go", "test", "-c", "-o", bench, "./data/genofile"])
    seen = {}
    for _ in range(turns):
        for name, args, env in contestants(folder, bench):
            seen.setdefault(name, []).append(once(args, env))
    for name, times in seen.items():
        wall, cpu, memory = zip(*times)
        print(f"{name:22} {statistics.median(wall):8.3f} {min(wall):8.3f} {min(cpu):8.3f} {max(memory):8.0f}")


if __name__ == "__main__":
    main()
