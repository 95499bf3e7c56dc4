#!/usr/bin/env bash
# check_probe.sh N [SEED]: N random sets of features and labels are probed, and scikit-learn is fitted to the same rows: predictions, the chosen alpha of ridge regression, and metrics must be its.
# Needs python3 with venv; installs scikit-learn for itself.     CONTIG_GPU: the program, else it is built
set -euo pipefail
export OMP_NUM_THREADS=1 # small fits: threads that wait for each other cost more than they save
cd "$(dirname "$0")/.."
sets=${1:-5} seed=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CONTIG_GPU:-}" ]; then
    CONTIG_GPU=$work/contig-gpu
    go build -o "$CONTIG_GPU" ./cmd/contig-gpu
fi
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/digits.txt
for ((s = seed; s < seed + sets; s++)); do
    "$work/venv/bin/python" scripts/probe_sklearn.py write "$work/$s" "$s"
    for x in "grade linear" "grade knn" "binary linear" "trait linear"; do
        read -r target method <<<"$x"
        out=$work/$s.$target.$method
        echo "set $s, $target, $method"
        "$CONTIG_GPU" probe --features "$work/$s" --labels "$work/$s/labels.tsv" --target "$target" --method "$method" --split run --out "$out" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
        "$work/venv/bin/python" -W ignore scripts/probe_sklearn.py judge "$work/$s" "$out" "$target"
    done
done
echo "$sets random sets: predictions and metrics are scikit-learn's"
