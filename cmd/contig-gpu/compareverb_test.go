package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/report"
)

// TestCompare: runs stand side by side with what they found and the settings that differ, and no others.
func TestCompare(t *testing.T) {
	cohort := tiny(t)
	t.Chdir(t.TempDir())
	must(t, small(cohort, "one", "--max-steps", "2")...)
	must(t, small(cohort, "two", "--max-steps", "1", "--tau", "0.25")...)
	out := must(t, "compare", "one", "two")
	for _, want := range []string{`(?m)^ +one +two$`, `(?m)^status +Finished: 2 steps +Finished: 1 step$`, `(?m)^evaluated on +test +test$`, `(?m)^--tau +0\.1 +0\.25$`, `(?m)^--max-steps +2 +1$`} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	for i, dir := range []string{"one", "two"} {
		rows, err := readMetrics(dir)
		if err != nil {
			t.Fatal(err)
		}
		found := report.Of(rows, "test")[0].Retrieval
		for name := range found {
			line := regexp.MustCompile("(?m)^" + name + ", recall@10 +(.*)$").FindStringSubmatch(out)
			if line == nil || !strings.Contains(line[1], foundText(found, name)) || i == 0 && !strings.HasPrefix(line[1], foundText(found, name)) {
				t.Errorf("%s of %s: %q lacks %q", name, dir, line, foundText(found, name))
			}
		}
		r := found["pgs"]
		if want := regexp.MustCompile(`^(\d\.\d\d) / (\d\.\d\d) \(\d+\.\d, \d+\.\d x\) \w`); r.Candidates == 0 || !want.MatchString(foundText(found, "pgs")) {
			t.Errorf("%q", foundText(found, "pgs"))
		}
	}
	if strings.Contains(out, "--encoder") || strings.Index(out, "all, recall@10") < strings.Index(out, "snps, recall@10") {
		t.Errorf("a setting that is the same, or all before the others: %s", out)
	}
	if same := must(t, "compare", "one", filepath.Join(".", "one")); !strings.Contains(same, "all settings are the same") {
		t.Errorf("a run beside itself: %s", same)
	}
	lines := strings.Split(strings.TrimSpace(must(t, "compare", "--json", "one", "two")), "\n")
	var second comparedRun
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &second); err != nil || len(lines) != 2 || second.Run != "two" || second.Settings["tau"] != "0.25" || len(second.Settings) != 2 || second.Found["all"].Candidates == 0 || second.Split != "test" {
		t.Errorf("%v, %d lines: %+v", err, len(lines), second)
	}
	if code, _, _ := exec(t, "compare", "one"); code != 2 {
		t.Errorf("one run: exit code %d", code)
	}
}
