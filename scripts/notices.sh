#!/usr/bin/env bash
# notices.sh [-check]: writes THIRD_PARTY_NOTICES.md, the licences of Go and of all modules in the program, from the module cache; with -check it compares only.
set -euo pipefail
cd "$(dirname "$0")/.."
out=THIRD_PARTY_NOTICES.md
new=$(mktemp)
trap 'rm -f "$new"' EXIT

licence() { # of a folder
    local found=0 file
    for file in "$1"/LICENSE* "$1"/LICENCE* "$1"/COPYING* "$1"/NOTICE*; do
        [ -f "$file" ] || continue
        found=1
        printf '\n```\n'
        tr -d '\r' <"$file"
        printf '\n```\n'
    done
    [ "$found" = 1 ] || { echo "notices.sh: no licence in $1" >&2; exit 1; }
}

{
    printf '# Third-party notices\n\nWhat is in the program beside our own code (Apache-2.0, see LICENSE). Written by scripts/notices.sh.\n'
    printf '\n## The Go standard library and runtime\n'
    licence "$(go env GOROOT)"
    go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}	{{.Version}}	{{.Dir}}{{end}}{{end}}' ./cmd/contig-gpu | sort -u |
        while IFS=$'\t' read -r path version dir; do
            [ -n "$path" ] || continue
            printf '\n## %s %s\n' "$path" "$version"
            licence "$dir"
        done
    printf '\n## The table of genes, from the package ideogram of npm\n'
    licence data/genome/genes
} >"$new"
if [ "${1:-}" = -check ]; then
    cmp -s "$new" "$out" || { echo "$out is not what the modules say: run scripts/notices.sh"; exit 1; }
else
    cp "$new" "$out"
    chmod 644 "$out"
fi
