#!/usr/bin/env bash
# Two ranks on one GPU, which NCCL allows from 2.30 on where it is told to: they train in float32 what one rank does that takes the batch in two chunks, the
# same bytes twice; where one is killed, the other ends within 30 seconds and says which was lost, and the run goes on to the same bytes. It says
# nothing about speed.
# Usage: scripts/gpu_ranks.sh STEPS SIZE BATCH VICTIM...   (needs ./contig-gpu or $CONTIG_GPU, python3, a GPU; VICTIM: 0 or 1, a rank to kill)
#        scripts/gpu_ranks.sh version                      prints the NCCL that is found; ends with 1 and says why if it will not do
set -euo pipefail
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")

fail() { echo "gpu_ranks.sh: $*" >&2; exit 1; }

# version prints the version of NCCL and its file.
version() {
  "$bin" doctor --json | python3 -c '
import json, sys
nccl = json.load(sys.stdin)["ranks"]["nccl"]
if "error" in nccl:
    sys.exit(print(" ".join(nccl["error"].split())) or 1)
print(nccl["version"], nccl["path"])
if tuple(map(int, nccl["version"].split(".")[:2])) < (2, 30):
    sys.exit(print("cannot put two ranks on one GPU, which 2.30 can: pip install nvidia-nccl-cu13, with CONTIG_LIBNCCL naming its libnccl.so.2") or 1)'
}

found=$(version) || { echo "NCCL ${found//$'\n'/ }"; exit 1; }
echo "NCCL $found"
if [ "${1:-}" = version ]; then exit; fi

steps=$1 size=$2 batch=$3; shift 3
compared=$((steps < 10 ? steps : 10)) # steps: later ones multiply differences of rounding
work=$(mktemp -d)
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-0}
export CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES%%,*} # one GPU, for both
export NCCL_MULTI_RANK_GPU_ENABLE=1 NCCL_MAX_CTAS=8     # the kernels of both must fit beside each other
export CONTIG_SECRET=$RANDOM$RANDOM$RANDOM$RANDOM
"$bin" synth --out cohort --persons $((batch * 5)) --image-size "$size" --seed 9 >/dev/null
# SGD: Adam's first steps have the sign of every gradient, however small, and so of its rounding.
train=("$bin" train --images cohort/images.tsv --data cohort/data.toml --encoder resnet18 --image-size "$size" --batch "$batch" --hidden 32 --embedding 16
  --optimizer sgd --lr 0.001 --max-steps "$steps" --checkpoint-every 2 --keep 1 --seed 4 --device cuda --precision f32)

# start RUN FLAG... starts two ranks, whose processes are then in pids.
start() {
  local run=$1 rank port; shift
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  pids=()
  for rank in 0 1; do
    RANK=$rank WORLD_SIZE=2 LOCAL_RANK=$rank LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port \
      "${train[@]}" --run "$run" --ranks 2 "$@" >"$run.$rank.log" 2>&1 &
    pids+=($!)
  done
}

# finish RUN waits for both to end well.
finish() {
  local rank
  for rank in 0 1; do
    wait "${pids[rank]}" || { tail -n 20 "$1".?.log; fail "$1: rank $rank ended with $?"; }
  done
  [ ! -s "$1.1.log" ] || { cat "$1.1.log"; fail "$1: rank 1 speaks"; }
}

equal() {
  local f
  for f in last best; do
    cmp "whole/checkpoints/$f.safetensors" "$1/checkpoints/$f.safetensors" || fail "$1 ends in other bytes"
  done
}

# reached prints the last step that a run has told of, 0 before the first.
reached() {
  local line
  line=$(grep -o '"kind":"step","step":[0-9]*' "$1/metrics.jsonl" 2>/dev/null | tail -n 1) || true
  echo "${line##*:}" | grep . || echo 0
}

# lose RANK kills a rank after some steps: the other ends, with an error that names it.
lose() {
  local other=$((1 - $1)) i status=0
  rm -rf killed # whose metrics would tell of steps
  start killed
  while (($(reached killed) < 3)) && kill -0 "${pids[$1]}" 2>/dev/null; do sleep 0.02; done
  kill -9 "${pids[$1]}" || { tail -n 20 killed.?.log; fail "the ranks ended before one was killed: more steps?"; }
  wait "${pids[$1]}" 2>/dev/null || true
  for ((i = 0; i < 300; i++)); do
    kill -0 "${pids[other]}" 2>/dev/null || break
    sleep 0.1
  done
  if ((i == 300)); then # where it waits, Go says on SIGQUIT
    kill -QUIT "${pids[other]}"
    sleep 1
    cat "killed.$other.log"
    fail "rank $other goes on for 30 seconds after rank $1 was killed"
  fi
  wait "${pids[other]}" || status=$?
  if ((status != 1)) || ! grep -q "E733: rank $1 (" "killed.$other.log"; then
    tail -n 20 "killed.$other.log"
    fail "rank $1 was killed, and rank $other ended with $status"
  fi
  echo "rank $1 killed at step $(reached killed): rank $other ended"
}

"${train[@]}" --run alone --chunk $((batch / 2)) >alone.log 2>&1 || { tail -n 20 alone.log; fail "one rank failed"; }
for run in whole again; do
  start $run
  finish $run
done
equal again
echo "two runs of two ranks: equal"
for victim; do
  lose "$victim"
  start killed --resume
  finish killed
  equal killed
  echo "resumed: equal"
done
python3 - "$compared" "${found%% *}" <<'END'
import json, sys

def losses(run):
    return [x["loss"] for x in map(json.loads, open(run + "/metrics.jsonl")) if x["kind"] == "step"]

n, one, two = int(sys.argv[1]), losses("alone"), losses("whole")
off = [abs(a - b) / a for a, b in zip(one, two, strict=True)]
print(json.dumps({"nccl": sys.argv[2], "steps": len(off), "compared": n, "loss_difference": max(off[:n]), "loss_difference_of_all": max(off)}))
sys.exit(len(off) < n or not max(off[:n]) < 1e-3)
END
