package main

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// partsIn returns the finished parts of a working folder, by name, with the time each was written.
func partsIn(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, ".out*unfinished", "*.part"))
	mustDo(t, err)
	out := map[string]time.Time{}
	for _, f := range files {
		st, err := os.Stat(f)
		mustDo(t, err)
		out[filepath.Base(f)] = st.ModTime()
	}
	return out
}

// sameTree compares all files of two folders.
func sameTree(t *testing.T, got, want string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(want, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(want, path)
		if n++; !bytes.Equal(read(t, got, rel), read(t, path)) {
			t.Errorf("%s differs", rel)
		}
		return nil
	})
	files := 0
	mustDo(t, filepath.WalkDir(got, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files++
		}
		return err
	}))
	if err != nil || n == 0 || files != n {
		t.Errorf("%d files, want %d: %v", files, n, err)
	}
}

// TestExplainKeepsEachPart: a run that is interrupted in each of its parts in turn keeps what was finished before it, makes none of it again, and ends in the bytes of a
// run that nobody interrupted.
func TestExplainKeepsEachPart(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	out, whole := filepath.Join(dir, "out"), filepath.Join(dir, "whole")
	flags := []string{"--reference", "10", "--modalities", "burden,covariates", "--decoys", "1", "--maps", "3", "--image-method", "gradient,smooth", "--draws", "2", "--direction", "burden:GENE0001",
		"--checkpoint", trainedIn(t, filepath.Join(x.run, "checkpoints", "best.safetensors"), "bf16")} // which is noted, by a run that takes kept decoys too
	must(t, x.explain(whole, flags...)...)
	var before map[string]time.Time
	for i, during := range []struct {
		text, kind string
		kept       int // parts of the kind, at least
	}{
		{"explanations of persons, now of covariates", "m", 1}, {"test of groups of covariates", "test-", 1}, {"training 1 of 1 with decoys", "test-", 2},
		{"heat maps of burden", "claims-", 1}, {"heat maps of covariates", "maps-", 1}, {"heat maps of burden:GENE0001", "maps-", 2},
	} {
		args := x.explain(out, flags...)
		if i > 0 {
			args = append(args, "--resume")
		}
		ctx, cancel := context.WithCancel(context.Background())
		w := &watcher{after: during.text, do: cancel}
		var errs bytes.Buffer
		if code := finish(run(ctx, args, w, &errs), &errs); code == 0 || !strings.Contains(w.String(), "finished parts are kept") {
			t.Fatalf("interrupted in %q: exit code %d\n%s%s", during.text, code, w.String(), errs.String())
		}
		cancel()
		after := partsIn(t, dir)
		n := 0
		for name := range after {
			if strings.HasPrefix(name, during.kind) {
				n++
			}
		}
		if n < during.kept {
			t.Errorf("interrupted in %q: kept %v, want %d of %s", during.text, slices.Sorted(maps.Keys(after)), during.kept, during.kind)
		}
		for name, at := range before {
			if !after[name].Equal(at) {
				t.Errorf("interrupted in %q: %s was made again, or is gone", during.text, name)
			}
		}
		before = after
	}
	must(t, x.explain(out, append(flags, "--resume")...)...)
	sameTree(t, out, whole)
	if left := partsIn(t, dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestExplainKeptOfOtherFlags: what was kept by other flags of tests and maps is not taken for what is asked for; a part that cannot be read is E908.
func TestExplainKeptOfOtherFlags(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	out, whole := filepath.Join(dir, "out"), filepath.Join(dir, "whole")
	flags := []string{"--reference", "10", "--modalities", "burden", "--maps", "2", "--image-method", "gradient", "--test", "groups"}
	other := []string{"--reference", "10", "--modalities", "burden", "--maps", "1", "--image-method", "gradcam", "--fdr", "0.3", "--direction", "burden:GENE0002"}
	must(t, x.explain(whole, other...)...)
	interrupt := func(more ...string) {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var errs bytes.Buffer
		if code := finish(run(ctx, x.explain(out, append(flags, more...)...), &watcher{after: "heat maps of burden:", do: cancel}, &errs), &errs); code == 0 {
			t.Fatal("the interrupted run ended well")
		}
	}
	interrupt("--direction", "burden:GENE0001")
	must(t, x.explain(out, append(other, "--resume")...)...)
	sameTree(t, out, whole)
	mustDo(t, os.RemoveAll(out))
	interrupt("--direction", "burden:GENE0001")
	parts, err := filepath.Glob(filepath.Join(dir, ".out*unfinished", "test-*.part"))
	if err != nil || len(parts) != 1 {
		t.Fatalf("kept %v: %v", parts, err)
	}
	mustDo(t, os.WriteFile(parts[0], []byte("x"), 0o600))
	if code, _, errs := exec(t, x.explain(out, append(flags, "--direction", "burden:GENE0001", "--resume")...)...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E908:") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
