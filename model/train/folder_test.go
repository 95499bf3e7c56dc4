package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/train/traintest"
)

// tree returns the files below dir with what they hold.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all[name] = string(read(t, path))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

func wantTree(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := tree(t, dir)
	if !maps.Equal(got, want) {
		t.Errorf("%s holds %v, of other bytes or not what was there: %v", dir, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestOneRunAFolder: while a run goes on, no other gets its folder, however it asks.
func TestOneRunAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.MaxSteps = 2
	first := options(c, dir)
	asked := 0
	ask := func() {
		for _, way := range [][2]bool{{false, false}, {true, false}, {false, true}} {
			o := options(c, dir)
			o.Resume, o.Overwrite = way[0], way[1]
			_, err := Run(context.Background(), o)
			var p *data.Problem
			if !errors.As(err, &p) || p.Code != 132 || !strings.Contains(p.Found, fmt.Sprint(os.Getpid())) {
				t.Errorf("resume, overwrite %v: %v", way, err)
			}
			asked++
		}
	}
	first.Progress = func(e Event) {
		if e.Kind == Planned || e.Kind == Started {
			ask()
		}
	}
	mustRun(t, first)
	if asked != 6 || len(traintest.Lines(t, dir)) == 0 {
		t.Errorf("asked %d times", asked)
	}
	if _, err := os.Stat(filepath.Join(dir, ".lock")); !os.IsNotExist(err) {
		t.Errorf("the lock stays: %v", err)
	}
}

// TestEndsBeforeTheFirstStep: a run that fails or is stopped before its first step leaves a folder as it was, also where it
// was to replace or to go on with a run.
func TestEndsBeforeTheFirstStep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "run")
	c := tiny(t)
	c.MaxSteps = 2
	fails := func(o *Options) {
		o.NewSource = func(f Feed) (data.Source, error) {
			return &failing{memorySource{c: o.Cohort, split: f.Split, train: f.Train, batch: 8, size: 32}}, nil
		}
	}
	stop := errors.New("stopped by the test")
	try := func(overwrite, resume bool, change func(*Options), want func(error) bool) {
		t.Helper()
		o := options(c, dir)
		o.Overwrite, o.Resume = overwrite, resume
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		o.Progress = func(e Event) {
			if e.Kind == Planned && change == nil {
				cancel(stop)
			}
		}
		if change != nil {
			change(&o)
		}
		if _, err := Run(ctx, o); !want(err) {
			t.Errorf("overwrite %v, resume %v: %v", overwrite, resume, err)
		}
	}
	bad := func(err error) bool { var p *data.Problem; return errors.As(err, &p) && p.Code == 501 }
	stopped := func(err error) bool { return errors.Is(err, stop) }
	for _, overwrite := range []bool{false, true} {
		try(overwrite, false, fails, bad)
		try(overwrite, false, nil, stopped)
		if _, err := os.Stat(filepath.Dir(dir)); !os.IsNotExist(err) {
			t.Errorf("overwrite %v: the folder was made", overwrite)
		}
	}
	mustRun(t, options(c, dir))
	before := tree(t, dir)
	try(true, false, fails, bad)
	try(true, false, nil, stopped)
	try(false, true, nil, stopped)
	wantTree(t, dir, before)
}

// TestDiedBeforeItsFirstCheckpoint: what a run leaves that dies before its first checkpoint, or while that is written, can be
// resumed, which is beginning anew. A folder that no run began in cannot.
func TestDiedBeforeItsFirstCheckpoint(t *testing.T) {
	slow(t)
	c := tiny(t)
	c.Epochs = 1
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "run")
	mustRun(t, options(c, whole))
	o := options(c, dir)
	o.Resume = true
	for _, made := range []string{"", "notes", "persons.txt/features.npy", checkpointDir} {
		if err := os.MkdirAll(filepath.Join(dir, made), 0o755); err != nil {
			t.Fatal(err)
		}
		l, err := Take(dir, true, false)
		if (err == nil) != (made == checkpointDir) {
			t.Errorf("a folder with %q in it: %v", made, err)
		}
		if err != nil {
			wantCode(t, err, 704)
		}
		l.Release()
		os.RemoveAll(dir)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".lock"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, o)
	sameRuns(t, whole, dir)
	if err := os.Remove(CheckpointPath(dir, "last")); err != nil { // as a kill does between best and last
		t.Fatal(err)
	}
	mustRun(t, o)
	sameRuns(t, whole, dir)
}
