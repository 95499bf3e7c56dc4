package folder

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestFileCheck: a file is written where nothing stands, or by Overwrite over one of its kind; never over a link, a device, an input
// or among the checkpoints of a run.
func TestFileCheck(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "notes.txt", "run/metrics.jsonl", "run/checkpoints/last.safetensors", "plain/checkpoints/x")
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	ours := append([]byte{2, 0, 0, 0, 0, 0, 0, 0}, "{}"...)
	err := errors.Join(os.WriteFile(at("ours"), ours, 0o600), os.WriteFile(at("empty"), nil, 0o600), os.Symlink(at("ours"), at("link")), os.Symlink(at("none"), at("dangling")),
		os.Symlink(at("run/checkpoints"), at("door")), pipe(at("pipe")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		with, overwrit int // codes without and with Overwrite
	}{
		{"none", 0, 0}, {"a/b/none", 0, 0}, {"plain/checkpoints/y", 0, 0}, {"ours", codeFile, 0}, {"empty", codeFile, 0}, {"notes.txt", codeFile, codeFile}, {"link", codeFile, codeFile},
		{"dangling", codeFile, codeFile}, {"pipe", codeFile, codeFile}, {"run", codeFile, codeFile}, {"run/checkpoints/last.safetensors", codeFile, codeFile},
		{"run/checkpoints/new.safetensors", codeFile, codeFile}, {"door/new.safetensors", codeFile, codeFile},
	} {
		for i, want := range []int{c.with, c.overwrit} {
			err := File{Path: at(c.name), Overwrite: i == 1, Ours: Safetensors}.Check()
			if want == 0 && err != nil {
				t.Errorf("%s: %v", c.name, err)
			} else if want != 0 {
				wantCode(t, err, want)
			}
		}
	}
	wantCode(t, File{Path: os.DevNull, Overwrite: true, Ours: Safetensors}.Check(), codeFile)
	wantCode(t, File{Path: at("ours"), Overwrite: true, Inputs: []string{at("link")}}.Check(), codeFile)
	if !Safetensors(bytes.NewReader(ours)) || Safetensors(bytes.NewReader(ours[:8])) || Safetensors(bytes.NewReader([]byte("notes, and more of them"))) {
		t.Error("safetensors files are not told from others")
	}
}

// TestParents: the folders above a file are made, and go again where nothing came of it.
func TestParents(t *testing.T) {
	dir := t.TempDir()
	undo, err := File{Path: filepath.Join(dir, "a", "b", "file")}.Parents()
	if err != nil || names(t, filepath.Join(dir, "a")) != "b" {
		t.Fatalf("%v, %s", err, names(t, dir))
	}
	if undo(); names(t, dir) != "" {
		t.Errorf("left %s", names(t, dir))
	}
}

// TestWhole: a missing, shorter or changed file of a cache is noticed.
func TestWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	target := Target{Dir: dir, Kind: Demo, Overwrite: true}
	for _, harm := range []func() error{
		func() error { return os.Remove(filepath.Join(dir, "file")) }, func() error { return os.Remove(filepath.Join(dir, MarkName)) },
		func() error { return os.WriteFile(filepath.Join(dir, "file"), []byte("ab"), 0o600) },
		func() error { return os.WriteFile(filepath.Join(dir, "file"), []byte("abd"), 0o600) },
		func() error { return os.WriteFile(filepath.Join(dir, MarkName), []byte("{"), 0o600) },
	} {
		os.RemoveAll(dir)
		if err := target.Publish(file("abc")); err != nil || !Whole(dir, Demo) || Whole(dir, Cohort) {
			t.Fatalf("what was made is not whole: %v", err)
		}
		if err := harm(); err != nil || Whole(dir, Demo) {
			t.Errorf("%v, %s is whole", err, names(t, dir))
		}
	}
}
