//go:build linux

package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/train/traintest"
)

// TestTrainRanksOnGPUs: two processes that no MPI starts, each with the emulated GPU for its own, train by NCCL what one does that takes the batch in
// two chunks, the same bytes as those that --gpus starts, and what two ranks on CPUs train over MPI. Only the first speaks.
func TestTrainRanksOnGPUs(t *testing.T) {
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	cohort, dir := tiny(t), t.TempDir()
	args := func(run string, more ...string) []string {
		return small(cohort, run, append([]string{"--precision", "f32", "--max-steps", "2", "--optimizer", "sgd", "--lr", "1e-2", "--warmup", "0"}, more...)...)
	}
	alone := filepath.Join(dir, "alone")
	if out := must(t, args(alone, "--chunk", "4", "--device", "cuda")...); strings.Contains(out, "W732") {
		t.Errorf("one GPU, which sums with nobody, said %s", out)
	}
	runs := []string{filepath.Join(dir, "by hand"), filepath.Join(dir, "by --gpus")}
	outs, errs, codes := byHand(t, 2, args(runs[0], "--ranks", "2", "--device", "cuda")...)
	if !slices.Equal(codes, []int{0, 0}) || outs[1]+errs[0]+errs[1] != "" {
		t.Fatalf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
	}
	t.Setenv("SIMT_GPUS", "2")
	out, err, code := byItself(t, args(runs[1], "--gpus", "all", "--device", "cuda")...)
	if code != 0 || err != "" {
		t.Fatalf("code %d\n%s\n%s", code, out, err)
	}
	for _, out := range []string{outs[0], out} {
		if !strings.Contains(out, "2 ranks on 1 host (") || strings.Count(out, "report: ") != 1 || strings.Count(out, "W732: ") != 1 {
			t.Errorf("said %s", out)
		}
	}
	for _, name := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors", configName} {
		if !bytes.Equal(read(t, runs[0], name), read(t, runs[1], name)) {
			t.Errorf("%s differs between two runs", name)
		}
	}
	chunked := func(name string) bool { return strings.Contains(name, "running_") } // each chunk moves them
	traintest.SameTensors(t, runs[0], alone, 1e-3, chunked)
	traintest.SameLosses(t, runs[0], alone, 1e-3, "step")
	byMPI := filepath.Join(dir, "mpi")
	if out, errs, err := launched(t, installed(t), 2, nil, args(byMPI, "--device", "cpu")...); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	traintest.SameTensors(t, runs[0], byMPI, 1e-3, nil)
	traintest.SameLosses(t, runs[0], byMPI, 1e-3, "step validation test")
}

// TestRanksWarn: what only another rank warns of, here that it can keep no plans, rank 0 says once, with whose it is.
func TestRanksWarn(t *testing.T) {
	turn.Share(t)
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	address := freeAddress(t)
	args := small(tiny(t), filepath.Join(t.TempDir(), "run"), "--device", "cuda", "--precision", "f32", "--max-steps", "3")
	first, second := byHandAt(t, address, 0, 2, nil, args...), byHandAt(t, address, 1, 2, []string{"env", "XDG_CACHE_HOME=/dev/null/nowhere"}, args...)
	codes := []int{second.end(), first.end()}
	if out := first.out.String(); !slices.Equal(codes, []int{0, 0}) || strings.Count(out, "plans are not kept: mkdir /dev/null: ") != 1 || strings.Count(out, "[rank 1 (") != 1 {
		t.Errorf("codes %v\n%s\n%s\n%s", codes, &first.out, &first.errs, &second.errs)
	}
}

// TestDoctorSumsOnGPUs: ranks that have a GPU each sum by NCCL, without an MPI and beside one; what NCCL refuses, or a rank without it, is the error.
func TestDoctorSumsOnGPUs(t *testing.T) {
	turn.Share(t)
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	t.Setenv("SIMT_GPUS", "2")
	outs, errs, codes := byHand(t, 2, "doctor", "--ranks", "2")
	if !slices.Equal(codes, []int{0, 0}) || errs[0]+errs[1]+outs[1] != "" || strings.Count(outs[0], "GPUs ") != 3 || strings.Count(outs[0], "right on all ranks") != 3 {
		t.Errorf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
	}
	out, errors, err := launched(t, installed(t), 2, nil, "doctor", "--ranks", "2")
	if err != nil || strings.Count(out, "right on all ranks") != 9 {
		t.Errorf("%v\n%s%s", err, out, errors)
	}
	t.Setenv("SIMT_NCCL_FAIL", "3:3")
	outs, errs, codes = byHand(t, 2, "doctor", "--ranks", "2")
	if !slices.Equal(codes, []int{1, 1}) || !strings.Contains(errs[0]+errs[1], "ncclInternalError (3)") || strings.Count(errs[0], "contig-gpu: ") != 1 {
		t.Errorf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
	}
	t.Setenv("SIMT_NCCL_FAIL", "")
	t.Setenv("CONTIG_LIBNCCL", "/absent.so")
	if _, errs, codes = byHand(t, 2, "doctor", "--ranks", "2"); !slices.Equal(codes, []int{1, 1}) || strings.Count(errs[0]+errs[1], "E737: ") != 1 {
		t.Errorf("codes %v\n%s", codes, strings.Join(errs, "\n"))
	}
}

// TestDoctorFindsNCCL: the library by which GPUs sum is named with its version and file, or where it was looked for.
func TestDoctorFindsNCCL(t *testing.T) {
	lib := gputest.Emulator(t)
	text, h := doctorAs(t, "CONTIG_LIBNCCL="+lib)
	if n := h.Ranks.NCCL; n.Error != "" || n.Version != "2.32.3" || n.Path != lib || !strings.Contains(text, "NCCL      2.32.3, "+lib+"\n") {
		t.Errorf("%+v\n%s", n, text)
	}
	text, h = doctorAs(t, "CONTIG_LIBNCCL=/nowhere/libnccl.so.2")
	if n := h.Ranks.NCCL; n.Path != "" || !strings.Contains(n.Error, "/nowhere/libnccl.so.2: cannot open") || !strings.Contains(text, "NCCL      none is used: nccl: ") || !strings.Contains(text, "pip install nvidia-nccl") {
		t.Errorf("%+v\n%s", n, text)
	}
}
