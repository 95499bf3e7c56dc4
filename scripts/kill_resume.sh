#!/usr/bin/env bash
# Kills a training run (SIGKILL) at KILLS random moments, resumes it each time, and compares the final checkpoint with that of a run
# that was left alone: the bytes must be the same. Usage: scripts/kill_resume.sh [KILLS] [SEED] [DEVICE] [STEPS]
# (needs ./contig-gpu or $CONTIG_GPU; about 2 minutes for 20 kills on the CPU)
set -euo pipefail
kills=${1:-20}
RANDOM=${2:-1}
device=${3:-cpu}
steps=${4:-240}
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$bin" synth --out cohort --persons 120 --image-size 32 --seed 9 >/dev/null
train=("$bin" train --images cohort/images.tsv --data cohort/data.toml --encoder resnet18 --image-size 32 --batch 8
  --hidden 32 --embedding 16 --max-steps "$steps" --checkpoint-every 5 --keep 1 --seed 4 --device "$device")
"${train[@]}" --run whole --threads 1 >/dev/null
done_kills=0
# train_on starts the killed run, or resumes it where it has a checkpoint.
train_on() {
  local args=(--overwrite)
  [ ! -e killed/checkpoints/last.safetensors ] || args=(--resume)
  exec "${train[@]}" --run killed "${args[@]}"
}
while ((done_kills < kills)); do
  train_on >/dev/null 2>&1 &
  pid=$!
  sleep "$(printf '%d.%03d' $((RANDOM % 2)) $((300 + RANDOM % 700)))"
  if kill -9 "$pid" 2>/dev/null; then done_kills=$((done_kills + 1)); else echo "the run ended after $done_kills kills"; break; fi
  wait "$pid" 2>/dev/null || true
done
(train_on >/dev/null)
for f in last best; do
  cmp whole/checkpoints/$f.safetensors killed/checkpoints/$f.safetensors && echo "$f.safetensors: equal after $done_kills kills"
done
