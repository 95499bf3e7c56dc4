#!/usr/bin/env bash
# check_gwas.sh [N [SEED]]: what `contig-gpu gwas` writes is what plink2 --glm and plink1.9 --clump find, digit by digit: on the genotypes of $CONTIG_FIXTURES, by default ../shared/fixtures, where
# they are, and on N filesets (2) that plink2 makes from a seed. The script that `--write-for plink2` writes makes plink2's side. $CONTIG_GPU is the program.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in plink2 plink1.9 python3; do
    command -v "$tool" >/dev/null || { echo "check_gwas: skipped: no $tool on PATH"; exit 0; }
done
bin=${CONTIG_GPU:-build/contig-gpu}
fixtures=${CONTIG_FIXTURES:-../shared/fixtures}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one() { # PREFIX SEED clumping flags
    local prefix=$1 seed=$2 dir=$work/$2
    shift 2
    scripts/gwas_cohort.py "$prefix" "$dir" "$seed"
    "$bin" gwas --features "$dir" --genotypes "$prefix" --covariates "$dir/covariates.txt" --pca 6 --out "$dir/gwas" --write-for plink2,regenie,bolt,saige "$@" >"$dir/log"
    for script in "$dir"/gwas/private/run_*.sh; do sh -n "$script"; done
    T=1 sh "$dir/gwas/private/run_plink2.sh" >"$dir/plink2.log" || { cat "$dir/plink2.log"; exit 1; }
    scripts/check_gwas.py "$prefix" "$dir/gwas"
    rm -rf "$dir"
}

if [ -f "$fixtures/genotypes/cineca.bed" ]; then
    one "$fixtures/genotypes/cineca" 1
    one "$fixtures/genotypes/cineca" 2 --clump-p1 1e-3 --clump-p2 1e-2 --clump-r2 0.07 --clump-kb 2000 --int none
else
    echo "check_gwas: no genotypes in $fixtures: set CONTIG_FIXTURES for the fixture"
fi
n=${1:-2} from=${2:-1}
for ((k = 0; k < n; k++)); do
    seed=$((1000 + from * 1000 + k))
    plink2 --dummy 400 600 0.03 --seed "$seed" --make-bed --out "$work/dummy" >/dev/null
    one "$work/dummy" "$seed" --clump-p1 0.01 --clump-p2 0.05 --clump-r2 0.013 --clump-kb 500
done
