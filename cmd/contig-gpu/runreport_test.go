package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/eval"
)

// TestReportOfARun: the page can be made at any time from the run's files; its numbers are those of metrics.jsonl, and it says what the run is. It refers to
// nothing outside, has one script of its own, no picture that nobody asked for and no participant.
func TestReportOfARun(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	said := must(t, small(cohort, run, "--max-steps", "6")...)
	before := string(read(t, run, reportName))
	must(t, "report", run)
	page := string(read(t, run, reportName))
	rows, err := report.ReadMetrics(bytes.NewReader(read(t, run, metricsName)))
	if err != nil {
		t.Fatal(err)
	}
	sum, n := 0.0, 0
	for _, r := range rows {
		switch r.Kind {
		case "step":
			sum, n = sum+r.Loss, n+1
		case "validation":
			if want := fmt.Sprintf("step %d: training loss %.4f, validation loss %.4f", r.Step, sum/float64(n), r.Loss); !strings.Contains(said, want) || !strings.Contains(string(read(t, run, logName)), want) {
				t.Errorf("no %q in %s", want, said)
			}
			sum, n = 0, 0
		}
	}
	test := report.Of(rows, "test")[0]
	for name, r := range test.Retrieval {
		for _, want := range []string{
			fmt.Sprintf(`data-modality="%s" data-verdict="%s"`, name, r.Verdict()),
			fmt.Sprintf("image to genetics %.3f (%.3f-%.3f)", r.ImageToGenetics.R10, r.ImageToGenetics.R10Interval.Low, r.ImageToGenetics.R10Interval.High),
			fmt.Sprintf("genetics to image %.3f (%.3f-%.3f)", r.GeneticsToImage.R10, r.GeneticsToImage.R10Interval.Low, r.GeneticsToImage.R10Interval.High),
		} {
			if r.Candidates > 0 && (!strings.Contains(page, want) || !strings.Contains(before, want)) {
				t.Errorf("%s: a page lacks %q", name, want)
			}
		}
	}
	for _, want := range []string{"Finished: 6 steps.", "contig-gpu train --images", "--encoder", "resnet50", "checkpoints/best.safetensors", "prefers-color-scheme:dark", "@media print", "<main>", "<title>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(page, "<script") != 1 || !strings.Contains(page, "<script>") || !strings.Contains(page, `http-equiv="Content-Security-Policy" content="default-src 'none'`) {
		t.Error("the page has other scripts than its own, or no policy")
	}
	for _, bad := range []string{"http:", "https:", "//", "<link", "@import", "url(h", "url(d", "data:image", "S000001", "<iframe"} {
		if text := inlineData.ReplaceAllString(strings.ReplaceAll(page, cohort, ""), ""); strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if n := len(page); n > 300<<10 {
		t.Errorf("the page has %d bytes", n)
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		if !strings.Contains(svg, `aria-hidden="true"`) && (!strings.Contains(svg, "<title>") || !strings.Contains(svg, "<desc>")) {
			t.Errorf("a picture without a name: %.80s", svg)
		}
	}
	var k runRecord
	if err := json.Unmarshal(read(t, run, recordName), &k); err != nil || k.Command[0] != "contig-gpu" || k.Command[1] != "train" || k.Started == "" || k.Host == "" || k.Total != 6 || !k.Finished {
		t.Errorf("the record: %+v, %v", k, err)
	}
}

// inlineData is what a page has as data: links.
var inlineData = regexp.MustCompile(`base64,[^"]*"`)

// TestReportWhileItRuns: after the first validation there is a report that says how far it is.
func TestReportWhileItRuns(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	seen := ""
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var errs bytes.Buffer
	stop := &stopper{after: "epoch 2, step", stop: func() { seen = string(read(t, run, reportName)) }}
	if err := runProgram(ctx, small(cohort, run, "--epochs", "3"), stop, &errs); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(seen, "Running") || !strings.Contains(seen, "(33 %)") || !strings.Contains(seen, "validation split") {
		t.Errorf("the report while it runs: %.2000s", seen)
	}
	if page := string(read(t, run, reportName)); !strings.Contains(page, "Finished") {
		t.Error("the report at the end does not say so")
	}
}

// TestReportOfSeveralRuns: a page says what each found and which settings differ, and replaces nothing but such a page.
func TestReportOfSeveralRuns(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	a, b, out := filepath.Join(dir, "first"), filepath.Join(dir, "second"), filepath.Join(dir, "both.html")
	must(t, small(cohort, a, "--max-steps", "2")...)
	must(t, small(cohort, b, "--max-steps", "2", "--tau", "0.25")...)
	must(t, "report", "--out", out, a, b)
	must(t, "report", a, b, "--overwrite", "--out", out)
	page := string(read(t, out))
	if !regexp.MustCompile(`(?s)tau</th><td class="t">0\.1</td><td class="t">0\.25</td>`).MatchString(page) || strings.Contains(page, ">image-size</th>") || !strings.Contains(page, ">second</th>") {
		t.Errorf("the page: %s", page)
	}
	for _, args := range [][]string{{"report", "--out", out, a, b}, {"report", "--out", filepath.Join(a, metricsName), "--overwrite", a, b}} {
		if code, _, errs := exec(t, args...); code != 1 || !strings.Contains(errs, "E135") {
			t.Errorf("%v: %d, %s", args, code, errs)
		}
	}
	for _, args := range [][]string{{"report"}, {"report", a, b}, {"report", a, b, "--uot", out}} {
		if code, _, _ := exec(t, args...); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	if code, _, errs := exec(t, "report", dir); code != 1 || !strings.Contains(errs, "E704") {
		t.Errorf("of no run: %d, %s", code, errs)
	}
}

// TestFewParticipantsAreNotCounted: a combination that few have says so, not how many.
func TestFewParticipantsAreNotCounted(t *testing.T) {
	cohort, dir := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, dir, "--max-steps", "1")...)
	k := readRecord(dir)
	if len(k.Presence) == 0 {
		t.Fatal("no combination")
	}
	for _, p := range k.Presence {
		if p.Persons < eval.FewPersons && (!p.Few || p.Persons != eval.FewPersons-1) {
			t.Errorf("%+v", p)
		}
	}
}

// runProgram is run, where a variable has its name.
func runProgram(ctx context.Context, args []string, stdout *stopper, stderr *bytes.Buffer) error {
	return run(ctx, args, stdout, stderr)
}

// TestRerun: a run is done again from its folder alone, wherever the command is given, to the same bytes; its record says what it read.
func TestRerun(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	t.Chdir(filepath.Dir(cohort))
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	must(t, small("cohort", first, "--max-steps", "2")...)
	t.Chdir(t.TempDir())
	must(t, "train", "--rerun", first, "--run", second)
	if a, b := read(t, first, "checkpoints", "last.safetensors"), read(t, second, "checkpoints", "last.safetensors"); !bytes.Equal(a, b) {
		t.Error("it is another model")
	}
	k := readRecord(second)
	if len(k.Sources) < 3 || k.Peak == 0 {
		t.Errorf("the record: %+v", k)
	}
	for _, args := range [][]string{{"train", "--rerun", first, "--resume", "--run", first}, {"train", "--rerun", first, "--config", "x.toml"}} {
		if code, _, _ := exec(t, args...); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	if code, _, errs := exec(t, "train", "--rerun", dir); code != 1 || !strings.Contains(errs, "E704") {
		t.Errorf("of no run: %d, %s", code, errs)
	}
}
