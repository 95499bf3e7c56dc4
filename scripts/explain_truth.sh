#!/usr/bin/env bash
# What `explain` says of cohorts whose truth is known, by the program's own verbs (synth, train, explain), judged by tests of cmd/contig-gpu (explaintruth_test.go):
#   ranked  mean |A| of planted features against others: AUC at least 0.95 in every modality that has both
#   found   at q <= 0.1 a mean false discovery proportion of at most 0.13 over cohorts, for every rule and modality; the power is told
#   none    synth --effect 0: a discovery in at most a tenth of the cohorts
#   real    found, on real genotypes: a .bed that FIXTURES/genotypes/cineca names (FIXTURES: CONTIG_FIXTURES, by default ../shared/fixtures), by strata where
#           there is STRATA; left out where there is none
# Usage: scripts/explain_truth.sh [RANKED [FOUND [NONE [DECOYS [REAL]]]]]   how many cohorts of each, by default 3 20 20 8 5; DECOYS: of the cohorts of found and none
# the first so many are also judged with --decoys 1 and --decoys 3. As many at a time as there are processors, each on one thread. TRUTH names a folder to keep
# everything in, from which a run that was broken off goes on. About an hour of two processors.
set -euo pipefail
cd "$(dirname "$0")/.."
ranked=${1:-3} found=${2:-20} none=${3:-20} decoys=${4:-8} real=${5:-5}
bin=$(realpath "${CONTIG_GPU:-./contig-gpu}")
fixtures=$(realpath "${CONTIG_FIXTURES:-../shared/fixtures}" 2>/dev/null || echo none)
work=${TRUTH:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
work=$(realpath "$work")
export bin work decoys fixtures

small=(--image-size 32 --images-per-person 1 --persons 1000 --snps 800 --pgs 24 --idle-pgs 60 --burden 10 --idle-burden 60 --covariates 3)
network=(--encoder resnet18 --batch 64 --no-augment --keep 0 --threads 1)
settings() { # of a kind: synth's options, train's, the share of persons that are held out
  case $1 in
  ranked) synth=(--image-size 48 --images-per-person 1 --persons 4000 --snps 1600 --pgs 24 --idle-pgs 40 --burden 10 --idle-burden 60 --covariates 3)
    train=(--image-size 48 --hidden 256 --embedding 32 --epochs 8) held=0.1 explain=(--test none) ;;
  found) synth=("${small[@]}" --idle-overlap 0.5) train=(--image-size 32 --hidden 128 --embedding 16 --epochs 6 --genetics linear) held=0.5 explain=(--reference 64 --steps 8) ;;
  none) synth=("${small[@]}" --effect 0) train=(--image-size 32 --hidden 128 --embedding 16 --epochs 3 --genetics linear) held=0.5 explain=(--reference 64 --steps 8) ;;
  real) synth=(--image-size 32 --images-per-person 1 --bfile "$fixtures/genotypes/cineca" --pgs 0 --burden 0 --covariates 0)
    train=(--image-size 32 --hidden 128 --embedding 16 --epochs 6 --genetics linear) held=0.5 explain=(--reference 64 --steps 8) ;;
  esac
}

# one KIND SEED makes and explains a cohort, unless that is done.
one() {
  local kind=$1 seed=$2 synth train held explain d
  d=$work/$kind/$seed
  settings "$kind"
  mkdir -p "$d"
  run() { "$bin" "$@" >"$d/log" 2>&1 || { cat "$d/log"; return 1; }; }
  if [ ! -d "$d/explained" ]; then
    run synth --out "$d/cohort" --overwrite --seed "$seed" "${synth[@]}"
    sed -i "s/^train = .*/train = $(awk "BEGIN { print 1 - $held }")/; s/^val = .*/val = 0/; s/^test = .*/test = $held/" "$d/cohort/data.toml"
    run train --images "$d/cohort/images.tsv" --data "$d/cohort/data.toml" --run "$d/run" --overwrite --seed "$seed" "${network[@]}" "${train[@]}"
    run explain --run "$d/run" --out "$d/explained" --threads 1 "${explain[@]}"
  fi
  if [ "$seed" -le "$decoys" ] && { [ "$kind" = found ] || [ "$kind" = none ]; }; then
    for n in 1 3; do
      [ -d "$d/decoys$n" ] || run explain --run "$d/run" --out "$d/decoys$n" --threads 1 "${explain[@]}" --test none --decoys $n
    done
  fi
  echo "$kind $seed: done"
}
export -f one settings
export small_list="${small[*]}" network_list="${network[*]}"

all() { for ((i = 1; i <= $2; i++)); do echo "$1 $i"; done; }
[ -f "$fixtures/genotypes/cineca.bed" ] || { echo "real: left out, there is no $fixtures/genotypes/cineca.bed"; real=0; }
{ all found "$found"; all none "$none"; all real "$real"; all ranked "$ranked"; } |
  xargs -L 1 -P "$(nproc)" bash -euo pipefail -c 'small=($small_list) network=($network_list); one "$@"' _

judge() { CONTIG_TRUTH_RANKED= CONTIG_TRUTH_FDR= CONTIG_TRUTH_NONE= env "$1=$work/$2" go test -count=1 -v -run "^$3\$" ./cmd/contig-gpu | grep -v '^=== '; }
failed=0
[ "$ranked" = 0 ] || judge CONTIG_TRUTH_RANKED ranked TestTruthIsRankedFirst || failed=1
[ "$found" = 0 ] || judge CONTIG_TRUTH_FDR found TestTruthIsDiscovered || failed=1
[ "$none" = 0 ] || judge CONTIG_TRUTH_NONE none TestNothingIsDiscovered || failed=1
[ "$real" = 0 ] || judge CONTIG_TRUTH_FDR real TestTruthIsDiscovered || failed=1
exit $failed
