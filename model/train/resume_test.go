package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/model/train/traintest"
)

// longer is what the resume tests run: two epochs of four steps, averaged parameters, two batches a step.
func longer(t testing.TB) Config {
	c := tiny(t)
	c.Epochs, c.EMA, c.Batch, c.Accumulate, c.Precision = 2, 0.9, 4, 2, "f32"
	return c
}

// sameRuns compares checkpoints byte for byte, and metrics but for the speed.
func sameRuns(t *testing.T, want, got string) {
	t.Helper()
	files := func(dir string) []string {
		m, _ := filepath.Glob(filepath.Join(dir, checkpointDir, "*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, checkpointDir, ".*"))
		m = append(m, hidden...)
		for i := range m {
			m[i], _ = filepath.Rel(dir, m[i])
		}
		return m
	}
	if a, b := fmt.Sprint(files(want)), fmt.Sprint(files(got)); a != b {
		t.Fatalf("files %s, want %s", b, a)
	}
	for _, name := range files(want) {
		if !bytes.Equal(read(t, filepath.Join(want, name)), read(t, filepath.Join(got, name))) {
			t.Errorf("%s differs", name)
		}
	}
	a, b := traintest.Lines(t, want), traintest.Lines(t, got)
	for _, l := range append(a, b...) {
		delete(l, "images_per_second")
		delete(l, "time")
		delete(l, "seconds")
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("metrics differ:\n%v\n%v", a, b)
	}
}

func TestInterruptedRunsEndTheSame(t *testing.T) {
	slow(t)
	c := longer(t)
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	mustRun(t, options(c, whole))
	o := options(c, parts)
	o.Config.Threads = 1 // and the number of threads must not matter
	stops := []int{1, 3, 4, 6}
	if testing.Short() {
		stops = stops[1:2] // each writes checkpoints, which takes half a minute under the race detector
	}
	for _, stop := range stops {
		interrupt(t, o, stop)
		leaveDebris(t, parts)
		o.Resume = true
	}
	if s := mustRun(t, o); !s.Resumed || s.Steps != 8 {
		t.Errorf("summary %+v", s)
	}
	sameRuns(t, whole, parts)
	mustRun(t, o) // resuming what is finished changes nothing
	sameRuns(t, whole, parts)
}

// interrupt runs o until a step is done, and then interrupts it.
func interrupt(t *testing.T, o Options, step int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = func(e Event) {
		if e.Kind == Stepped && e.Step == step {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("step %d: %v", step, err)
	}
}

// leaveDebris leaves what a process that dies while writing leaves.
func leaveDebris(t *testing.T, dir string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, metricsName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("{\"kind\":\"step\"}\n{\"kind\":\"st")
	if err := os.WriteFile(filepath.Join(dir, checkpointDir, ".last.safetensors.tmp"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointsInTime: after so many minutes, here at once, a checkpoint is written in the middle of an epoch; without it, at its end only.
func TestCheckpointsInTime(t *testing.T) {
	slow(t)
	var last [2]string
	for i, minutes := range []float64{0, 1e-12} {
		o := options(longer(t), filepath.Join(t.TempDir(), "run"))
		o.Config.CheckpointMinutes, o.Config.MaxSteps = minutes, 3
		steps, announced, saved := 0, 0, 0
		o.Progress = func(e Event) {
			switch {
			case e.Kind == Saving:
				announced++
			case e.Kind == Stepped:
				steps++
			case e.Kind == Saved && strings.HasSuffix(e.Path, "last.safetensors"):
				saved++
			}
		}
		mustRun(t, o)
		if want := []int{1, 3}[i]; steps != 3 || saved != want || announced < saved {
			t.Errorf("after %g minutes: %d checkpoints, %d announced, in %d steps, want %d", minutes, saved, announced, steps, want)
		}
		last[i] = string(read(t, CheckpointPath(o.Dir, "last")))
	}
	if last[0] != last[1] {
		t.Error("checkpoints in between change the last one")
	}
}

// childDir names the environment variable that turns TestChild into a run.
const childDir = "CONTIG_TRAIN_TEST_DIR"

// TestChild is the process that TestKilledRunsEndTheSame kills.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs as a child of TestKilledRunsEndTheSame")
	}
	o := options(longer(t), dir)
	o.Config.CheckpointEvery = 2
	_, err := os.Stat(dir)
	o.Resume = err == nil
	mustRun(t, o)
}

func TestKilledRunsEndTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	whole, killed := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "killed")
	mustRun(t, options(longer(t), whole))
	r := rand.New(rand.NewPCG(3, 4))
	kills := 0
	for {
		child := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
		child.Env = append(os.Environ(), childDir+"="+killed)
		if kills < 5 {
			after := time.AfterFunc(time.Duration(200+r.IntN(1500))*time.Millisecond, func() { child.Process.Kill() })
			defer after.Stop()
		}
		out, err := child.CombinedOutput()
		if err == nil {
			break
		}
		var exit *exec.ExitError
		if kills++; !errors.As(err, &exit) || exit.ExitCode() >= 0 {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("%d kills", kills)
	sameRuns(t, whole, killed)
}
