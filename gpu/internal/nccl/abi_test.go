package nccl

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wheels are what is appended to the folder of wheels for each version of NCCL to compare with: the newest, and that of PyTorch.
var wheels = map[string]string{"newest": "", "of PyTorch": "-torch"}

// vendorFile returns a file below the folder nvidia of wheels.
func vendorFile(t *testing.T, suffix, name string) string {
	t.Helper()
	folder := os.Getenv("CONTIG_WHEELS")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no wheels: ", err)
		}
		folder = filepath.Join(cache, "contig-gpu", "wheels")
	}
	file := filepath.Join(folder+suffix, "nvidia", name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("nothing of the vendor's to compare with (%v): run scripts/cuda_wheels.sh libraries and scripts/cuda_wheels.sh torch", err)
	}
	return file
}

// checkABI compiles abi_check.c in a copy of this package's folder, with abi.h changed from old to new.
func checkABI(t *testing.T, suffix, old, new string) (string, error) {
	t.Helper()
	header := filepath.Dir(vendorFile(t, suffix, "nccl/include/nccl.h"))
	cuda := filepath.Dir(vendorFile(t, "", "cu13/include/cuda_runtime.h"))
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
	out, err := exec.Command("gcc", "-Wall", "-Wextra", "-fsyntax-only", "-I", header, "-isystem", cuda, filepath.Join(dir, "abi/abi_check.c")).CombinedOutput()
	return string(out), err
}

func TestABI(t *testing.T) {
	for name, suffix := range wheels {
		t.Run(name, func(t *testing.T) {
			if out, err := checkABI(t, suffix, "", ""); err != nil || out != "" {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestABICheckRefuses changes a constant, prototypes, a structure and a size.
func TestABICheckRefuses(t *testing.T) {
	for _, c := range [][3]string{
		{"FN(ncclBfloat16, 9)", "FN(ncclBfloat16, 10)", "ncclBfloat16 is another number"},
		{"(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank,", "(ncclComm_t *comm, int ranks, ncclUniqueId *id, int rank,", "ncclCommInitRankConfig is declared otherwise"},
		{"(const void *src, void *dst, size_t n, ncclDataType_t type, int root,", "(const void *src, void *dst, int n, ncclDataType_t type, int root,", "ncclBroadcast is declared otherwise"},
		{"FN(ncclGetLastError, (ncclComm_t comm)", "FN(ncclGetLastError, (void)", "ncclGetLastError is declared otherwise"},
		{"int blocking, cgaClusterSize,", "int cgaClusterSize, blocking, spare,", "ncclConfig_t.minCTAs is elsewhere"},
		{"CONTIG_NCCL_ID_BYTES 128", "CONTIG_NCCL_ID_BYTES 136", "ncclUniqueId has another size"},
		{"0xcafebeefu", "0xcafebabeu", "the magic is another number"},
	} {
		if out, err := checkABI(t, "", c[0], c[1]); err == nil || !strings.Contains(out, c[2]) {
			t.Errorf("%s passes for %s: %v\n%s", c[1], c[0], err, out)
		}
	}
}
