#!/usr/bin/env python3
"""Runs every fenced block of README.md, CONTRIBUTING.md and docs, as far as it is commands or Python, and says what each took.

  python3 scripts/run_docs.py [--list] [FILE...]        CONTIG_GPU names the program (./contig-gpu)

What a block is stands behind its fence:
  sh, console     commands; of console the lines that begin with $, the others being what was printed
  python          run where its modules are there, else named as left out
  toml            must be TOML
  text, yaml, bash, go    no commands to run; the YAML and the batch script of docs/cluster.md are held by check_cluster.py
  sh not run: REASON      commands that need what a test has not; they are listed
The blocks of a file run one after the other in a folder that has a small cohort, a run of it and a checkpoint. The program is called through a wrapper
that makes cohorts and trainings small: the commands stand as they are but for size and length. It fails where a command does, and at a block
without a word behind its fence.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSIVE = {"text", "yaml", "dockerfile", "bash", "go"}
WRAPPER = r"""#!/bin/bash
case " $* " in
*" --help "* | *" --help-all "* | *" --resume "* | *" --rerun "*) exec "$PROGRAM" "$@" ;;
esac
case $1 in
synth) exec "$PROGRAM" "$@" --persons "${PERSONS:-40}" --image-size 32 --snps "${SNPS:-20}" --pgs 3 --burden 4 ;;
train) exec "$PROGRAM" "$@" --encoder resnet18 --image-size 32 --batch 8 --max-steps 4 --hidden 8 --embedding 8 --device cpu ;;
finetune) exec "$PROGRAM" "$@" --max-steps 3 --keep 0 --device cpu ;;
explain) exec "$PROGRAM" "$@" --device cpu ;;
esac
exec "$PROGRAM" "$@"
"""
# What the documents take for there: a cohort here, runs/demo-1 and runs/demo-2, best.safetensors, genes.gtf, weights of others in imagenet.safetensors, and labels.tsv with a grade.
PRELUDE = r"""
contig-gpu synth --out made --seed 7
cp -r made/. .
contig-gpu train --images made/images.tsv --data made/data.toml --run runs/demo-1
cp runs/demo-1/checkpoints/best.safetensors .
awk 'NR % 2 { printf "%s\ttest\tgene\t%d\t%d\t.\t+\t.\tgene_id \"G%d\"; gene_name \"G%d\";\n", $1, ($4 > 5000 ? $4 - 5000 : 1), $4 + 5000, NR, NR }' cohort.bim >genes.gtf
contig-gpu train --rerun runs/demo-1 --run runs/demo-2
contig-gpu export --run runs/demo-2 --torchvision --out imagenet.safetensors
awk 'NR == 1 { print "person_id\tgrade"; next } { print $1 "\t" NR % 3 }' made/phenotypes.tsv >labels.tsv
rm -r made/images && ln -s ../images made/images
"""
# Documents that need more persons, or variants of every chromosome.
LARGER = {"docs/gwas.md": {"PERSONS": "300", "SNPS": "220"}, "docs/probe.md": {"PERSONS": "150"}}


def by_chromosome(folder):
    """Writes geno/chr1 and so on of the cohort's .bed file, as genotypes of a biobank come."""
    lines = (folder / "cohort.bim").read_text().splitlines()
    bed = (folder / "cohort.bed").read_bytes()
    row = (len(bed) - 3) // len(lines)
    (folder / "geno").mkdir()
    for chrom in {line.split()[0] for line in lines}:
        mine = [i for i, line in enumerate(lines) if line.split()[0] == chrom]
        base = folder / "geno" / f"chr{chrom}"
        base.with_suffix(".bim").write_text("".join(lines[i] + "\n" for i in mine))
        base.with_suffix(".bed").write_bytes(bed[:3] + b"".join(bed[3 + i * row:3 + (i + 1) * row] for i in mine))
        base.with_suffix(".fam").write_bytes((folder / "cohort.fam").read_bytes())


def blocks(path):
    """Each fenced block of a file: its line, what stands behind the fence, its text."""
    text = path.read_text()
    for m in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.S | re.M):
        yield text.count("\n", 0, m.start()) + 1, m[1].strip(), m[2]


def commands(kind, text):
    if kind == "console":
        return "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    return text


def lacking(code):
    """The modules that a Python program imports and that are not there."""
    names = {n.split()[0].split(".")[0] for m in re.findall(r"^(?:import|from) (.+)$", code, re.M) for n in m.split(" import ")[0].split(", ")}
    return sorted(n for n in names if subprocess.run([sys.executable, "-c", "import " + n], capture_output=True).returncode)


def run(where, kind, text, folder, env):
    """Runs a block; a text where it was left out."""
    if kind == "toml":
        tomllib.loads(text)
        return "TOML"
    if kind in PASSIVE:
        return None
    if kind == "python":
        if gone := lacking(text):
            return "LEFT OUT: python3 has no " + ", ".join(gone)
        words = [sys.executable, "-c", text]
    elif kind in ("sh", "console"):
        words = ["bash", "-euo", "pipefail", "-c", commands(kind, text)]
    else:
        sys.exit(f"{where}: ```{kind}: say what the block is: sh, console, python, toml, text, or sh not run: REASON")
    began = time.monotonic()
    done = subprocess.run(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{where} ended with {done.returncode}:\n{text}\n{done.stdout[-4000:]}")
    return f"ran, {time.monotonic() - began:.0f} s"


def main():
    listing = "--list" in sys.argv
    names = [a for a in sys.argv[1:] if a != "--list"]
    files = [pathlib.Path(n).resolve() for n in names] or [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "bin").mkdir()
        (work / "bin" / "contig-gpu").write_text(WRAPPER)
        (work / "bin" / "contig-gpu").chmod(0o755)
        program = pathlib.Path(os.environ.get("CONTIG_GPU", ROOT / "contig-gpu")).resolve()
        env = {**os.environ, "PROGRAM": str(program), "PATH": f"{work}/bin:{os.environ['PATH']}", "XDG_CACHE_HOME": str(work / "cache")}
        for file in files:
            name, folder = str(file.relative_to(ROOT)), work / file.stem
            for line, kind, text in blocks(file):
                kind, _, reason = kind.partition(" not run: ")
                if reason or listing:
                    print(f"{name}:{line}: {kind}{', not run: ' + reason if reason else ''}")
                    continue
                if not folder.exists() and kind in ("sh", "console", "python"):
                    folder.mkdir()
                    if name != "README.md":  # which begins with nothing
                        run(name + ": the cohort before it", "sh", PRELUDE, folder, {**env, **LARGER.get(name, {})})
                        by_chromosome(folder)
                if said := run(f"{name}:{line}", kind, text, folder, env):
                    print(f"{name}:{line}: {kind}: {said}", flush=True)


main()
