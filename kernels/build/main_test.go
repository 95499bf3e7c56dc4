package main

import (
	"errors"
	"os"
	"strings"
	"testing"
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

func TestNVCC(t *testing.T) {
	n, err := findNVCC()
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("-short: compiling takes seconds")
	}
	for _, arch := range imageArchs() {
		if _, err := n.cubin(sources(t), arch); err != nil {
			t.Error(err)
		}
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
