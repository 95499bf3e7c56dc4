#!/usr/bin/env bash
# check_scores.sh N [SEED]: computes scores of N random sets in every format that plink2 writes and compares each with plink2 --score; scores and burdens of real files where there
# are some; and reads what pandas, NumPy, h5py and anndata write. Installs Python's packages into a folder of its own; what needs a program or package that is not to be had is left out, and said.
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-20} seed=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
have() { command -v "$1" >/dev/null; }

if have plink2; then
    CONTIG_SCORE_SETS="$sets $seed" go test ./data/pgs -run '^Test(Plink2|Formats)$' -count=1 -timeout 60m
    echo "$sets random sets: the scores are plink2's"
else
    echo "skipped: there is no plink2"
fi
have plink1.9 || echo "skipped: there is no plink1.9; no .profile of its making"
go test ./data/score ./data/burden -run '^Test(Plink19|Regenie)$' -count=1 -v | grep -E '^(ok|FAIL|--- |panic)|SKIP' || true
go test ./data/score ./data/burden -run '^Test(Plink19|Regenie)$' -count=1 >/dev/null

python=${PYTHON:-python3}
needs='import numpy, pandas, pyarrow, h5py, anndata'
if ! "$python" -c "$needs" 2>/dev/null && "$python" -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/frames.txt >/dev/null 2>&1; then
    python=$work/venv/bin/python
fi
if "$python" -c "$needs" 2>/dev/null; then
    folders=()
    for ((s = seed; s < seed + (sets + 9) / 10; s++)); do
        mkdir "$work/$s"
        "$python" -W ignore scripts/frames_pandas.py "$work/$s" "$s"
        folders+=("$work/$s")
    done
    CONTIG_FRAMES=$(IFS=:; echo "${folders[*]}") go test ./data/frame -run '^TestWritten$' -count=1 -timeout 30m
else
    echo "skipped: $python has not all of numpy, pandas, pyarrow, h5py and anndata; no Parquet and HDF5 of their making"
fi
