package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWordsOfOtherPrograms: help and version are had by the words that people try.
func TestWordsOfOtherPrograms(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"help", "COMMANDS:"}, {"-h", "COMMANDS:"}, {"help train", "--epochs"}, {"help bench step", "bench step"}, {"--version", "contig-gpu " + version}, {"-v", "contig-gpu " + version}, {"version --json", `"version":"` + version},
	} {
		want := c.says
		if out := must(t, strings.Fields(c.args)...); !strings.Contains(out, want) {
			t.Errorf("%s printed %.200s", c.args, out)
		}
	}
}

// TestFlagErrorsSpeakOneDialect: what package flag finds is said as settings say it.
func TestFlagErrorsSpeakOneDialect(t *testing.T) {
	for args, want := range map[string]string{
		"synth --persons x":           `synth: --persons: want a number, found "x"`,
		"synth --masks=perhaps":       `--masks: want true or false`,
		"train --deterministic false": "such as --deterministic=false",
		"train --epochs three":        `train: --epochs: want a whole number`,
	} {
		if code, _, errs := exec(t, strings.Fields(args)...); code != 2 || !strings.Contains(errs, want) || strings.Contains(errs, "parse error") {
			t.Errorf("%s: %d, %s", args, code, errs)
		}
	}
}

// TestOneJSONObject: with --json stdout is one object, with --quiet nothing, of the verbs that write; the command that synth proposes is in it.
func TestOneJSONObject(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	cohort, run, emb := filepath.Join(dir, "cohort"), filepath.Join(dir, "run"), filepath.Join(dir, "emb")
	object := func(args ...string) (o map[string]any) {
		t.Helper()
		if err := json.Unmarshal([]byte(must(t, args...)), &o); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return o
	}
	o := object("synth", "--out", cohort, "--persons", "40", "--image-size", "32", "--snps", "20", "--json")
	if o["persons"] != 40.0 || o["images"] != filepath.Join(cohort, "images.tsv") || fmt.Sprint(o["next"])[:7] != "[train " {
		t.Errorf("synth: %v", o)
	}
	must(t, small(cohort, run, "--max-steps", "1")...)
	if want := read(t, cohort, "data.toml"); !bytes.Equal(read(t, run, privateName, dataName), want) {
		t.Error("the run has no copy of data.toml")
	}
	if st, err := os.Stat(filepath.Join(run, privateName, dataName)); err != nil || st.Mode().Perm() != private {
		t.Errorf("the copy: %v, %v", st, err)
	}
	if o := object("embed", "--run", run, "--images", cohort+"/images.tsv", "--out", emb, "--json"); o["out"] != emb || o["persons"] != 40.0 || o["features"] != 512.0 {
		t.Errorf("embed: %v", o)
	}
	if said := must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--out", emb, "--overwrite", "--quiet"); said != "" {
		t.Errorf("embed --quiet: %q", said)
	}
	if said := must(t, "synth", "--out", cohort, "--overwrite", "--persons", "20", "--image-size", "32", "--quiet"); said != "" {
		t.Errorf("synth --quiet: %q", said)
	}
}

// TestCheckpointsEvery: so many steps, or a time; not a time by two flags.
func TestCheckpointsEvery(t *testing.T) {
	for text, want := range map[string]string{"500": "checkpoint-every = 500", "30m": "checkpoint-minutes = 30.0", "1h30m": "checkpoint-minutes = 90.0"} {
		if out := must(t, "config", "--checkpoint-every", text); !strings.Contains(out, want) {
			t.Errorf("%s: no %q in %s", text, want, out)
		}
	}
	for _, args := range [][]string{{"--checkpoint-every", "30m", "--checkpoint-minutes", "3"}, {"--checkpoint-every", "30x"}, {"--checkpoint-every", "-3m"}} {
		if code, _, errs := exec(t, append([]string{"config"}, args...)...); code != 2 {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
	}
}

// TestConfigPrintsSettings: with where each comes from; what it prints is what train would use, and a file for --config.
func TestConfigPrintsSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(file, []byte("batch = 12\nepochs = 9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := must(t, "config", "--recipe", "paper", "--config", file, "--epochs", "7")
	for name, origin := range map[string]string{"batch = 12": "file", "epochs = 7": "flag", `fit = "stretch"`: "recipe paper", "clip = 0.0": "recipe paper", "accumulate = 1": "default"} {
		found := false
		for line := range strings.Lines(out) {
			setting, from, _ := strings.Cut(line, "#")
			found = found || strings.TrimSpace(setting) == name && strings.TrimSpace(from) == origin
		}
		if !found {
			t.Errorf("no %s from %s in %s", name, origin, out)
		}
	}
	again := filepath.Join(t.TempDir(), "again.toml")
	if err := os.WriteFile(again, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	diff := must(t, "config", "--config", again, "--diff")
	if !strings.Contains(diff, "batch = 12") || strings.Contains(diff, "accumulate") {
		t.Errorf("the difference: %s", diff)
	}
}

// TestDryRun: all that a training says before its first step, and nothing is written.
func TestDryRun(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	out := must(t, small(cohort, run, "--epochs", "1000000000", "--dry-run")...)
	for _, want := range []string{"device: cpu", "persons train", "memory: ", "disk: ", "time: ", "--device cpu does", "dry run: nothing was written"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if _, err := os.Stat(run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left %s: %v", run, err)
	}
}

// TestRunsAreListed: in the order of their beginning, with what was learnt and what differs.
func TestRunsAreListed(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	for _, name := range []string{"b", "a"} {
		must(t, small(cohort, filepath.Join(dir, name), "--max-steps", "1")...)
	}
	if err := os.Mkdir(filepath.Join(dir, "other"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, began := range map[string]string{"b": "2026-01-01T10:00:00Z", "a": "2026-01-02T10:00:00Z"} {
		change(t, filepath.Join(dir, name, recordName), func(text []byte) []byte {
			return regexp.MustCompile(`"started": "[^"]*"`).ReplaceAll(text, []byte(`"started": "`+began+`"`))
		})
	}
	if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out := must(t, "runs", dir)
	if strings.Index(out, filepath.Join(dir, "b")) > strings.Index(out, filepath.Join(dir, "a")) {
		t.Errorf("the later run comes first: %s", out)
	}
	if strings.Count(out, "Finished: 1 step.") != 2 || strings.Contains(out, "other") || !strings.Contains(out, "  burden      recall@10 ") || !strings.Contains(out, "encoder resnet18") {
		t.Errorf("printed %s", out)
	}
	if lines := strings.Split(strings.TrimSpace(must(t, "runs", "--json", dir)), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], `{"run":`) {
		t.Errorf("as JSON: %s", lines)
	}
}

// TestQuiet: warnings and the result are printed, and the log has all; what --init gave is said.
func TestQuiet(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	loud, quiet := filepath.Join(dir, "loud"), filepath.Join(dir, "quiet")
	must(t, small(cohort, loud, "--max-steps", "1")...)
	out := must(t, small(cohort, quiet, "--max-steps", "3", "--quiet", "--init", filepath.Join(loud, "checkpoints", "last.safetensors"))...)
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		if strings.HasPrefix(l, "step ") || strings.HasPrefix(l, "device: ") || strings.Contains(l, "persons train") {
			t.Errorf("printed %q", l)
		}
	}
	if !strings.Contains(out, "W604") || !strings.Contains(out, "held-out test split") || !strings.Contains(out, "report: ") {
		t.Errorf("printed %s", out)
	}
	log := string(read(t, quiet, logName))
	if !strings.Contains(log, "device: ") || !regexp.MustCompile(`init: (\d+) of the network's (\d+) tensors are taken from last.safetensors, which has \d+(; the others are new)?\n`).MatchString(log) {
		t.Errorf("the log: %s", log)
	}
}
