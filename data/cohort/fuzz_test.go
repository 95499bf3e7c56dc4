package cohort

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
)

// onlyProblems fails where an error is none of the catalogue's.
func onlyProblems(t *testing.T, err error) {
	t.Helper()
	var p *data.Problem
	if err != nil && !errors.As(err, &p) {
		t.Fatalf("no Problem: %v", err)
	}
}

// FuzzManifest reads anything as a manifest, to the first fault and to the last.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("person_id\timage\teye\tsplit\tgroup\na\ti.png\tL\ttrain\tg\nb\tj.png\tR\tval\t\n"), false)
	f.Add([]byte("person_id,image\n1,\"i.png\"\n1,k\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, csv bool) {
		dir := t.TempDir()
		path := filepath.Join(dir, "images.tsv")
		if csv {
			path = filepath.Join(dir, "images.csv")
		}
		for name, text := range map[string][]byte{path: b, filepath.Join(dir, "i.png"): {1}, filepath.Join(dir, "j.png"): {2}} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(Options{Manifest: path})
		onlyProblems(t, err)
		all := &data.Faults{}
		if _, _, other := Check(Options{Manifest: path}, all); other != nil || (all.Total > 0) != (err != nil) {
			t.Fatalf("first: %v, all: %d, %v", err, all.Total, other)
		}
	})
}

// FuzzList reads anything as a list of persons and as a map.
func FuzzList(f *testing.F) {
	for _, s := range []string{"a\nb\n", "FID IID\n0 a\n", "from\tto\nx\ta\n", "a,b,c\n", "\"a\";\"b\"\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		m := &manifest{path: "m", index: map[string]int{"a": 0, "b": 1}, persons: []entrant{{id: "a"}, {id: "b"}}}
		for _, c := range []*config{{IDs: idsConfig{Keep: pathList{path}}}, {IDs: idsConfig{Remove: pathList{path}, Match: matchPair}}, {IDs: idsConfig{Map: path}}} {
			_, _, err := c.filter(m)
			onlyProblems(t, err)
			_, _, err = c.readMap(m)
			onlyProblems(t, err)
		}
	})
}

// FuzzBraces: a pattern stands for a bounded number of paths, and one without braces for itself.
func FuzzBraces(f *testing.F) {
	for _, s := range []string{"x{1..22}.bed", "{01..3}{a,b}", "{a,{b,c}}", "{1..999999999}", "{", "}{", "{1..5..2}", "c{1..22}", "{a,b{c,d}}", "{01..3..2}x{y", "{{{", "{1..99999}", "{,,}{,,}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > longestPath {
			return
		}
		if paths, ok := braces(s); ok && (len(paths) == 0 || len(paths) > mostPaths) {
			t.Fatalf("%q: %d paths", s, len(paths))
		}
	})
}
