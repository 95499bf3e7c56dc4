//go:build linux && cgo

package cuda

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/dl"
)

// realNVRTC skips a test where NVRTC is not installed, and gives it a cache of its own.
func realNVRTC(t *testing.T) string {
	t.Helper()
	t.Setenv("CONTIG_LIBNVRTC", "")
	if _, err := loadNVRTC(); err != nil {
		t.Skip("no NVRTC, run scripts/cuda_wheels.sh: ", err)
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	return filepath.Join(cache, "contig-gpu", "nvrtc")
}

// program is a kernel in two files.
func program(body string) map[string][]byte {
	return map[string][]byte{
		"twice.cuh": []byte("#pragma once\n__device__ inline float twice(float x) { return 2 * x; }\n"),
		"a.cu":      []byte("#include \"twice.cuh\"\nextern \"C\" __global__ void scale(float *x) { " + body + " }\n"),
		"b.cu":      []byte("#include \"twice.cuh\"\nextern \"C\" __global__ void other(float *x) { x[1] = twice(x[1]); }\n"),
	}
}

func TestCompile(t *testing.T) {
	realNVRTC(t)
	cubin, log, err := CompileNVRTC(program("x[0] = twice(x[0]);"), []string{"a.cu", "b.cu"}, 90)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(cubin, []byte("\x7fELF")) || log != "" {
		t.Errorf("%d bytes beginning %.8q, log %q", len(cubin), cubin, log)
	}
	for _, name := range []string{".text.scale", ".text.other"} {
		if !bytes.Contains(cubin, []byte(name)) {
			t.Errorf("no %s in the cubin", name)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	folder := realNVRTC(t)
	for _, c := range []struct {
		sources map[string][]byte
		entry   string
		arch    int
		says    []string
	}{
		{program("x[0] = thrice(x[0]);"), "a.cu", 90, []string{"a.cu(2)", "thrice", "undefined", "NVRTC_ERROR_COMPILATION", "9.0"}},
		{program(""), "a.cu", 20, []string{"sm_20", "makes code for"}},
		{program(""), "missing.cu", 90, []string{"missing.cu"}},
		{map[string][]byte{"a.cu": []byte("#include \"gone.cuh\"\n")}, "a.cu", 90, []string{"gone.cuh"}},
	} {
		_, _, err := CompileNVRTC(c.sources, []string{c.entry}, c.arch)
		if err == nil {
			t.Fatalf("%s for %d compiles", c.entry, c.arch)
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%q does not say %q", err, s)
			}
		}
	}
	if files, _ := os.ReadDir(folder); len(files) != 0 {
		t.Errorf("%d failures were kept", len(files))
	}
}

// TestCompiledOnce plants other content in the cache to see that it is used, then damages it to see that it is not.
func TestCompiledOnce(t *testing.T) {
	folder := realNVRTC(t)
	compile := func() []byte {
		cubin, _, err := CompileNVRTC(program("x[0] = 1;"), []string{"a.cu"}, 90)
		if err != nil {
			t.Fatal(err)
		}
		return cubin
	}
	first := compile()
	files, err := filepath.Glob(filepath.Join(folder, "*.cubin"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the cache holds %v, %v", files, err)
	}
	if err := writeCached(files[0], []byte("planted")); err != nil {
		t.Fatal(err)
	}
	if got := compile(); string(got) != "planted" {
		t.Error("the cache was not used")
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := compile(); !bytes.Equal(got, first) {
		t.Error("a damaged file was not compiled anew")
	}
	if got, err := readCached(files[0]); err != nil || !bytes.Equal(got, first) {
		t.Errorf("a damaged file was not replaced: %v", err)
	}
}

func TestCacheNotWritable(t *testing.T) {
	folder := realNVRTC(t)
	if err := os.MkdirAll(filepath.Dir(folder), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o666); err != nil { // a file where the folder would be
		t.Fatal(err)
	}
	cubin, log, err := CompileNVRTC(program(""), []string{"a.cu"}, 90)
	if err != nil || len(cubin) == 0 || !strings.Contains(log, "not kept") {
		t.Errorf("%d bytes, log %q, %v", len(cubin), log, err)
	}
}

func TestNoNVRTC(t *testing.T) {
	t.Setenv("CONTIG_LIBNVRTC", "/nowhere/libnvrtc.so.13")
	_, err := openNVRTC()
	var failed *dl.OpenError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "/nowhere/libnvrtc.so.13") {
		t.Errorf("error %v", err)
	}
}
