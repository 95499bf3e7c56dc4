package folder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes files of a few bytes below dir.
func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("theirs"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// tree lists all files below dir.
func tree(t *testing.T, dir string) string {
	t.Helper()
	m, err := markOf(dir, Cohort)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name := range m.Files {
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

// TestProtected: no folder above the working folder, home or an input is replaced, by whichever of its names, nor the root; not even one
// that is ours.
func TestProtected(t *testing.T) {
	base := t.TempDir()
	for _, d := range []string{"ours", "ours/below", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(base, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ours := filepath.Join(base, "ours")
	put(t, ours, "below/in.tsv")
	m, err := markOf(ours, Cohort)
	if err := errors.Join(err, m.write(ours), os.Symlink(ours, filepath.Join(base, "link")), os.Symlink(filepath.Join(ours, "below"), filepath.Join(base, "elsewhere", "in"))); err != nil {
		t.Fatal(err)
	}
	if err := (Target{Dir: ours, Kind: Cohort, Overwrite: true}).Check(); err != nil {
		t.Fatalf("ours is refused: %v", err)
	}
	for _, dir := range []string{ours, filepath.Join(base, "link"), filepath.Join(ours, "below", "..")} {
		for _, in := range []string{ours, filepath.Join(ours, "below", "in.tsv"), filepath.Join(base, "elsewhere", "in", "in.tsv"), filepath.Join(base, "link", "none", "yet")} {
			wantCode(t, Target{Dir: dir, Kind: Cohort, Overwrite: true, Inputs: []string{"", in}}.Check(), codeProtected)
		}
	}
	if err := (Target{Dir: ours, Kind: Cohort, Overwrite: true, Inputs: []string{filepath.Join(base, "ours2"), base}}).Check(); err != nil {
		t.Errorf("inputs beside and above: %v", err)
	}
	wantCode(t, Target{Dir: "/", Kind: Run}.Check(), codeProtected)
	t.Setenv("HOME", filepath.Join(ours, "below"))
	wantCode(t, Target{Dir: ours, Kind: Cohort, Overwrite: true}.Check(), codeProtected)
	t.Setenv("HOME", base)
	t.Chdir(filepath.Join(ours, "below"))
	for _, dir := range []string{".", "..", ours} {
		wantCode(t, Target{Dir: dir, Kind: Cohort, Overwrite: true}.publishNothing(), codeProtected)
	}
}

func (t Target) publishNothing() error { return t.Publish(func(string) error { return nil }) }

// TestOnlyOursIsReplaced: what has no mark and not all names of its kind, another kind's mark, or a file more is left as it is.
func TestOnlyOursIsReplaced(t *testing.T) {
	cohort := []string{"images.tsv", "data.toml", "truth.json", "images/00001_S1_L_0.jpg", "pgs/a.sscore", "cohort.bed"}
	run := []string{"config.toml", "train.log", "metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/epoch-3.safetensors", "checkpoints/.last.safetensors.tmp-01234567", "private/split.tsv"}
	for name, c := range map[string]struct {
		kind  Kind
		mark  Kind
		names []string
		more  []string // after the mark
		code  int
	}{
		"old cohort":          {kind: Cohort, names: cohort},
		"old run":             {kind: Run, names: run},
		"old embedding":       {kind: Embedding, names: []string{"persons.txt", "features.npy", "features.tsv", "pgs.image.npy", "per-image/images.txt", "per-image/features.npy"}},
		"marked":              {kind: Explanation, mark: Explanation, names: []string{"anything", "below/it"}},
		"marked run":          {kind: Run, mark: Run, names: []string{"config.toml"}},
		"damaged demo":        {kind: Demo, names: cohort[:1]},
		"lost and found":      {kind: Cohort, names: []string{"lost+found/x"}},
		"cohort and a file":   {kind: Cohort, names: append(cohort, "images/mine.jpg"), code: codeForeign},
		"part of a cohort":    {kind: Cohort, names: cohort[:2], code: codeForeign},
		"theirs":              {kind: Embedding, names: []string{"thesis.tex"}, code: codeForeign},
		"a config of theirs":  {kind: Run, names: run[:1], code: codeForeign},
		"run and a file":      {kind: Run, names: append(run, "checkpoints/mine.safetensors"), code: codeForeign},
		"another kind":        {kind: Embedding, mark: Cohort, names: cohort, code: codeForeign},
		"marked and a file":   {kind: Cohort, mark: Cohort, names: cohort, more: []string{"pgs/mine.sscore"}, code: codeForeign},
		"marked run and file": {kind: Run, mark: Run, names: run, more: []string{"notes.txt"}, code: codeForeign},
		"old explanation":     {kind: Explanation, names: []string{"explain.json", "report.html"}, code: codeForeign},
		"demo and a file":     {kind: Demo, names: []string{"thesis.tex"}, code: codeForeign},
	} {
		dir := filepath.Join(t.TempDir(), "dir")
		put(t, dir, c.names...)
		var err error
		switch c.mark {
		case "":
		case Run:
			err = MarkRun(dir)
		default:
			var m mark
			if m, err = markOf(dir, c.mark); err == nil {
				err = m.write(dir)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, c.more...)
		before := tree(t, dir)
		if err = (Target{Dir: dir, Kind: c.kind, Overwrite: true}).Check(); c.code == 0 && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.code == 0 {
			continue
		}
		wantCode(t, err, c.code)
		if err := (Target{Dir: dir, Kind: c.kind}).Check(); c.kind != Run || !strings.Contains(name, "run") { // of a run the training decides
			wantCode(t, err, codeOccupied)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantCode(t, Target{Dir: dir, Kind: c.kind, Overwrite: true}.Publish(file("x")), c.code)
		if after := tree(t, dir); len(after) != len(before) || len(c.more) > 0 && !strings.Contains(err.Error(), c.more[0]) {
			t.Errorf("%s: %v left %s of %s", name, err, after, before)
		}
	}
}

// TestPutBack: an old copy whose target is missing or an empty folder goes back, also one of an early version; one whose target holds
// something else stays.
func TestPutBack(t *testing.T) {
	for _, old := range []string{".dir.old", ".dir.tmp-123-old"} {
		for _, there := range []string{"nothing", "empty", "theirs", "whole"} {
			parent := t.TempDir()
			dir, old := filepath.Join(parent, "dir"), filepath.Join(parent, old)
			put(t, old, "file")
			switch there {
			case "empty":
				put(t, parent, "dir/x")
				os.Remove(filepath.Join(dir, "x"))
			case "theirs":
				put(t, dir, "x")
			case "whole":
				if err := publish(filepath.Join(parent, "d"), file("whole")); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filepath.Join(parent, "d"), dir); err != nil {
					t.Fatal(err)
				}
			}
			fails := errors.New("fails")
			publish(dir, func(string) error { return fails })
			want := map[string]string{"nothing": "dir", "empty": "dir", "theirs": filepath.Base(old) + " dir", "whole": "dir"}[there]
			if n := names(t, parent); n != want {
				t.Errorf("%s, %s: left %s, want %s", filepath.Base(old), there, n, want)
			}
			if there == "nothing" || there == "empty" {
				wantFile(t, dir, "theirs")
			}
		}
	}
}
