#!/usr/bin/env python3
"""Loads an exported image encoder into torchvision and compares its features with those that `contig-gpu embed` wrote.

  contig-gpu export --checkpoint RUN/checkpoints/best.safetensors --out encoder.safetensors --torchvision
  contig-gpu embed --checkpoint RUN/checkpoints/best.safetensors --images F --data F --out EMB
  python3 scripts/check_export.py --encoder resnet18 --weights encoder.safetensors --features EMB/features.npy \
      --persons EMB/persons.txt --images F --image-size 64

Needs torch, torchvision, safetensors, numpy, pillow. Exits 1 where a name or shape is refused or the largest relative difference of
a person's feature vector exceeds 1e-4. Give it PNG images: two JPEG decoders (Go's and Pillow's libjpeg) differ by a few grey levels where colour
is subsampled, which moves features by some per cent and says nothing about the network.
"""
import argparse, csv, os, sys
import numpy as np, torch, torchvision
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torchvision.transforms import v2

MEAN, STD = [.485, .456, .406], [.229, .224, .225]


def pixels(path, size):
    """[3, size, size]: padded to a square, resized with antialiasing, normalised: what `embed` does."""
    img = torch.from_numpy(np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))).permute(2, 0, 1)
    _, h, w = img.shape
    side = max(h, w)
    left, top = (side - w) // 2, (side - h) // 2
    img = v2.functional.pad(img, [left, top, side - w - left, side - h - top])
    img = v2.functional.resize(img, [size, size], antialias=True)
    return v2.functional.normalize(img.float() / 255, MEAN, STD)


def main():
    p = argparse.ArgumentParser()
    for name in ("encoder", "weights", "features", "persons", "images"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--image-size", type=int, required=True)
    p.add_argument("--limit", type=int, default=64, help="persons to compare")
    a = p.parse_args()
    net = getattr(torchvision.models, a.encoder)(weights=None)
    net.fc = torch.nn.Identity()
    net.load_state_dict(load_file(a.weights))
    net.eval()
    ours, ids = np.load(a.features), open(a.persons).read().split("\n")
    rows = {}
    with open(a.images, newline="") as f:
        for r in csv.DictReader(f, delimiter="," if a.images.endswith(".csv") else "\t"):
            rows.setdefault(r["person_id"], []).append(os.path.join(os.path.dirname(a.images), r["image"]))
    worst = 0.0
    with torch.no_grad():
        for i, person in list(enumerate(ids))[: a.limit]:
            if person:
                f = net(torch.stack([pixels(q, a.image_size) for q in rows[person]])).mean(0).numpy()
                worst = max(worst, float(np.linalg.norm(f - ours[i]) / max(np.linalg.norm(f), 1e-12)))
    print(f"largest relative difference of a feature vector: {worst:.2e}")
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    main()
