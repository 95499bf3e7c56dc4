#!/usr/bin/env bash
# Kills a training run (SIGKILL) at KILLS random moments, resumes it each time, and compares the checkpoints at its end with those of a run
# that was left alone: the bytes must be the same. A run that ends before all kills are done is compared too, and begun anew.
# Usage: scripts/kill_resume.sh [KILLS] [SEED] [DEVICE] [STEPS]   (needs ./contig-gpu or $CONTIG_GPU; under a minute for 20 on the CPU)
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

# more sets what continues the run, or begins it anew.
more() {
  if [ -e killed/checkpoints/last.safetensors ]; then args=(--resume); else args=(--overwrite); fi
}

compare() {
  for f in last best; do
    cmp whole/checkpoints/$f.safetensors killed/checkpoints/$f.safetensors
  done
  echo "last and best: equal after $done_kills kills in all"
}

done_kills=0
while ((done_kills < kills)); do
  more
  "${train[@]}" --run killed "${args[@]}" >run.log 2>&1 &
  pid=$!
  sleep "$(printf '%d.%03d' $((RANDOM % 2)) $((100 + RANDOM % 900)))"
  kill -9 $pid 2>/dev/null || true
  status=0
  wait $pid 2>/dev/null || status=$?
  case $status in
  137) done_kills=$((done_kills + 1)) ;;
  0)
    compare
    rm -rf killed
    ;;
  *)
    cat run.log
    exit 1
    ;;
  esac
done
more
"${train[@]}" --run killed "${args[@]}" >/dev/null
compare
