package folder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func inside(dir string, fill func(string) error) error {
	return Target{Dir: dir, Kind: Cohort, Overwrite: true}.fillInside(dir, fill)
}

// several returns a fill that writes three files, two of them in a folder.
func several(text, folder string) func(string) error {
	return func(temp string) error {
		below := filepath.Join(temp, folder)
		return errors.Join(file(text)(temp), os.Mkdir(below, 0o700), file(text)(below), os.WriteFile(filepath.Join(below, text), nil, 0o600))
	}
}

// TestInside: a folder that stays is filled whole or not at all, and what was there goes.
func TestInside(t *testing.T) {
	dir := t.TempDir()
	fails := errors.New("fails")
	if err := inside(dir, func(temp string) error { return errors.Join(file("half")(temp), fails) }); !errors.Is(err, fails) || names(t, dir) != "" {
		t.Errorf("%v, left %s", err, names(t, dir))
	}
	for i, text := range []string{"one", "two", "three"} {
		if err := inside(dir, several(text, []string{"a", "b", "b"}[i])); err != nil {
			t.Fatal(err)
		}
		wantFile(t, dir, text)
		if n := names(t, dir); n != MarkName+" "+[]string{"a", "b", "b"}[i]+" file" || !Whole(dir, Cohort) {
			t.Errorf("left %s", n)
		}
	}
	put(t, dir, "b/mine")
	wantCode(t, inside(dir, several("four", "c")), codeForeign)
	wantFile(t, dir, "three")
}

// TestInsideIsFinished: wherever a process dies once the new content is settled, the next one ends it.
func TestInsideIsFinished(t *testing.T) {
	for stop := range 6 {
		dir := t.TempDir()
		if err := inside(dir, several("old", "a")); err != nil {
			t.Fatal(err)
		}
		ready := filepath.Join(dir, readyName)
		if err := os.Mkdir(ready, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := (Target{Kind: Cohort}).complete(ready, several("new", "a")); err != nil {
			t.Fatal(err)
		}
		steps := []func(){ // what a process does before it dies
			func() { os.Remove(filepath.Join(dir, "a", "old")) }, func() { os.RemoveAll(filepath.Join(dir, "a")) }, func() { os.Remove(filepath.Join(dir, "file")) },
			func() { os.Rename(filepath.Join(ready, "a"), filepath.Join(dir, "a")) }, func() { os.Rename(filepath.Join(ready, "file"), filepath.Join(dir, "file")) },
		}
		for _, s := range steps[:stop] {
			s()
		}
		if err := finishInside(dir); err != nil {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		wantFile(t, dir, "new")
		if n := names(t, dir) + "; " + names(t, filepath.Join(dir, "a")); n != MarkName+" a file; file new" || !Whole(dir, Cohort) {
			t.Errorf("stopped at %d: left %s", stop, n)
		}
	}
}
