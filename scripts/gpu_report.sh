#!/usr/bin/env bash
# What a GPU says of this build: doctor, the conformance suite and golden cases on silicon, compute-sanitizer over
# them, and whole steps. It needs what `make gpu-report-build` put into build/report, a GPU and its driver; no Go.
# Usage: scripts/gpu_report.sh [OUT]     writes OUT/<card>-<date>.json and the logs beside it; OUT is docs/gpu
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:-docs/gpu}
report=build/report
[ -x "$report/contig-gpu" ] || { echo "gpu_report.sh: $report is not built: run make gpu-report-build where Go is" >&2; exit 1; }
command -v python3 >/dev/null || { echo "gpu_report.sh: python3 is needed" >&2; exit 1; }
export CONTIG_DEVICE=cuda:0 CONTIG_GOLDEN=${CONTIG_GOLDEN:-$PWD/../shared/golden}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run NAME COMMAND... keeps what the command printed and how it ended.
run() {
  local name=$1; shift
  echo "== $name"
  (cd "$report" && "$@") >"$work/$name.log" 2>&1
  echo "$?" >"$work/$name.rc"
  tail -n 3 "$work/$name.log"
}

root=$PWD
run doctor ./contig-gpu doctor --json
run conformance ./gpu.test -test.v -test.run 'Conformance'
run golden ./gpu.test -test.v -test.run 'Golden'
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    run "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 ./gpu.test -test.short -test.run 'Conformance'
  done
fi
for size in 224 448; do
  for batch in 64 128; do
    run "step-$size-$batch" ./contig-gpu bench step --device cuda --encoder resnet50 --image-size "$size" --batch "$batch" \
      --features 481,7854,18574 --genetics h1 --windows 3 --seconds 2 --json
  done
done

python3 - "$work" "$out" "$(git -C "$root" rev-parse HEAD 2>/dev/null || cat "$report/commit")" <<'PY'
import datetime, glob, json, os, re, shutil, sys
work, out, commit = sys.argv[1:]
runs = {}
for rc in sorted(glob.glob(os.path.join(work, "*.rc"))):
    name = os.path.basename(rc)[:-3]
    text = open(os.path.join(work, name + ".log"), errors="replace").read()
    runs[name] = {"exit": int(open(rc).read()), "passed": len(re.findall(r"^\s*--- PASS", text, re.M)),
                  "failed": re.findall(r"^\s*--- FAIL: (\S+)", text, re.M), "skipped": len(re.findall(r"^\s*--- SKIP", text, re.M))}
    for line in text.splitlines():
        if line.startswith("{"):
            runs[name]["result"] = json.loads(line)
card = (runs.get("doctor", {}).get("result", {}).get("gpu") or {}).get("name")
if not card:
    sys.exit("gpu_report.sh: no GPU was found:\n" + open(os.path.join(work, "doctor.log")).read())
date = datetime.date.today().isoformat()
base = os.path.join(out, re.sub(r"[^A-Za-z0-9]+", "-", card).strip("-").lower() + "-" + date)
os.makedirs(out, exist_ok=True)
json.dump({"card": card, "date": date, "commit": commit, "runs": runs}, open(base + ".json", "w"), indent=1)
for log in glob.glob(os.path.join(work, "*.log")):
    shutil.copy(log, base + "." + os.path.basename(log))
print("\n| run | exit | passed | failed | skipped |\n|---|---|---|---|---|")
for name, r in runs.items():
    print(f"| {name} | {r['exit']} | {r['passed']} | {len(r['failed'])} | {r['skipped']} |")
print("\nwritten:", base + ".json")
sys.exit(any(r["exit"] for r in runs.values()))
PY
