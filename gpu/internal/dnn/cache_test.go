//go:build linux && cgo

package dnn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// timed are Options that time plans; openBench puts the GPU in place of the Timer.
func timed(dir string) Options {
	return Options{Timer: (*cuda.Context)(nil), GPU: "Emulated GPU (80 GB)", Arch: 90, CacheDir: dir}
}

// theFile returns what a cache in dir holds of the Problem cached, and how many files there are.
func theFile(t *testing.T, dir string) (string, []byte, int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	path := openCache(timed(dir), "9.26.0").path(cached)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the cache holds %v: %v", files, err)
	}
	return path, b, len(files)
}

var cached = Problem{Op: Forward, Conv: driver.Conv{Shape: convolution.Shape{N: 2, H: 5, W: 5, C: 4, K: 6, R: 3, S: 3, Stride: 1, Pad: 1}, Type: driver.BF16}}

// choiceWith opens a handle anew on a cache and returns what it chooses.
func choiceWith(t *testing.T, o Options) (Choice, error) {
	t.Helper()
	b := openBench(t, o)
	c, err := b.h.Plan(cached)
	if err != nil {
		t.Fatal(err)
	}
	b.convolutions(cached.Conv)
	return c, b.h.Warning()
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	first, err := choiceWith(t, timed(dir))
	if err != nil || first.Timed < 2 || first.Milliseconds <= 0 {
		t.Fatalf("%+v was chosen, %v; want it timed against others", first, err)
	}
	path, _, files := theFile(t, dir)
	if want := "emulated-gpu--80-gb-sm90-9.26.0"; filepath.Base(filepath.Dir(path)) != want || files != 6 {
		t.Errorf("%d files, of them %s; want forward, data twice, weight in two ways and how these compare in %s", files, path, want)
	}
	again, err := choiceWith(t, timed(dir))
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("read back %+v, %v, want %+v: it was timed anew", again, err, first)
	}
}

// TestWarmCacheMakesNothing: what the cache holds is loaded as the library wrote it, or, where that does not load, made of engine and
// knobs and written anew. So the second start compiles nothing, and the one after an update of the driver each plan once.
func TestWarmCacheMakesNothing(t *testing.T) {
	dir := t.TempDir()
	for start, want := range []Counts{{}, {Cached: 4}, {Made: 1, Cached: 3}, {Cached: 4}, {Made: 1, Cached: 3}, {Cached: 4}} {
		b := openBench(t, timed(dir))
		b.convolutions(cached.Conv)
		switch got := b.h.Counts(); {
		case start > 0 && got != want:
			t.Errorf("start %d: %+v, want %+v", start, got, want)
		case start == 0 && (got.Made < 8 || got.Compiled == 0 || got.Compiled == got.Made || got.Cached > 0):
			t.Errorf("the first start: %+v", got)
		}
		switch start {
		case 1: // of a library that cannot write it
			edit(t, dir, func(f *cacheFile) { f.Plan = "" })
		case 3: // of another driver
			edit(t, dir, func(f *cacheFile) { f.Plan = strings.Replace(f.Plan, "13000", "12080", 1) })
		}
	}
}

// edit changes what the cache holds of the Problem cached.
func edit(t *testing.T, dir string, change func(*cacheFile)) {
	t.Helper()
	path, b, _ := theFile(t, dir)
	var f cacheFile
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	change(&f)
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestCacheIsFollowed puts another choice into the file than timing would make.
func TestCacheIsFollowed(t *testing.T) {
	dir := t.TempDir()
	if _, err := choiceWith(t, timed(dir)); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(f *cacheFile) { f.Milliseconds = 12345 })
	if c, _ := choiceWith(t, timed(dir)); c.Milliseconds != 12345 {
		t.Errorf("%+v was chosen: the file was not followed", c)
	}
}

// TestRanksAgree: of two processes that choose at the same time, each by times of its own, the second follows what the first has kept: plans, and ways.
func TestRanksAgree(t *testing.T) {
	dir := t.TempDir()
	one, two := openBench(t, timed(dir)), openBench(t, timed(dir))
	prefer := func(b *bench, i int, before func()) {
		honest := b.h.time
		b.h.time = func(plans []*plan) ([]*contestant, error) {
			before()
			all, err := honest(plans)
			for k, c := range all {
				c.best = 2
				if k == i {
					c.best = 1
				}
			}
			return all, err
		}
	}
	prefer(one, 0, func() {})
	var first Choice
	prefer(two, 1, func() {
		var err error
		if first, err = one.h.Plan(cached); err != nil {
			t.Fatal(err)
		}
	})
	second, err := two.h.Plan(cached)
	if err != nil || first.Timed < 2 || !reflect.DeepEqual(first, second) {
		t.Errorf("the first computes by %+v, the second by %+v; %v", first, second, err)
	}
	two.convolutions(cached.Conv)
	if got := one.h.cache.keepTimes(cached, []float64{1, 2}); got[0] != 1 {
		t.Errorf("times of the first are %v", got)
	}
	if got := two.h.cache.keepTimes(cached, []float64{2, 1}); got[0] != 1 {
		t.Errorf("the second follows %v", got)
	}
}

func TestCacheDamaged(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut off":     func(b []byte) []byte { return b[:len(b)/2] },
		"empty":       func([]byte) []byte { return nil },
		"another GPU": func(b []byte) []byte { return bytes.Replace(b, []byte("Emulated"), []byte("Imagined"), 1) },
		"another format": func(b []byte) []byte {
			return bytes.Replace(b, fmt.Appendf(nil, `"format": %d`, cacheFormat), []byte(`"format": 0`), 1)
		},
		"another problem": func(b []byte) []byte { return bytes.Replace(b, []byte(`"Op": 0`), []byte(`"Op": 1`), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			choiceWith(t, timed(dir))
			path, b, _ := theFile(t, dir)
			if err := os.WriteFile(path, damage(b), 0o666); err != nil {
				t.Fatal(err)
			}
			if c, err := choiceWith(t, timed(dir)); c.Timed < 2 || err == nil || !strings.Contains(err.Error(), "timed anew") || !strings.Contains(err.Error(), path) {
				t.Errorf("%+v was chosen, %v", c, err)
			}
			if c, err := choiceWith(t, timed(dir)); c.Timed < 2 || err != nil {
				t.Errorf("after that %+v was chosen, %v", c, err)
			}
			if _, now, _ := theFile(t, dir); !json.Valid(now) || !bytes.Contains(now, []byte("Emulated")) {
				t.Errorf("the file was not mended: %s", now)
			}
		})
	}
}

// TestCacheWrongEngine has an engine in the file that the library does not have, and one that is not wanted.
func TestCacheWrongEngine(t *testing.T) {
	for _, engine := range []int{77, 1} {
		dir := t.TempDir()
		choiceWith(t, timed(dir))
		edit(t, dir, func(f *cacheFile) {
			f.Engine, f.Plan = engine, ""
			f.Workspace = 256*(engine+1) + 4*f.Problem.Conv.K
		})
		if c, _ := choiceWith(t, timed(dir)); c.Engine == engine {
			t.Errorf("engine %d was taken from the file", engine)
		}
	}
}

// TestCacheUnwritable: plans are timed each time, and the handle says why.
func TestCacheUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if c, err := choiceWith(t, timed(file)); err == nil || c.Timed < 2 {
		t.Errorf("%+v was chosen, the error is %v", c, err)
	}
}

// TestCacheNotes: a plan that loads is held to the rules for proposals, by the notes that were kept with it. Made again of engine and knobs
// it has the notes that the library says.
func TestCacheNotes(t *testing.T) {
	dir := t.TempDir()
	first, _ := choiceWith(t, timed(dir))
	edit(t, dir, func(f *cacheFile) { f.Notes = []int{noteNondeterministic} })
	b := openBench(t, timed(dir))
	again, err := b.h.Plan(cached)
	if got := b.h.Counts(); err != nil || got != (Counts{Made: 1}) || !reflect.DeepEqual(again, first) {
		t.Errorf("%+v, %v after %+v: want %+v, made again", again, err, got, first)
	}
}

// TestOneProposalIsKept: where there is nothing to compare, the plan is kept all the same, for it may have been compiled.
func TestOneProposalIsKept(t *testing.T) {
	o := timed(t.TempDir())
	o.Candidates = 1
	for start, want := range []Counts{{Made: 1}, {Cached: 1}} {
		b := openBench(t, o)
		c, err := b.h.Plan(cached)
		if got := b.h.Counts(); err != nil || c.Timed != 1 || got != want {
			t.Errorf("start %d: %+v, %v; %+v, want %+v", start, c, err, got, want)
		}
	}
}
