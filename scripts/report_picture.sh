#!/usr/bin/env bash
# Makes the picture of the README: verdicts, intervals and loss curves of the demo's report, in Chromium, without what is of the machine.
#   scripts/report_picture.sh REPORT.html [PICTURE.png]      of contig-gpu train; docs/img/report.png where none is named
set -euo pipefail
[ $# -ge 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
page=$(realpath "$1") out=$(realpath -m "${2:-$(dirname "$0")/../docs/img/report.png}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
sed 's|<meta http-equiv="Content-Security-Policy"[^>]*>|<style>dl.facts,nav,details,.data,#result>h3,#result>.panels,#result>h3+.note{display:none!important}</style>|' "$page" >"$work/page.html"
"$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1100,1880 --screenshot="$work/report.png" "file://$work/page.html" 2>/dev/null
python3 - "$work/report.png" "$out" <<'PY'
import sys, zlib, struct

# The same pixels, packed as tightly as zlib can, without what else Chromium writes.
def chunks(raw):
    at = 8
    while at < len(raw):
        n, kind = struct.unpack(">I4s", raw[at:at + 8])
        yield kind, raw[at + 8:at + 8 + n]
        at += 12 + n

raw = open(sys.argv[1], "rb").read()
parts = list(chunks(raw))
head = next(d for k, d in parts if k == b"IHDR")
data = zlib.compress(zlib.decompress(b"".join(d for k, d in parts if k == b"IDAT")), 9)
out = raw[:8]
for kind, d in [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]:
    out += struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d))
open(sys.argv[2], "wb").write(out)
PY
ls -l "$out"
