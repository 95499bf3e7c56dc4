#!/usr/bin/env bash
# The first minutes on a GPU, in two calls, ordered by what unblocks most. Each step prints one line, has a limit of its own, and what comes after it
# goes on whatever it did; what it printed is kept in OUT at once, so that a call that is cut off leaves what it had.
#
#   scripts/gpu_report.sh [-o OUT] [-a ARCHIVE] [-w WORK] [-t] [-s SECONDS] first [1|2]
#
# Call 1 (420 s): doctor, clocks, the conformance suite, a step of 448 px in bf16 and where its time goes; then convolutions, golden cases, f16, f32.
# Call 2 (300 s): PyTorch beside ours, memcheck. SECONDS is the time that there is, OUT build/gpu-first; WORK (build/gpu-first-work) has the plans and kernels
# that calls on the same machine share. ARCHIVE is a file that has all of OUT, written anew after each step; where it is there at the beginning, OUT and the plans
# and kernels are taken from it: so call 2 may come on another machine. -t: toy sizes, for a test of this script on the emulator.
# Needs what gpu_report.sh needs. Exit status: 0 if every step passed or had no time.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/gpu_tools.sh

out=build/gpu-first work=build/gpu-first-work archive='' toy='' seconds=''
while getopts o:a:w:s:t option; do
  case $option in
    o) out=$OPTARG ;;
    a) archive=$OPTARG ;;
    w) work=$OPTARG ;;
    s) seconds=$OPTARG ;;
    t) toy=1 ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
call=${1:-1}
case $call in
  1) : "${seconds:=420}" ;;
  2) : "${seconds:=300}" ;;
  *) fail "call $call: there are 1 and 2" ;;
esac
prepare
mkdir -p "$work" "$out"
work=$(realpath "$work") out=$(realpath "$out")
if [ -s "$archive" ]; then tar -C "$out" -xzf "$archive" || fail "$archive cannot be read: leave -a out, or name another file"; fi
if [ -d "$out/cache" ]; then mkdir -p "$work/cache" && cp -ru "$out/cache/." "$work/cache/"; fi
export XDG_CACHE_HOME=$work/cache
emulate
logs=$out/call$call
rm -rf "$logs"
mkdir -p "$logs"
failures=0

# keep copies the plans and kernels that were made into OUT, and OUT into ARCHIVE.
keep() {
  if [ -d "$work/cache/contig-gpu" ]; then mkdir -p "$out/cache" && cp -ru "$work/cache/contig-gpu" "$out/cache/"; fi
  if [ -n "$archive" ]; then tar -C "$out" -czf "$archive.new" . && mv "$archive.new" "$archive"; fi
}
trap keep EXIT
trap 'exit 143' TERM INT

left() { echo $((seconds - SECONDS)); }

say() {
  printf '%4d s, %4d left  %-16s %s\n' "$SECONDS" "$(left)" "$1" "$2" | tee -a "$logs/summary.txt"
}

# summary prints what a step found, in a line: of JSON the figures, of tests their number, else the last line.
summary() {
  "$python" - "$logs/$1.log" <<'EOF'
import json, re, sys
text = open(sys.argv[1], errors="replace").read()
lines = [l for l in text.splitlines() if l.strip()]
found = {}
for l in lines:
    if l.startswith("{"):
        try:
            found = json.loads(l)
        except ValueError:
            pass
tests = [len(re.findall(r"^\s*--- " + w, text, re.M)) for w in ("PASS", "FAIL", "SKIP")]
if "rows" in found and "total" in found:
    r = found["rows"][0]
    print(f"{found['milliseconds_per_step']['median']:.2f} ms a step, floor {found['total']['floor_milliseconds']:.2f}; first {r['kernel']} {r['milliseconds']:.2f} ms, floor {r['floor_milliseconds']:.2f}")
elif "images_per_second" in found:
    print(f"{found['images_per_second']['median']:.1f} images/s, {found['milliseconds_per_step']['median']:.2f} ms a step, {found['graph_nodes']} nodes")
elif "gpu" in found: # doctor's: what is measured names it too
    g = found["gpu"]
    print(g["name"] + ", " + ", ".join(f"{x['name']} {x['version']}" for x in g["libraries"]) if g.get("name") else "no GPU: " + " ".join(g.get("why", "").split()))
elif sum(tests):
    names = re.findall(r"^\s*--- FAIL: (\S+)", text, re.M)
    print("{} tests passed, {} failed, {} skipped".format(*tests) + (": " + " ".join(names[:4]) if names else ""))
else:
    said = [l for l in lines if l.startswith("contig-gpu: ")] or lines[-1:] or ["it said nothing"]
    print(said[0][:200])
EOF
}

# step NAME LIMIT COMMAND... runs a step for at most LIMIT seconds, and no longer than there are.
step() {
  local name=$1 limit=$2 rc room; shift 2
  room=$(($(left) - 5))
  if ((room < 5)); then say "$name" "no time was left for it"; return; fi
  if ((limit > room)); then limit=$room; fi
  (cd "$report" && timeout --kill-after=3 "$limit" "$@") >"$logs/$name.log" 2>&1 </dev/null
  rc=$?
  case $rc in
    0) say "$name" "$(summary "$name")" ;;
    124 | 137) failures=$((failures + 1)); say "$name" "STOPPED after $limit s: $(summary "$name")" ;;
    *) failures=$((failures + 1)); say "$name" "FAILED ($rc): $(summary "$name")" ;;
  esac
  keep
}

tests() {
  local name=$1 limit=$2 binary=$3; shift 3
  step "$name" "$limit" "./$binary" -test.v -test.short "$@"
}

shape=(--encoder resnet50 --image-size 448 --batch 64 --features 481,7854,18574)
five=(--windows 5 --seconds 1) three=(--windows 3 --seconds 0) whole=Conformance convolutions='Conformance.*Conv'
compare=(--windows 5 --seconds 1 --variants P2 P4 --our-precision bf16) types=(bf16 f16)
if [ -n "$toy" ]; then
  shape=(--encoder resnet18 --image-size 32 --batch 2 --features 3 --hidden 8)
  five=(--windows 2 --seconds 0) three=(--windows 1 --seconds 0) whole='Conformance(MatMul|Cast)/cuda:0$' convolutions='ConformanceConvStats/cuda:0$'
  compare=(--toy --windows 2 --seconds 0.01 --variants P2 P4 --torch-device cpu) types=(bf16) # f16 looks for its scale, which takes many steps
fi

# ours NAME LIMIT VERB OPTION... is one of our benchmarks of the step.
ours() {
  local name=$1 limit=$2 verb=$3; shift 3
  step "$name" "$limit" "$bin" bench "$verb" --device cuda:0 "${shape[@]}" --json "$@"
}

profile() {
  local ncu
  if [ -n "${CONTIG_EMULATOR:-}" ]; then
    say ncu "skipped: it wants a GPU, not the emulator"
  elif ncu=$(tool ncu); then # one recorded step, between the marks that bench profile sets
    step ncu 90 "$ncu" --profile-from-start off --graph-profiling node --section SpeedOfLight --section LaunchStats --clock-control none --csv --page raw \
      "$bin" bench profile --device cuda:0 "${shape[@]}" --precision bf16 --windows 1 --seconds 0
  else
    say ncu "skipped: no ncu on PATH, in CUDA_HOME or in Python's packages; profile-* have our own clock's figures"
  fi
}

# in_type TYPE LIMIT is a step as it is, recorded, and its profile.
in_type() {
  local p=$1 limit=$2
  if [ -z "$toy" ] || [ "$p" != f16 ]; then ours "plain-$p" "$limit" step --precision "$p" --no-graph "${three[@]}"; fi
  ours "step-$p" "$limit" step --precision "$p" "${five[@]}"
  if [[ " ${types[*]} " == *" $p "* ]]; then ours "profile-$p" 40 profile --precision "$p" "${five[@]}"; fi
}

# The limits down to ncu's are less than call 1 has: what comes first cannot take its time.
first() {
  step doctor 30 "$bin" doctor --json
  if command -v nvidia-smi >/dev/null; then step clocks 10 nvidia-smi -q -d CLOCK; else say clocks "skipped: no nvidia-smi"; fi
  tests conformance 100 gpu.test -test.run "$whole" -test.skip 'Conformance.*Conv'
  in_type bf16 60
  profile
  CONTIG_PLANS=first tests convolutions 60 gpu.test -test.run "$convolutions"
  tests golden 30 gpu.test -test.run "Golden${toy:+Loss}"
  tests golden-loss 30 loss.test -test.run Golden
  tests golden-model 40 model.test -test.run "Golden${toy:+Torchvision}"
  in_type f16 60
  CONTIG_PLANS=first in_type f32 60 # no pack has its plans
}

second() {
  local case memcheck command cases=()
  if "$python" -c 'import torch' 2>/dev/null; then
    for case in 448:64 224:256; do
      [ -n "$toy" ] || cases=(--cases "$case")
      step "torch-${case%:*}" 90 "$python" "$here/bench_gpu.py" --binary "$bin" --out "$logs" --name "torch-${case%:*}" "${compare[@]}" "${cases[@]}" -- step
    done
  else
    say torch "skipped: $python has no torch"
  fi
  if [ -n "${CONTIG_EMULATOR:-}" ]; then
    say memcheck "skipped: it wants a GPU, not the emulator"
  elif memcheck=$(tool compute-sanitizer); then
    sanitized memcheck "$memcheck"
    step memcheck 240 "${command[@]}"
  else
    say memcheck "skipped: no compute-sanitizer on PATH, in CUDA_HOME or in Python's packages"
  fi
}

if [ "$call" = 1 ]; then first; else second; fi
say "call $call" "$failures steps failed; all is in $logs"
((failures == 0))
