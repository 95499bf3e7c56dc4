package main

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNPY(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := writeNPY(path, 2, [][]float32{{1, 2}, {float32(math.NaN()), -3.5}, {0, 1}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := int(binary.LittleEndian.Uint16(b[8:]))
	if string(b[:8]) != "\x93NUMPY\x01\x00" || (10+head)%64 != 0 || len(b) != 10+head+4*6 || b[9+head] != '\n' {
		t.Fatalf("%d bytes, header of %d", len(b), head)
	}
	if !strings.HasPrefix(string(b[10:]), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }") {
		t.Errorf("header %q", b[10:10+head])
	}
	if v := math.Float32frombits(binary.LittleEndian.Uint32(b[10+head+12:])); v != -3.5 {
		t.Errorf("element 3 is %v", v)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != private {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tsv")
	if err := writeTSV(path, []string{"person_id"}, [][]string{{"a"}, {"b"}}, matrix{"f", 2, [][]float32{{1, float32(math.NaN())}, {0.1, 2}}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if want := "person_id\tf.0\tf.1\na\t1\tNA\nb\t0.1\t2\n"; err != nil || string(b) != want {
		t.Errorf("wrote %q (%v), want %q", b, err, want)
	}
}
