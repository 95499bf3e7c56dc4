package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
)

// sources returns a folder with the kernels and the unit.
func sources(t *testing.T) string {
	t.Helper()
	dir, err := writeSources()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestClang(t *testing.T) {
	turn.Share(t)
	c, err := findClang()
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("-short: compiling takes seconds")
	}
	if err := c.compile(sources(t)); err != nil {
		t.Error(err)
	}
}

// TestResources compiles all kernels for all architectures and holds what they take of a multiprocessor to the table in
// docs/gpu/kernels.md: none may spill, lose occupancy or take more instructions. Where the table was measured from these very sources by this compiler, it
// says what they take, and is measured again by turns.
func TestResources(t *testing.T) {
	n, err := findNVCC()
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("-short: compiling takes seconds")
	}
	text, err := os.ReadFile("../../docs/gpu/kernels.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), n.mark()) {
		turn.Share(t)
	}
	rows, err := n.measure(sources(t))
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := readTable(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range worse(rows, recorded) {
		t.Error(fault + "; if that is as it should be: make kernels-table")
	}
}

// TestNVCCRefuses compiles kernels that must not pass.
func TestNVCCRefuses(t *testing.T) {
	n, err := findNVCC()
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("-short: compiling takes seconds")
	}
	for text, want := range map[string]string{
		`extern "C" __global__ void k(float *p, int i) { float a[500]; for (int j = 0; j < 500; j++) a[j] = p[j * i]; p[0] = a[i] + a[i * i]; }`: "stack frame",
		`extern "C" __global__ void k(float *p) { int unused; *p = 1; }`:                                                                         "unused",
		`extern "C" __global__ void k(float *p) { *p = 1; }`:                                                                                     "is not in the compiled code",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/"+unitName, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := n.cubin(dir, 90); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

// TestWideLoads: kernels that go over elements take 16 bytes of 16-bit values by one instruction, not by four.
func TestWideLoads(t *testing.T) {
	n, err := findNVCC()
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("-short: compiling takes seconds")
	}
	dir := sources(t)
	for _, file := range []string{"add", "relu", "cast", "maskrows"} {
		out := filepath.Join(dir, file+".ptx")
		if text, err := run(dir, filepath.Join(string(n), "nvcc"), append(nvccFlags(), "-ptx", "-arch=sm_90", file+".cu", "-o", out)...); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		ptx, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		wide, narrow := bytes.Count(ptx, []byte("ld.global.v4.u32")), bytes.Count(ptx, []byte("ld.global.u32"))
		if wide == 0 || narrow > 0 {
			t.Errorf("%s.cu: %d loads of 16 bytes, %d of 4 bytes", file, wide, narrow)
		}
	}
}
