#!/usr/bin/env bash
# Trains on cohorts whose scores drive one property of the images, the disc or the vessels, and explains: the heat maps' energy (the squared value) must lie where the
# property does, at least 3 times that of a random mask of the same size among the pixels of the fundus, for smooth (SmoothGrad) and occlusion, of the match and along one score.
# Usage: scripts/explain_maps.sh [quick]   (needs ./contig-gpu and Go; some ten minutes of two processors. quick: the disc alone, smaller, about a minute)
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
persons=600 epochs=6 maps=12 properties="disc vessels"
if [ "${1:-}" = quick ]; then persons=260 epochs=4 maps=4 properties=disc; fi
"$bin" synth --out "$work/cohort" --persons "$persons" --image-size 96 --snps 0 --burden 0 --covariates 0 --pgs 12 --missing pgs=0 --masks --seed 5 >/dev/null

# The scores of each property, and one of them: synth gives its genetic properties scores in turn (truth.json).
scores() { if [ "$1" = disc ]; then echo "4 5 6"; else echo "7 8"; fi; }

wanted=
for property in $properties; do
  mkdir "$work/cohort/$property"
  for k in $(scores "$property"); do cp "$work/cohort/pgs/SYN00000$k.sscore" "$work/cohort/$property/"; done
  sed "s#pgs/\*#$property/*#" "$work/cohort/data.toml" >"$work/cohort/$property.toml"
  one=pgs:SYN00000$(scores "$property" | cut -d ' ' -f 1)
  "$bin" train --images "$work/cohort/images.tsv" --data "$work/cohort/$property.toml" --run "$work/run-$property" --encoder resnet18 --hidden 128 --embedding 32 \
    --image-size 96 --batch 64 --epochs "$epochs" --no-augment --keep 0 --seed 5 >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  "$bin" explain --run "$work/run-$property" --out "$work/$property" --reference 64 --method gradient-input --test none --maps "$maps" --image-method smooth,occlusion \
    --direction "$one" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  for score in pgs "$one"; do
    for method in smooth occlusion; do wanted+="$work/$property/private/maps/$score.$method $work/cohort/masks.tsv $property 3"$'\n'; done
  done
done
CONTIG_MAPS=$wanted go test -count=1 -v -run '^TestMapEnergy$' ./cmd/contig-gpu
