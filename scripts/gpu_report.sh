#!/usr/bin/env bash
# What a GPU says of this build, in stages of at most ten minutes each. It needs what `make gpu-report-build` put into
# build/report, or build/report.tgz, which is the same in one file; a GPU and its driver, python3; no Go. Stages that compare with PyTorch need a python with torch ($PYTHON).
#
#   scripts/gpu_report.sh [-o OUT] [-w WORK] [-t] [-s SECONDS] [STAGE...]
#   scripts/gpu_report.sh [-o OUT] [-w WORK] [-t] [-s SECONDS] first [1|2]     see gpu_first.sh, which has -a too
#
# STAGE is one of those below, or all (the default). Results of stages are kept in WORK (build/gpu-report), where a stage that
# is run again replaces its own; after each call the report of all that is there is written: OUT/<GPU>-<date>.json and
# .md, and the GPU's description by cuDNN. OUT is docs/gpu. -t: toy sizes, for a test of this script on the emulator:
# with CONTIG_EMULATOR set to its library, which then plays the GPU. SECONDS is the time that there is: a stage gets what is left of it, and none begins
# in the last half minute.
# Exit status: 0 if all stages of this call passed.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/gpu_tools.sh

stages=(doctor conformance golden memcheck racecheck parity step448 step224 step448max grid224 grid448 loss kernels curve demo resume ranks)
out=docs/gpu work=build/gpu-report toy='' seconds='' archive='' given=()
while getopts o:a:w:s:t option; do
  case $option in
    o) out=$OPTARG ;;
    a) archive=1 ;;
    w) work=$OPTARG ;;
    t) toy=1 ;;
    s) seconds=$OPTARG ;;
    *) exit 2 ;;
  esac
done
given=("${@:1:$((OPTIND - 1))}")
shift $((OPTIND - 1))
if [ "${1:-}" = first ]; then shift; exec scripts/gpu_first.sh "${given[@]}" "$@"; fi
[ -z "$archive" ] || fail "-a is for first alone: results of other stages are kept in WORK"
[ "${1:-all}" != all ] || set -- "${stages[@]}"

prepare
mkdir -p "$work"
work=$(realpath "$work")
limit=570 # seconds for a stage
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$work/cache} # where a machine has no home, kernels and plans would be made anew by each process

bench=(--binary "$bin" --out "$work")
if [ -n "$toy" ]; then
  bench+=(--toy --windows 2 --seconds 0.01)
fi
emulate
if [ -n "${CONTIG_EMULATOR:-}" ]; then
  export XDG_CACHE_HOME=$work/cache # kernels and plans of a GPU that does not exist
  bench+=(--torch-device cpu)
fi

# run STAGE COMMAND... keeps what the command printed, how it ended and how long it took.
run() {
  local name=$1 began=$SECONDS most=$limit; shift
  if [ -n "$seconds" ]; then
    local left=$((seconds - SECONDS))
    if ((left < 30)); then skip "$name" "no time was left for it"; return; fi
    if ((most > left - 10)); then most=$((left - 10)); fi
    echo "== $name, $left s left"
  else
    echo "== $name"
  fi
  rm -f "$work/$name.json"
  (cd "$report" && timeout "$most" "$@") >"$work/$name.log" 2>&1
  echo "$? $((SECONDS - began))" >"$work/$name.rc"
  tail -n 3 "$work/$name.log" | cut -c1-300
}

skip() { echo "== $1: skipped: $2"; rm -f "$work/$1.json"; echo "skipped: $2" >"$work/$1.rc"; }

# tests NAME PATTERN BINARIES... runs Go's tests of several packages one after the other, each from a folder of its own.
tests() {
  local name=$1 pattern=$2; shift 2
  run "$name" bash -c 'pattern=$1 rc=0; shift; for t in "$@"; do ./"$t" -test.v -test.run "$pattern" || rc=1; done; exit $rc' _ "$pattern" "$@"
}

with_torch() {
  local name=$1; shift
  if "$python" -c 'import torch' 2>/dev/null; then run "$name" "$python" "$@"; else skip "$name" "$python has no torch"; fi
}

# steps NAME OPTIONS... measures steps; toy sizes are the script's own. On the CPU P4 records nothing but is else as on a GPU. P3, which takes minutes to
# compile, has a stage of its own, and keeps what it compiled for a second try.
export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-$work/inductor}
steps() {
  local name=$1; shift
  if [ -n "$toy" ]; then
    [ "$name" = step448max ] && set -- --variants P3 || set -- --variants P1 P4
  fi
  with_torch "$name" "$here/bench_gpu.py" "${bench[@]}" --name "$name" "$@" -- step
}

sanitize() {
  local found command
  if [ -n "${CONTIG_EMULATOR:-}" ]; then
    skip "$1" "it wants a GPU, not the emulator"
  elif found=$(tool compute-sanitizer); then
    sanitized "$1" "$found"
    run "$1" "${command[@]}"
  else
    skip "$1" "no compute-sanitizer on PATH, in CUDA_HOME or in Python's packages"
  fi
}

conformance=Conformance golden=Golden resume=(20 1 cuda 2000) ranks=(200 64 32 0 1)
if [ -n "$toy" ]; then conformance='ConformanceMatMul/cuda' golden=GoldenLoss resume=(2 1 cpu 60) ranks=(6 32 8 1); fi

stage() {
  case $1 in
    doctor) run doctor "$bin" doctor --json ;;
    conformance) tests conformance "$conformance" gpu.test ;;
    golden) tests golden "$golden" gpu.test loss.test model.test ;;
    memcheck | racecheck) sanitize "$1" ;;
    parity | loss) with_torch "$1" "$here/bench_gpu.py" "${bench[@]}" "$1" ;;
    step448) steps step448 --cases 448:64 --seconds 1 --variants P2 P4 P1 ;;
    step224) steps step224 --cases 224:256 --seconds 1 --variants P2 P4 P1 ;;
    step448max) steps step448max --cases 448:64 --seconds 1 --variants P3 ;;
    grid*) steps "$1" --variants P1 P2 P4 --budget 390 --cases "${1#grid}":{64,128,256,512} ;;
    kernels) small=()
      [ -z "$toy" ] || small=(--encoder resnet18 --image-size 32 --batch 2 --features 3 --hidden 8 --windows 1 --seconds 0)
      run kernels "$bin" bench kernels --device cuda --features 481,7854,18574 --image-size 224 --batch 256 --json "${small[@]}" ;;
    curve | demo) with_torch "$1" "$here/curve_gpu.py" "${bench[@]}" "$1" ;;
    resume) run resume "$here/kill_resume.sh" "${resume[@]}" ;;
    ranks)
      if found=$("$here/gpu_ranks.sh" version); then run ranks "$here/gpu_ranks.sh" "${ranks[@]}"; else skip ranks "$found"; fi ;;
    *) fail "stage $1: there are ${stages[*]} and all" ;;
  esac
}

for name; do stage "$name"; done
"$python" "$here/gpu_report.py" "$work" "$out" "$(git rev-parse HEAD 2>/dev/null || cat "$report/commit")" "$@"
