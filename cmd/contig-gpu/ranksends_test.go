//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world/mpitest"

	"golang.org/x/sys/unix"
)

// A hand is a rank that no launcher has started.
type hand struct {
	cmd       *osexec.Cmd
	out, errs bytes.Buffer
}

// byHandAt starts one rank of n that meet at an address; before are words before the program's. It is killed after a minute.
func byHandAt(t *testing.T, address string, rank, n int, before []string, args ...string) *hand {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	mustDo(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	words := append(before, os.Args[0])
	h := &hand{cmd: osexec.CommandContext(ctx, words[0], words[1:]...)}
	h.cmd.Stdout, h.cmd.Stderr = &h.out, &h.errs
	h.cmd.Env = append(os.Environ(), mainArgs+"="+strings.Join(args, "\n"), fmt.Sprint("RANK=", rank), fmt.Sprint("WORLD_SIZE=", n), "MASTER_ADDR="+host, "MASTER_PORT="+port)
	mustDo(t, h.cmd.Start())
	return h
}

// end waits for the rank's end and returns its exit code; -1 is one that a signal ended, or that did not end in time.
func (h *hand) end() int {
	_ = h.cmd.Wait() // the code says it
	return h.cmd.ProcessState.ExitCode()
}

// freeAddress returns a port at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	defer l.Close()
	return l.Addr().String()
}

// TestRanksDoNotMeet: a port in use, a host that has no address and a rank that comes after the deadline are E731 with the address and the cause.
func TestRanksDoNotMeet(t *testing.T) {
	t.Setenv("CONTIG_SECRET", "of this test")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	defer l.Close()
	doctor := []string{"doctor", "--ranks", "2", "--meet-timeout", "2s"}
	for address, want := range map[string]string{l.Addr().String(): "in use", "nowhere.invalid:29500": "nowhere.invalid"} {
		h := byHandAt(t, address, 0, 2, nil, doctor...)
		if code := h.end(); code != 1 || strings.Count(h.errs.String(), "contig-gpu: E731: ") != 1 || !strings.Contains(h.errs.String(), want) {
			t.Errorf("rank 0 at %s: exit code %d\n%s%s", address, code, &h.out, &h.errs)
		}
	}
	h := byHandAt(t, "nowhere.invalid:29500", 1, 2, nil, doctor...)
	if code := h.end(); code != 1 || !strings.Contains(h.errs.String(), "E731: ") || !strings.Contains(h.errs.String(), "nowhere.invalid") {
		t.Errorf("rank 1: exit code %d\n%s%s", code, &h.out, &h.errs)
	}
	late := freeAddress(t)
	first := byHandAt(t, late, 0, 2, nil, doctor...)
	if code := first.end(); code != 1 || !strings.Contains(first.errs.String(), "E731: 1 of 2 ranks did not come to "+late) {
		t.Errorf("rank 0: exit code %d\n%s%s", code, &first.out, &first.errs)
	}
	second := byHandAt(t, late, 1, 2, nil, doctor...)
	if code := second.end(); code != 1 || !strings.Contains(second.errs.String(), "E731: ") || !strings.Contains(second.errs.String(), late) {
		t.Errorf("rank 1: exit code %d\n%s%s", code, &second.out, &second.errs)
	}
}

// TestRanksFillDisk: where the run's disk is full all ranks end with rank 0's error, which says so, and once there is room the run goes on.
func TestRanksFillDisk(t *testing.T) {
	turn.Share(t)
	cohort, dir, mpi := tiny(t), t.TempDir(), installed(t)
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=1g"); err != nil {
		t.Skipf("this process may not mount (run as root, in a container with --privileged): %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	run, filler := filepath.Join(dir, "run"), filepath.Join(dir, "filler")
	c := sail(t, mpi, 2, nil, ranked(cohort, run, "--epochs", "100000", "--checkpoint-every", "1")...)
	c.steps(t, run, 2)
	f, err := os.Create(filler)
	mustDo(t, err)
	for block := make([]byte, 1<<20); err == nil; { // the ranks make room by what they replace, and fill it again
		select {
		case <-c.done:
			err = os.ErrClosed
		default:
			if _, err = f.Write(block); err != nil {
				time.Sleep(20 * time.Millisecond)
				err = nil
			}
		}
	}
	mustDo(t, f.Close())
	if code := c.end(); code != 1 || !strings.Contains(c.errs, "no space left on device") || strings.Count(c.errs, "contig-gpu: ") != 1 {
		t.Errorf("exit code %d\n%s%s", code, c.out, c.errs)
	}
	mustDo(t, os.Remove(filler))
	if out, errs, err := launched(t, mpi, 2, nil, "train", "--run", run, "--resume", "--epochs", "1"); err != nil {
		t.Errorf("not resumed: %v\n%s%s", err, out, errs)
	}
}

// TestRanksWithoutSharedMemory: where MPI has no shared memory to begin with, ranks train all the same or end with what it says; none hangs.
func TestRanksWithoutSharedMemory(t *testing.T) {
	turn.Share(t)
	before := []string{"unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=64k none /dev/shm && exec \"$@\"", "sh"}
	if out, err := osexec.Command(before[0], append(before[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("this process may not mount (run as root, in a container with --privileged): %v %s", err, out)
	}
	for _, mpi := range mpitest.All(t) {
		t.Run(mpi.String(), func(t *testing.T) {
			cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
			began := time.Now()
			out, errs, err := mpi.Run(t, mpitest.Launch{Ranks: 2, Program: os.Args[0], Before: before, Limit: time.Minute, Env: []string{mainArgs + "=" + strings.Join(ranked(cohort, run, "--max-steps", "2"), "\n")}})
			if time.Since(began) >= time.Minute || err == nil && !strings.Contains(out, "report: ") || err != nil && !strings.Contains(out+errs, "shm") && !strings.Contains(out+errs, "MPI_Init") {
				t.Errorf("%v\n%s%s", err, out, errs)
			}
		})
	}
}

// waitFor waits until a file of a pattern is there.
func waitFor(t *testing.T, pattern string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(pattern); found != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s", pattern)
		}
	}
}

// TestCableIsCut: ranks of two hosts whose cable is cut end on both, each with the one it no longer hears of, and the run goes on.
func TestCableIsCut(t *testing.T) {
	turn.Share(t)
	if !emulated(t) {
		return
	}
	on, _ := twoHosts(t)
	t.Setenv("CONTIG_SECRET", "of this test")
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	args := small(cohort, run, "--device", "cuda", "--precision", "f32", "--epochs", "100000", "--checkpoint-every", "1")
	var hands []*hand
	for r := range 2 {
		hands = append(hands, byHandAt(t, "host1:29500", r, 2, []string{on, fmt.Sprint(r + 1)}, args...))
	}
	waitFor(t, filepath.Join(run, "checkpoints", "last.safetensors"))
	if out, err := osexec.Command(on, "2", "ip", "link", "set", fmt.Sprintf("c%db", os.Getpid()), "down").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for r, h := range hands {
		if code := h.end(); code != 1 || strings.Count(h.errs.String(), "E733: rank "+fmt.Sprint(1-r)+" (host"+fmt.Sprint(2-r)) != 1 || !strings.Contains(h.errs.String(), "has not been heard of for 20s") {
			t.Errorf("rank %d: exit code %d\n%s%s", r, code, &h.out, &h.errs)
		}
	}
	if _, errs, codes := byHand(t, 2, "train", "--run", run, "--resume", "--epochs", "1"); codes[0] != 0 || codes[1] != 0 {
		t.Errorf("not resumed: %v\n%s", codes, strings.Join(errs, "\n"))
	}
}
