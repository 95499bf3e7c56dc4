package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"contig-gpu/data"
)

var table = []Setting{
	{Name: "recipe", Default: "default"},
	{Name: "lr", Default: 1e-3, Paper: 2.0},
	{Name: "batch", Default: 64},
	{Name: "augment", Default: true, Paper: false},
}

func write(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLayers(t *testing.T) {
	file, err := Load(write(t, "\ufeffrecipe = \"paper\"\r\nbatch = 8\r\n"), table)
	if err != nil {
		t.Fatal(err)
	}
	got := Resolve(table, file, Values{"batch": 4})
	want := Values{"recipe": "paper", "lr": 2.0, "batch": 4, "augment": false}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("resolved %v, want %v", got, want)
	}
}

func TestWriteIsReadBack(t *testing.T) {
	v := Resolve(table, nil, Values{"recipe": `a "quoted" \ name`, "lr": 1e-7})
	var b strings.Builder
	if err := v.Write(&b, table); err != nil {
		t.Fatal(err)
	}
	got, err := Load(write(t, b.String()), table)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("read %v (%v), wrote %v", got, err, v)
	}
}

func TestMistakes(t *testing.T) {
	for text, line := range map[string]int{
		"batch = 1\nbatsch = 2\n": 2, "lrx = 1\nlr = 2\n": 1, "batch = 1\nbat = 2\n": 2, "lr = 1\nlrx = 2\nlry = 2\n": 2, "batch = \"8\"\n": 1, "lr = nan": 1, "lr = = 1": 1, "batch = 1.5": 1, "augment = 1": 1,
	} {
		_, err := Load(write(t, text), table)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != Code || p.Line != line || p.File == "" {
			t.Errorf("%q: %v, want E%d in line %d", text, err, Code, line)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.toml"), table); err == nil {
		t.Error("no error for a missing file")
	}
}
