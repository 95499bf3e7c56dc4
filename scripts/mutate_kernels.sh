#!/usr/bin/env bash
# Shows that the conformance suite can fail: makes one mutation at a time in a copy of the kernels, builds the emulator from it, and
# expects a test of the suite to fail.
#
#   scripts/mutate_kernels.sh [-f FILE] [-k KIND] [-s SCHEDULES] [SEED] [N]
#
# SEED chooses N mutations (default: the day's date, 10) among all places where one can be made, in FILE (a name in kernels/) and of KIND
# alone if asked for: operator, bound, index, constant or barrier. Mutations that do not change the compiled code are passed over: what
# only a device compiles, what is never used. SCHEDULES are the orders of threads that are tried (default "0 2").
# Prints each mutation, and the test that found it or that it survived. Exits 1 if any survives: mend the suite, or show that the mutant
# computes the same.
set -euo pipefail
cd "$(dirname "$0")/.."

file='' kind='' schedules="0 2"
while getopts f:k:s: option; do
    case $option in
    f) file=$OPTARG ;;
    k) kind=$OPTARG ;;
    s) schedules=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
seed=${1:-$(date -u +%Y%m%d)} count=${2:-10}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make --no-print-directory emulator >/dev/null
# A copy of all that the emulator is made of, so that nothing changes while this runs.
mkdir -p "$work/gpu/internal" "$work/build"
cp -a kernels "$work/kernels" && cp -a kernels "$work/original"
cp Makefile "$work/"
cp -a gpu/internal/{simt,cuda,blas,dnn,nccl} "$work/gpu/internal/"
cp -a build/simt "$work/build/simt"

# mutations prints "KIND NAME LINE COLUMN OLD NEW", tab between, in the order that the seed gives.
mutations() {
    python3 - "$seed" "$file" "$kind" <<'PYTHON'
import glob, os, random, re, sys

seed, file, kind = sys.argv[1:]
swaps = {"operator": {" + ": " - ", " - ": " + ", " * ": " + ", " += ": " -= ", " && ": " || ", " || ": " && ", " == ": " != ", " != ": " == "},
         "bound": {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > "},
         "index": {"threadIdx.x": "threadIdx.y", "threadIdx.y": "threadIdx.x", "blockIdx.x": "blockIdx.y", "blockIdx.y": "blockIdx.x"},
         "barrier": {"__syncthreads();": ";"}}
found = []
for path in sorted(glob.glob("kernels/*.cu") + glob.glob("kernels/*.cuh")):
    name = os.path.basename(path)
    if name == "compilers.cuh" or file and name != file:
        continue
    for number, line in enumerate(open(path), 1):
        code = line.split("//")[0]
        if re.match(r"\s*(#|static_assert|asm\()|.*__launch_bounds__", code):
            continue
        for what, pairs in swaps.items():
            for old, new in pairs.items():
                found += [(what, name, number, m.start(), old, new) for m in re.finditer(re.escape(old), code)]
        for m in re.finditer(r"(?<![\w.])\d+(?![\w.])", code):
            found.append(("constant", name, number, m.start(), m.group(), str(int(m.group()) + 1)))
found = [f for f in found if not kind or f[0] == kind]
random.Random(int(seed)).shuffle(found)
for f in found:
    print(*f, sep="\t")
PYTHON
}

build() { make -C "$work" --no-print-directory emulator SIMT_SOURCES=original >"$work/make.log" 2>&1; }

# code prints a sum of the kernels' machine code, without what a debugger wants.
code() {
    for o in "$work"/build/simt/kernel_*.o; do
        objcopy --strip-debug "$o" "$work/stripped.o" && cksum <"$work/stripped.o"
    done | cksum
}

# conform runs the suite on the work folder's emulator, under one schedule.
conform() {
    (cd gpu && CONTIG_EMULATOR="$work/build/libsimt.so" SIMT_SEED=$1 timeout 900 "$work/gpu.test" \
        -test.short -test.failfast -test.run 'TestConformance.*/emulated' >"$work/test.log" 2>&1)
}

# caught names the test that failed, and what it said first.
caught() {
    local name
    name=$(grep -m1 -oE -- '--- FAIL: Test\w+' "$work/test.log" | sed 's/.*: //' || true)
    echo "${name:-the process ended}: $(grep -m1 -E 'simt: |_test\.go:|lab\.go:|panic:|SIG' "$work/test.log" | sed 's/^ *//' | cut -c1-110 || true)"
}

go test -c -o "$work/gpu.test" ./gpu
build || { cat "$work/make.log"; exit 2; }
same=$(code)
for s in $schedules; do
    conform "$s" || { tail -20 "$work/test.log"; echo "the suite fails without any mutation, schedule $s"; exit 2; }
done

mutations >"$work/mutations"
made=0 survived=0
while IFS=$'\t' read -r what name line column old new; do
    [ "$made" -lt "$count" ] || break
    LINE=$line COLUMN=$column OLD=$old NEW=$new python3 - "$work/original/$name" "$work/kernels/$name" <<'PYTHON'
import os, sys
lines = open(sys.argv[1]).readlines()
n, at, old = int(os.environ["LINE"]) - 1, int(os.environ["COLUMN"]), os.environ["OLD"]
assert lines[n][at:at + len(old)] == old
lines[n] = lines[n][:at] + os.environ["NEW"] + lines[n][at + len(old):]
open(sys.argv[2], "w").writelines(lines)
PYTHON
    result="" proof=""
    if ! build; then
        result="" # no program
    elif [ "$(code)" != "$same" ]; then
        result=SURVIVED
        for s in $schedules; do
            if ! conform "$s"; then
                result="found, schedule $s" proof=$(caught)
                break
            fi
        done
    fi
    if [ -n "$result" ]; then
        made=$((made + 1))
        [ "$result" != SURVIVED ] || survived=$((survived + 1))
        printf '%-18s %-8s %s:%s: "%s" -> "%s" in%s\n    %s\n' "$result" "$what" "$name" "$line" "$old" "$new" \
            "$(sed -n "${line}p" "$work/original/$name" | sed 's/^ */ /')" "$proof"
    fi
    cp "$work/original/$name" "$work/kernels/$name"
done <"$work/mutations"
echo "seed $seed: $made mutations, $survived survived"
[ "$survived" = 0 ]
