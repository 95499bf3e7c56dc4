#!/usr/bin/env bash
# Exports trained image encoders under torchvision's names, loads them into torchvision and compares its features with ours, to 1e-4
# (check_export.py); so does the load.py that --with-example writes, and the PyTorch example of embed's README.txt runs. Says so and does nothing where PyTorch is absent. Usage: scripts/export_torch.sh   (needs ./contig-gpu; PYTHON names
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
  "$bin" export --checkpoint $best --torchvision --with-example --out $net/$net.safetensors
  "$bin" embed --checkpoint $best "${data[@]}" --out $net-features >/dev/null
  "$python" "$check" --encoder $net --weights $net/$net.safetensors --features $net-features/features.npy --persons $net-features/persons.txt \
    --images cohort/images.tsv --image-size 64
  "$python" $net/load.py $(find cohort/images -name '*.png' | head -2) >$net/printed && grep -q tensor $net/printed
  "$python" - $net $net-features <<'END'
import csv, pathlib, sys
import numpy, torch
sys.path.insert(0, sys.argv[1])
import load
images = [r["image"] for r in csv.DictReader(open(pathlib.Path(sys.argv[2], "per-image", "images.tsv")), delimiter="\t")]
ours = numpy.load(pathlib.Path(sys.argv[2], "per-image", "features.npy"))
with torch.no_grad():
    theirs = load.encoder()(torch.stack([load.pixels(pathlib.Path("cohort", i)) for i in images])).numpy()
gap = (numpy.linalg.norm(theirs - ours, axis=1) / numpy.linalg.norm(ours, axis=1)).max()
print(f"load.py: largest relative difference of an image's feature vector: {gap:.2e}")
sys.exit(not gap <= 1e-4)
END
  sed -n '/^# PyTorch$/,/^# end$/p' $net-features/README.txt >$net-features/example.py
  (cd $net-features && "$python" example.py | grep -x 'torch.Size(\[[0-9]*, 6\])')
done
