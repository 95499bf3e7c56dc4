#!/usr/bin/env bash
# check_genotypes.sh N [SEED]: reads N random sets as plink2 writes them in every format, and real ones where there are some, and compares each genotype with plink2; then
# trains a small network on one cohort in each format, which must end in the same bytes. Installs nothing: what needs a program that is not here is left out, and said.
# CONTIG_GPU names the program; without it, it is built.
set -euo pipefail
cd "$(dirname "$0")/.."
sets=${1:-50} seed=${2:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
have() { command -v "$1" >/dev/null; }

if ! have plink2; then
    echo "skipped: there is no plink2"
    exit 0
fi
have bcftools || echo "skipped: there is no bcftools; no BCF of its making"
CONTIG_GENOTYPES="$sets $seed" go test ./data/genofile ./data/vcf ./data/cohort -run '^Test(Dummies|Linked|Alleles|Fixtures|Fields|Formats)$' -count=1 -timeout 60m
echo "$sets random sets: no differences"

bin=${CONTIG_GPU:-}
if [ -z "$bin" ]; then
    bin=$work/contig-gpu
    go build -o "$bin" ./cmd/contig-gpu
fi
"$bin" synth --out "$work/cohort" --persons 60 --image-size 32 --seed "$seed" >/dev/null
prefix=$work/cohort/cohort bed=$work/cohort/cohort.bed
quiet() { "$@" >/dev/null 2>&1 || { echo "failed: $*"; exit 1; }; }
quiet plink2 --bfile "$prefix" --make-pgen --out "$work/p"
quiet plink2 --bfile "$prefix" --make-pgen vzs --out "$work/z"
quiet plink2 --bfile "$prefix" --export bgen-1.2 bits=8 ref-first --out "$work/b8"
quiet plink2 --bfile "$prefix" --export bgen-1.3 ref-first --out "$work/b16"
quiet plink2 --bfile "$prefix" --export bgen-1.3 --out "$work/last"
quiet plink2 --bfile "$prefix" --export vcf bgz id-paste=iid --out "$work/v"
quiet plink2 --bfile "$prefix" --export bcf id-paste=iid --out "$work/c"
quiet plink2 --bfile "$prefix" --chr 1-11 --make-pgen --out "$work/half1"
quiet plink2 --bfile "$prefix" --not-chr 1-11 --export vcf bgz id-paste=iid --out "$work/half2"
want=""
for files in "$bed" "$work/p" "$work/z.pgen" "$work/b8.bgen" "$work/b16.bgen" "$work/last.bgen\"
ref = \"last" "$work/v.vcf.gz" "$work/c.bcf" "$work/half{1..2}"; do
    printf '[snps]\nfiles = "%b"\n' "$files" >"$work/data.toml"
    rm -rf "$work/run"
    if ! "$bin" train --images "$work/cohort/images.tsv" --data "$work/data.toml" --run "$work/run" --encoder resnet18 --image-size 32 --batch 8 --epochs 1 --seed 5 --device cpu >"$work/log" 2>&1; then
        cat "$work/log"
        exit 1
    fi
    got=$(sha256sum <"$work/run/checkpoints/last.safetensors")
    want=${want:-$got}
    printf '%-40s %.16s\n' "$(basename "${files%%\"*}")" "$got"
    if [ "$got" != "$want" ]; then
        echo "other bytes than of the .bed"
        exit 1
    fi
done
