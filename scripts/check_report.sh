#!/usr/bin/env bash
# Looks at reports in Chromium: scripts/check_report.mjs says for what. Without a page it trains a little, twice, and looks at what that leaves: the report, the page of
# pictures, and both runs side by side. Needs chromium (apt-get), node and npm; what comes from npm is pinned with hashes in scripts/requirements/web.
#   scripts/check_report.sh [--shots FOLDER] [PAGE.html...]      $CONTIG_GPU: the program, ./build/contig-gpu where it is not set
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/requirements/web/package*.json "$work"
npm ci --silent --ignore-scripts --no-fund --no-audit --prefix "$work"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
shots=()
if [ "${1:-}" = --shots ]; then
    shots=(--shots "$2")
    shift 2
fi
if [ $# = 0 ]; then
    bin=${CONTIG_GPU:-$here/../build/contig-gpu}
    "$bin" synth --out "$work/cohort" --persons 120 --image-size 48 --seed 3 --missing pgs=0.2 >/dev/null
    for run in one two; do
        tau=0.1
        [ $run = one ] || tau=0.2
        "$bin" train --images "$work/cohort/images.tsv" --data "$work/cohort/data.toml" --run "$work/$run" --device cpu --encoder resnet18 --image-size 32 --batch 16 --hidden 32 \
            --embedding 16 --epochs 2 --seed 7 --tau $tau --pictures --quiet >"$work/said" || { cat "$work/said"; exit 1; }
    done
    "$bin" report --color "$work/cohort/covariates.tsv:age" "$work/one" >/dev/null
    "$bin" report --out "$work/both.html" "$work/one" "$work/two" >/dev/null
    set -- "$work/one/report.html" "$work/two/report.html" "$work/one/private/pictures.html" "$work/both.html"
fi
node "$here/check_report.mjs" "$browser" "$work/node_modules" "${shots[@]}" "$@"
