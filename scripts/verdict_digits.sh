#!/usr/bin/env bash
# A run that says what it has learnt: scikit-learn's handwritten digits with a modality that is the image's own, one that follows from the digit,
# and one that has nothing to do with it. The report must say learnt, learnt and not above chance, each with an interval.
# Needs python3 with venv; installs scikit-learn and Pillow for itself.
#   scripts/verdict_digits.sh [EPOCHS]       CONTIG_GPU: the program, else it is built; KEEP: a folder for the run
set -euo pipefail
cd "$(dirname "$0")/.."
epochs=${1:-6}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CONTIG_GPU:-}" ]; then
    CONTIG_GPU=$work/contig-gpu
    go build -o "$CONTIG_GPU" ./cmd/contig-gpu
fi
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/digits.txt
"$work/venv/bin/python" scripts/verdict_digits.py write "$work/digits"
run=${KEEP:-$work}/digits-run
"$CONTIG_GPU" train --images "$work/digits/images.tsv" --data "$work/digits/data.toml" --run "$run" --encoder resnet18 --image-size 32 --batch 64 \
    --hidden 256 --embedding 64 --no-augment --epochs "$epochs" --seed 3 --device cpu
"$work/venv/bin/python" scripts/verdict_digits.py judge "$run"
