package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/model/explain/rank"
)

// TestStability: the ranks of features over two parts of the reference are those of two runs with one part each, and so is their correlation; it is not
// measured where that is not asked for.
func TestStability(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	out := filepath.Join(dir, "out")
	must(t, x.explain(out, "--reference", "12", "--test", "none")...)
	var parts [2]string
	for i, id := range strings.Fields(string(read(t, out, "private", "reference.txt"))) {
		parts[i%2] += id + "\n"
	}
	order := map[string][2]int{}
	var mean [2][]float64
	_, details := tsv(t, out, "pgs.details.tsv")
	for k, text := range parts {
		list, with := filepath.Join(dir, "part"+strconv.Itoa(k)), filepath.Join(dir, "with"+strconv.Itoa(k))
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, x.explain(with, "--reference", list, "--test", "none", "--reference-parts", "0")...)
		_, rows := tsv(t, with, "pgs.tsv")
		values := map[string]float64{}
		for at, r := range rows {
			two := order[r[0]]
			two[k], values[r[0]] = at+1, toFloat(t, r[5])
			order[r[0]] = two
		}
		for _, d := range details {
			mean[k] = append(mean[k], values[d[0]])
		}
		if _, rows := tsv(t, with, "pgs.details.tsv"); rows[0][9] != "NA" || rows[0][10] != "NA" {
			t.Errorf("ranks without parts: %v", rows[0])
		}
	}
	for _, d := range details {
		if o := order[d[0]]; d[9] != strconv.Itoa(min(o[0], o[1])) || d[10] != strconv.Itoa(max(o[0], o[1])) {
			t.Errorf("%s: ranks %s to %s, by runs with one part each %v", d[0], d[9], d[10], o)
		}
	}
	var s summary
	if err := json.Unmarshal(read(t, out, "explain.json"), &s); err != nil {
		t.Fatal(err)
	}
	got := s.Stability["pgs"]
	if want := rank.Spearman(mean[0], mean[1]); got == nil || got.Parts != 2 || float64(got.Spearman)-want > 1e-9 || want-float64(got.Spearman) > 1e-9 {
		t.Errorf("explain.json: stability %+v, want a rank correlation of %g", got, want)
	}
}

// TestWideModalitiesAreTestedByGroup: by themselves, features are tested where they are few or have no groups.
func TestWideModalitiesAreTestedByGroup(t *testing.T) {
	for _, c := range []struct {
		test, grouping string
		features       int
		want           bool
	}{{testAuto, "block", autoFeatures, true}, {testAuto, "block", autoFeatures + 1, false}, {testAuto, "feature", autoFeatures + 1, true}, {testAll, "block", autoFeatures + 1, true}, {testGroups, "block", 3, false}} {
		if got := featuresTested(c.test, c.grouping, c.features); got != c.want {
			t.Errorf("--test %s, %d features by %s: tested %t", c.test, c.features, c.grouping, got)
		}
	}
}
