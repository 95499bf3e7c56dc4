package train

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
)

// TestChunkedRunsResume: a training in chunks, with two batches a step, goes on after interruptions to the same bytes, and
// refuses another chunk.
func TestChunkedRunsResume(t *testing.T) {
	slow(t)
	c := longer(t)
	c.Chunk, c.Batch, c.MaxSteps = 3, 5, 4
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	mustRun(t, options(c, whole))
	o := options(c, parts)
	o.Config.Threads = 1
	for _, stop := range []int{1, 3} {
		interrupt(t, o, stop)
		o.Resume = true
	}
	mustRun(t, o)
	sameRuns(t, whole, parts)
	o.Config.Chunk = 4
	_, err := Run(context.Background(), o)
	if p := wantCode(t, err, codeConfigDiffers); !strings.Contains(p.Found, "chunk") {
		t.Errorf("%v", p)
	}
}

// TestCUDAInChunks: on the emulated GPU, recorded and replayed, the losses are the CPU's.
func TestCUDAInChunks(t *testing.T) {
	turn.Share(t)
	slow(t)
	gputest.UseEmulator(t)
	c := onGPU(t, "f32", 3)
	c.Batch, c.Chunk, c.ImageSize = 6, 3, 33
	co := synthCohort(t, 30)
	onGPU := trainedLosses(t, c, co)
	c.Device = "cpu"
	cpu := trainedLosses(t, c, co)
	for i, want := range cpu {
		band := 1e-5 * want
		if i > 0 {
			band = 1e-3 * want // rounding grows from step to step
		}
		if !(math.Abs(onGPU[i]-want) <= band) {
			t.Errorf("step %d: loss %g, on the CPU %g", i+1, onGPU[i], want)
		}
	}
	c.Chunk = 0
	if whole := trainedLosses(t, c, co); math.Abs(whole[0]-cpu[0]) < 1e-4*cpu[0] {
		t.Errorf("the first loss is %g in chunks and %g without", cpu[0], whole[0])
	}
}
