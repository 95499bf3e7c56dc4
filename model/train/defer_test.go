package train

import (
	"path/filepath"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu/gputest"
)

// late makes the emulator run what a stream is asked for only when something waits for it, as late as a GPU may.
func late(t *testing.T, on bool) {
	t.Setenv("SIMT_DEFER", map[bool]string{false: "0", true: "1"}[on])
}

// TestCUDALate: nothing is overwritten that queued work still needs, nor read before it is there: a training on a GPU that
// works as late as it may ends with the bytes of one on a GPU that works at once.
func TestCUDALate(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := synthCohort(t, 20)
	for _, precision := range []string{"bf16", "f32"} {
		c := onGPU(t, precision, 4)
		c.Batch, c.CheckpointEvery = 4, 2
		if precision == "f32" {
			c.Batch, c.Accumulate, c.MaxSteps = 2, 3, 2
		}
		var files [2]string
		for i := range files {
			late(t, i == 1)
			dir := filepath.Join(t.TempDir(), "run")
			mustRun(t, synthOptions(c, co, dir))
			files[i] = string(read(t, CheckpointPath(dir, "last")))
		}
		if files[0] != files[1] {
			t.Errorf("%s: the checkpoints differ", precision)
		}
	}
}

// unreadable is a source whose later batches cannot be read.
type unreadable struct {
	data.Source
	good int
}

func (u *unreadable) Next(b *data.Batch) error {
	if u.good--; u.good < 0 {
		return &data.Problem{Code: 501}
	}
	return u.Source.Next(b)
}

// TestCUDAUnreadable: a batch that cannot be read ends the training after the steps before it, which are told of and kept
// as on the CPU, though it is loaded while they run.
func TestCUDAUnreadable(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := synthCohort(t, 40)
	for _, device := range []string{"cpu", "cuda"} {
		c, dir := onGPU(t, "f32", 6), filepath.Join(t.TempDir(), "run")
		c.Device, c.Batch, c.CheckpointEvery = device, 4, 1
		o := synthOptions(c, co, dir)
		open := o.NewSource
		o.NewSource = func(f Feed) (data.Source, error) {
			s, err := open(f)
			return &unreadable{s, 2}, err
		}
		sum, err := Run(t.Context(), o)
		wantCode(t, err, 501)
		s, err := readCheckpoint(CheckpointPath(dir, "last"))
		if err != nil || s.state.Step != 2 || sum.Steps != 2 || len(stepLosses(t, dir)) != 2 {
			t.Errorf("%s: the checkpoint is of step %d, %d steps counted, %d told of, want 2 (%v)", device, s.state.Step, sum.Steps, len(stepLosses(t, dir)), err)
		}
	}
}
