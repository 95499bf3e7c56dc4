#!/usr/bin/env bash
# bench_gwas.sh [VARIANTS [PERSONS [ROUNDS]]]: `contig-gpu gwas` of 10 components against plink2 --glm of the same, on genotypes that plink2 makes (--dummy, 1 % missing), in turn, with the same
# threads ($THREADS, by default all). Writes all times, and the least of each: wall seconds, and those of the processors, which a busy machine changes less. $CONTIG_GPU is the program.
set -euo pipefail
cd "$(dirname "$0")/.."
variants=${1:-800000} persons=${2:-2500} rounds=${3:-2}
threads=${THREADS:-$(nproc)}
bin=$(realpath "${CONTIG_GPU:-build/contig-gpu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plink2 --dummy "$persons" "$variants" "${MISSING:-0.01}" --seed 1 --make-bed --out "$work/set" --threads "$threads" >/dev/null
awk '{ $1 = 1 + int(NR / 80000); $4 = NR % 80000 * 3000 + 1; print }' OFS='\t' "$work/set.bim" >"$work/bim" && mv "$work/bim" "$work/set.bim" # places as far apart as those of an array
rm -f "$work"/set.pgen "$work"/set.pvar "$work"/set.psam
scripts/gwas_cohort.py "$work/set" "$work/f" 1 24
run() { # NAME command...: wall seconds, and seconds of processors
    local name=$1
    shift
    TIMEFORMAT='%R %U %S'
    { time "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; } 2>"$work/time"
    awk -v name="$name" '{ printf "%s %.1f %.1f\n", name, $1, $2 + $3 }' "$work/time"
}
for ((k = 0; k < rounds; k++)); do
    rm -rf "$work/out"
    run gwas "$bin" gwas --features "$work/f" --genotypes "$work/set" --covariates "$work/f/covariates.txt" --pca 10 --out "$work/out" --write-for plink2 --threads "$threads" --tables none
    run plink2 env T="$threads" sh "$work/out/private/run_plink2.sh"
done | tee "$work/times"
awk -v v="$variants" -v p="$persons" -v t="$threads" '{ if (best[$1] == "" || $2 < best[$1]) best[$1] = $2; if (cpu[$1] == "" || $3 < cpu[$1]) cpu[$1] = $3 }
    END { printf "| %d variants x %d persons, 10 traits, %d threads | %.1f s | %.1f s | %.1f | %.1f s | %.1f s | %.1f |\n", v, p, t, best["gwas"], best["plink2"], best["plink2"] / best["gwas"], cpu["gwas"], cpu["plink2"], cpu["plink2"] / cpu["gwas"] }' "$work/times"
