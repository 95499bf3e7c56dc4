#!/usr/bin/env bash
# Shows that the conformance suite can fail: puts one fault at a time into a copy of the kernels, builds the emulator
# from it, and expects `TestConformance` to fail under one of a few thread schedules.
#
#   scripts/mutate_kernels.sh [-n COUNT] [-s SEEDS] [-k KIND] [-f FILE]
#
# COUNT mutants are drawn (default 8, 0: all) of KIND barrier (one __syncthreads less) or guard (one `<` of an if or
# loop becomes `<=`), by default both, in FILE (a name in kernels/, default all). SEEDS are the schedules (default "0 2 3").
# Prints a line for each mutant. Some cannot be found: a barrier or bound that holds anyway. Exits 1 if any survives.
set -euo pipefail
cd "$(dirname "$0")/.."

count=8 seeds="0 2 3" kind='.*' file='.*'
while getopts n:s:k:f: option; do
    case $option in
    n) count=$OPTARG ;;
    s) seeds=$OPTARG ;;
    k) kind=$OPTARG ;;
    f) file=${OPTARG//./\\.} ;;
    *) exit 2 ;;
    esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A copy of all that the emulator is made of, so that nothing changes while this runs.
mkdir -p "$work/kernels" "$work/original" "$work/gpu/internal"
cp kernels/*.cu kernels/*.cuh "$work/kernels/"
cp kernels/*.cu kernels/*.cuh "$work/original/"
cp -r Makefile "$work/"
for f in simt cuda blas dnn; do [ ! -d gpu/internal/$f ] || cp -r gpu/internal/$f "$work/gpu/internal/"; done

# candidates prints "KIND FILE LINE", for every place where a mutant can be made, in an order that is always the same.
candidates() {
    awk '
        { name = FILENAME; sub(".*/", "", name); code = $0; sub("//.*", "", code) }
        code ~ /^[ \t]*__syncthreads\(\);/ { print "barrier", name, FNR }
        code ~ /(if|for|while) \(.* < / { print "guard", name, FNR }
    ' "$work"/kernels/* | grep -E "^($kind) ($file) " | shuf --random-source=<(yes)
}

build() {
    make -C "$work" --no-print-directory emulator SIMT_SOURCES=original > "$work/make.log" 2>&1
}

# conform runs the suite on the emulator of the work folder, under one schedule.
conform() {
    (cd gpu && CONTIG_EMULATOR="$work/build/libsimt.so" SIMT_SEED=$1 timeout 600 "$work/gpu.test" \
        -test.failfast -test.run 'TestConformance.*/emulated' > "$work/test.log" 2>&1)
}

go test -c -o "$work/gpu.test" ./gpu
build || { cat "$work/make.log"; exit 2; }
for seed in $seeds; do
    conform "$seed" || { tail -20 "$work/test.log"; echo "the suite fails without any mutant, seed $seed"; exit 2; }
done

survived=0
while read -r what name line; do
    if [ "$what" = barrier ]; then edit='s/__syncthreads();/;/'; else edit='s/ < / <= /'; fi
    sed -i "${line}${edit}" "$work/kernels/$name"
    result="SURVIVED" proof=""
    if ! build; then
        result="does not compile" proof=$(grep -m1 error: "$work/make.log" || true)
    else
        for seed in $seeds; do
            if ! conform "$seed"; then
                result="found, seed $seed" proof=$(grep -m1 -E 'simt: |_test\.go:|panic:|SIG' "$work/test.log" | cut -c1-120 || true)
                break
            fi
        done
    fi
    [ "$result" != SURVIVED ] || survived=$((survived + 1))
    printf '%-16s %-7s %s:%s%s\n    %s\n' "$result" "$what" "$name" "$line" "$(sed -n "${line}p" "$work/original/$name")" "$proof"
    cp "$work/original/$name" "$work/kernels/$name"
done < <(candidates | if [ "$count" = 0 ]; then cat; else head -n "$count"; fi)
echo "$survived survived"
[ "$survived" = 0 ]
