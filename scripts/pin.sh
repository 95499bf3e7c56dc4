#!/usr/bin/env bash
# pin.sh [NAME...]: writes scripts/requirements/NAME.txt of NAME.in anew, with versions and hashes; of all without a name. Needs python3 with venv, and PyPI.
set -euo pipefail
cd "$(dirname "$0")/requirements"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
[ $# -gt 0 ] || set -- $(basename -s .in ./*.in)
for name in "$@"; do
    case $name in
    cuda | sanitizer) how=(--no-deps) ;; # every package that is wanted is named
    *) how=(--universal --python-version 3.11) ;;
    esac
    "$work/venv/bin/uv" pip compile --quiet --generate-hashes --no-annotate --no-header "${how[@]}" "$name.in" -o "$name.txt"
done
