#!/usr/bin/env bash
# Shows that the tests of ranks can fail: the mistakes that other programs have made in training over several processes (each with where it was reported),
# made one at a time in a copy of the sources, must each be found by the test that is named with it.
#
#   scripts/mutate_ranks.sh [NUMBER...]
#
# Prints each mistake, and whether it was found. Exits 1 if any was not. Some minutes each on two busy cores.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z | xargs -0 cp -a --parents -t "$work"

# mistakes prints "NAME | PACKAGE | TEST | FILE | OLD | NEW [| FILE | OLD | NEW]", a line each.
mistakes() {
    cat <<'END'
the mean of the ranks' gradients for their sum (lightly 1920, 1977) | ./model/train | TestRanksTrainAsOne/2 | model/train/engine/sums.go | gpu.AllReduceBeside(x) | gpu.AllMean(x)
gathered rows carry no gradient (lightly 1528, open_clip 616) | ./model/train | TestRanksTrainAsOne/2 | model/contig.go | gpu.InfoNCE(objective.TermAt(terms, i), | m.spec.Lo, m.spec.Hi = e.Z[i].Device().Rank()*e.Z[i].Dim(0), (e.Z[i].Device().Rank()+1)*e.Z[i].Dim(0)\n\t\tgpu.InfoNCE(objective.TermAt(terms, i),
negatives of the own rank only (lightning-bolts 179, solo-learn 229) | ./model/train | TestRanksTrainAsOne/2 | model/compared.go | if !b.Shared() { | if zero := 0; zero == 0 {
positives at local row numbers (lightly 1177) | ./model/train | TestRanksTrainAsOne/2 | model/objective/objective.go | y.Slice(dev.Rank()*n, (dev.Rank()+1)*n) | y.Slice(0, n)
a gather that interleaves views (SimCLR 46) | ./model/train | TestRanksLearnFromImagesAlone | model/ssl/simclr.go | objective.Gathered(q, part(z, v)) | part(objective.Gathered(q, z), v)
each rank divides by its own count, and ranks are averaged | ./model/train | TestRanksTrainAsOne/2 | model/compared.go | if !b.Shared() { | if zero := 0; zero == 0 { | model/train/engine/sums.go | gpu.AllReduceBeside(x) | gpu.AllMean(x)
norms of genetics over the own rank (pytorch 22192, apex 262) | ./model/train | TestRanksTrainAsOne/2 | model/nn/norm.go | p.Over == PresentRows && b.presentOnly | p.Over == PresentRows && b.channels == 0
the count of a norm's gradient taken from the own rank (pytorch 36530) | ./gpu | TestSharedNorm | gpu/op_batchnorm_backward.go | s1, s2, n = bnSumOverRanks( | s1, s2, _ = bnSumOverRanks(
a norm's least number of rows asked of the own rank (pytorch 36865) | ./gpu | TestSharedNorm | gpu/op_batchnorm_backward.go | if !a.shared && n < 2 { | if n < 2 {
an empty rank stays away from a norm (apex 387) | ./gpu | TestSharedNorm | gpu/op_batchnorm.go | if a.shared { | if a.shared && rows > 0 {
running averages of each rank's own | ./model/train | TestRanksMoveRunningAveragesAlike | model/train/engine/allranks.go | gpu.AllMean(s) | _ = s
a vote that only its own rank counts | ./model/train | TestRanksGoOn | model/train/engine/allranks.go | gpu.AllReduce(e.votes) | _ = e.votes
a part of the gradient summed before it is complete | ./model/train/engine | TestSumsAreInParts | model/train/engine/sums.go | s.missing[s.next] == 0 | s.missing[s.next] <= 1
a gradient complete with the first chunk of a batch | ./model/build | TestGradientsAreComplete | model/chunk.go | if hi == n { | if lo == 0 {
a gradient complete with the first of two views | ./model/build | TestGradientsAreComplete | model/ssl/simclr.go | if v+1 < len(passes) { | if v > 0 {
END
}

missed=0 number=0
while IFS='|' read -r name package test rest; do
    number=$((number + 1))
    if (($# > 0)) && [[ " $* " != *" $number "* ]]; then continue; fi
    package=${package// /} test=${test// /}
    changed=()
    while [ -n "${rest// /}" ]; do
        IFS='|' read -r file old new rest <<<"$rest"
        file=${file// /}
        changed+=("$file")
        python3 - "$work/$file" "$old" "$new" <<'PYTHON'
import sys
path, old, new = sys.argv[1], sys.argv[2].strip(), sys.argv[3].strip().replace("\\n", "\n").replace("\\t", "\t")
text = open(path).read()
if text.count(old) < 1:
    sys.exit(f"{path} has no {old!r}: the list of mistakes no longer fits the code")
open(path, "w").write(text.replace(old, new, 1))
PYTHON
    done
    if ! (cd "$work" && go vet "$package" >/dev/null 2>"$work/vet.log"); then
        cat "$work/vet.log"
        echo "$number. $name: the changed sources do not compile"
        exit 1
    fi
    if (cd "$work" && go test -count=1 -timeout 10m -run "$test" "$package" >"$work/test.log" 2>&1); then
        echo "$number. $name: NOT FOUND by $test"
        missed=1
    else
        echo "$number. $name: found by $test ($(grep -m1 -o '_test.go:[0-9]*: .*\|panic: .*' "$work/test.log" | cut -c1-120))"
    fi
    for file in "${changed[@]}"; do cp -a "$file" "$work/$file"; done
done < <(mistakes)
exit $missed
