package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"contig-gpu/cmd/internal/report"
)

// small are flags of a training that takes seconds.
func small(cohort, run string, more ...string) []string {
	return append([]string{"train", "--images", filepath.Join(cohort, "images.tsv"), "--data", filepath.Join(cohort, "data.toml"), "--run", run,
		"--encoder", "resnet18", "--image-size", "32", "--batch", "8", "--hidden", "8", "--embedding", "8", "--seed", "1", "--clip", "1"}, more...)
}

// tiny writes a cohort of 40 persons, with further flags of synth, and returns its folder. The test gets a cache folder of its own.
func tiny(t *testing.T, more ...string) string {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "cohort")
	must(t, append([]string{"synth", "--out", dir, "--persons", "40", "--images-per-person", "1", "--image-size", "32", "--snps", "20", "--pgs", "3", "--burden", "4", "--covariates", "2",
		"--missing", "pgs=0.3", "--seed", "5"}, more...)...)
	return dir
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWholePath(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	if out := must(t, "check", "--images", cohort+"/images.tsv", "--data", cohort+"/data.toml"); !strings.Contains(out, "40 images decoded") {
		t.Errorf("check printed %s", out)
	}
	out := must(t, small(cohort, run, "--max-steps", "4")...)
	if !strings.Contains(out, "times chance") || !strings.Contains(out, "report.html") {
		t.Errorf("train printed %s", out)
	}
	rows, err := report.ReadMetrics(bytes.NewReader(read(t, run, metricsName)))
	if err != nil || len(report.Of(rows, "step")) != 4 || len(report.Of(rows, "validation")) == 0 || len(report.Of(rows, "test")) != 1 {
		t.Errorf("metrics: %d rows, %v", len(rows), err)
	}
	for _, name := range []string{configName, logName, reportName, metricsName} {
		if text := read(t, run, name); len(text) == 0 || bytes.Contains(text, []byte("S000001")) {
			t.Errorf("%s is empty or names a person", name)
		}
	}
	last := filepath.Join(run, "checkpoints", "last.safetensors")
	if !bytes.Contains(read(t, run, reportName), []byte("data:image")) {
		t.Error("the report of a synthetic cohort shows no images")
	}
	testEmbed(t, cohort, last)
	for _, flag := range []string{"--torchvision=true", "--torchvision=false"} {
		file := filepath.Join(t.TempDir(), "out.safetensors")
		must(t, "export", "--checkpoint", last, "--out", file, flag)
		if named := bytes.Contains(read(t, file), []byte(`"layer1.0.conv1.weight"`)); named != (flag == "--torchvision=true") {
			t.Errorf("%s: torchvision's names: %v", flag, named)
		}
	}
	before := read(t, last)
	for _, out := range []string{last, run} {
		if code, _, errs := exec(t, "export", "--checkpoint", last, "--out", out, "--overwrite"); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E135: "+out) {
			t.Errorf("export over %s: exit code %d, %s", out, code, errs)
		}
	}
	if !bytes.Equal(before, read(t, last)) {
		t.Error("a refused export changed the checkpoint")
	}
}

func testEmbed(t *testing.T, cohort, checkpoint string) {
	out := filepath.Join(t.TempDir(), "embedded")
	args := []string{"embed", "--checkpoint", checkpoint, "--images", cohort + "/images.tsv", "--data", cohort + "/data.toml", "--out", out}
	must(t, args...)
	if n := bytes.Count(read(t, out, "persons.txt"), []byte("\n")); n != 40 {
		t.Errorf("%d persons", n)
	}
	for _, name := range []string{"features.npy", "snps.image.npy", "pgs.genetics.npy", "pgs.genetics.tsv", "per-image/images.txt", "per-image/features.npy"} {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil || info.Mode().Perm() != private {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Contains(read(t, out, "pgs.genetics.tsv"), []byte("\tNA\t")) {
		t.Error("absent scores are not NA")
	}
	if code, _, errs := exec(t, args...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E130: ") {
		t.Errorf("a second embed: exit code %d, %s", code, errs)
	}
	change(t, filepath.Join(cohort, "data.toml"), replace("[burden]", "[genes]"))
	if said := must(t, append(args, "--overwrite")...); !strings.Contains(said, "genes: not in the checkpoint") {
		t.Errorf("embed does not say what it leaves out: %s", said)
	}
}

func TestResumeGivesTheSameBytes(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	must(t, small(cohort, whole, "--max-steps", "6")...)
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := &stopper{after: "step 1 ", stop: func() { cancel(interrupt{syscall.SIGTERM}) }}
	var errs bytes.Buffer
	code := finish(run(ctx, small(cohort, parts, "--max-steps", "6"), stop, &errs), &errs)
	if code != 143 {
		t.Fatalf("exit code %d, %s", code, errs.String())
	}
	if _, err := os.Stat(filepath.Join(parts, reportName)); err != nil {
		t.Error(err)
	}
	must(t, "train", "--run", parts, "--resume")
	for _, name := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors", configName} {
		if !bytes.Equal(read(t, whole, name), read(t, parts, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

// A stopper calls stop once after has been printed.
type stopper struct {
	after string
	stop  func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.after) {
		s.stop()
	}
	return len(p), nil
}

func TestRunFolderIsNotLost(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, run, "--max-steps", "1")...)
	before := read(t, run, metricsName)
	if code, _, errs := exec(t, small(cohort, run, "--max-steps", "1")...); code != 1 || !numberedLine(errs) {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if !bytes.Equal(before, read(t, run, metricsName)) {
		t.Error("the refused run changed the metrics")
	}
	must(t, small(cohort, run, "--max-steps", "2", "--overwrite")...)
	if rows, err := report.ReadMetrics(bytes.NewReader(read(t, run, metricsName))); err != nil || len(report.Of(rows, "step")) != 2 {
		t.Errorf("%d rows after --overwrite, %v", len(rows), err)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "deep", "run")
	images, err := filepath.Glob(filepath.Join(cohort, "images", "*"))
	if err != nil || len(images) == 0 {
		t.Fatal(err)
	}
	for _, path := range images {
		if err := os.WriteFile(path, []byte("\xff\xd8\xff\xe0 cut"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{small(cohort, run), {"check", "--images", cohort + "/images.tsv", "--data", cohort + "/data.toml"}} {
		code, _, errs := exec(t, args...)
		errs = errs[max(0, strings.Index(errs, "contig-gpu: ")):] // after the progress
		if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E501: ") {
			t.Errorf("%s: exit code %d, %s", args[0], code, errs)
		}
	}
	if _, err := os.Stat(filepath.Dir(run)); !os.IsNotExist(err) {
		t.Error("the run folder was made")
	}
	below := filepath.Join(cohort, "images.tsv", "run")
	if code, _, errs := exec(t, small(cohort, below)...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E131: "+below+": the folder cannot be written") || !strings.Contains(errs, "a part of the path is a file") {
		t.Errorf("a run folder below a file is not refused before the images are looked at: exit code %d, %s", code, errs)
	}
}
