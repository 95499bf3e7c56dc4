//go:build linux && cgo

package dnn

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// timed are Options that time plans; openBench puts the GPU in place of the Timer.
func timed(dir string) Options {
	return Options{Timer: (*cuda.Context)(nil), Card: "Emulated card (80 GB)", Arch: 90, CacheDir: dir}
}

func theFile(t *testing.T, dir string) (string, []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the cache holds %v, %v, want one file", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return files[0], b
}

var cached = Problem{Op: Forward, Conv: driver.Conv{N: 2, H: 5, W: 5, C: 4, K: 6, R: 3, S: 3, Stride: 1, Pad: 1, Type: driver.BF16}}

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
	path, b := theFile(t, dir)
	if want := "emulated-card--80-gb-sm90-9.26.0.json"; filepath.Base(path) != want {
		t.Errorf("the file is %s, want %s", filepath.Base(path), want)
	}
	again, err := choiceWith(t, timed(dir))
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("read back %+v, %v, want %+v: it was timed anew", again, err, first)
	}
	var f cacheFile
	if err := json.Unmarshal(b, &f); err != nil || len(f.Plans) != 4 {
		t.Errorf("%d plans are kept, %v; want forward, data twice and weight", len(f.Plans), err)
	}
}

// TestCacheIsFollowed puts another choice into the file than timing would make.
func TestCacheIsFollowed(t *testing.T) {
	dir := t.TempDir()
	if _, err := choiceWith(t, timed(dir)); err != nil {
		t.Fatal(err)
	}
	path, b := theFile(t, dir)
	var f cacheFile
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	for i := range f.Plans {
		if f.Plans[i].Problem == cached {
			f.Plans[i].Choice.Milliseconds = 12345
		}
	}
	b, _ = json.Marshal(f)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if c, _ := choiceWith(t, timed(dir)); c.Milliseconds != 12345 {
		t.Errorf("%+v was chosen: the file was not followed", c)
	}
}

func TestCacheDamaged(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut off":        func(b []byte) []byte { return b[:len(b)/2] },
		"empty":          func([]byte) []byte { return nil },
		"another card":   func(b []byte) []byte { return bytes.Replace(b, []byte("Emulated"), []byte("Imagined"), 1) },
		"another format": func(b []byte) []byte { return bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 0`), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			choiceWith(t, timed(dir))
			path, b := theFile(t, dir)
			if err := os.WriteFile(path, damage(b), 0o666); err != nil {
				t.Fatal(err)
			}
			o := timed(dir)
			o.Timer = nil
			if h := openCache(o, "9.26.0"); h.err == nil || !strings.Contains(h.err.Error(), "timed anew") {
				t.Errorf("reading says %v", h.err)
			}
			if c, err := choiceWith(t, timed(dir)); err != nil || c.Timed < 2 {
				t.Errorf("%+v was chosen, %v", c, err)
			}
			if _, now := theFile(t, dir); !json.Valid(now) || !bytes.Contains(now, []byte("Emulated")) {
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
		path, b := theFile(t, dir)
		var f cacheFile
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		for i := range f.Plans {
			f.Plans[i].Choice.Engine = engine
			f.Plans[i].Choice.Workspace = 256*(engine+1) + 4*f.Plans[i].Problem.Conv.K
		}
		b, _ = json.Marshal(f)
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
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

// TestCacheMerges: what another process adds meanwhile stays.
func TestCacheMerges(t *testing.T) {
	o := timed(t.TempDir())
	a, b := openCache(o, "9.26.0"), openCache(o, "9.26.0")
	one, two := cached, cached
	two.Op = BackwardData
	a.put(one, Choice{Engine: 3})
	b.put(two, Choice{Engine: 4})
	if c := openCache(o, "9.26.0"); len(c.all) != 2 || c.err != nil || a.err != nil || b.err != nil {
		t.Errorf("%v is left, %v %v %v", c.all, a.err, b.err, c.err)
	}
}
