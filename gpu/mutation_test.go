package gpu_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
)

// A mutant is a kernel with one fault: old, which stands in its file, becomes new.
type mutant struct {
	name, file, old, new string
	test                 string // of this package, that must notice
}

func mutants() []mutant {
	return []mutant{
		{"barrier removed", "softmaxce.cu", "        __syncthreads();\n", "", "TestConformanceSoftmaxCrossEntropy"},
		{"one row too many", "l2norm.cu", "r < rows; r += step", "r <= rows; r += step", "TestConformanceL2Norm"},
		{"the partner of another row", "infonce_pair.cu", "partner + (i64)(r % pairs) * d", "partner + (i64)(r / pairs) * d", "TestConformanceInfoNCEPair"},
		{"the derivative in the quotient's place", "relurescale.cu", "if (!(gap < least && gap > -least))", "if (gap != gap)", "TestConformanceReLURescale"},
		{"the spread of ranks' means left out", "batchnorm_ranks.cu", " + all[r * step] * d * d", "", "TestConformanceRanksNorm"},
	}
}

// TestSuiteFindsMutants proves that the conformance suite can fail: on an emulator that is built with a fault in one kernel, a
// test of the suite fails under one of a few orders of threads, and passes without. scripts/mutate_kernels.sh tries many more.
func TestSuiteFindsMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the emulator is built anew; make test-kernels runs it")
	}
	root, original := "..", gputest.Emulator(t)
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			turn.Share(t)
			if out, err := conformance(m.test, original, 0); err != nil {
				t.Fatalf("without a fault: %v\n%s", err, out)
			}
			faulty := m.build(t, root)
			for seed := range 4 {
				if out, err := conformance(m.test, faulty, seed); err != nil {
					t.Logf("found under schedule %d: %s", seed, firstFault(out))
					return
				}
			}
			t.Errorf("%s passes with the fault %q in %s", m.test, m.name, m.file)
		})
	}
}

// conformance runs a test of this package on an emulator in a process of its own, under an order of threads.
func conformance(test, emulator string, seed int) (string, error) {
	out, err := reexec([]string{"CONTIG_EMULATOR=" + emulator, fmt.Sprintf("SIMT_SEED=%d", seed)},
		"-test.short", "-test.v", "-test.run", "^"+test+"$/emulated")
	if err == nil && !strings.Contains(out, "--- PASS: "+test) {
		err = fmt.Errorf("%s did not run", test)
	}
	return out, err
}

// reexec runs this package's tests in a process of their own, with more in its environment.
func reexec(env []string, args ...string) (string, error) {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// build returns an emulator with the fault. What the fault does not touch is taken from the project's own build.
func (m mutant) build(t *testing.T, root string) string {
	t.Helper()
	for _, tool := range []string{"make", "g++", "flock"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the emulator is built with %s: install it (apt-get install g++ make util-linux)", tool)
		}
	}
	dir := t.TempDir()
	run(t, root, "cp", "-a", "kernels", "build/simt", dir)
	path := filepath.Join(dir, "kernels", m.file)
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), m.old) {
		t.Fatalf("%s (%v) has no %q: name another place for the fault", m.file, err, m.old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, root, "make", "emulator", "SIMT_KERNELS="+filepath.Join(dir, "kernels"), "SIMT_SOURCES=kernels", "SIMT_BUILD="+dir)
	return filepath.Join(dir, "libsimt.so")
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// firstFault returns the line of a test's output that says what went wrong.
func firstFault(out string) string {
	for _, l := range strings.Split(out, "\n") {
		if strings.Contains(l, "simt:") || strings.Contains(l, "_test.go:") {
			return strings.TrimSpace(l)
		}
	}
	return "it ended badly"
}
