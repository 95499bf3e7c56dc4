package train

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/train/traintest"
)

// trainedLosses trains on a cohort, by way of the loader, and returns the loss of every step.
func trainedLosses(t *testing.T, c Config, co *data.Cohort) []float64 {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, synthOptions(c, co, dir))
	return stepLosses(t, dir)
}

func stepLosses(t *testing.T, dir string) []float64 {
	t.Helper()
	var losses []float64
	for _, text := range strings.Split(strings.TrimSpace(string(read(t, filepath.Join(dir, metricsName)))), "\n") {
		var line struct {
			Kind string
			Loss float64
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line.Kind == "step" {
			losses = append(losses, line.Loss)
		}
	}
	return losses
}

// onGPU are the settings of a short training with missing rows, in the given precision on a GPU.
func onGPU(t *testing.T, precision string, steps int) Config {
	c := tiny(t)
	c.Device, c.Precision, c.Epochs, c.MaxSteps, c.EMA, c.Optimizer.LR = "cuda", precision, 0, steps, 0.9, 1e-4
	return c
}

// TestCUDAFollowsTheCPU: a training on the emulated GPU, which varies images and looks up genetics itself, recorded and
// replayed, has the losses of the CPU, where the loader does both: of the first step within 1e-5, afterwards within a few
// times what two orders of summation on the CPU differ by.
func TestCUDAFollowsTheCPU(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	const steps = 20
	c, co := onGPU(t, "f32", steps), synthCohort(t, 40)
	followTheCPU(t, c, co, map[string][]float64{"cuda": trainedLosses(t, c, co)})
}

// followTheCPU holds the losses of trainings by c on a cohort, by the device they ran on, to those on the CPU.
func followTheCPU(t *testing.T, c Config, co *data.Cohort, losses map[string][]float64) {
	t.Helper()
	c.Device = "cpu"
	cpu := trainedLosses(t, c, co)
	c.Precision = "f64"
	exact := trainedLosses(t, c, co)
	for name, onGPU := range losses {
		if len(onGPU) != c.MaxSteps || len(cpu) != c.MaxSteps || len(exact) != c.MaxSteps {
			t.Fatalf("%d, %d and %d steps, want %d", len(onGPU), len(cpu), len(exact), c.MaxSteps)
		}
		band := 1e-5 * exact[0]
		for i, want := range exact {
			band = math.Max(band, 8*math.Abs(cpu[i]-want))
			if !(math.Abs(onGPU[i]-want) <= band) {
				t.Errorf("%s, step %d: loss %g, in float64 %g, allowed %g off", name, i+1, onGPU[i], want, band)
			}
			if i == 0 {
				band = 1e-3 * want // from here on rounding grows from step to step
			}
		}
	}
}

// TestCUDAResumesOnTheCPU: a checkpoint of either device goes on on the other, in 16 bits too.
func TestCUDAResumesOnTheCPU(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := synthCohort(t, 40)
	for _, precision := range []string{"bf16", "f32"} {
		dir := filepath.Join(t.TempDir(), "run")
		c := onGPU(t, precision, 2)
		c.Batch = 6 // an epoch is longer than six steps
		for i, device := range []string{"cuda", "cpu", "cuda"} {
			c.Device, c.Precision, c.MaxSteps = device, precision, 2*(i+1)
			if device == "cpu" {
				c.Precision = "f32"
			}
			o := synthOptions(c, co, dir)
			o.Resume = i > 0
			if s := mustRun(t, o); s.Steps != c.MaxSteps || s.Device != device {
				t.Errorf("%s: %d steps on %s, want %d on %s", precision, s.Steps, s.Device, c.MaxSteps, device)
			}
		}
		checkIdle(t, dir, []bool{1: true, 5: true})
		for i, l := range stepLosses(t, dir) {
			if math.IsNaN(l) || l <= 0 || l > 10 {
				t.Errorf("%s: the loss of step %d is %g", precision, i+1, l)
			}
		}
	}
}

// checkIdle checks which steps say for how much of their time the GPU waited: those that follow another on a GPU.
func checkIdle(t *testing.T, dir string, measured []bool) {
	t.Helper()
	for _, l := range traintest.Lines(t, dir) {
		if l["kind"] != "step" {
			continue
		}
		idle, ok := l["gpu_idle"].(float64)
		if ok != measured[0] || !(idle >= 0 && idle < 1) {
			t.Errorf("step %v: idle %v, measured %v, want %v", l["step"], idle, ok, measured[0])
		}
		measured = measured[1:]
	}
}

// TestCUDASameBytes: two trainings on a GPU write the same checkpoint.
func TestCUDASameBytes(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	var files [2]string
	co := synthCohort(t, 30)
	for i := range files {
		dir := filepath.Join(t.TempDir(), "run")
		mustRun(t, synthOptions(onGPU(t, "bf16", 3), co, dir))
		files[i] = string(read(t, CheckpointPath(dir, "last")))
	}
	if files[0] != files[1] {
		t.Error("the checkpoints differ")
	}
}

// TestCUDANotFinite: a number that is not finite is noticed while the next step runs, and of the same step and layer as on
// the CPU, where it is noticed at once; the checkpoint before it stays.
func TestCUDANotFinite(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co, found := synthCohort(t, 40), map[string]string{}
	for _, device := range []string{"cpu", "cuda"} {
		c, dir := onGPU(t, "f32", 6), filepath.Join(t.TempDir(), "run")
		c.Device, c.Batch, c.Optimizer.LR, c.CheckpointEvery = device, 4, 1e30, 1
		sum, err := Run(t.Context(), synthOptions(c, co, dir))
		p := wantCode(t, err, 720)
		found[device] = p.Found
		if !strings.Contains(p.What, "step 2") || sum.Steps != 1 {
			t.Errorf("%s: after %d good steps: %v", device, sum.Steps, p)
		}
		s, err := readCheckpoint(CheckpointPath(dir, "last"))
		if err != nil || s.state.Step != 1 || len(stepLosses(t, dir)) != 1 {
			t.Errorf("%s: the last checkpoint is of step %d (%v), and %d steps were told of, want 1", device, s.state.Step, err, len(stepLosses(t, dir)))
		}
	}
	if found["cpu"] != found["cuda"] {
		t.Errorf("on the CPU %q, on a GPU %q", found["cpu"], found["cuda"])
	}
}

// TestCUDAAccumulates: the batches of a step take turns in two slots, whose recorded parts differ: the first of three
// clears the gradients, the last updates.
func TestCUDAAccumulates(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	c, co := onGPU(t, "f32", 3), synthCohort(t, 40)
	c.Batch, c.Accumulate = 3, 3
	followTheCPU(t, c, co, map[string][]float64{"cuda": trainedLosses(t, c, co)})
}
