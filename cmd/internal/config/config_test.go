package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/setting"
)

type fields struct {
	name    string
	lr      float64
	batch   int
	warmup  float64
	augment bool
}

func (f *fields) rows() []setting.Row {
	return []setting.Row{
		setting.New("name", &f.name, "x", setting.Any(), ""), setting.New("lr", &f.lr, 1e-3, setting.AtLeast(0), ""), setting.New("batch", &f.batch, 64, setting.Count(2), "").Before(32),
		setting.New("warmup", &f.warmup, 0, setting.ShareOrCount(), ""), setting.New("augment", &f.augment, true, setting.Any(), ""),
	}
}

func write(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, into *fields) error {
	t.Helper()
	f, err := Load(write(t, text))
	if err != nil {
		return err
	}
	return f.Into(into.rows())
}

func TestFileOverDefaults(t *testing.T) {
	got := fields{lr: 2, batch: 64, augment: true}
	if err := load(t, "\ufeffname = \"a\"\r\nbatch = 8\r\nwarmup = \"5%\"\r\nlr = 3\r\n", &got); err != nil {
		t.Fatal(err)
	}
	if want := (fields{name: "a", lr: 3, batch: 8, warmup: 0.05, augment: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	before := got
	if err := (File{}).Into(got.rows()); err != nil || got != before {
		t.Errorf("no file: %+v, %v", got, err)
	}
}

// TestFileOfARun: what a run's own file does not name is as it was when there was no such setting.
func TestFileOfARun(t *testing.T) {
	for text, want := range map[string]fields{"lr = 3": {lr: 3, batch: 32}, "batch = 8": {batch: 8}} {
		f, err := LoadRun(write(t, text))
		got := fields{batch: 64}
		if err = errors.Join(err, f.Into(got.rows())); err != nil || got != want {
			t.Errorf("%s: %+v (%v), want %+v", text, got, err, want)
		}
	}
}

func TestWriteIsReadBack(t *testing.T) {
	was := fields{name: "a \"quoted\" \\ name, \x07\x7f\téß", lr: 1e-7, batch: 3, warmup: 200}
	var b strings.Builder
	if err := Write(&b, was.rows()); err != nil {
		t.Fatal(err)
	}
	var got fields
	if err := load(t, b.String(), &got); err != nil || got != was {
		t.Errorf("read %+v (%v), wrote %+v", got, err, was)
	}
}

func TestMistakes(t *testing.T) {
	for text, line := range map[string]int{
		"batch = 3\nbatsch = 2\n": 2, "lrx = 1\nlr = 2\n": 1, "batch = 4\nbatt = 2\n": 2, "lr = 1\nlrx = 2\nlry = 2\n": 2, "batch = \"8\"\n": 1, "lr = nan": 1, "lr = inf": 1, "lr = = 1": 1,
		"batch = 1.5": 1, "augment = 1": 1, "name = 3": 1, "lr = -1": 1, "lr = 1\nbatch = 1": 2, "batch = 9000000000": 1, "warmup = 1": 1, "warmup = 1.0": 1, "warmup = 2.5": 1, "warmup = \"100%\"": 1,
		"warmup = \"5\"": 1, "lr = \"5%\"": 1, "[name]\nx = 1": 1,
	} {
		err := load(t, text, &fields{})
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != Code || p.Line != line || p.File == "" {
			t.Errorf("%q: %v, want E%d in line %d", text, err, Code, line)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.toml")); err == nil {
		t.Error("no error for a missing file")
	}
}
