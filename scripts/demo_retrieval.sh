#!/usr/bin/env bash
# The demo by several seeds: R@1 of the held-out persons must be at least 20 times chance, both ways. And the same model on a cohort in which
# images do not follow genetics (synth --effect 0): there R@1 must be what chance gives. Usage: scripts/demo_retrieval.sh [SEED...]
# (needs ./contig-gpu and python3; about two minutes of one processor a seed; as many trainings at a time as there are processors, each on one
# thread, which changes no byte of what they learn; no time is held to anything; $DEMO_REPORT is a file for the report of the first seed)
set -euo pipefail
[ $# -gt 0 ] || set -- 42 101 202
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
retrieval=$(realpath "$(dirname "$0")/retrieval.py")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export bin XDG_CACHE_HOME=$work/cache
"$bin" train --max-steps 1 --run first --keep 0 >/dev/null # makes the demo cohort, which the others share

demo() { "$bin" train --seed "$1" --run "demo-$1" --keep 0 --threads 1; }

nothing() {
  "$bin" synth --out nothing --effect 0 --seed 11 >/dev/null
  "$bin" train --images nothing/images.tsv --data nothing/data.toml --run effect-0 --encoder resnet18 --hidden 512 --image-size 48 \
    --batch 64 --epochs 4 --no-augment --keep 0 --seed 5 --threads 1
}

# one NAME prints the end of what NAME says, or all of it where it fails.
one() {
  if [ "$1" = nothing ]; then nothing; else demo "$1"; fi >"$1.log" 2>&1 || { cat "$1.log"; return 1; }
  tail -n 3 "$1.log"
}

export -f demo nothing one
printf '%s\n' "$@" nothing | xargs -n 1 -P "$(nproc)" bash -euo pipefail -c 'one "$1"' _
[ -z "${DEMO_REPORT:-}" ] || cp "demo-$1/report.html" "$DEMO_REPORT"
python3 "$retrieval" above 20 demo-*
python3 "$retrieval" chance 0.001 effect-0
