package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"contig-gpu/cmd/internal/report"
)

// childArgs names the environment variable that turns TestChild into the program, with the arguments that it lists.
const childArgs = "CONTIG_GPU_TEST_ARGS"

// TestChild is the program as a process of its own, for the tests below. Its last line is its exit code.
func TestChild(t *testing.T) {
	args := os.Getenv(childArgs)
	if args == "" {
		t.Skip("the processes of the tests of this file; run those")
	}
	stdout, stderr, words := outputOf(os.Stdout), outputOf(os.Stderr), strings.Split(args, "\n")
	ctx := listen(words, stderr, func(s syscall.Signal) {
		fmt.Printf("exit code %d\n", 128+int(s))
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			self.Kill()
		}
	})
	code := finish(run(ctx, words, stdout, stderr), stderr)
	fmt.Printf("exit code %d\n", code)
}

// A child is the program as a process.
type child struct {
	*osexec.Cmd
	out     *bufio.Reader
	errs    bytes.Buffer
	printed strings.Builder
}

// start starts the program in the folder dir.
func start(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	return startBy(t, dir, nil, args...)
}

// startBy is start by another program, which is given the words of the program behind its own.
func startBy(t *testing.T, dir string, by []string, args ...string) *child {
	t.Helper()
	words := append(by, os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	c := &child{Cmd: osexec.Command(words[0], words[1:]...)}
	c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), childArgs+"="+strings.Join(args, "\n")), &c.errs
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(pipe)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return c
}

// until reads what the child prints up to a line with text in it.
func (c *child) until(t *testing.T, text string) {
	t.Helper()
	for {
		line, err := c.out.ReadString('\n')
		c.printed.WriteString(line)
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("no %q in %s%s", text, c.printed.String(), c.errs.String())
		}
	}
}

// end waits for the child's end and returns its exit code.
func (c *child) end(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(c.out)
	c.printed.Write(rest)
	c.Wait()
	_, code, ok := strings.Cut(c.printed.String(), "exit code ")
	if err != nil || !ok {
		t.Fatalf("%v: %s%s", err, c.printed.String(), c.errs.String())
	}
	code, _, _ = strings.Cut(code, "\n")
	return code
}

// wantSteps holds a run folder to a whole run of n steps, and to holding nothing that is hidden but its mark.
func wantSteps(t *testing.T, folder string, n int) {
	t.Helper()
	rows, err := report.ReadMetrics(bytes.NewReader(read(t, folder, metricsName)))
	if err != nil || len(report.Of(rows, "step")) != n || len(report.Of(rows, "test")) != 1 {
		t.Errorf("%s: %d lines of steps and %d of tests, %v, want %d and 1", folder, len(report.Of(rows, "step")), len(report.Of(rows, "test")), err, n)
	}
	if hidden, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(hidden) != 1 || filepath.Base(hidden[0]) != ".contig-gpu.json" {
		t.Errorf("%v left, %v", hidden, err)
	}
}

// TestTwoAtOnce: two trainings that are started together, without a name for their folders, get one each.
func TestTwoAtOnce(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	args := small(cohort, "", "--max-steps", "4")
	var both []*child
	for range 2 {
		both = append(both, start(t, dir, args...))
	}
	for _, c := range both {
		if code := c.end(t); code != "0" {
			t.Errorf("exit code %s: %s", code, c.errs.String())
		}
	}
	for _, name := range []string{"run-1", "run-2"} {
		wantSteps(t, filepath.Join(dir, "runs", name), 4)
	}
}

// TestOneFolderTwoProcesses: a folder that is trained in is refused to others, from before the first step on and however they
// ask, until its process ends; that one can then be resumed, kill or no kill.
func TestOneFolderTwoProcesses(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	folder := filepath.Join(dir, "run")
	args := small(cohort, folder, "--epochs", "100000", "--checkpoint-every", "1", "--threads", "1", "--device", "cpu")
	first := start(t, dir, args...)
	refused := func() {
		t.Helper()
		for _, more := range [][]string{nil, {"--resume"}, {"--overwrite"}} {
			code, out, errs := exec(t, small(cohort, folder, append([]string{"--max-steps", "1"}, more...)...)...)
			if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E132: "+folder+":") || !strings.Contains(errs, fmt.Sprintf("process %d on host", first.Process.Pid)) {
				t.Errorf("%v: exit code %d, %s%s", more, code, out, errs)
			}
		}
		code, _, errs := exec(t, "synth", "--out", folder, "--overwrite", "--persons", "4", "--image-size", "16")
		if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E132: ") {
			t.Errorf("synth --overwrite: exit code %d, %s", code, errs)
		}
	}
	first.until(t, "persons with")
	refused()
	first.until(t, "step 1 of")
	for {
		if _, err := os.Stat(filepath.Join(folder, "checkpoints", "last.safetensors")); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	refused()
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	rows, err := report.ReadMetrics(bytes.NewReader(read(t, folder, metricsName)))
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d lines of metrics, %v", len(rows), err)
	}
	steps := len(report.Of(rows, "step")) + 2
	must(t, "train", "--run", folder, "--resume", "--epochs", "0", "--steps", fmt.Sprint(steps))
	wantSteps(t, folder, steps)
}

// TestStoppedBeforeTheFirstStep: a signal before the first step leaves nothing, and the run that was to be replaced as it was.
func TestStoppedBeforeTheFirstStep(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	folder := filepath.Join(dir, "runs", "run")
	stop := func(at string, more ...string) {
		t.Helper()
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		var errs bytes.Buffer
		out := &stopper{after: at, stop: func() { cancel(interrupt{syscall.SIGINT}) }}
		if code := finish(run(ctx, small(cohort, folder, append(more, "--max-steps", "2")...), out, &errs), &errs); code != 130 {
			t.Errorf("stopped at %q: exit code %d, %s", at, code, errs.String())
		}
	}
	for _, at := range []string{"contig-gpu " + version, "persons with", "features"} {
		stop(at)
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("stopped at %q: left %v, %v", at, left, err)
		}
	}
	must(t, small(cohort, folder, "--max-steps", "1")...)
	last := filepath.Join(folder, "checkpoints", "last.safetensors")
	before, log := read(t, last), read(t, folder, logName)
	for _, at := range []string{"contig-gpu " + version, "features"} {
		stop(at, "--overwrite")
		stop(at, "--resume")
	}
	if !bytes.Equal(before, read(t, last)) || !bytes.Equal(log, read(t, folder, logName)) {
		t.Error("the run that was there is not as it was")
	}
}

// TestFoldersHaveTheirKind: a training without data has the folders runs/demo-N, one with data runs/run-N, and each number once.
func TestFoldersHaveTheirKind(t *testing.T) {
	t.Chdir(t.TempDir())
	var all []*trainRun
	for i, want := range []string{"runs/demo-1", "runs/run-1", "runs/demo-2", "runs/run-2"} {
		r := &trainRun{demo: i%2 == 0, out: io.Discard}
		if err := r.take(false); err != nil || r.dir != filepath.FromSlash(want) {
			t.Errorf("%s, %v, want %s", r.dir, err, want)
		}
		all = append(all, r)
	}
	slices.Reverse(all) // the first has made runs
	for _, r := range all {
		if err := r.lock.Release(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat("runs"); !os.IsNotExist(err) {
		t.Errorf("runs stays: %v", err)
	}
}

// TestResumeTakesNoOtherData: the demo cohort does not take the place of data that a run's settings no longer name.
func TestResumeTakesNoOtherData(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, settings := range []string{"", "seed = 1\n"} {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "checkpoints"), 0o755); err != nil {
			t.Fatal(err)
		}
		if settings != "" {
			if err := os.WriteFile(filepath.Join(folder, configName), []byte(settings), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		code, _, errs := exec(t, "train", "--run", folder, "--resume", "--max-steps", "1")
		if code != 1 || !strings.HasPrefix(errs, "contig-gpu: E801: ") {
			t.Errorf("%q: exit code %d, %s", settings, code, errs)
		}
	}
}
