#!/usr/bin/env bash
# What representations of scikit-learn's handwritten digits are worth, by the probes: ContIG, which learnt from traits that follow from the digit, SimCLR, which saw the images alone, and a network of
# random weights, and when they are trained further. Writes the table of docs/probe.md, or of the file DOC. Linear and kNN probes on 5 % of the labels must find ContIG above random by MARGIN, by the lower end of the
# paired interval.
# Needs python3 with venv; installs scikit-learn and Pillow for itself.
#   scripts/probe_digits.sh [EPOCHS] [MARGIN] [DOC]       CONTIG_GPU: the program, else it is built
set -euo pipefail
cd "$(dirname "$0")/.."
epochs=${1:-6} margin=${2:-0.05} doc=${3:-docs/probe.md}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CONTIG_GPU:-}" ]; then
    CONTIG_GPU=$work/contig-gpu
    go build -o "$CONTIG_GPU" ./cmd/contig-gpu
fi
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/digits.txt
"$work/venv/bin/python" scripts/verdict_digits.py write "$work/digits"
"$work/venv/bin/python" scripts/probe_digits.py labels "$work/digits"
train() {
    name=$1
    shift
    "$CONTIG_GPU" train --images "$work/digits/images.tsv" --run "$work/$name" --encoder resnet18 --image-size 32 --batch 64 --embedding 64 --epochs "$epochs" --seed 3 --device cpu "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}
train ContIG --data "$work/digits/data.toml" --hidden 256 --no-augment
train SimCLR --objective simclr --hidden 128 --tau 0.2 --flip-horizontal 0 --crop-scale 0.4 --rotation 15
found=()
for fraction in 0.05 1; do
    for method in linear knn; do
        "$CONTIG_GPU" probe --checkpoint "$work/ContIG" --images "$work/digits/images.tsv" --labels "$work/digits/labels.tsv" --target digit --task classes --method "$method" --split run --fractions "$fraction" \
            --against "random,$work/SimCLR" --seed 3 --device cpu --out "$work/$method.$fraction" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
        found+=("$method=$work/$method.$fraction")
    done
    # As many steps for few persons as for all, about.
    "$CONTIG_GPU" finetune --checkpoint "$work/ContIG" --images "$work/digits/images.tsv" --labels "$work/digits/labels.tsv" --target digit --task classes --split run --fractions "$fraction" \
        --against "random,$work/SimCLR" --batch 32 --epochs "$(python3 -c "print(round($epochs / $fraction ** 0.6))")" --freeze-epochs 1 --no-augment --seed 3 --device cpu --run "$work/finetune.$fraction" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    found+=("fine-tuned=$work/finetune.$fraction")
done
"$work/venv/bin/python" scripts/probe_digits.py table "$doc" "$margin" "${found[@]}"
