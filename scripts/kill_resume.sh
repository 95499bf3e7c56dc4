#!/usr/bin/env bash
# Kills a training run (SIGKILL) KILLS times, each a random number of steps after the last and at a random moment of that step, resumes it, and
# compares the checkpoints at its end with those of a run that was left alone: the bytes must be the same. A run that ends before all kills are
# done is compared too, and begun anew. Steps, not seconds: on a GPU a run may plan for minutes before its first.
# With RANKS the run is one of so many ranks under MPIRUN (a command line, default Open MPI's), of which a random one is killed: the others must
# end within 30 seconds.
# Usage: scripts/kill_resume.sh [KILLS] [SEED] [DEVICE] [STEPS] [RANKS]   (needs ./contig-gpu or $CONTIG_GPU; under a minute for 20 on the CPU)
set -euo pipefail
kills=${1:-20}
RANDOM=${2:-1}
device=${3:-cpu}
steps=${4:-240}
ranks=${5:-1}
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$bin" synth --out cohort --persons 120 --image-size 32 --seed 9 >/dev/null
batch=8
while ((batch % ranks)); do batch=$((batch + 1)); done
launch=()
if ((ranks > 1)); then # ranks that wait give their processor to others: there may be more of them than processors
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
  read -ra launch <<<"${MPIRUN:-mpirun.openmpi --bind-to none --oversubscribe} -n $ranks"
fi
train=("${launch[@]}" "$bin" train --images cohort/images.tsv --data cohort/data.toml --encoder resnet18 --image-size 32 --batch $batch
  --hidden 32 --embedding 16 --max-steps "$steps" --checkpoint-every 5 --keep 1 --seed 4 --device "$device")
"${train[@]}" --run whole --threads 1 >whole.log 2>&1 || { cat whole.log; exit 1; }

# more sets what continues the run, or begins it anew.
more() {
  if [ -e killed/checkpoints/last.safetensors ]; then args=(--resume); else args=(--overwrite); fi
}

compare() {
  for f in last best; do
    cmp whole/checkpoints/$f.safetensors killed/checkpoints/$f.safetensors
  done
  echo "last and best: equal after $done_kills kills in all, at steps ${at[*]}"
}

# reached prints the last step that the run has told of, 0 before the first.
reached() {
  local line
  line=$(tail -n 20 killed/metrics.jsonl 2>/dev/null | grep -o '"kind":"step","step":[0-9]*' | tail -n 1) || true
  echo "${line##*:}" | grep . || echo 0
}

# victim prints the process to kill: the run, or one of its ranks.
victim() {
  local all
  if ((ranks == 1)); then
    echo $pid
    return
  fi
  mapfile -t all < <(pgrep -f "^$bin train .*--run killed")
  ((${#all[@]} == 0)) || echo "${all[$((RANDOM % ${#all[@]}))]}"
}

# ended waits for the run's end, and says so where ranks outlive one that was killed.
ended() {
  local i
  for ((i = 0; i < 300; i++)); do
    kill -0 $pid 2>/dev/null || return 0
    sleep 0.1
  done
  echo "ranks go on for 30 seconds after one was killed" >&2
  kill -9 $pid
  exit 1
}

done_kills=0 at=()
while ((done_kills < kills)); do
  more
  "${train[@]}" --run killed "${args[@]}" >run.log 2>&1 &
  pid=$!
  # What a run before told of is beyond the checkpoint that this one goes on from.
  target=$(($(reached) + 1 + RANDOM % (2 * steps / (kills + 1) + 1)))
  while (($(reached) < target)) && kill -0 $pid 2>/dev/null; do sleep 0.02; done
  sleep "0.0$((10 + RANDOM % 90))"
  killed=$(victim)
  [ -z "$killed" ] || kill -9 "$killed" 2>/dev/null || killed=
  ended
  status=0
  wait $pid 2>/dev/null || status=$?
  ((ranks == 1 || status == 0)) || [ -z "$killed" ] || status=137 # of the launcher, whichever it was
  case $status in
  137)
    done_kills=$((done_kills + 1))
    at+=("$(reached)")
    ;;
  0)
    compare
    rm -rf killed
    at=()
    ;;
  *)
    cat run.log
    exit 1
    ;;
  esac
done
more
"${train[@]}" --run killed "${args[@]}" >run.log 2>&1 || { cat run.log; exit 1; }
compare
