#!/usr/bin/env bash
# Decodes random JPEG and PNG files of all kinds (check_images.py) and compares the pixels, turned as EXIF and XMP say, with Pillow's: within one grey level
# everywhere. Says so and does nothing where Pillow cannot be had. cjpeg and jpegtran (Debian: libjpeg-turbo-progs) write some of the files where they are.
# Usage: scripts/check_images.sh [seed [files]]   (1, 300; a network or a cache for pip, PYTHON names another Python 3)
set -euo pipefail
cd "$(dirname "$0")/.."
seed=${1:-1} files=${2:-300}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! "${PYTHON:-python3}" -m venv "$work/venv" >/dev/null 2>&1 || ! "$work/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/requirements/images.txt 2>"$work/pip"; then
  echo "skipped: pip cannot install pillow and numpy: $(tail -n 1 "$work/pip" 2>/dev/null || echo no venv)"
  exit 0
fi
command -v cjpeg >/dev/null && command -v jpegtran >/dev/null || echo "without cjpeg and jpegtran: all JPEG files are Pillow's"
mkdir "$work/images"
python=("$work/venv/bin/python" -W ignore scripts/check_images.py)
"${python[@]}" make "$work/images" "$files" "$seed"
CONTIG_IMAGES=$work/images go test -count=1 -run '^TestDecodeFolder$' ./data/fundus
"${python[@]}" compare "$work/images"
