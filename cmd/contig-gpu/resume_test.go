package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAFinishedRunIsLeftAlone: resuming it says so, and changes nothing; more epochs go on.
func TestAFinishedRunIsLeftAlone(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, run, "--epochs", "1")...)
	names := []string{reportName, logName, metricsName, configName, recordName, "checkpoints/last.safetensors"}
	var before [][]byte
	for _, n := range names {
		before = append(before, read(t, run, n))
	}
	if out := must(t, "train", "--run", run, "--resume"); !strings.Contains(out, "is finished (") || !strings.Contains(out, "--epochs N goes on") {
		t.Errorf("said %s", out)
	}
	for i, n := range names {
		if !bytes.Equal(before[i], read(t, run, n)) {
			t.Errorf("%s was changed", n)
		}
	}
	if out := must(t, "train", "--run", run, "--resume", "--epochs", "2"); !strings.Contains(out, "in 2 sessions") {
		t.Errorf("said %s", out)
	}
}

// TestResumeWithoutItsSettings: where config.toml is lost, empty, cut or nonsense, the checkpoint's settings are used.
func TestResumeWithoutItsSettings(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	whole := filepath.Join(dir, "whole")
	data := []string{"--images", cohort + "/images.tsv", "--data", cohort + "/data.toml"}
	must(t, small(cohort, whole, "--max-steps", "3")...)
	for name, harm := range map[string]func(path string) error{
		"lost": os.Remove, "empty": func(p string) error { return os.Truncate(p, 0) }, "cut": func(p string) error { return os.Truncate(p, 500) },
		"nonsense": func(p string) error { return os.WriteFile(p, []byte("\x00\x01["), 0o644) },
	} {
		run := filepath.Join(dir, name)
		must(t, small(cohort, run, "--max-steps", "2")...)
		if err := harm(filepath.Join(run, configName)); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := exec(t, "train", "--run", run, "--resume", "--max-steps", "3"); name != "cut" && (code != 1 || !strings.HasPrefix(errs, "contig-gpu: E801: ")) {
			t.Errorf("%s, without data: exit code %d, %s", name, code, errs)
		}
		must(t, append([]string{"train", "--run", run, "--resume", "--max-steps", "3"}, data...)...)
		if a, b := read(t, whole, "checkpoints/last.safetensors"), read(t, run, "checkpoints/last.safetensors"); len(a) != len(b) {
			t.Errorf("%s: another end", name)
		}
	}
}

// TestResumeOrOverwrite: both at once make no sense.
func TestResumeOrOverwrite(t *testing.T) {
	if code, _, errs := exec(t, "train", "--run", t.TempDir(), "--resume", "--overwrite"); code != 2 || !strings.Contains(errs, "--overwrite") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestDamagedMetricsAreReported: with a note, and not by an error.
func TestDamagedMetricsAreReported(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, run, "--max-steps", "2")...)
	change(t, filepath.Join(run, metricsName), func(b []byte) []byte { b[3] = 0; return b })
	if err := errors.Join(os.Remove(filepath.Join(run, reportName))); err != nil {
		t.Fatal(err)
	}
	must(t, "train", "--run", run, "--resume", "--max-steps", "3")
	if !bytes.Contains(read(t, run, reportName), []byte("1 lines of metrics.jsonl are lost or damaged")) {
		t.Error("the report does not tell")
	}
}

// TestOutliersAreCorrected: an extreme value of a held-out person ends the run at its first evaluation, by the table's name;
// once it is corrected the run goes on, and ends as if it had never been there. Of a training person that is other data.
func TestOutliersAreCorrected(t *testing.T) {
	dir, runs := tiny(t), t.TempDir()
	whole, cut := filepath.Join(runs, "whole"), filepath.Join(runs, "cut")
	must(t, small(dir, whole, "--epochs", "2")...)
	table := filepath.Join(dir, "covariates.tsv")
	was := read(t, table)
	ids := map[string]string{}
	for _, f := range readPrivate(whole, splitName, "person_id split") {
		ids[f[1]] = f[0]
	}
	extreme := func(id string) {
		lines := strings.Split(string(was), "\n")
		for i, l := range lines {
			if f := strings.Split(l, "\t"); f[0] == id {
				for k := range f[1:] {
					f[k+1] = "3e38"
				}
				lines[i] = strings.Join(f, "\t")
			}
		}
		change(t, table, func([]byte) []byte { return []byte(strings.Join(lines, "\n")) })
	}
	extreme(ids["validation"])
	code, _, errs := exec(t, small(dir, cut, "--epochs", "2")...)
	if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E720: ") || !strings.Contains(errs, "covariates of 1 of ") || strings.Contains(errs, "--lr") {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	extreme(ids["train"])
	code, _, errs = exec(t, "train", "--run", cut, "--resume")
	if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E702: ") || !strings.Contains(errs, "covariates: as many persons, but values differ") || !strings.Contains(errs, "images unchanged") {
		t.Errorf("a training person's value: exit code %d, %s", code, errs)
	}
	change(t, table, func([]byte) []byte { return was })
	must(t, "train", "--run", cut, "--resume")
	wantSameEnd(t, "corrected", whole, cut)
}
