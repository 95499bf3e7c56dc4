package main

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// aloneTest names the environment variable that tells a test that it has a process of its own.
const aloneTest = "CONTIG_GPU_TEST_ALONE"

// emulated reports whether this process may take the emulator for its GPU: it is one that runs this test alone. Else it runs the test in
// such a process, fails where that fails, and returns false. A process that has loaded the emulator keeps it, and --device auto would
// take it in all later tests.
func emulated(t *testing.T) bool {
	t.Helper()
	lib := gputest.Emulator(t)
	if os.Getenv(aloneTest) == t.Name() {
		gputest.UseEmulator(t)
		return true
	}
	args := []string{"-test.run=^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$", "-test.count=1", "-test.v"}
	if end, ok := t.Deadline(); ok {
		args = append(args, "-test.timeout="+time.Until(end).String())
	}
	cmd := osexec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), aloneTest+"="+t.Name(), "CONTIG_EMULATOR="+lib)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

// TestEmulatorIsAlone: the emulator is the GPU of a process of its own, and this one has none after it. No test takes it otherwise.
func TestEmulatorIsAlone(t *testing.T) {
	if emulated(t) {
		gputest.Open(t, "cuda:0", gpu.Options{})
		return
	}
	t.Setenv("CONTIG_LIBCUDA", filepath.Join(t.TempDir(), "none.so"))
	if dev, err := gpu.Open("cuda:0", gpu.Options{}); err == nil {
		dev.Close()
		t.Error("this process has a GPU after a test on the emulator")
	}
	files, err := filepath.Glob("*_test.go")
	mustDo(t, err)
	for _, f := range files {
		text := string(read(t, f))
		for _, call := range []string{"UseEmulator(t)", "OpenEmulated(t)"} {
			if f != "alone_test.go" && strings.Contains(text, call) {
				t.Errorf("%s calls %s: want if !emulated(t) { return }", f, call)
			}
		}
	}
}
