package shard

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/checkpoint/safetensors"
)

// TestShares: shares follow each other, cover everything, and are equal to within one, for any number of shares and things.
func TestShares(t *testing.T) {
	for _, things := range []int{0, 1, 2, 3, 7, 40, 1000, 1 << 31} {
		for _, n := range []int{1, 2, 3, 7, 16, 1001, Most} {
			if things > 1000 && n > 16 && n < Most {
				continue
			}
			next, least, most := 0, things+1, -1
			for i := 1; i <= n; i++ {
				lo, hi := Share{i, n}.Of(things)
				if lo != next || hi < lo {
					t.Fatalf("share %d/%d of %d: %d to %d behind %d", i, n, things, lo, hi, next)
				}
				next, least, most = hi, min(least, hi-lo), max(most, hi-lo)
			}
			if next != things || most-least > 1 {
				t.Errorf("%d shares of %d: they end at %d and have %d to %d", n, things, next, least, most)
			}
		}
	}
}

// TestParse: what is no share of a whole is refused, with what is wrong.
func TestParse(t *testing.T) {
	for text, want := range map[string]Share{"3/16": {3, 16}, "1/1": {1, 1}, "16/16": {16, 16}, "01/2": {1, 2}} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{"0/16": "counted from 1 (of an array job: --array=1-16)", "17/16": "no share 17", "1/0": "want 1 to", "0/0": "want 1 to", "1/2000000": "want 1 to", "3": "want I/N", "": "want I/N", "a/b": "want I/N",
		"-1/3": "want I/N", "1/-3": "want I/N", "1/3/5": "want I/N", " 1/3": "want I/N", "+1/3": "want I/N", "1.5/3": "want I/N", "1/99999999999999999999": "want I/N", "/": "want I/N"} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v, want %q", text, got, err, says)
		}
	}
}

// made writes shards of one whole, changed, and returns their folders.
func made(t *testing.T, change func(*About), shares ...Share) []string {
	t.Helper()
	var dirs []string
	root := t.TempDir()
	for k, s := range shares {
		dir := filepath.Join(root, string(rune('a'+k)))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		a := About{Verb: "embed", Share: s, Same: []Fact{{"checkpoint", "c"}, {"data", "d"}}, Device: "cpu"}
		change(&a)
		if err := Write(dir, a, []safetensors.Tensor{safetensors.FromInt64("x", int64(s.I))}, map[string]string{"more": "m"}); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

func asTheyAre(*About) {}

func wantCode(t *testing.T, err error, code int, says string) {
	t.Helper()
	var p *data.Problem
	if !errors.As(err, &p) || p.Code != code || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want E%d and %q", err, code, says)
	}
}

// TestOpen: all shards of one whole are found in their order, however they are named; else the error says which are missing, there twice or of another whole.
func TestOpen(t *testing.T) {
	all, err := Open(made(t, asTheyAre, Share{3, 3}, Share{1, 3}, Share{2, 3}))
	if err != nil || len(all) != 3 || all[0].I != 1 || all[1].I != 2 || all[2].I != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	f, err := all[1].Read(FileName)
	if x, ok := f.Lookup("x"); err != nil || !ok || x.Int64s()[0] != 2 || f.Metadata["more"] != "m" {
		t.Errorf("%v, %v", f, err)
	}
	_, err = Open(made(t, asTheyAre, Share{1, 4}, Share{3, 4}))
	wantCode(t, err, codeMissing, "shards are missing: 2, 4 of 4")
	_, err = Open(made(t, asTheyAre, Share{7, 100}))
	wantCode(t, err, codeMissing, "shards are missing: 1, 2, 3, 4, 5, 6, 8, 9, 10, 11 and 89 more of 100")
	_, err = Open(made(t, asTheyAre, Share{1, 2}, Share{2, 2}, Share{1, 2}))
	wantCode(t, err, codeTwice, "shard 1/2 is there twice")
	_, err = Open(made(t, asTheyAre, Share{1, 2}, Share{2, 3}))
	wantCode(t, err, codeOthers, "number of shards")
	for k, says := range []string{"checkpoint", "data"} {
		n := 0
		_, err = Open(made(t, func(a *About) {
			if n++; n == 2 {
				a.Same[k].Value = "another"
			}
		}, Share{1, 2}, Share{2, 2}))
		wantCode(t, err, codeOthers, says)
	}
	n := 0
	_, err = Open(made(t, func(a *About) {
		if n++; n == 2 {
			a.Verb = "explain"
		}
	}, Share{1, 2}, Share{2, 2}))
	wantCode(t, err, codeOthers, "verb")
	n = 0
	_, err = Open(made(t, func(a *About) {
		if n++; n == 2 {
			a.Same = a.Same[:1]
		}
	}, Share{1, 2}, Share{2, 2}))
	wantCode(t, err, codeOthers, "data")
}

// TestDamage: a shard that is cut short, in which a bit has turned, or that lies about itself is named, and so is what is none.
func TestDamage(t *testing.T) {
	dir := made(t, asTheyAre, Share{1, 1})[0]
	path := filepath.Join(dir, FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for at := range whole {
		b := append([]byte{}, whole...)
		b[at] ^= 1
		put(b)
		all, err := Open([]string{dir})
		if err == nil {
			_, err = all[0].Read(FileName)
		}
		var p *data.Problem
		if !errors.As(err, &p) || p.Fix == "" {
			t.Errorf("byte %d turned: %v", at, err)
		}
	}
	put(whole[:len(whole)-1])
	_, err = Open([]string{dir})
	wantCode(t, err, 713, path)
	if err := safetensors.WriteFile(path, nil, map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	_, err = Open([]string{dir})
	wantCode(t, err, codeNoShard, "a file of this name")
	for _, text := range []string{"{", `{"shard":0,"shards":3}`, `{"shard":4,"shards":3}`, `{"shard":1,"shards":-1}`} {
		if err := safetensors.WriteFile(path, nil, map[string]string{metadataKey: text}); err != nil {
			t.Fatal(err)
		}
		_, err = Open([]string{dir})
		wantCode(t, err, 714, "digest")
	}
	for _, x := range []string{filepath.Join(dir, "none"), t.TempDir(), path} {
		_, err = Open([]string{x})
		wantCode(t, err, codeNoShard, "this is no shard")
	}
}
