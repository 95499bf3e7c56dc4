//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"contig-gpu/gpu/gputest/turn"
)

// delayed are words of strace before a program whose calls of one kind last so much longer; the program keeps its process's number.
func delayed(t *testing.T, call string, by time.Duration) []string {
	t.Helper()
	strace, err := osexec.LookPath("strace")
	if err != nil {
		t.Skipf("%v (Debian: apt-get install strace)", err)
	}
	return []string{strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:delay_enter=%d", call, by.Microseconds())}
}

// A phase is a part of a training in which a rank is killed.
type phase struct {
	name  string
	tells bool                                              // that another was lost, before the launcher ends it
	first func(t *testing.T, rank int) map[int]string       // what ranks do before they begin
	come  func(t *testing.T, c *crew, run string, rank int) // returns in the phase
}

// phases are those that a step is not in: TestRanksFail has that. first is how many steps come before the first evaluation.
func phases(first int) []phase {
	return []phase{
		{"meeting", false,
			func(_ *testing.T, rank int) map[int]string { return map[int]string{1 - rank: "sleep 2"} },
			func(t *testing.T, c *crew, _ string, rank int) {
				waitFor(t, filepath.Join(c.dir, fmt.Sprint(rank)))
				time.Sleep(500 * time.Millisecond)
			}},
		{"evaluation", true, nil,
			func(t *testing.T, c *crew, run string, _ int) {
				c.steps(t, run, first)
				for r := range 2 { // none goes on while it is looked at
					c.signal(t, r, syscall.SIGSTOP)
				}
				if text := read(t, run, metricsName); bytes.Count(text, []byte("\n")) > first {
					t.Errorf("the evaluation was over: nothing is tested\n%s", text)
				}
			}},
		{"checkpoint", false,
			func(t *testing.T, _ int) map[int]string {
				return map[int]string{0: "exec " + strings.Join(append(delayed(t, "fsync", 700*time.Millisecond), os.Args[0]), " ")}
			},
			func(t *testing.T, _ *crew, run string, _ int) {
				waitFor(t, filepath.Join(run, "checkpoints", ".*.tmp-*"))
			}},
	}
}

// TestRanksKilledInPhases: whichever rank is killed while they meet, while they evaluate or while rank 0 writes a checkpoint, all end, and the run goes on to
// the bytes of one without kills. Rank 0 says which it was once its checkpoint is written, if its launcher lets it live so long.
func TestRanksKilledInPhases(t *testing.T) {
	cohort, dir, mpi := tiny(t, "--persons", "120"), t.TempDir(), installed(t)
	toml := filepath.Join(cohort, "data.toml")
	text := strings.NewReplacer("train = 0.7", "train = 0.3", "val = 0.1", "val = 0.6", "test = 0.2", "test = 0.1").Replace(string(read(t, toml))) // an evaluation that lasts
	mustDo(t, os.WriteFile(toml, []byte(text), 0o644))
	flags := []string{"--epochs", "2"}
	whole := filepath.Join(dir, "whole")
	if c := sail(t, mpi, 2, nil, ranked(cohort, whole, flags...)...); c.end() != 0 {
		t.Fatalf("%s%s", c.out, c.errs)
	}
	lines := slices.Collect(strings.Lines(string(read(t, whole, metricsName))))
	for _, p := range phases(slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, `"validation"`) })) {
		for rank := range 2 {
			t.Run(fmt.Sprint(p.name, " ", rank), func(t *testing.T) {
				turn.Share(t)
				run := filepath.Join(dir, fmt.Sprint(p.name, rank))
				var first map[int]string
				if p.first != nil {
					first = p.first(t, rank)
				}
				c := sail(t, mpi, 2, first, ranked(cohort, run, flags...)...)
				p.come(t, c, run, rank)
				c.signal(t, rank, syscall.SIGKILL)
				c.signal(t, 1-rank, syscall.SIGCONT)
				c.endsSoon(t)
				if said := strings.Count(c.errs, "E733: rank 1 ("); c.code == 0 || said > 1 || rank == 1 && said == 0 && p.tells {
					t.Errorf("exit code %d\n%s%s", c.code, c.out, c.errs)
				}
				again := []string{"train", "--run", run, "--resume"}
				if left, _ := filepath.Glob(filepath.Join(run, "checkpoints", "*.safetensors")); left == nil {
					again = ranked(cohort, run, append(flags, "--overwrite")...)
				}
				if c = sail(t, mpi, 2, nil, again...); c.end() != 0 {
					t.Fatalf("not resumed\n%s%s", c.out, c.errs)
				}
				for _, name := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors"} {
					if !bytes.Equal(read(t, whole, name), read(t, run, name)) {
						t.Errorf("%s is another than without a kill", name)
					}
				}
			})
		}
	}
}

// endsSoon waits for the end, which is to come in the 30 seconds that a rank may be silent.
func (c *crew) endsSoon(t *testing.T) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(30 * time.Second):
		t.Fatal("after 30 seconds some rank has not ended")
	}
}

// TestRankSleepsInLoader: a rank that waits for its images ends all once the others have waited for it so long as they may, and is named with its step.
func TestRankSleepsInLoader(t *testing.T) {
	turn.Share(t)
	cohort, dir, mpi := tiny(t, "--persons", "400"), t.TempDir(), installed(t)
	run := filepath.Join(dir, "run")
	c := sail(t, mpi, 2, nil, ranked(cohort, run, "--epochs", "100", "--rank-timeout", "2s")...)
	c.steps(t, run, 2)
	words := delayed(t, "openat", time.Minute)
	words = append(slices.DeleteFunc(words, func(w string) bool { return w == "-D" }), "-p", strings.TrimSpace(string(read(t, c.dir, "1"))))
	slow := osexec.CommandContext(t.Context(), words[0], words[1:]...)
	var said bytes.Buffer
	slow.Stderr = &said
	mustDo(t, slow.Start())
	c.endsSoon(t)
	_ = slow.Process.Kill() // what it looks at is gone
	_ = slow.Wait()
	if strings.Contains(said.String(), "ptrace") {
		t.Skipf("this process may not trace another (run as root): %s", &said)
	}
	if c.code != 1 || strings.Count(c.errs, "contig-gpu: E733: rank 1 (") != 1 || !strings.Contains(c.errs, ") has been at step ") || !strings.Contains(c.errs, " for 2s, and others wait at ") {
		t.Errorf("exit code %d\n%s%s", c.code, c.out, c.errs)
	}
}
