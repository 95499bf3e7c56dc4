#!/usr/bin/env bash
# The first ten minutes of a newcomer, in a fresh clone with empty caches of ours: each command, how long it took, and what is to be seen.
# It fails where a command does, or where what was promised is not there.
#   scripts/first_ten_minutes.sh [--short]       --short: the demo's training ends after 20 steps
set -euo pipefail
cd "$(dirname "$0")/.."
short=()
[ "${1:-}" = --short ] && short=(--max-steps 20)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache GOCACHE=${GOCACHE:-$(go env GOCACHE)} PATH=$work/bin:$PATH
began=$SECONDS
did() { # what it is about, then the command; its words are kept in $work/said
    local what=$1 at=$SECONDS
    shift
    printf '\n== minute %d: %s\n$ %s\n' $(((SECONDS - began) / 60)) "$what" "$*"
    "$@" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
    head -n "${LINES_SHOWN:-12}" "$work/said" | cut -c1-200
    printf '(%d s, %d lines)\n' $((SECONDS - at)) "$(wc -l <"$work/said")"
}
sees() { grep -q -- "$1" "${2:-$work/said}" || { echo "NOT SEEN: $1"; exit 1; }; }

git clone --quiet . "$work/clone"
cd "$work/clone"
did "the program" go build -o "$work/bin/contig-gpu" ./cmd/contig-gpu
did "what is there" contig-gpu --help
sees "COMMANDS"
did "what the machine has" contig-gpu doctor
sees "device    auto takes"
did "the demo" contig-gpu train "${short[@]}"
sees "^device: "
sees "^memory: "
sees "^disk: "
sees "^time: .* left, by the first steps"
sees "times chance"
sees "report: runs/demo-1/report.html"
sees 'data-modality="pgs" data-verdict="' runs/demo-1/report.html
did "which runs there are" contig-gpu runs
sees "demo-1"
did "a cohort of one's own" contig-gpu synth --out cohort --persons 60 --image-size 48 --seed 3
proposed=$(grep -- '--data' "$work/said" | sed 's/^ *//')
did "is it sound" contig-gpu check --images cohort/images.tsv --data cohort/data.toml
sees "no errors"
sees "contig-gpu train --images cohort/images.tsv --data cohort/data.toml"
did "what training would take" sh -c "$proposed --dry-run"
sees "nothing was written"
did "train, as synth proposed, shorter" sh -c "$proposed --run runs/own --max-steps 6"
sees "report: runs/own/report.html"
did "features of images alone" contig-gpu embed --run runs/own --images cohort/images.tsv --out emb
test -s emb/README.txt -a -s emb/features.npy
did "the encoder for PyTorch" contig-gpu export --run runs/own --torchvision --with-example --out encoder/resnet18.safetensors
test -s encoder/load.py
did "the checkpoint of a run that is misspelt" bash -c '! contig-gpu export --run runs/owm --out x 2>&1'
sees "such as runs/own"
did "what the runs differ in" contig-gpu compare runs/demo-1 runs/own
sees "recall@10"
did "how a page of both is made" contig-gpu report runs/own --help
sees "RUN\.\.\."
did "both runs" contig-gpu report --out both.html runs/demo-1 runs/own
sees "Settings that differ" both.html
printf '\n%d s in all\n' $((SECONDS - began))
