#!/usr/bin/env bash
# fuzz.sh SECONDS [PART/PARTS]: runs every fuzz target of the module for so many seconds, one after the other, and ends with 1 where one finds something; Go keeps
# the input in testdata/fuzz of the package, as a test for ever. With 2/5 only the targets 2, 7, 12, ... are run: CI takes a share that turns with the commit.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30} share=${2:-1/1}
part=${share%/*} parts=${share#*/}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t targets < <(grep -rn --include='*_test.go' -oE '^func Fuzz[A-Za-z0-9]+' cmd data gpu model | sed 's/^\([^:]*\):[0-9]*:func /\1 /' | sort)
failed=0 n=0

# ended: whether the log is that of a run which found nothing and whose only complaint is its own end. Go before 1.27 may take the end of -fuzztime for a failure
# (go.dev/issue/75804); whatever it finds, a panic, a hang, an error of the target, it writes as a failing input or says in other words.
ended() { [ "$(grep -A1 '^--- FAIL: ' "$1" | tail -n +2)" = "    context deadline exceeded" ] && ! grep -qiE 'failing input|panic:|fatal error:|hung or terminated' "$1"; }

for target in "${targets[@]}"; do
    n=$((n + 1))
    if (((n - part) % parts != 0)); then continue; fi
    package=./$(dirname "${target% *}") name=${target#* }
    if GOMEMLIMIT=2GiB go test "$package" -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" -fuzzminimizetime 10s -parallel "${FUZZ_PARALLEL:-2}" >"$work/log" 2>&1 || ended "$work/log"; then
        verdict=holds
    else
        verdict=BREAKS failed=1
        cat "$work/log"
    fi
    printf '%-30s %-18s %s s  %s inputs  %s\n' "$package" "$name" "$seconds" "$(grep -oE 'execs: [0-9]+' "$work/log" | tail -n 1 | cut -d' ' -f2)" "$verdict"
done
exit $failed
