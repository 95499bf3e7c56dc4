#!/usr/bin/env bash
# Exports trained image encoders under torchvision's names, loads them into torchvision and compares its features with ours, to 1e-4
# (check_export.py). Says so and does nothing where PyTorch is absent. Usage: scripts/export_torch.sh   (needs ./contig-gpu; PYTHON names
# the Python that has torch, torchvision, safetensors, numpy and pillow)
set -euo pipefail
python=${PYTHON:-python3}
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
check=$(realpath "$(dirname "$0")/check_export.py")
if ! "$python" -c 'import torch, torchvision, safetensors, numpy, PIL' 2>/dev/null; then
  echo "skipped: $python has no torch, torchvision, safetensors, numpy and pillow; names and shapes are held to torchvision's by go test"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$bin" synth --out cohort --persons 40 --image-size 80 --seed 3 >/dev/null
# As PNG: two decoders of JPEG differ by a few grey levels.
"$python" -c '
import glob, os
from PIL import Image
for f in glob.glob("cohort/images/*.jpg"):
    Image.open(f).save(f[:-3] + "png")
    os.remove(f)
text = open("cohort/images.tsv").read().replace(".jpg\t", ".png\t")
open("cohort/images.tsv", "w").write(text)'
data=(--images cohort/images.tsv --data cohort/data.toml)
for net in resnet18 resnet50; do
  "$bin" train "${data[@]}" --run $net --encoder $net --image-size 64 --batch 8 --hidden 32 --embedding 16 --max-steps 4 --keep 0 --seed 1 >/dev/null
  best=$net/checkpoints/best.safetensors
  "$bin" export --checkpoint $best --torchvision --out $net.safetensors
  "$bin" embed --checkpoint $best "${data[@]}" --out $net-features >/dev/null
  "$python" "$check" --encoder $net --weights $net.safetensors --features $net-features/features.npy --persons $net-features/persons.txt \
    --images cohort/images.tsv --image-size 64
done
