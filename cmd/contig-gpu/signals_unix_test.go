//go:build unix

package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSignals: each of the signals that ask to stop ends a training with a checkpoint, says so at once, and has its exit code.
func TestSignals(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	heard := make(chan os.Signal, 1) // what this process takes, its children do not ignore, though whoever started it, such as nohup, may
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	for s, code := range map[syscall.Signal]string{syscall.SIGINT: "130", syscall.SIGTERM: "143", syscall.SIGHUP: "129", syscall.SIGUSR1: "138"} {
		folder := filepath.Join(dir, code)
		c := start(t, dir, small(cohort, folder, "--epochs", "100000", "--threads", "1", "--device", "cpu")...)
		c.until(t, "step 1 of")
		mustDo(t, c.Process.Signal(s))
		if got := c.end(t); got != code {
			t.Errorf("%v: exit code %s, want %s", s, got, code)
		}
		if _, err := os.Stat(filepath.Join(folder, "checkpoints", "last.safetensors")); err != nil || !strings.Contains(c.errs.String(), "stopping after this step, writing a checkpoint") {
			t.Errorf("%v: %v; said %s", s, err, c.errs.String())
		}
	}
}

// TestIgnoredHangup: a SIGHUP that was ignored when the program began, as by nohup, stops nothing.
func TestIgnoredHangup(t *testing.T) {
	cohort, dir := tiny(t), t.TempDir()
	folder := filepath.Join(dir, "run")
	c := startBy(t, dir, []string{"sh", "-c", `trap "" HUP; exec "$@"`, "sh"}, small(cohort, folder, "--max-steps", "6")...)
	c.until(t, "step 1 of")
	mustDo(t, c.Process.Signal(syscall.SIGHUP))
	if code := c.end(t); code != "0" {
		t.Errorf("exit code %s: %s", code, c.errs.String())
	}
	wantSteps(t, folder, 6)
}
