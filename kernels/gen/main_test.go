package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpToDate(t *testing.T) {
	want, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../args.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("kernels/args.go is stale: run go generate ./kernels")
	}
}

// generateFrom runs the generator on a folder that holds a.cu, and b.cuh that it may include.
func generateFrom(t *testing.T, cu, cuh string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.cu": cu, "b.cuh": cuh} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := generate(dir)
	return string(text), err
}

func TestGenerate(t *testing.T) {
	got, err := generateFrom(t, `
#include "b.cuh"
// extern "C" __global__ void no_kernel_f32(int a) {} EXPORT_KERNEL(no_kernel_f32)
#define ADD(T, S) \
    extern "C" __global__ void __launch_bounds__(256, 2) add_rows_##S(T *y, const T *__restrict__ x, int one_more, i64 n, float eps) { add<T>(y, x); } \
    EXPORT_KERNEL(add_rows_##S)
FOR_TYPES(ADD)
extern "C" __global__ void set_u8(unsigned char *p, unsigned v) {}
EXPORT_KERNEL(set_u8)`, `
constexpr int add_tile = 64; // rows
constexpr int add_line = 2 * add_tile + 4, add_parts = 3;
#if defined(X)
#define EXPORT_KERNEL(name) lost
#endif
#define FOR_TYPES(M) M(float, f32) M(bf16, bf16)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\tAddTile  = 64            // b.cuh: rows\n\tAddLine  = 2*AddTile + 4 // b.cuh\n\tAddParts = 3             // b.cuh\n",
		"// AddRows has the arguments of add_rows_bf16, add_rows_f32.",
		"type AddRows struct {\n\tY       uint64\n\tX       uint64\n\tOneMore int32\n\tN       int64\n\tEps     float32\n}",
		"type Set struct {\n\tP uint64\n\tV uint32\n}",
		"{\"add_rows_bf16\", 36, \"88484\"},\n\t\t{\"add_rows_f32\", 36, \"88484\"},\n\t\t{\"set_u8\", 12, \"84\"},",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("generated:\n%s\nwant in it:\n%s", got, want)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	const kernel = `extern "C" __global__ void `
	for cu, want := range map[string]string{
		kernel + "a_f32(int n) {}":                        "EXPORT_KERNEL(a_f32) is missing",
		"EXPORT_KERNEL(b_f32)":                            "of no kernel",
		kernel + "c(int n) {} EXPORT_KERNEL(c)":           "does not end in a type",
		kernel + "d_f32(short n) {} EXPORT_KERNEL(d_f32)": `parameter "short n"`,
		kernel + "e_f32(int) {} EXPORT_KERNEL(e_f32)":     `parameter "int"`,
		"#define F(A) A\nF(1, 2)":                         "F has 2 arguments, want 1",
		kernel + "g_f32(int n {} EXPORT_KERNEL(g_f32":     "not closed",
		kernel + "h_f32(int a) {} EXPORT_KERNEL(h_f32)" + kernel + "h_bf16(int b) {} EXPORT_KERNEL(h_bf16)": "other parameters",
	} {
		if _, err := generateFrom(t, cu, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", cu, err, want)
		}
	}
}
