#!/usr/bin/env python3
"""inputs_plink.py DIR [SEED]: .sscore files of plink2 with every choice of columns, for data/score's TestWritten.

The .psam has phenotypes whose names end as scores do (bmi_AVG, visits_SUM). What stands where is known from the choice, not from names. Needs plink2.
"""
import csv, itertools, json, os, random, subprocess, sys

OUT, SEED = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
PHENOTYPES = ["height", "bmi_AVG", "visits_SUM", "PGS"]
PERSONS, VARIANTS = 60, 40


def call(*a):
    subprocess.run(a, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def prepare(work, g):
    """Filesets of one group of persons with FIDs and without, and weights of one score and of three."""
    call("plink2", "--dummy", str(PERSONS), str(VARIANTS), "0.05", "acgt", "--seed", str(SEED), "--make-pgen", "--out", work + "/d")
    rows = [l.split() for l in open(work + "/d.psam") if not l.startswith("#")]
    for name in ("fid", "iid"):
        for ext in ("pgen", "pvar"):
            os.replace(work + "/d." + ext, f"{work}/{name}.{ext}") if name == "iid" else open(f"{work}/{name}.{ext}", "wb").write(open(f"{work}/d.{ext}", "rb").read())
        with open(f"{work}/{name}.psam", "w") as f:
            f.write("\t".join((["#FID", "IID"] if name == "fid" else ["#IID"]) + ["SEX"] + PHENOTYPES) + "\n")
            for i, _ in enumerate(rows):
                ids = [f"f{i // 2}", f"p{i}"] if name == "fid" else [f"p{i}"]
                f.write("\t".join(ids + ["1"] + ["NA" if g.random() < .1 else "%.4g" % g.uniform(3, 99) for _ in PHENOTYPES]) + "\n")
    variants = [l.split("\t") for l in open(work + "/fid.pvar") if not l.startswith("#")]
    for name, scores in (("one", ["S"]), ("three", ["height", "PGS000001_hmPOS", "W"])):
        with open(f"{work}/{name}.txt", "w") as f:
            f.write("\t".join(["ID", "A1"] + scores) + "\n")
            for v in variants:
                f.write("\t".join([v[2], g.choice(v[3:5]).strip()] + ["%.5g" % g.gauss(0, 1) for _ in scores]) + "\n")
    return {"one": ["S"], "three": ["height", "PGS000001_hmPOS", "W"]}


def number(text):
    return None if text.lower() in ("nan", "na") else float(text)


def main():
    g = random.Random(SEED)
    work = OUT + "/plink"
    os.makedirs(work, exist_ok=True)
    scores = prepare(work, g)
    index = open(OUT + "/index.jsonl", "a")
    n = 0
    choices = itertools.product(("fid", "iid"), ("one", "three"), (None, "maybefid", "fid"), (None, "pheno1", "phenos"), (None, "nallele"), (None, "denom"), (None, "dosagesum"),
                                (("scoreavgs",), ("scoresums",), ("scoreavgs", "scoresums")))
    for people, weights, fid, pheno, allele, denom, dosage, kinds in choices:
        cols = [c for c in (fid, pheno, allele, denom, dosage, *kinds) if c]
        name = f"{work}/{n}"
        call("plink2", "--pfile", f"{work}/{people}", "--score", f"{work}/{weights}.txt", "1", "2", "header-read", "cols=" + ",".join(cols),
             *(["--score-col-nums", "3-5"] if weights == "three" else []), "--out", name)
        rows = list(csv.reader(open(name + ".sscore"), delimiter="\t"))
        head, body = rows[0], rows[1:]
        k = len(scores[weights])
        at = {}
        for i, kind in enumerate(reversed(kinds)):
            first = len(head) - (i + 1) * k
            at[{"scoreavgs": "AVG", "scoresums": "SUM"}[kind]] = range(first, first + k)
        iid = [h.lstrip("#") for h in head].index("IID")
        for kind in ("AVG", "SUM"):
            refuse, values = [], []
            if kind not in at:
                refuse = [f"E302.*no score column ends in _{kind}"]
            else:
                values = [[number(r[c]) for c in at[kind]] for r in body]
            if not (allele or denom or dosage):
                refuse.append("E305.*cannot be told from phenotypes")
            names = [str(n)] if k == 1 else scores[weights]
            index.write(json.dumps({"file": f"plink/{n}.sscore", "kind": kind, "iid": [r[iid] for r in body], "names": names, "values": values, "refuse": refuse,
                                    "must": kind not in at, "how": " ".join(cols) + " of " + people + " " + weights}) + "\n")
        os.remove(name + ".log")
        n += 1
    print(f"{n} .sscore of plink2")


main()
