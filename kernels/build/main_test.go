package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"contig-gpu/kernels"
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

// TestEntriesAreHeldToTheTable gives a table with other arguments, and one with a kernel too few.
func TestEntriesAreHeldToTheTable(t *testing.T) {
	n, err := findNVCC()
	if errors.Is(err, errNoCompiler) {
		t.Skip(err)
	}
	dir := t.TempDir()
	const text = `extern "C" __global__ void k(float *p, int i) { *p = i; }`
	if err := os.WriteFile(dir+"/"+unitName, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := run(dir, string(n)+"/nvcc", "-cubin", "-arch=sm_90", "-o", "k.cubin", unitName); err != nil {
		t.Fatal(err)
	}
	cubin, err := os.ReadFile(dir + "/k.cubin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		table []kernels.EntryPoint
		want  string
	}{
		{[]kernels.EntryPoint{{Name: "k", ArgBytes: 12}}, ""},
		{[]kernels.EntryPoint{{Name: "k", ArgBytes: 16}}, "takes 12 bytes of arguments, args.go has 16"},
		{nil, "args.go has it not"},
	} {
		err := checkEntries(cubin, c.table)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("table %v: error %v, want %q", c.table, err, c.want)
		}
	}
}
