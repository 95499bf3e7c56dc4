//go:build linux

package main

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
)

// TestRanksTellOwnFailure: what a rank cannot go on with is its own error, said once by it, and by rank 0, which has the run folder, as that rank's; no
// signal of the launcher takes its place, the launcher ends with 1, and the run goes on.
func TestRanksTellOwnFailure(t *testing.T) {
	cohort, dir, mpi := tiny(t), t.TempDir(), installed(t)
	run := filepath.Join(dir, "run")
	c := sail(t, mpi, 3, nil, ranked(cohort, run, "--batch", "9", "--epochs", "100000", "--checkpoint-every", "1")...)
	c.steps(t, run, 2)
	images, err := filepath.Glob(filepath.Join(cohort, "images", "*"))
	mustDo(t, err)
	kept := filepath.Join(dir, "images")
	mustDo(t, os.CopyFS(kept, os.DirFS(filepath.Join(cohort, "images"))))
	for _, f := range images {
		mustDo(t, os.Truncate(f, 0))
	}
	code := c.end()
	if code != 1 || !strings.Contains(c.errs, "E501: ") || strings.Contains(c.errs, "stopped by signal") {
		t.Errorf("exit code %d\n%s%s", code, c.out, c.errs)
	}
	for r := range 3 {
		if n := strings.Count(c.errs, fmt.Sprintf("contig-gpu: rank %d (", r)); n > 1 {
			t.Errorf("rank %d has %d errors\n%s", r, n, c.errs)
		}
	}
	if n := strings.Count(c.errs, "contig-gpu: E"); n != 1 { // of rank 0
		t.Errorf("rank 0 has %d errors\n%s", n, c.errs)
	}
	for _, f := range images {
		mustDo(t, os.WriteFile(f, read(t, kept, filepath.Base(f)), 0o644))
	}
	if out, errs, err := launched(t, mpi, 3, nil, "train", "--run", run, "--resume", "--epochs", "1"); err != nil {
		t.Errorf("not resumed: %v\n%s%s", err, out, errs)
	}
}

// TestRanksWithoutMemory: a rank that Go itself ends, for it gets no memory, is named by rank 0, and ends all.
func TestRanksWithoutMemory(t *testing.T) {
	prlimit, err := osexec.LookPath("prlimit")
	if err != nil {
		t.Skipf("%v (Debian: apt-get install util-linux)", err)
	}
	cohort, run, mpi := tiny(t), filepath.Join(t.TempDir(), "run"), installed(t)
	c := sail(t, mpi, 2, nil, ranked(cohort, run, "--epochs", "100000", "--checkpoint-every", "1")...)
	c.steps(t, run, 2)
	if out, err := osexec.Command(prlimit, "--as=1", "--pid", strings.TrimSpace(string(read(t, c.dir, "1")))).CombinedOutput(); err != nil {
		t.Fatalf("a process of this user takes no lower limit: %v %s", err, out)
	}
	fatal := []string{"fatal error: ", "pthread_create failed"} // Go's heap, or a thread of its runtime
	code := c.end()
	said := slices.ContainsFunc(fatal, func(text string) bool { return strings.Contains(c.errs, text) })
	if code == 0 || !said || strings.Count(c.errs, "contig-gpu: E733: rank 1 (") != 1 {
		t.Errorf("exit code %d\n%s%s", code, c.out, c.errs)
	}
	if out, errs, err := launched(t, mpi, 2, nil, "train", "--run", run, "--resume", "--epochs", "1"); err != nil {
		t.Errorf("not resumed: %v\n%s%s", err, out, errs)
	}
}

// TestRanksTellPanics: of several ranks a panic is an error that the others hear of; one process ends with it.
func TestRanksTellPanics(t *testing.T) {
	for size, want := range map[int]string{1: "", 2: "E800: panic: a mistake"} {
		r := &trainRun{team: &ranks.Team{Place: ranks.Place{Size: size}}}
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil && size > 1 {
					t.Errorf("%d ranks: panic %v", size, p)
				}
			}()
			err = r.together(func() error { panic("a mistake\nof many lines") })
			return err
		}()
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want+"\n") {
			t.Errorf("%d ranks: %v", size, err)
		}
	}
}

// TestRanksOnGPUsFail: what NCCL refuses, or finds lost beside its calls, is E733 in its words with one exit code.
func TestRanksOnGPUsFail(t *testing.T) {
	gputest.Long(t)
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	cohort, dir := tiny(t), t.TempDir()
	args := func(more ...string) []string {
		return small(cohort, filepath.Join(dir, "run"), append([]string{"--device", "cuda", "--precision", "f32", "--max-steps", "2", "--overwrite"}, more...)...)
	}
	for env, want := range map[string]string{"SIMT_NCCL_FAIL=1:2": "ncclSystemError (2)", "SIMT_NCCL_FAIL=9:3": "ncclInternalError (3)", "SIMT_NCCL_LOST=9": "ncclRemoteError (6)"} {
		name, value, _ := strings.Cut(env, "=")
		t.Setenv(name, value)
		outs, errs, codes := byHand(t, 2, args()...)
		if !slices.Equal(codes, []int{1, 1}) || strings.Count(errs[0], "contig-gpu: ") != 1 || !strings.Contains(errs[0], "E733: ") || !strings.Contains(errs[0]+errs[1], want) || strings.Count(errs[1], "contig-gpu: ") > 1 {
			t.Errorf("%s: codes %v\n%s\n%s", env, codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
		}
		mustDo(t, os.Unsetenv(name))
	}
}

// TestRanksHangInAStep: a collective that never ends, as where a GPU hangs or one rank has not called it, ends all once they have been in that step for
// --rank-timeout. No rank is behind the others, so none is named, but the step is.
func TestRanksHangInAStep(t *testing.T) {
	gputest.Long(t)
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	t.Setenv("SIMT_NCCL_HANG", "100")
	run := filepath.Join(t.TempDir(), "run")
	outs, errs, codes := byHand(t, 2, small(tiny(t), run, "--device", "cuda", "--precision", "f32", "--max-steps", "40", "--rank-timeout", "1s")...)
	said := regexp.MustCompile(`^contig-gpu: E733: all ranks have been at step (\d+) for \d+s\n`).FindStringSubmatch(errs[0])
	if !slices.Equal(codes, []int{1, 1}) || said == nil || errs[1] != "" {
		t.Fatalf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
	}
	step, _ := strconv.Atoi(said[1])
	if done := strings.Count(string(read(t, run, "metrics.jsonl")), `"grad_norm":`); step <= done || step > done+2 { // a GPU works beside the host, which is at most a step ahead of it
		t.Errorf("at step %d of which %d are done", step, done)
	}
}

// TestRanksThatCannotCompute: where NCCL is nowhere, or a rank has no NCCL, or no GPU, that is said once, and all end.
func TestRanksThatCannotCompute(t *testing.T) {
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	run := filepath.Join(t.TempDir(), "run")
	args := small(tiny(t), run, "--device", "cuda", "--precision", "f32", "--max-steps", "2")
	for _, c := range []struct {
		want   string
		absent [2]string // the variable that names a library which a rank does not have
	}{
		{"contig-gpu: E737: ", [2]string{"CONTIG_LIBNCCL", "CONTIG_LIBNCCL"}},
		{"): E737: ", [2]string{"NONE", "CONTIG_LIBNCCL"}},
		{"contig-gpu: E737: ", [2]string{"CONTIG_LIBNCCL", "NONE"}},
		{"): E804: ", [2]string{"NONE", "CONTIG_LIBCUDA"}},
		{"contig-gpu: E804: ", [2]string{"CONTIG_LIBCUDA", "NONE"}},
	} {
		address, began := freeAddress(t), time.Now()
		var hands []*hand
		for r, name := range c.absent {
			hands = append(hands, byHandAt(t, address, r, 2, []string{"env", name + "=/absent.so"}, args...))
		}
		codes := []int{hands[0].end(), hands[1].end()}
		said := hands[0].errs.String() + hands[1].errs.String()
		if !slices.Equal(codes, []int{1, 1}) || strings.Count(said, c.want) != 1 || strings.Contains(said, "E733") && !strings.Contains(said, "gave up") {
			t.Errorf("without %v: codes %v after %v\n%s", c.absent, codes, time.Since(began), said)
		}
	}
	if _, err := os.Stat(run); err == nil {
		t.Error("a run folder is left")
	}
}

// TestMoreRanksThanGPUs: a host that has too few GPUs for its ranks is E735, once, whoever starts them, with the number that it has.
func TestMoreRanksThanGPUs(t *testing.T) {
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	t.Setenv("SIMT_GPUS", "2")
	run := filepath.Join(t.TempDir(), "run")
	args := small(tiny(t), run, "--device", "cuda", "--precision", "f32", "--max-steps", "2", "--batch", "9")
	if code, _, errs := exec(t, append(args, "--gpus", "3")...); code != 1 || !strings.Contains(errs, "E735: --gpus 3, and this machine has 2") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	outs, errs, codes := byHand(t, 3, args...)
	if all := strings.Join(errs, "\n"); !slices.Equal(codes, []int{1, 1, 1}) || strings.Count(all, "contig-gpu: E735: 3 ranks on this host, and 2 GPUs") != 1 {
		t.Errorf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), all)
	}
	c := sail(t, installed(t), 3, nil, args...)
	if code := c.end(); code != 1 || strings.Count(c.errs, "contig-gpu: E735: 3 ranks on this host, and 2 GPUs") != 1 || !strings.Contains(c.errs, "mpirun -n 2") {
		t.Errorf("exit code %d\n%s%s", code, c.out, c.errs)
	}
	if _, err := os.Stat(run); err == nil {
		t.Error("a run folder is left")
	}
}

// TestRanksWithOneGPU: two ranks that were given the same GPU are told so, once and by name, with either launcher; NCCL's variable lets them share it.
func TestRanksWithOneGPU(t *testing.T) {
	turn.Share(t)
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	t.Setenv("SIMT_PCI_DOMAIN", "7")
	cohort, dir := tiny(t), t.TempDir()
	args := small(cohort, filepath.Join(dir, "run"), "--device", "cuda", "--precision", "f32", "--max-steps", "1")
	outs, errs, codes := byHand(t, 2, args...)
	if !slices.Equal(codes, []int{1, 1}) || strings.Count(errs[0], "contig-gpu: E734: rank 0 (") != 1 || !strings.Contains(errs[0], ") and rank 1 (") || !strings.Contains(errs[0], "leave CUDA_VISIBLE_DEVICES unset") || errs[1] != "" {
		t.Errorf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
	}
	c := sail(t, installed(t), 2, nil, args...)
	if code := c.end(); code != 1 || strings.Count(c.errs, "contig-gpu: E734: rank 0 (") != 1 || strings.Contains(c.errs, "E733") {
		t.Errorf("exit code %d\n%s%s", code, c.out, c.errs)
	}
	t.Setenv(severalToAGPU, "1")
	if outs, errs, codes = byHand(t, 2, args...); !slices.Equal(codes, []int{0, 0}) {
		t.Errorf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
	}
}
