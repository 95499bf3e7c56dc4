//go:build linux && cgo

package mpi

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// faces are the interfaces whose headers Debian has, by the compiler that knows where they are.
func faces() map[string][]string {
	return map[string][]string{
		"mpicc.mpich":   {"-DFACE=mpich", "-DCONTIG_HANDLE_TYPE=int"},
		"mpicc.openmpi": {"-DFACE=openmpi"},
	}
}

// checkABI compiles and runs abi_check.c beside an abi.h that is changed from old to new.
func checkABI(t *testing.T, compiler, old, new string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("no header to compare with: %v (Debian: apt-get install libmpich-dev libopenmpi-dev)", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "abi"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"abi.h", "abi/abi_check.c"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), old, new, 1)
		if name == "abi.h" && old != new && changed == string(text) {
			t.Fatalf("abi.h does not hold %q", old)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(changed), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "check")
	args := append(faces()[compiler], "-Wall", "-Werror", "-Wno-pointer-to-int-cast", "-o", program, filepath.Join(dir, "abi/abi_check.c"))
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		return string(out), err
	}
	out, err := exec.Command(program).CombinedOutput()
	return string(out), err
}

func TestABI(t *testing.T) {
	for compiler := range faces() {
		t.Run(compiler, func(t *testing.T) {
			if out, err := checkABI(t, compiler, "", ""); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestABICheckRefuses changes a handle, a number, an object and a prototype.
func TestABICheckRefuses(t *testing.T) {
	for _, c := range [][4]string{
		{"mpicc.mpich", "0x4c00080b", "0x4c00080c", "MPI_DOUBLE is another"},
		{"mpicc.mpich", "221, 1, 0)", "221, 2, 0)", "MPI_COMM_TYPE_SHARED is another"},
		{"mpicc.mpich", "FN(MPI_Bcast, (void *buf, int n", "FN(MPI_Bcast, (void *buf, long n", "MPI_Bcast"},
		{"mpicc.openmpi", "ompi_mpi_op_sum", "ompi_mpi_op_max", "MPI_SUM is another"},
		{"mpicc.openmpi", "2048, 2, 2)", "2048, 2, 3)", "MPI_THREAD_SERIALIZED is another"},
	} {
		t.Run(c[0]+" "+c[2], func(t *testing.T) {
			if out, err := checkABI(t, c[0], c[1], c[2]); err == nil || !strings.Contains(out, c[3]) {
				t.Errorf("%s passes for %s: %v\n%s", c[2], c[1], err, out)
			}
		})
	}
}
