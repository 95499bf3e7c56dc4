package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/checkpoint/checkpointtest"
	"contig-gpu/model/checkpoint/safetensors"
)

// What no table may hold, and what none of embeddings may but of genetics that a person lacks.
var (
	notANumber = regexp.MustCompile(`(?i)(^|\t)[-+]?(nan|inf|infinity)(\t|$)`)
	absent     = regexp.MustCompile(`(^|\t)NA(\t|$)`)
)

// A victim is a small cohort with a run, whose checkpoint is changed.
type victim struct {
	trained
	dir  string
	good []byte
}

// guarded runs the program as exec does; a panic is a failure, whatever it is of.
func guarded(t *testing.T, what string, args ...string) (code int, errs string) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: %s panics: %v\n%s", what, args[0], r, debug.Stack())
			code, errs = 1, "contig-gpu: E000: "
		}
	}()
	code, _, errs = exec(t, args...)
	return code, errs
}

// TestHostileCheckpoints: whatever a checkpoint holds, each verb that reads it has a numbered error or a result of numbers, and takes no
// more memory to find out than a multiple of the file. A digest that does not fit is always an error. CONTIG_CHANGES is how many changes are
// tried, from 200 on by all verbs, and CONTIG_SEED makes others than the usual.
func TestHostileCheckpoints(t *testing.T) {
	turn.Share(t)
	n, seed := setUint(t, "CONTIG_CHANGES", 12), setUint(t, "CONTIG_SEED", 1)
	v := victim{trained: trainTiny(t, tiny(t), "--max-steps", "2", "--ema", "0.5"), dir: t.TempDir()}
	v.good = read(t, v.run, "checkpoints", "last.safetensors")
	counts := map[string]int{}
	for i := range n {
		h, err := checkpointtest.Make(v.good, seed, i)
		if err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
		v.attack(t, fmt.Sprintf("seed %d, change %d: %s", seed, i, h.What), h, n >= 200 || i%4 == 0, counts)
	}
	t.Logf("%d changes: %v", n, counts)
	if counts["embed: error"] == 0 || counts["embed: result"] == 0 || counts["read: error"] < int(n)/6 { // about half are; of 12, fewer than 2 once in some thousand seeds
		t.Errorf("the changes are too much alike: %v", counts)
	}
}

// setUint reads a number of the environment.
func setUint(t *testing.T, name string, unless uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return unless
	}
	n, err := strconv.ParseUint(text, 10, 64)
	mustDo(t, err)
	return n
}

func (v victim) attack(t *testing.T, what string, h checkpointtest.Hostile, whole bool, counts map[string]int) {
	t.Helper()
	path := filepath.Join(v.dir, "hostile.safetensors")
	mustDo(t, os.WriteFile(path, h.Raw, 0o600))
	v.reads(t, what, path, h, counts)
	cohort := []string{"--images", filepath.Join(v.cohort, "images.tsv"), "--data", filepath.Join(v.cohort, "data.toml")}
	out := func(name string) string {
		mustDo(t, os.RemoveAll(filepath.Join(v.dir, name)))
		return filepath.Join(v.dir, name)
	}
	verbs := map[string][]string{
		"embed":       append([]string{"embed", "--checkpoint", path, "--out", out("embedded"), "--device", "cpu"}, cohort...),
		"torchvision": {"export", "--torchvision", "--checkpoint", path, "--out", out("torch.safetensors")},
	}
	if whole {
		run := out("resumed")
		v.onlyCheckpoint(t, run, h.Raw)
		verbs["export"] = []string{"export", "--checkpoint", path, "--out", out("all.safetensors")}
		verbs["explain"] = append([]string{"explain", "--checkpoint", path, "--out", out("explained"), "--device", "cpu", "--reference", "8", "--test", "none", "--steps", "2"}, cohort...)
		verbs["resume"] = small(v.cohort, run, "--resume", "--ema", "0.5", "--max-steps", "3")
		verbs["init"] = small(v.cohort, out("begun"), "--init", path, "--max-steps", "1")
	}
	for name, args := range verbs {
		code, errs := guarded(t, what, args...)
		switch {
		case code == 0 && h.Stale:
			t.Errorf("%s: %s notices nothing", what, name)
		case code == 0:
			counts[name+": result"]++
		case code != 1 || !numberedLine(errs) || strings.HasPrefix(errs, "contig-gpu: E800") || len(errs) > 4000:
			t.Errorf("%s: %s: exit code %d, %.3000s", what, name, code, errs)
		default:
			counts[name+": error"]++
			if _, err := os.Stat(filepath.Join(v.dir, map[string]string{"embed": "embedded", "torchvision": "torch.safetensors", "export": "all.safetensors", "explain": "explained", "init": "none", "resume": "none"}[name])); err == nil {
				t.Errorf("%s: %s wrote something beside its error", what, name)
			}
		}
	}
	v.results(t, what)
}

// onlyCheckpoint makes a copy of the run whose one checkpoint is raw: from another one it would go on.
func (v victim) onlyCheckpoint(t *testing.T, run string, raw []byte) {
	t.Helper()
	mustDo(t, os.MkdirAll(filepath.Join(run, "checkpoints"), 0o755))
	entries, err := os.ReadDir(v.run)
	mustDo(t, err)
	for _, e := range entries {
		if e.Type().IsRegular() {
			mustDo(t, os.WriteFile(filepath.Join(run, e.Name()), read(t, v.run, e.Name()), 0o600))
		}
	}
	mustDo(t, os.WriteFile(filepath.Join(run, "checkpoints", "last.safetensors"), raw, 0o600))
}

// reads holds the memory of reading to the size of the file: its bytes, of the header some more, and a constant.
func (v victim) reads(t *testing.T, what, path string, h checkpointtest.Hostile, counts map[string]int) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := checkpoint.Read(path)
	runtime.ReadMemStats(&after)
	const header = 1 << 21 // of the largest that the generator makes: some texts of a MiB
	if most := uint64(len(h.Raw) + 32*header + 1<<20); after.TotalAlloc-before.TotalAlloc > most {
		t.Errorf("%s: reading %d bytes took %d", what, len(h.Raw), after.TotalAlloc-before.TotalAlloc)
	}
	if err != nil {
		counts["read: error"]++
	} else if h.Stale {
		t.Errorf("%s: read", what)
	}
}

// results looks for values that are no numbers in what was written.
func (v victim) results(t *testing.T, what string) {
	t.Helper()
	for _, pattern := range []string{"embedded/*.tsv", "embedded/per-image/*.tsv", "explained/*.tsv"} {
		files, err := filepath.Glob(filepath.Join(v.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			lacks := strings.Contains(filepath.Base(f), ".genetics.") || strings.HasPrefix(pattern, "explained")
			for line := range bytes.Lines(read(t, f)) {
				if line = bytes.TrimSpace(line); notANumber.Match(line) || !lacks && absent.Match(line) {
					t.Errorf("%s: %s has %.200q", what, f, line)
					break
				}
			}
		}
	}
	for _, name := range []string{"all.safetensors", "torch.safetensors"} {
		path := filepath.Join(v.dir, name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		f, err := safetensors.Read(path)
		if err != nil {
			t.Fatalf("%s: %s: %v", what, name, err)
		}
		for _, x := range f.Tensors {
			if !x.DType.Floats() {
				continue
			}
			for _, e := range safetensors.Floats[float32](x) {
				if e-e != 0 {
					t.Fatalf("%s: %s: %s has %v", what, name, x.Name, e)
				}
			}
		}
	}
}
