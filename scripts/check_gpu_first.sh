#!/usr/bin/env bash
# Tests gpu_first.sh at toy sizes on the emulator ($CONTIG_EMULATOR, build/libsimt.so): a call in which all is well; one with a stage that fails, one that hangs
# and a time that ends before the last stage; one in which a library is missing. Each goes on, says so in the stage's line, and keeps the rest.
# Needs make emulator gpu-report-build. Two to three minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
CONTIG_EMULATOR=$(realpath "${CONTIG_EMULATOR:-build/libsimt.so}")
export CONTIG_EMULATOR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "check_gpu_first.sh: $*" >&2; cat "$work"/*/call*/summary.txt >&2; exit 1; }

# first NAME STATUS OPTION... makes a call, which must end with STATUS, and leaves its lines in $work/NAME.
first() {
  local name=$1 want=$2 status=0; shift 2
  scripts/gpu_report.sh -t -o "$work/$name" -w "$work/shared" "$@" || status=$?
  [ "$status" = "$want" ] || fail "call $name ended with $status, want $want"
}

# line NAME CALL STEP PATTERN wants a step's line to match.
line() {
  grep -qE "left  $3 +.*$4" "$work/$1/call$2/summary.txt" || fail "of $1: the line of $3 does not match $4"
}

echo "== a call"
first well 0 -s 300 -a "$work/well.tgz" first
line well 1 doctor 'SIMT emulator, libcuda 13'
line well 1 golden '[0-9]+ tests passed, 0 failed'
line well 1 step-f16 'images/s'
line well 1 profile-bf16 'ms a step, floor'
[ -d "$work/well/cache/contig-gpu/cudnn" ] || fail "the plans are not kept"
for kept in call1/summary.txt call1/profile-bf16.log cache/contig-gpu/cudnn; do
  tar -tzf "$work/well.tgz" "./$kept" >"$work/list" || fail "the archive lacks $kept"
done
if grep -E 'FAILED|STOPPED' "$work/well/call1/summary.txt"; then fail "a step failed"; fi

echo "== with a step that fails, one that hangs, and too little time"
cp -r "${CONTIG_REPORT:-build/report}" "$work/report"
printf '#!/bin/sh\necho out of order\nexit 3\n' >"$work/report/loss.test"
printf '#!/bin/sh\necho waiting\nsleep 1000\n' >"$work/report/model.test"
CONTIG_REPORT=$work/report first broken 1 -s 60 first
line broken 1 golden-loss 'FAILED \(3\): out of order'
line broken 1 golden-model 'STOPPED after [0-9]+ s: waiting'
line broken 1 conformance '[0-9]+ tests passed'
line broken 1 profile-bf16 'no time was left|STOPPED|ms a step'
line broken 1 'call 1' '[2-9] steps failed'
[ -s "$work/broken/call1/golden-model.log" ] || fail "what the hanging step said is not kept"

echo "== without a library"
CONTIG_LIBCUBLASLT=$work/absent.so first absent 1 -s 100 first
line absent 1 doctor 'no GPU: .*cuBLASLt.*absent.so'
line absent 1 step-bf16 'FAILED .*E804'
line absent 1 conformance 'FAILED|failed'

echo "== the second call, on another machine"
scripts/gpu_report.sh -t -o "$work/other" -w "$work/unshared" -a "$work/well.tgz" -s 60 first 2 || fail "call 2 ended with $?"
line other 2 memcheck 'skipped'
line other 1 step-bf16 'images/s'
[ -d "$work/unshared/cache/contig-gpu/cudnn" ] || fail "the plans of call 1 are not there for call 2"
echo "check_gpu_first.sh: all as it should be"
