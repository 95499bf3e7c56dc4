// Package selftest holds the tests of the emulator in the folder above, which has no Go code of its own. They build it
// with the kernels in testdata, most of which are wrong in one way that it must find.
package selftest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
)

const (
	root     = "../../../.."
	testdata = "gpu/internal/simt/testdata" // seen from root, like all paths below
)

// An emulator is a way to build it.
type emulator struct {
	target, library string   // of the Makefile; the file that it makes
	folder, defines string   // where; for the compiler
	env             []string // of programs that open it
}

var (
	plain    = emulator{target: "emulator", library: "libsimt.so", folder: "build/simttest"}
	ucontext = emulator{target: "emulator", library: "libsimt.so", folder: "build/simttest_ucontext", defines: "-DSIMT_UCONTEXT"}
	asan     = emulator{target: "emulator-asan", library: "libsimt_asan.so", folder: "build/simttest", env: []string{"ASAN_OPTIONS=detect_leaks=0"}}
)

// probe builds the emulator and the test program, and returns a function that runs one case with more environment, and
// returns what it printed and whether it ended well.
func (e emulator) probe(t *testing.T) func(env []string, args ...string) (string, error) {
	t.Helper()
	for _, tool := range []string{"make", "g++", "flock"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the emulator is built with %s, which is not installed", tool)
		}
	}
	command(t, "make", e.target, "SIMT_KERNELS="+testdata, "SIMT_BUILD="+e.folder, "SIMT_DEFINES="+e.defines)
	program := filepath.Join(e.folder, "probe_"+e.target)
	command(t, "g++", "-std=c++17", "-g", "-O1", "-Wall", "-Wextra", testdata+"/probe.cpp", "-o", program, "-ldl", "-pthread")
	return func(env []string, args ...string) (string, error) {
		cmd := exec.Command("./"+program, append([]string{filepath.Join(e.folder, e.library), testdata}, args...)...)
		cmd.Dir = root
		cmd.Env = slices.Concat(os.Environ(), []string{"SIMT_SEED=0", "SIMT_DEFER=0"}, e.env, env)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func seed(n int) []string { return []string{fmt.Sprintf("SIMT_SEED=%d", n)} }

func TestEmulator(t *testing.T) {
	run := plain.probe(t)
	for _, c := range []string{"shared", "limits", "context", "image", "capture", "join"} {
		t.Run(c, func(t *testing.T) {
			if out, err := run(nil, c); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("memory", func(t *testing.T) {
		if out, err := run([]string{"SIMT_MEMORY=1M"}, "memory"); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestSchedules: what is right comes out the same under every schedule, and schedules differ.
func TestSchedules(t *testing.T) {
	run := plain.probe(t)
	orders := map[string]bool{}
	for s := range 12 {
		if out, err := run(seed(s), "compute"); err != nil {
			t.Errorf("seed %d: %v\n%s", s, err, out)
		}
		out, err := run(seed(s), "arrival")
		if again, _ := run(seed(s), "arrival"); err != nil || again != out {
			t.Errorf("seed %d: threads came in one order, then in another: %v", s, err)
		}
		orders[out] = true
	}
	if len(orders) != 12 {
		t.Errorf("12 seeds gave %d orders", len(orders))
	}
}

// TestRace: a kernel without its second barrier is wrong under some schedule.
func TestRace(t *testing.T) {
	run := plain.probe(t)
	wrong := 0
	for s := range 12 {
		out, err := run(seed(s), "race")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", s, err, out)
		}
		if out == "wrong\n" {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("no schedule of 12 found the race")
	}
}

// faults are kernels that go wrong: what the driver returns then, and what is said about it.
var faults = []struct {
	kernel string
	code   int
	text   string
}{
	{"write_beyond", 700, "kernel write_beyond wrote outside an allocation of 512 bytes, at offset 512"},
	{"write_before", 700, "wrote outside an allocation of 512 bytes, at offset -4"},
	{"divergent", 719, "thread (16,0,0): waits at __syncthreads"},
	{"exited", 719, "with 16 of 64 threads; 48 have ended"},
	{"lane_missing", 719, "mask 0000ffff for a lane that does not come"},
	{"left_out", 719, "lane 16 calls a warp operation with mask 0000ffff, which leaves it out"},
	{"mma_parted", 719, "mma.sync without lane 31"},
	{"trapped", 719, "block (1,0,0), thread (5,0,0): trap"},
	{"for_ever", 719, "threads wait for each other for ever"},
	{"shared_beyond", 719, "wrote at offset 64 of a shared array of 64 bytes"},
	{"shared_before", 719, "wrote at offset -4 of a shared array of 64 bytes"},
	{"shared_too_much", 719, "50176 bytes of shared arrays"},
}

func TestFaults(t *testing.T) {
	run := plain.probe(t)
	for _, f := range faults {
		out, err := run(nil, "fault", f.kernel)
		if codes := fmt.Sprintf("%d\n%[1]d\n", f.code); err != nil || !strings.Contains(out, codes) || !strings.Contains(out, f.text) {
			t.Errorf("%s: want code %d, which stays, and %q; got %v\n%s", f.kernel, f.code, f.text, err, out)
		}
	}
}

// TestDeferred: work that waits in its stream shows what forgot to wait for another stream.
func TestDeferred(t *testing.T) {
	run := plain.probe(t)
	for env, want := range map[string]string{"SIMT_DEFER=0": "42\n42\n", "SIMT_DEFER=1": "0\n42\n"} {
		if out, err := run([]string{env}, "streams"); err != nil || out != want {
			t.Errorf("%s: got %q and %v, want %q", env, out, err, want)
		}
	}
}

// TestUcontext: the switch between fibers that other machines than x86-64 use.
func TestUcontext(t *testing.T) {
	turn.Share(t)
	if testing.Short() {
		t.Skip("builds a second emulator")
	}
	run := ucontext.probe(t)
	for s := range 3 {
		if out, err := run(seed(s), "compute"); err != nil {
			t.Errorf("seed %d: %v\n%s", s, err, out)
		}
	}
	if out, err := run(nil, "fault", "trapped"); err != nil || !strings.Contains(out, "719") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSanitizer(t *testing.T) {
	turn.Share(t)
	if testing.Short() {
		t.Skip("builds a second emulator")
	}
	preload, err := exec.Command("g++", "-print-file-name=libasan.so").Output()
	if err != nil || !filepath.IsAbs(string(preload)) {
		t.Skipf("the compiler has no AddressSanitizer: %s %v", preload, err)
	}
	e := asan
	e.env = append(e.env, "LD_PRELOAD="+strings.TrimSpace(string(preload)))
	run := e.probe(t)
	for s := range 3 {
		if out, err := run(seed(s), "compute"); err != nil {
			t.Errorf("seed %d: %v\n%s", s, err, out)
		}
	}
	for _, args := range [][]string{{"read_beyond"}, {"fault", "write_beyond"}, {"fault", "shared_beyond"}} {
		out, err := run(nil, args...)
		if err == nil || !strings.Contains(out, "AddressSanitizer") || !strings.Contains(out, "kernels.cu:") {
			t.Errorf("%v: not found: %v\n%s", args, err, out)
		}
	}
}

// TestSize keeps the emulator proper, without the libraries that it plays, below 1,000 lines.
func TestSize(t *testing.T) {
	lines := 0
	for _, name := range []string{"simt.h", "register.h", "launch.h", "block.h", "shared.cpp", "fiber.h", "fiber.cpp", "scheduler.cpp"} {
		b, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(b), "\n")
	}
	if lines >= 1000 {
		t.Errorf("%d lines", lines)
	}
}
