//go:build unix

package main

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
)

// TestTrainRanksOnGPUs: two processes that no MPI starts, each with the emulated GPU for its own, train by NCCL what one does that takes the batch in
// two chunks, the same bytes each time. Only the first speaks.
func TestTrainRanksOnGPUs(t *testing.T) {
	if !emulated(t) {
		return
	}
	t.Setenv("CONTIG_SECRET", "of this test")
	cohort, dir := tiny(t), t.TempDir()
	args := func(run string, more ...string) []string {
		return small(cohort, run, append([]string{"--device", "cuda", "--precision", "f32", "--max-steps", "2"}, more...)...)
	}
	alone := filepath.Join(dir, "alone")
	must(t, args(alone, "--chunk", "4")...)
	var runs []string
	for _, name := range []string{"one", "two"} {
		run := filepath.Join(dir, name)
		outs, errs, codes := byHand(t, 2, args(run, "--ranks", "2")...)
		if !slices.Equal(codes, []int{0, 0}) || !strings.Contains(outs[0], "2 ranks on 1 host (") || strings.Count(outs[0], "report: ") != 1 || outs[1]+errs[0]+errs[1] != "" {
			t.Fatalf("codes %v\n%s\n%s", codes, strings.Join(outs, "\n"), strings.Join(errs, "\n"))
		}
		runs = append(runs, run)
	}
	for _, name := range []string{"checkpoints/last.safetensors", "checkpoints/best.safetensors", configName} {
		if !bytes.Equal(read(t, runs[0], name), read(t, runs[1], name)) {
			t.Errorf("%s differs between two runs", name)
		}
	}
	want, got := stepLosses(t, alone), stepLosses(t, runs[0])
	if len(want) != 2 || len(got) != 2 {
		t.Fatalf("losses of steps %v, of one rank %v", got, want)
	}
	for i, l := range got {
		if !(math.Abs(l-want[i]) <= 1e-3*want[i]) {
			t.Errorf("the loss of step %d is %g, of one rank %g", i+1, l, want[i])
		}
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
