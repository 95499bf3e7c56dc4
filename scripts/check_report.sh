#!/usr/bin/env bash
# Asks axe-core, in Chromium, of a report whether it can be read by all: no serious or critical finding, light and dark; and that the page is no wider than a phone.
# Needs chromium (apt-get) and npm.
#   scripts/check_report.sh REPORT.html...
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --silent --no-fund --no-audit --prefix "$work" axe-core@4.10.3
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
for page in "$@"; do
    for scheme in 1 0; do # light, dark
        {
            cat "$page"
            echo "<script>$(cat "$work/node_modules/axe-core/axe.min.js")</script>"
            echo '<script>addEventListener("load", () => { document.querySelectorAll("details").forEach(d => d.open = true); const width = document.documentElement.scrollWidth; axe.run().then(r => { const bad = r.violations.filter(v => v.impact === "serious" || v.impact === "critical"); document.title = "axe " + r.passes.length + " passed, " + bad.length + " serious, width " + width + ": " + bad.map(v => v.id + " " + v.nodes[0].html.slice(0, 120)).join("; "); }); });</script>'
        } >"$work/page.html"
        said=$("$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=500,900 --blink-settings=preferredColorScheme=$scheme --virtual-time-budget=30000 --dump-dom "file://$work/page.html" 2>/dev/null | grep -o '<title>axe [^<]*' | head -1 || true)
        echo "$page, scheme $scheme: ${said#<title>}"
        case $said in *" passed, 0 serious, width 500:"*) ;; *) exit 1 ;; esac
    done
done
