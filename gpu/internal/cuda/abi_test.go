package cuda

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// include returns the folder of the vendor's headers.
func include(t *testing.T) string {
	t.Helper()
	wheels := os.Getenv("CONTIG_WHEELS")
	if wheels == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no wheels: ", err)
		}
		wheels = filepath.Join(cache, "contig-gpu", "wheels")
	}
	dir := filepath.Join(wheels, "nvidia", "cu13", "include")
	for _, header := range []string{"cuda.h", "nvrtc.h"} {
		if _, err := os.Stat(filepath.Join(dir, header)); err != nil {
			t.Skipf("no vendor headers to compare with (%v): run scripts/cuda_wheels.sh", err)
		}
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	return dir
}

// checkABI compiles abi_check.c in a copy of this package's folder, with abi.h changed from old to new.
func checkABI(t *testing.T, old, new string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"abi.h", "abi/abi_check.c"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), old, new, 1)
		if name == "abi.h" && old != new && changed == string(text) {
			t.Fatalf("abi.h does not hold %q", old)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(changed), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("gcc", "-Wall", "-Wextra", "-fsyntax-only", "-I", include(t), filepath.Join(dir, "abi/abi_check.c")).CombinedOutput()
	return string(out), err
}

func TestABI(t *testing.T) {
	if out, err := checkABI(t, "", ""); err != nil || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestABICheckRefuses changes a constant, a prototype, a structure and a handle.
func TestABICheckRefuses(t *testing.T) {
	for _, c := range [][3]string{
		{"FN(CU_STREAM_NON_BLOCKING, 1)", "FN(CU_STREAM_NON_BLOCKING, 2)", "CU_STREAM_NON_BLOCKING is another number"},
		{"FN(cuMemFree_v2, (CUdeviceptr p)", "FN(cuMemFree_v2, (int p)", "cuMemFree_v2 is declared otherwise"},
		{"unsigned sharedMemBytes;", "size_t sharedMemBytes;", "CUlaunchConfig.sharedMemBytes is elsewhere"},
		{"FN(CUmodule, CUmod_st)", "FN(CUmodule, CUctx_st)", "CUmodule is declared otherwise"},
		{"FN(nvrtcGetCUBIN, (nvrtcProgram prog, char *cubin)", "FN(nvrtcGetCUBIN, (nvrtcProgram prog, void **cubin)", "nvrtcGetCUBIN is declared otherwise"},
	} {
		if out, err := checkABI(t, c[0], c[1]); err == nil || !strings.Contains(out, c[2]) {
			t.Errorf("%s passes for %s: %v\n%s", c[1], c[0], err, out)
		}
	}
}
