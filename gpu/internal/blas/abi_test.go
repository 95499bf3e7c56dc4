package blas

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// vendorFile returns a file below the wheels' folder nvidia/cu13.
func vendorFile(t *testing.T, name string) string {
	t.Helper()
	wheels := os.Getenv("CONTIG_WHEELS")
	if wheels == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no wheels: ", err)
		}
		wheels = filepath.Join(cache, "contig-gpu", "wheels")
	}
	file := filepath.Join(wheels, "nvidia", "cu13", name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("nothing of the vendor's to compare with (%v): run scripts/cuda_wheels.sh libraries", err)
	}
	return file
}

// checkABI compiles abi_check.c in a copy of this package's folder, with abi.h changed from old to new.
func checkABI(t *testing.T, old, new string) (string, error) {
	t.Helper()
	include := filepath.Dir(vendorFile(t, "include/cublasLt.h"))
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "abi"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"abi.h", "abi/abi_check.c"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(source), old, new, 1)
		if name == "abi.h" && old != new && changed == string(source) {
			t.Fatalf("abi.h does not hold %q", old)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(changed), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("gcc", "-Wall", "-Wextra", "-fsyntax-only", "-I", include, filepath.Join(dir, "abi/abi_check.c")).CombinedOutput()
	return string(out), err
}

func TestABI(t *testing.T) {
	if out, err := checkABI(t, "", ""); err != nil || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestABICheckRefuses changes a constant, prototypes, a structure and a size.
func TestABICheckRefuses(t *testing.T) {
	for _, c := range [][3]string{
		{"FN(CUBLASLT_EPILOGUE_BIAS, 4)", "FN(CUBLASLT_EPILOGUE_BIAS, 5)", "CUBLASLT_EPILOGUE_BIAS is another number"},
		{"uint64_t rows, uint64_t cols, int64_t ld", "uint64_t rows, uint64_t cols, int ld", "cublasLtMatrixLayoutCreate is declared otherwise"},
		{"FN(cublasLtGetVersion, size_t,", "FN(cublasLtGetVersion, int,", "cublasLtGetVersion is declared otherwise"},
		{"size_t workspaceSize;", "unsigned workspaceSize, pad;", "workspaceSize is elsewhere"},
		{"uint64_t data[8];", "uint64_t data[9];", "cublasLtMatmulAlgo_t has another size"},
	} {
		if out, err := checkABI(t, c[0], c[1]); err == nil || !strings.Contains(out, c[2]) {
			t.Errorf("%s passes for %s: %v\n%s", c[1], c[0], err, out)
		}
	}
}
