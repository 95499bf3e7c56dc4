package dnn

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wheels returns the folder nvidia of the vendor's wheels, which must hold a file.
func wheels(t *testing.T, file string) string {
	t.Helper()
	return vendorFiles(t, "", file)
}

// torchWheels returns the folder of those that scripts/cuda_wheels.sh torch installed.
func torchWheels(t *testing.T) string {
	t.Helper()
	return vendorFiles(t, "-torch", "cudnn/lib/libcudnn.so.9")
}

func vendorFiles(t *testing.T, suffix, file string) string {
	t.Helper()
	folder := os.Getenv("CONTIG_WHEELS")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no wheels: ", err)
		}
		folder = filepath.Join(cache, "contig-gpu", "wheels")
	}
	folder = filepath.Join(folder+suffix, "nvidia")
	if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
		t.Skipf("the vendor's files are not there (%v): run scripts/cuda_wheels.sh and scripts/cuda_wheels.sh torch", err)
	}
	return folder
}

// checkABI compiles abi_check.c in a copy of this package's folder, with abi.h changed from old to new.
func checkABI(t *testing.T, old, new string) (string, error) {
	t.Helper()
	vendor := wheels(t, "cudnn/include/cudnn.h")
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
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
	out, err := exec.Command("gcc", "-Wall", "-Wextra", "-fsyntax-only", "-I", filepath.Join(vendor, "cudnn/include"),
		"-I", filepath.Join(vendor, "cu13/include"), filepath.Join(dir, "abi/abi_check.c")).CombinedOutput()
	return string(out), err
}

func TestABI(t *testing.T) {
	if out, err := checkABI(t, "", ""); err != nil || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestABICheckRefuses changes constants, prototypes and a handle.
func TestABICheckRefuses(t *testing.T) {
	for _, c := range [][3]string{
		{"FN(CUDNN_DATA_BFLOAT16, 9)", "FN(CUDNN_DATA_BFLOAT16, 8)", "CUDNN_DATA_BFLOAT16 is another number"},
		{"FN(CUDNN_ATTR_TENSOR_UNIQUE_ID, 906)", "FN(CUDNN_ATTR_TENSOR_UNIQUE_ID, 905)", "CUDNN_ATTR_TENSOR_UNIQUE_ID is another number"},
		{"FN(cudnnSetStream, (cudnnHandle_t handle, cudaStream_t stream)", "FN(cudnnSetStream, (cudnnHandle_t handle, int stream)", "cudnnSetStream is declared otherwise"},
		{"FN(cudnnGetVersion, size_t", "FN(cudnnGetVersion, int", "cudnnGetVersion is declared otherwise"},
	} {
		if out, err := checkABI(t, c[0], c[1]); err == nil || !strings.Contains(out, c[2]) {
			t.Errorf("%s passes for %s: %v\n%s", c[1], c[0], err, out)
		}
	}
}
