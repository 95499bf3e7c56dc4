#!/usr/bin/env bash
# SimCLR on images alone, and what its features are worth: scikit-learn's handwritten digits (1,797 images of 8 x 8 pixels, enlarged),
# labels unseen in training. The 5 nearest neighbours of its features must name the digits of held-out images better, by MARGIN,
# than those of the same network before its training. Needs python3 with venv; installs scikit-learn and Pillow for itself.
#   scripts/simclr_digits.sh [EPOCHS] [MARGIN]       CONTIG_GPU: the program, else it is built
set -euo pipefail
cd "$(dirname "$0")/.."
epochs=${1:-6} margin=${2:-0.05}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CONTIG_GPU:-}" ]; then
    CONTIG_GPU=$work/contig-gpu
    go build -o "$CONTIG_GPU" ./cmd/contig-gpu
fi
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/digits.txt
"$work/venv/bin/python" scripts/simclr_digits.py write "$work/digits"
train() {
    name=$1
    shift
    "$CONTIG_GPU" train --objective simclr --images "$work/digits/images.tsv" --run "$work/$name" --encoder resnet18 --image-size 32 --batch 64 \
        --hidden 128 --embedding 64 --tau 0.2 --flip-horizontal 0 --crop-scale 0.4 --rotation 15 --seed 1 "$@" >"$work/$name.log" || { cat "$work/$name.log"; exit 1; }
    "$CONTIG_GPU" embed --checkpoint "$work/$name/checkpoints/last.safetensors" --images "$work/digits/images.tsv" --out "$work/$name.embedded" >>"$work/$name.log"
}
train untrained --steps 1 --lr 0 --weight-decay 0
train trained --epochs "$epochs"
"$work/venv/bin/python" scripts/simclr_digits.py judge "$work/digits" "$work/untrained.embedded" "$work/trained.embedded" "$margin"
