#!/usr/bin/env python3
"""check_gwas.py PREFIX DIR: compares what `contig-gpu gwas` wrote into DIR with plink2's tables in DIR/private (made by its run_plink2.sh), and its loci with plink1.9 --clump. Python's standard
library alone."""
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile

prefix, folder = sys.argv[1], sys.argv[2]
DIGITS = 6e-6  # relative: six digits are printed, ours have seven
ROUNDING = 1e-8  # of what is near 0 beside its standard error: effects, and so -log10 P, are differences of sums
with gzip.open(folder + "/assoc.tsv.gz", "rt") as f:
    head = f.readline().rstrip("\n").split("\t")
    ours = [dict(zip(head, line.rstrip("\n").split("\t"))) for line in f]
traits = [c[5:] for c in head if c.startswith("beta_")]
compared, undefined = 0, 0
for t in traits:
    with open(f"{folder}/private/plink2.{t}.glm.linear") as f:
        names = f.readline().rstrip("\n").split("\t")
        theirs = [dict(zip(names, line.rstrip("\n").split("\t"))) for line in f]
    assert len(theirs) == len(ours), (t, len(theirs), len(ours))
    for a, b in zip(ours, theirs):
        assert a["id"] == b["ID"] and a["effect_allele"] == b["A1"] and a["n"] == b["OBS_CT"], (t, a, b)
        if b["ERRCODE"] != ".":  # plink2 gives up at a correlation of .999, this at the covariates' span
            undefined += 1
            continue
        for mine, its in ((f"beta_{t}", "BETA"), (f"se_{t}", "SE"), (f"neglog10p_{t}", "LOG10_P"), ("eaf", "A1_FREQ")):
            x, y = float(a[mine]), float(b[its])
            least = {"BETA": ROUNDING * float(b["SE"]), "LOG10_P": ROUNDING}.get(its, 0)
            assert abs(x - y) <= DIGITS * abs(y) + least, (t, a["id"], mine, x, y)
            compared += 1

summary = json.load(open(folder + "/summary.json"))
k = summary["clump"]
with tempfile.TemporaryDirectory() as d:
    with open(d + "/p", "w") as f:
        f.write("SNP P\n")
        for a in ours:
            p = a["neglog10p_min"]
            f.write(f"{a['id']} {'NA' if p == 'NA' else format(10 ** -min(float(p), 300), '.10g')}\n")
    subprocess.run(["plink1.9", "--bfile", prefix, "--clump", d + "/p", "--clump-p1", str(k["P1"]), "--clump-p2", str(k["P2"]), "--clump-r2", str(k["R2"]), "--clump-kb", str(k["KB"]), "--out", d + "/o",
                    "--allow-no-sex"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    want = []
    if os.path.exists(d + "/o.clumped"):
        for line in list(open(d + "/o.clumped"))[1:]:
            w = line.split()
            if w:
                want.append((w[2], w[5], [] if w[-1] == "NONE" else [m.split("(")[0] for m in w[-1].split(",")]))
lines = [line.rstrip("\n").split("\t") for line in open(folder + "/loci.tsv")]
got = [(r["id"], r["total"], [] if r["members"] == "NA" else r["members"].split(",")) for r in (dict(zip(lines[0], x)) for x in lines[1:])]
assert got == want, [(g, w) for g, w in zip(got, want) if g != w][:3] or (len(got), len(want))
assert summary["loci"] == len(got) and summary["tested"] == sum(a["neglog10p_min"] != "NA" for a in ours)
largest = max(float(a[f"neglog10p_{t}"]) for a in ours for t in traits if a[f"neglog10p_{t}"] != "NA")
assert all(math.isfinite(x["lambda"]) for x in summary["traits"])
print(f"{os.path.basename(prefix)}: {compared} values are plink2's to six digits, P down to 10^-{largest:.0f}; {len(got)} clumps are plink1.9's; {undefined} undefined in plink2")
