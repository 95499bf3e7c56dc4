#!/usr/bin/env bash
# The demo by several seeds: R@1 of the held-out persons must be at least 20 times chance, both ways. Then the same model on a cohort in which
# images do not follow genetics (synth --effect 0): there R@1 must be what chance gives. Usage: scripts/demo_retrieval.sh [SEED...]
# (needs ./contig-gpu and python3; about a minute a seed on two quiet cores; no time is held to anything)
set -euo pipefail
[ $# -gt 0 ] || set -- 42 101 202
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
retrieval=$(realpath "$(dirname "$0")/retrieval.py")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CACHE_HOME=$work/cache
for seed in "$@"; do
  "$bin" train --seed "$seed" --run "demo-$seed" --keep 0 | tail -n 3
done
python3 "$retrieval" above 20 demo-*
"$bin" synth --out nothing --effect 0 --seed 11 >/dev/null
"$bin" train --images nothing/images.tsv --data nothing/data.toml --run effect-0 --encoder resnet18 --hidden 512 --image-size 48 \
  --batch 64 --epochs 4 --no-augment --keep 0 --seed 5 | tail -n 3
python3 "$retrieval" chance 0.001 effect-0
