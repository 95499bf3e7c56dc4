package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/synth"
)

// wantRefused runs the program and wants an error's number, about a path.
func wantRefused(t *testing.T, number, path string, args ...string) {
	t.Helper()
	if code, out, errs := exec(t, args...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: "+number+": "+path+":") {
		t.Errorf("%v: exit code %d, %s%s, want %s", args, code, out, errs, number)
	}
}

// digests returns what all files below dir hold.
func digests(t *testing.T, dir string) string {
	t.Helper()
	out, err := osexec.Command("sh", "-c", `cd "$0" && find . -type f | sort | xargs -d '\n' sha256sum`, dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestNothingOfOthersIsReplaced: no verb replaces what it reads, home, the working folder, what lies above them, or what this program
// has not made.
func TestNothingOfOthersIsReplaced(t *testing.T) {
	cohort, base := tiny(t), t.TempDir()
	run, theirs := filepath.Join(base, "run"), filepath.Join(base, "theirs")
	must(t, small(cohort, run, "--max-steps", "1")...)
	mustDo(t, os.MkdirAll(theirs, 0o755))
	mustDo(t, os.WriteFile(filepath.Join(theirs, "thesis.tex"), []byte("years"), 0o644))
	t.Setenv("HOME", filepath.Join(base, "home"))
	mustDo(t, os.MkdirAll(filepath.Join(base, "home", "project"), 0o755))
	t.Chdir(filepath.Join(base, "home", "project"))
	before := digests(t, base) + digests(t, cohort)
	last := filepath.Join(run, "checkpoints", "last.safetensors")
	data := []string{"--checkpoint", last, "--images", filepath.Join(cohort, "images.tsv"), "--data", filepath.Join(cohort, "data.toml"), "--overwrite", "--out"}
	for _, c := range []struct{ dir, number string }{{run, "E133"}, {filepath.Dir(run), "E133"}, {cohort, "E133"}, {os.Getenv("HOME"), "E133"}, {".", "E133"}, {"..", "E133"}, {"/", "E133"}, {theirs, "E134"}} {
		for _, verb := range []string{"embed", "explain"} {
			wantRefused(t, c.number, c.dir, append(append([]string{verb}, data...), c.dir)...)
		}
		if c.dir != cohort {
			number := c.number
			if c.dir == run {
				number = "E134" // it reads nothing there
			}
			wantRefused(t, number, c.dir, "synth", "--persons", "4", "--image-size", "16", "--overwrite", "--out", c.dir)
		}
		if c.dir != run {
			wantRefused(t, c.number, c.dir, small(cohort, c.dir, "--max-steps", "1", "--overwrite")...)
		}
	}
	wantRefused(t, "E130", theirs, small(cohort, theirs, "--max-steps", "1")...)
	wantRefused(t, "E705", run, small(cohort, run, "--max-steps", "1")...)
	wantRefused(t, "E133", run, small(cohort, run, "--max-steps", "1", "--overwrite", "--init", last)...)
	if digests(t, base)+digests(t, cohort) != before {
		t.Error("a refusal changed files")
	}
}

// TestExportAsksFirst: a file that is there stays without --overwrite, and with it where it is no safetensors file; folders are made.
func TestExportAsksFirst(t *testing.T) {
	cohort, base := tiny(t), t.TempDir()
	run, out := filepath.Join(base, "run"), filepath.Join(base, "a", "b", "out.safetensors")
	must(t, small(cohort, run, "--max-steps", "1")...)
	export := func(out string, more ...string) []string {
		return append([]string{"export", "--checkpoint", filepath.Join(run, "checkpoints", "last.safetensors"), "--torchvision", "--out", out}, more...)
	}
	must(t, export(out)...)
	wantRefused(t, "E135", out, export(out)...)
	must(t, export(out, "--overwrite")...)
	notes, link := filepath.Join(base, "notes.txt"), filepath.Join(base, "link")
	mustDo(t, os.WriteFile(notes, []byte("notes, and more notes"), 0o644))
	mustDo(t, os.Symlink(out, link))
	for _, path := range []string{notes, link, os.DevNull, filepath.Join(run, "checkpoints", "last.safetensors"), filepath.Join(run, "checkpoints", "mine.safetensors")} {
		wantRefused(t, "E135", path, export(path, "--overwrite")...)
	}
	gone := filepath.Join(base, "c", "d", "out")
	if code, _, _ := exec(t, "export", "--checkpoint", notes, "--out", gone); code != 1 {
		t.Error("notes are exported")
	}
	if _, err := os.Stat(filepath.Join(base, "c")); !os.IsNotExist(err) {
		t.Errorf("a failed export left a folder: %v", err)
	}
}

// TestDemoIsMadeAnew: a demo cohort of which anything is missing or changed is made anew; what the user has put there is not removed.
func TestDemoIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "demo")
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.SNPs = 8, 16, 16
	said := ""
	demo := func() error {
		_, err := demoIn(context.Background(), dir, o, func(format string, a ...any) { said = fmt.Sprintf(format, a...) }, progress.New(io.Discard))
		return err
	}
	mustDo(t, demo())
	whole := digests(t, dir)
	image, err := filepath.Glob(filepath.Join(dir, "images", "*"))
	if err != nil || len(image) == 0 {
		t.Fatal(err)
	}
	mustDo(t, demo())
	if !strings.Contains(said, "training on the demo cohort in") {
		t.Errorf("a whole cohort is not taken: %s", said)
	}
	for _, harm := range []func() error{
		func() error { return os.Remove(image[0]) }, func() error { return os.Remove(filepath.Join(dir, "data.toml")) }, func() error { return os.Truncate(image[0], 100) },
		func() error { return os.RemoveAll(dir) }, func() error { return os.Remove(filepath.Join(dir, ".contig-gpu.json")) },
		func() error { os.RemoveAll(dir); return os.Mkdir(dir, 0o755) },
	} {
		mustDo(t, harm())
		mustDo(t, demo())
		if digests(t, dir) != whole {
			t.Error("the cohort is not as it was")
		}
	}
	mustDo(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644))
	mustDo(t, os.Remove(image[0]))
	if err := demo(); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("another's file: %v", err)
	}
}

// TestNobodyReads: a training whose output nobody reads any more goes on to its end, and so does its log.
func TestNobodyReads(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	folder := filepath.Join(dir, "run")
	cmd := osexec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), childArgs+"="+strings.Join(small(cohort, folder, "--max-steps", "6"), "\n"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd.Wait() // the child prints its exit code, in vain
	wantSteps(t, folder, 6)
	if log := read(t, folder, logName); !bytes.Contains(log, []byte("report: ")) {
		t.Errorf("the log ends before the end: %s", log)
	}
}
