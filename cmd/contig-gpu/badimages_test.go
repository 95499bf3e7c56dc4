package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/gpu/gputest/turn"
)

// imagesBySplit returns images of a cohort that are in a split and not in the sample that a training looks at first.
func imagesBySplit(t *testing.T, dir string, split data.Split) []string {
	t.Helper()
	c, err := cohort.Open(cohort.Options{Manifest: filepath.Join(dir, "images.tsv"), DataTOML: filepath.Join(dir, "data.toml"), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, im := range sample(c.Images) {
		seen[im.Path] = true
	}
	var out []string
	for _, im := range c.Images {
		if c.Persons[im.Person].Split == split && !seen[im.Path] {
			out = append(out, im.Path)
		}
	}
	if len(out) == 0 {
		t.Fatalf("all of %v is in the sample", split)
	}
	return out
}

// program is run, whose name is that of a folder in tests here.
func program(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	return run(ctx, args, stdout, stderr)
}

// broad writes a cohort of which a sample does not see all.
func broad(t *testing.T) string {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "cohort")
	must(t, "synth", "--out", dir, "--persons", "60", "--images-per-person", "1", "--image-size", "32", "--snps", "20", "--pgs", "3", "--burden", "4", "--covariates", "2", "--seed", "5")
	return dir
}

func wantSameEnd(t *testing.T, what, a, b string) {
	t.Helper()
	for _, name := range []string{"last", "best"} {
		if !bytes.Equal(tensorsOf(read(t, a, "checkpoints", name+".safetensors")), tensorsOf(read(t, b, "checkpoints", name+".safetensors"))) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

// tensorsOf returns what stands behind the head of a checkpoint: the digests in it are those of the images as the run found them.
func tensorsOf(b []byte) []byte { return b[8+binary.LittleEndian.Uint64(b):] }

// TestBrokenImagesAreSkipped: in every split; and a run of which images were skipped goes on to the same bytes, whether they
// are still broken, were mended, or their rows or files are gone.
func TestBrokenImagesAreSkipped(t *testing.T) {
	turn.Share(t)
	dir, runs := broad(t), t.TempDir()
	var broken []string
	whole := map[string][]byte{}
	for _, s := range []data.Split{data.Train, data.Validation, data.Test} {
		path := imagesBySplit(t, dir, s)[0]
		broken, whole[path] = append(broken, path), read(t, path)
		change(t, path, func(b []byte) []byte { return b[:len(b)/2] })
	}
	flags := []string{"--epochs", "2", "--bad-images", "skip", "--max-bad", "10%"}
	straight := filepath.Join(runs, "straight")
	out := must(t, small(dir, straight, append(flags, "--workers", "1")...)...)
	if !strings.Contains(out, "W505: 3 of 60 images") {
		t.Errorf("said %s", out)
	}
	wantNoIDsBeside(t, straight)
	manifest := read(t, dir, "images.tsv")
	for what, do := range map[string]func(){
		"as they were": func() {},
		"mended": func() {
			for p, b := range whole {
				change(t, p, func([]byte) []byte { return b })
			}
		},
		"without rows": func() {
			for p := range whole {
				change(t, filepath.Join(dir, "images.tsv"), func(b []byte) []byte { return withoutLine(b, filepath.Base(p)) })
			}
		},
		"without files": func() {
			for p := range whole {
				if err := os.Remove(p); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		run := filepath.Join(runs, what)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := &stopper{after: "validation loss", stop: func() { cancel(interrupt{syscall.SIGTERM}) }}
		var errs bytes.Buffer
		if code := finish(program(ctx, small(dir, run, flags...), stop, &errs), &errs); code != 143 {
			t.Fatalf("%s: exit code %d, %s", what, code, errs.String())
		}
		do()
		must(t, "train", "--run", run, "--resume")
		wantSameEnd(t, what, straight, run)
		if a, b := read(t, straight, privateName, badName), read(t, run, privateName, badName); !bytes.Equal(a, b) {
			t.Errorf("%s: bad.tsv\n%s\nwant\n%s", what, b, a)
		}
		change(t, filepath.Join(dir, "images.tsv"), func([]byte) []byte { return manifest })
		for _, p := range broken {
			if err := os.WriteFile(p, whole[p][:len(whole[p])/2], 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	code, _, errs := exec(t, small(dir, filepath.Join(runs, "many"), "--epochs", "1", "--bad-images", "skip", "--max-bad", "2")...)
	if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E511: ") {
		t.Errorf("more than --max-bad: exit code %d, %s", code, errs)
	}
}

func withoutLine(b []byte, word string) []byte {
	var out []byte
	for l := range bytes.Lines(b) {
		if !bytes.Contains(l, []byte(word)) {
			out = append(out, l...)
		}
	}
	return out
}

// wantNoIDsBeside: ids are under private/ only, and that is its owner's.
func wantNoIDsBeside(t *testing.T, run string) {
	t.Helper()
	for name, mode := range map[string]os.FileMode{privateName: 0o700, privateName + "/" + badName: 0o600, privateName + "/" + splitName: 0o600} {
		if st, err := os.Stat(filepath.Join(run, name)); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{logName, reportName, metricsName, configName, recordName, "checkpoints/last.safetensors"} {
		for _, f := range readPrivate(run, badName, badHead) {
			if text := read(t, run, name); bytes.Contains(bytes.ReplaceAll(text, []byte("PGS0"), nil), []byte(f[1])) || bytes.Contains(text, []byte(f[2])) {
				t.Errorf("%s names person %s or image %s", name, f[1], f[2])
			}
		}
	}
}

// TestBrokenImagesStopARunThatGoesOn: what was learnt is saved, and the run goes on once the image is mended, left out, or
// may be skipped; mended, to the bytes of a run without it.
func TestBrokenImagesStopARunThatGoesOn(t *testing.T) {
	turn.Share(t)
	dir, runs := broad(t), t.TempDir()
	healthy := filepath.Join(runs, "healthy")
	must(t, small(dir, healthy, "--epochs", "2")...)
	manifest := read(t, dir, "images.tsv")
	for _, split := range []data.Split{data.Train, data.Validation, data.Test} {
		path := imagesBySplit(t, dir, split)[0]
		whole := read(t, path)
		for _, what := range []string{"mended", "left out", "skipped"} {
			name := split.String() + " " + what
			run := filepath.Join(runs, name)
			change(t, path, func(b []byte) []byte { return b[:len(b)/2] })
			code, _, errs := exec(t, small(dir, run, "--epochs", "2", "--max-bad", "10%")...)
			if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E501: ") {
				t.Fatalf("%s: exit code %d, %s", name, code, errs)
			}
			if _, err := os.Stat(filepath.Join(run, "checkpoints", "last.safetensors")); err != nil {
				change(t, path, func([]byte) []byte { return whole })
				continue // it is in the first step
			}
			more := []string{"train", "--run", run, "--resume"}
			if code, _, errs := exec(t, more...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E501: ") {
				t.Errorf("%s, still broken: exit code %d, %s", name, code, errs)
			}
			switch what {
			case "mended":
				change(t, path, func([]byte) []byte { return whole })
			case "left out":
				change(t, filepath.Join(dir, "images.tsv"), func(b []byte) []byte { return withoutLine(b, filepath.Base(path)) })
			case "skipped":
				more = append(more, "--bad-images", "skip")
			}
			must(t, more...)
			if what == "mended" {
				wantSameEnd(t, name, healthy, run)
			}
			change(t, path, func([]byte) []byte { return whole })
			change(t, filepath.Join(dir, "images.tsv"), func([]byte) []byte { return manifest })
		}
	}
}

// TestSplitOfEmbeddings: embed tells the split that each person had in the run, and who is new.
func TestSplitOfEmbeddings(t *testing.T) {
	dir, run, out := tiny(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "out")
	must(t, small(dir, run, "--max-steps", "1", "--seed", "9")...)
	split := string(read(t, run, privateName, splitName))
	first := strings.Split(split, "\n")[1]
	change(t, filepath.Join(run, privateName, splitName), func(b []byte) []byte { return withoutLine(b, first) })
	must(t, "embed", "--checkpoint", run+"/checkpoints/last.safetensors", "--images", dir+"/images.tsv", "--data", dir+"/data.toml", "--out", out)
	id, was, _ := strings.Cut(first, "\t")
	two := regexp.MustCompile(`(?m)^([^\t\n]+\t[^\t\n]+)\t.*$`) // the first two columns
	if got, want := two.ReplaceAllString(string(read(t, out, "persons.tsv")), "$1"), strings.Replace(split, id+"\t"+was, id+"\tnew", 1); got != want {
		t.Errorf("persons.tsv\n%s\nwant\n%s", got, want)
	}
	if said := must(t, "check", "--images", dir+"/images.tsv", "--data", dir+"/data.toml", "--seed", "9"); !strings.Contains(said, "drawn by seed 42 of data.toml") {
		t.Errorf("check said %s", said)
	}
}
