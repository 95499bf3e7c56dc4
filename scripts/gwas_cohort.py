#!/usr/bin/env python3
"""gwas_cohort.py PREFIX OUT SEED [FEATURES]: writes into OUT what `embed` would for the persons of a PLINK 1 fileset: features on which a few variants and age have effects, splits, and a table of covariates
(age, sex, one of tiny scale, a centre by name). Beside them OUT/strangers: the same persons under other ids. Python's standard library alone."""
import os
import random
import struct
import sys

prefix, out, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
width = int(sys.argv[4]) if len(sys.argv) > 4 else 16
rng = random.Random(seed)
fam = [line.split() for line in open(prefix + ".fam")]
n, variants = len(fam), sum(1 for _ in open(prefix + ".bim"))
row_bytes = (n + 3) // 4
features = [[0.0] * width for _ in range(n)]
mix = [[rng.gauss(0, 1) for _ in range(width)] for _ in range(6)]
age = [40 + 30 * rng.random() for _ in range(n)]
for i in range(n):
    hidden = [rng.gauss(0, 1) for _ in mix]
    for h, weights in zip(hidden, mix):
        for j, w in enumerate(weights):
            features[i][j] += h * w
    for j in range(width):
        features[i][j] += 0.7 * rng.gauss(0, 1) + age[i] / 20 * ((j % 3) - 1)
with open(prefix + ".bed", "rb") as bed:
    for v in rng.sample(range(variants), min(4, variants)):
        bed.seek(3 + v * row_bytes)
        row = bed.read(row_bytes)
        effect = [rng.gauss(0, 1.2) for _ in range(width)]
        for i in range(n):
            copies = (2, 0, 1, 0)[row[i >> 2] >> 2 * (i & 3) & 3]
            for j in range(width):
                features[i][j] += copies * effect[j]
order = list(range(n))
rng.shuffle(order)


def write(folder, name):
    os.makedirs(folder, exist_ok=True)
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {width}), }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    with open(folder + "/features.npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
        for i in order:
            f.write(struct.pack(f"<{width}f", *features[i]))
    with open(folder + "/persons.tsv", "w") as f:
        f.write("person_id\tsplit\trow\n")
        for k, i in enumerate(order):
            f.write(f"{name(fam[i][1])}\t{'train' if i % 10 == 3 else 'test'}\t{k}\n")


write(out, lambda iid: iid)
write(out + "/strangers", lambda iid: "x" + iid)
with open(out + "/covariates.txt", "w") as f:
    f.write("FID IID age sex tiny centre\n")
    for i in rng.sample(range(n), n):
        f.write(f"{fam[i][0]} {fam[i][1]} {'NA' if i % 50 == 7 else format(age[i], '.4f')} {rng.randint(1, 2)} {rng.gauss(0, 1e-5):.8g} {'ABC'[rng.randrange(3)]}\n")
