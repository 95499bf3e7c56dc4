#!/usr/bin/env bash
# Kills the program (SIGKILL) at KILLS random moments, spread over train, synth, embed, embed --shard, merge, explain, export, pgs, burden and the making of the demo cohort, and runs each
# again to its end. After a kill a result is there whole or not at all; in the end it has the bytes of one that was left alone, and nothing else is left.
# Usage: scripts/kills.sh [KILLS] [SEED]   (needs ./contig-gpu or $CONTIG_GPU; about 3 s a kill on two cores)
set -euo pipefail
kills=${1:-20}
RANDOM=${2:-1}
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CACHE_HOME=$work/cache
mkdir out whole
cohort=(--persons 20 --image-size 32 --images-per-person 1 --snps 20 --pgs 3 --burden 3 --covariates 2 --seed 9)
"$bin" synth --out cohort "${cohort[@]}" >/dev/null
data=(--images cohort/images.tsv --data cohort/data.toml)
net=(--encoder resnet18 --image-size 32 --batch 4 --hidden 8 --embedding 8 --seed 4 --threads 1)
"$bin" train "${data[@]}" "${net[@]}" --max-steps 6 --checkpoint-every 2 --keep 1 --run model >/dev/null
from=(--checkpoint model/checkpoints/last.safetensors)

awk '{ print $2, $5, NR }' cohort/cohort.bim >weights.txt
awk '{ print "GENE" NR % 3, $2 }' cohort/cohort.bim >sets.txt

for i in 1 2 3; do "$bin" embed "${from[@]}" "${data[@]}" --threads 1 --shard $i/3 --out shards/$i >/dev/null; done

# command sets what verb $1 runs to make $2. The demo is the cohort in the cache; a run on it that is stopped at once has made it.
command() {
  case $1 in
  train) run=("$bin" train "${data[@]}" "${net[@]}" --max-steps 12 --checkpoint-every 2 --keep 1 --run "$2") ;;
  synth) run=("$bin" synth "${cohort[@]}" --out "$2") ;;
  embed) run=("$bin" embed "${from[@]}" "${data[@]}" --threads 1 --out "$2") ;;
  shard) run=("$bin" embed "${from[@]}" "${data[@]}" --threads 1 --shard 2/3 --out "$2") ;;
  merge) run=("$bin" merge --out "$2" shards/1 shards/2 shards/3) ;;
  explain) run=("$bin" explain "${from[@]}" "${data[@]}" --threads 1 --persons all --reference 8 --method gradient-input --test groups --out "$2") ;;
  export) run=("$bin" export "${from[@]}" --torchvision --out "$2") ;;
  pgs) run=("$bin" pgs --genotypes cohort/cohort --scores weights.txt --keep-ambiguous --threads 1 --out "$2") ;;
  burden) run=("$bin" burden --genotypes cohort/cohort --sets sets.txt --aaf-bins 0.3,1 --out "$2") ;;
  demo) run=("$bin" train --encoder resnet18 --image-size 32 --batch 4 --hidden 8 --embedding 8 --max-steps 1 --threads 1 --run "$2") ;;
  esac
}

# result prints the digests of all that verb $1 has made at $2, less what tells the time or the speed.
result() {
  local at=$2
  if [ "$1" = demo ]; then at=$(echo cache/contig-gpu/demo-*); fi
  if [ "$1" = train ]; then at=$2/checkpoints; fi
  if [ -d "$at" ]; then (cd "$at" && find . -type f | sort | xargs sha256sum | sha256sum); else sha256sum <"$at"; fi
}

# seconds prints how long a command takes, in thousandths.
seconds() {
  local begin
  begin=$(date +%s%3N)
  "$@" >run.log 2>&1 || { cat run.log; exit 1; }
  echo $(($(date +%s%3N) - begin))
}

verbs=(train synth embed shard merge explain export pgs burden demo)
declare -A takes want
for verb in "${verbs[@]}"; do
  command "$verb" "whole/$verb"
  takes[$verb]=$(seconds "${run[@]}")
  want[$verb]=$(result "$verb" "whole/$verb")
done
[ "${want[merge]}" = "${want[embed]}" ] || { echo "merge: other bytes than embed without --shard"; exit 1; }

# target_is_whole fails where something is at $2 after a kill of verb $1 that is not the whole result. A run is what its last
# checkpoint makes it; resuming it shows that.
target_is_whole() {
  case $1 in
  train) return 0 ;;
  demo) compgen -G 'cache/contig-gpu/demo-*' >/dev/null || return 0 ;;
  *) [ -e "$2" ] || return 0 ;;
  esac
  [ "$(result "$1" "$2")" = "${want[$1]}" ] || { echo "$1: what a kill left at $2 is not whole"; exit 1; }
}

turns=(demo "${verbs[@]::9}" "${verbs[@]::9}" "${verbs[@]::9}") # making the demo takes longest
done_kills=0 tries=0
declare -A killed
while ((done_kills < kills)); do
  verb=${turns[$((tries++ % ${#turns[@]}))]}
  at=out/$verb
  [ "$verb" = demo ] && rm -rf cache/contig-gpu/demo-*
  rm -rf "$at" out/.??*
  if ((RANDOM % 2)) && [ "$verb" != train ] && [ "$verb" != demo ]; then # what is there is replaced
    command "$verb" "$at"
    "${run[@]}" >/dev/null
    run+=(--overwrite)
  else
    command "$verb" "$at"
  fi
  "${run[@]}" >run.log 2>&1 &
  pid=$!
  wait=$((RANDOM * ${takes[$verb]} / 32768 + 1))
  sleep "$((wait / 1000)).$(printf '%03d' $((wait % 1000)))"
  kill -9 $pid 2>/dev/null || true
  status=0
  wait $pid 2>/dev/null || status=$?
  case $status in
  0) ;;
  137)
    done_kills=$((done_kills + 1))
    killed[$verb]=$((${killed[$verb]:-0} + 1))
    ;;
  *)
    cat run.log
    exit 1
    ;;
  esac
  target_is_whole "$verb" "$at"
  command "$verb" "$at"
  again=()
  if [ "$verb" = train ] && [ -e "$at/checkpoints/last.safetensors" ]; then
    again=(--resume)
  elif [ -e "$at" ]; then
    again=(--overwrite)
  fi
  "${run[@]}" "${again[@]}" >run.log 2>&1 || { cat run.log; echo "$verb: cannot be run again ${again[*]}"; exit 1; }
  [ "$(result "$verb" "$at")" = "${want[$verb]}" ] || { echo "$verb: other bytes after a kill"; exit 1; }
  left=$(find out cache/contig-gpu "$at" -maxdepth 1 -name '.*' ! -name .contig-gpu.json)
  [ -z "$left" ] || { echo "$verb: left $left"; exit 1; }
done
for verb in "${verbs[@]}"; do echo "$verb: ${killed[$verb]:-0} kills"; done
echo "$done_kills kills: each result whole or not at all, and the same bytes in the end"
