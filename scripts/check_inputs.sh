#!/usr/bin/env bash
# check_inputs.sh [SEED]: what plink2 and pandas write is read exactly, or refused for what it is. Makes 864 .sscore by plink2 with every
# choice of columns, each read for its averages and for its sums, and 1,000 tables of pandas with every quoting, separator and word for a missing value, and lets a test of data/score read
# them. What cannot be had here, plink2 (apt-get) or pandas (pip), is left out, and said.
set -euo pipefail
cd "$(dirname "$0")/.."
seed=${1:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have() { command -v "$1" >/dev/null; }
if ! have python3; then
    echo "skipped: there is no python3"
    exit 0
fi
if ! have plink2 && have apt-get; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends plink2; } >/dev/null 2>&1 || true
fi
made=0
if have plink2; then
    python3 scripts/inputs_plink.py "$work" "$seed"
    made=1
else
    echo "skipped: plink2 is not here and apt-get does not give it; no .sscore"
fi
if python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/inputs.txt >/dev/null 2>&1; then
    "$work/venv/bin/python" scripts/inputs_pandas.py "$work" "$seed"
    made=1
else
    echo "skipped: pip does not give pandas; no tables"
fi
[ "$made" = 1 ] || exit 0
CONTIG_INPUTS=$work go test ./data/score -run '^TestWritten$' -count=1 -v
