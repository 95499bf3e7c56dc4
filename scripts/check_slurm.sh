#!/usr/bin/env bash
# Runs the program on a Slurm of two nodes, which are network namespaces of this machine: ranks that meet by Slurm's variables, over MPI, a rank
# that is killed, a job that is cancelled, signals. Slurm and MPIs are Debian's packages.
# Usage: scripts/check_slurm.sh [all | CHECK...]   (as root; needs ./contig-gpu or $CONTIG_GPU; says why where it is skipped)
# Without a name: all but those of the batch scripts, which wait half a minute each for Slurm's clock.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

skip() { echo "check_slurm: skipped: $*"; exit 0; }
[ "$(id -u)" = 0 ] || skip "network namespaces and slurmd are root's: run it as root, or in a container with --privileged"
PATH=$PATH:/usr/sbin:/sbin
for tool in ip ss nsenter unshare munged slurmctld slurmd srun sbatch scancel sinfo mpirun.mpich mpirun.openmpi; do
  command -v "$tool" >/dev/null ||
    skip "no $tool: apt-get install iproute2 util-linux munge slurmctld slurmd slurm-client slurm-wlm-basic-plugins mpich openmpi-bin"
done
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
[ -x "$bin" ] || skip "no program $bin: make build"

work=$(mktemp -d /var/tmp/contig-slurm.XXXXXX) # not in /tmp, of which each host gets one of its own
net=contig$$-
cleanup() {
  local host pid
  for host in 1 2; do # what runs on these hosts, daemons and what is left of jobs
    ip netns pids "$net$host" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "$net$host" 2>/dev/null || true
  done
  if pid=$(cat "$work/munge/pid" 2>/dev/null) && kill "$pid" 2>/dev/null; then
    tail --pid="$pid" -f /dev/null # it writes its seed as it ends
  fi
  rm -rf "$work" || { sleep 1 && rm -rf "$work"; } # what was killed may write for a moment
}
trap cleanup EXIT
export OMPI_MCA_mpi_yield_when_idle=1 MPIR_CVAR_CH4_PROGRESS_THROTTLE=1 MPIR_CVAR_CH4_PROGRESS_THROTTLE_NO_PROGRESS_COUNT=16 # the nodes share processors
export UCX_TLS=^cma # UCX takes these nodes for one, on which it reads the memory of others, and aborts where one of them was killed
cp "$bin" "$work/contig-gpu" # where each host sees it
bin=$work/contig-gpu
cp "$here"/../docs/cluster/*.sbatch "$work"
cd "$work"

fail() {
  echo "check_slurm: $*" >&2
  tail -n 20 "$work"/log/{ctld,slurmd1,slurmd2} >&2 || true
  exit 1
}

# on HOST COMMAND... runs a command on host1 or host2: with its network, its name and its own /tmp. Not by "ip netns exec", which hides /sys/fs/cgroup.
on() {
  local host=$1
  shift
  # shellcheck disable=SC2016 # for the inner shell
  nsenter --net="/var/run/netns/$net$host" unshare --uts --mount sh -c \
    'mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/tmp$2" /tmp && hostname "host$2" && shift 2 && exec "$@"' sh "$work" "$host" "$@"
}

hosts() {
  local host
  mkdir -p "$work"/{state,log,munge,tmp1,tmp2,out}
  printf '127.0.0.1 localhost\n10.77.0.1 host1\n10.77.0.2 host2\n' >"$work/hosts"
  if ! { ip netns add "${net}1" && ip netns add "${net}2" && ip -n "${net}1" link add "c$$a" type veth peer name "c$$b" netns "${net}2"; }; then
    skip "no network namespaces or cables here: a container wants --privileged"
  fi
  for host in 1 2; do
    ip -n "$net$host" link set lo up
    [ "$host" = 1 ] && cable=c$$a || cable=c$$b
    ip -n "$net$host" addr add "10.77.0.$host/24" dev "$cable"
    ip -n "$net$host" link set "$cable" up
  done
  [ "$(on 2 hostname)" = host2 ] || skip "no host names and mounts of its own for a namespace here: a container wants --privileged"
}

slurm() {
  local host card
  export SLURM_CONF=$work/slurm.conf
  head -c 1024 /dev/urandom >"$work/munge/key"
  chmod 755 "$work"
  chmod 400 "$work/munge/key"
  chmod 700 "$work/munge"
  cat >"$SLURM_CONF" <<END
ClusterName=contig
SlurmctldHost=host1(10.77.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool.%n
SlurmctldPidFile=$work/ctld.pid
SlurmdPidFile=$work/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillOnBadExit=0
GresTypes=gpu
NodeName=host1 NodeAddr=10.77.0.1 CPUs=4 RealMemory=4000 Gres=gpu:8
NodeName=host2 NodeAddr=10.77.0.2 CPUs=4 RealMemory=4000 Gres=gpu:8
PartitionName=all Nodes=host[1-2] Default=YES MaxTime=INFINITE State=UP
END
  mkdir "$work/dev"
  for card in {0..7}; do ln -s /dev/null "$work/dev/gpu$card"; done # what a card's device file is to Slurm
  echo "Name=gpu File=$work/dev/gpu[0-7]" >"$work/gres.conf"
  munged --force --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" --log-file="$work/log/munge" --seed-file="$work/munge/seed"
  on 1 slurmctld -D -c >"$work/log/ctld" 2>&1 &
  for host in 1 2; do on "$host" slurmd -D -N "host$host" >"$work/log/slurmd$host" 2>&1 & done
  for _ in $(seq 100); do
    [ "$(on 1 sinfo -h -N -o %T 2>/dev/null | sort -u)" = idle ] && return
    sleep 0.2
  done
  fail "Slurm's nodes do not come up"
}

# run COMMAND... runs a command of Slurm's on host1, and leaves what it prints in $work/out/log and its exit status in $work/out/status; 124 after two minutes.
run() {
  local status=0
  (cd "$work/out" && on 1 timeout 120 "$@" >log 2>&1) || status=$?
  echo "$status" >"$work/out/status"
}

# said PATTERN... wants each in what was printed.
said() {
  local pattern
  for pattern in "$@"; do
    grep -qE "$pattern" "$work/out/log" || fail "ended with $(cat "$work/out/status"); nothing like \"$pattern\" in:"$'\n'"$(cat "$work/out/log")"
  done
}

# ended STATUS... wants one of these.
ended() {
  case " $* " in *" $(cat "$work/out/status") "*) ;; *) fail "ended with $(cat "$work/out/status"), not $*:"$'\n'"$(cat "$work/out/log")" ;; esac
}

# nobody wants that no rank is left on either host, within 10 seconds.
nobody() {
  local host left
  for _ in $(seq 50); do
    left=
    for host in 1 2; do
      left+=$(ip netns pids "$net$host" | xargs -r -I{} readlink /proc/{}/exe 2>/dev/null | grep -x "$bin" || true)
    done
    [ -n "$left" ] || return 0
    sleep 0.2
  done
  fail "ranks are left: $left"
}

# rank HOST prints the process of a rank on a host, as soon as it has a connection to another.
rank() {
  local line
  for _ in $(seq 300); do
    line=$(ip netns exec "$net$1" ss -tnpH state established | grep "(\"${bin##*/}\"" | head -n 1) && break
    sleep 0.1
  done
  line=${line##*pid=}
  echo "${line%%,*}"
}

check_meet() { # without --mpi the ranks meet by Slurm's variables alone
  run srun -N 2 -n 3 --kill-on-bad-exit=0 "$bin" doctor --ranks 3
  ended 1
  said '^3 ranks on 2 hosts \(host1 2, host2 1\), started by srun' '^met       at host1:2[0-9]{4}$' 'W731: no secret' 'E732: no MPI was started.* by srun' 'srun --mpi=pmix .Open MPI. or --mpi=pmi2'
  [ "$(grep -c 'contig-gpu: E' "$work/out/log")" = 1 ] || fail "the error is not said once: $(cat "$work/out/log")"
  CONTIG_SECRET=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') run srun -N 2 -n 2 --kill-on-bad-exit=0 "$bin" doctor --ranks
  said '^2 ranks on 2 hosts'
  ! grep W731 "$work/out/log" || fail "srun does not hand the secret on"
}

check_mpi() { # each MPI by the plugin that serves it
  local plugin name
  for plugin in pmi2:MPICH "pmix:Open MPI"; do
    name=${plugin#*:}
    run srun -N 2 -n 2 --mpi="${plugin%%:*}" "$bin" doctor --ranks 2
    ended 0
    said '^2 ranks on 2 hosts \(host1 1, host2 1\), started by srun' "interface $name$" '^met       at 10\.77\.0\.1:'
    [ "$(grep -c 'right on all ranks' "$work/out/log")" = 6 ] || fail "$name: $(cat "$work/out/log")"
  done
}

cohort() {
  [ -d "$work/out/cohort" ] || "$bin" synth --quiet --out "$work/out/cohort" --persons 80 --image-size 48 --seed 3 2>"$work/log/synth"
}

# training RUN OPTION... puts into $train a training of two ranks into a folder.
training() {
  cohort
  train=("$bin" train --images "$work/out/cohort/images.tsv" --data "$work/out/cohort/data.toml" --encoder resnet18 --image-size 32 --batch 8 --hidden 32
    --embedding 16 --checkpoint-every 2 --keep 1 --seed 4 --threads 1 --device cpu --ranks 2 --run "$work/out/$1" "${@:2}")
}

# trains RUN waits until a training has written a checkpoint.
trains() {
  for _ in $(seq 600); do
    [ ! -e "$work/out/$1/checkpoints/last.safetensors" ] || return 0
    sleep 0.1
  done
  fail "no checkpoint in $1: $(cat "$work/out/log")"
}

check_cancel() { # scancel sends SIGTERM, and SIGKILL after KillWait, 30 seconds
  local train
  training cancelled --epochs 100000
  run srun -N 2 -n 2 --mpi=pmi2 "${train[@]}" &
  trains cancelled
  on 1 scancel --user root
  wait $!
  ended 143
  said 'terminated: stopping|stopped by signal: terminated' 'task [01]: Exited with exit code 143' # the other may hear of this one's end first
  ! grep 'Killed' "$work/out/log" || fail "a rank was killed"
  nobody
}

# program FOLDER writes a program that stands for contig-gpu in the files of docs/cluster: on the CPU, at toy size. There is no GPU here.
program() {
  cat >"$1/toy" <<END
#!/bin/bash
arguments=()
while [ \$# -gt 0 ]; do
  case \$1 in
  --device) arguments+=(--device cpu --threads 1); shift ;;
  --encoder) arguments+=(--encoder resnet18 --hidden 32 --embedding 16 --epochs 100000); shift ;;
  --image-size) arguments+=(--image-size 32); shift ;;
  --batch) arguments+=(--batch 8); shift ;;
  *) arguments+=("\$1") ;;
  esac
  shift
done
exec "$bin" "\${arguments[@]}"
END
  chmod +x "$1/toy"
}

# state JOB prints how often a job was queued again, and its state.
state() {
  on 1 scontrol show job "$1" | sed -nE 's/.*Requeue=1 Restarts=([0-9]+).*/\1/p; s/.*JobState=([A-Z]+).*/\1/p' | sort | tr '\n' ' '
}

# until RESTARTS STATE JOB waits for it, for 90 seconds at most.
until_state() {
  for _ in $(seq 180); do
    [ "$(state "$3")" = "$1 $2 " ] && return
    sleep 0.5
  done
  fail "job $3 is $(state "$3"), and not $1 $2: $(cat "$work/out/log")"
}

# submit SCRIPT OPTION... queues a batch script of docs/cluster and leaves its number in $job.
submit() {
  local script=$1
  shift
  job=$(cd "$work/out" && on 1 sbatch --parsable --time=1 --mem=100M --cpus-per-task=1 --output="$work/out/log" "$@" "$work/$script")
}

# check_batch runs a batch script of docs/cluster: Slurm sends its signal before the time limit, the job is queued again and goes on.
check_batch() {
  local script=$1 job before
  shift
  cohort
  program "$work/out"
  export RUN=$work/out/run DATA=$work/out/cohort CONTIG=$work/out/toy CONTIG_MPI=pmi2
  rm -rf "$RUN" "$work/out/log"
  submit "$script" "$@"
  until_state 1 PENDING "$job"
  said 'stopping after this step, writing a checkpoint' 'task 0: Exited with exit code 1[34][38]'
  [ -e "$RUN/checkpoints/last.safetensors" ] || fail "no checkpoint in $RUN"
  before=$(grep -cE '^step [0-9]+ of|epoch [0-9]+, step' "$work/out/log")
  on 1 scancel "$job" # Slurm lets two minutes pass before it starts it again
  submit "$script" "$@"
  until_state 0 RUNNING "$job"
  for _ in $(seq 150); do
    [ "$(grep -cE '^step [0-9]+ of|epoch [0-9]+, step' "$work/out/log")" -gt "$before" ] && break
    sleep 0.2
  done
  on 1 scancel "$job" # it stays cancelled
  until_state 0 CANCELLED "$job"
  [ "$(grep -c 'stopping after this step' "$work/out/log")" -ge 2 ] || fail "the second run does not stop: $(cat "$work/out/log")"
  nobody
}

# check_train: a training over two nodes ends in the same bytes under both MPIs, and where a rank was killed, which Slurm would leave to itself,
# and the run goes on.
check_train() {
  local train victim plugin folder steps=16 # so many that it is not done before it is killed
  for plugin in pmi2 pmix; do
    training "$plugin" --max-steps "$steps"
    run srun -N 2 -n 2 --mpi="$plugin" "${train[@]}"
    ended 0
    said '^2 ranks on 2 hosts'
  done
  training killed --max-steps "$steps"
  run srun -N 2 -n 2 --mpi=pmi2 --kill-on-bad-exit=0 "${train[@]}" &
  trains killed
  victim=$(rank 2)
  kill -9 "$victim"
  wait $!
  ended 1 137
  said "contig-gpu: E733: rank 1 \(host2, process $victim\)" 'task 1: Killed'
  nobody
  run srun -N 2 -n 2 --mpi=pmi2 "$bin" train --run "$work/out/killed" --resume --device cpu --threads 1
  ended 0
  for folder in pmix killed; do
    cmp "$work/out/pmi2/checkpoints/last.safetensors" "$work/out/$folder/checkpoints/last.safetensors" || fail "$folder ends in other bytes than pmi2"
  done
}

hosts
slurm
[ $# -gt 0 ] || set -- meet mpi cancel train
[ "$1" != all ] || set -- meet mpi cancel train "batch train-multi.sbatch --signal=USR1@50 --ntasks-per-node=1" "batch train.sbatch --signal=TERM@50"
for check in "$@"; do
  began=$SECONDS
  # shellcheck disable=SC2086 # a batch script has options
  check_$check
  echo "check_slurm: $check: well, $((SECONDS - began)) s"
done
