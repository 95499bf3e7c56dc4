package finetune

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	batches "contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/downstream"
	"contig-gpu/model/train"
	"contig-gpu/model/train/traintest"
)

// kinds are all tasks.
func kinds() []downstream.Kind {
	return []downstream.Kind{downstream.Classes, downstream.Ordinal, downstream.Labels, downstream.Traits}
}

// taskOf returns a task of persons that the colour of their images tells, some of it unknown, with the rows' images and splits.
// Of persons the rows are persons, else images.
func taskOf(co *data.Cohort, kind downstream.Kind, byImage bool) (*downstream.Task, [][]int, []data.Split) {
	t := &downstream.Task{Kind: kind, Names: []string{"a", "b", "c"}}
	var images [][]int
	var split []data.Split
	add := func(p int, of []int) {
		i := len(images)
		v := traintest.Trait(p)
		class := 0
		for c, x := range v {
			if x > v[class] {
				class = c
			}
			t.Has, t.Known = append(t.Has, x > 0), append(t.Known, (i+c)%5 > 0)
			value := float64(50 + 10*x)
			if (i+c)%4 == 0 && i > 0 {
				value = math.NaN()
			}
			t.Trait = append(t.Trait, value)
		}
		t.Class, t.Person = append(t.Class, class), append(t.Person, co.Persons[p].ID)
		images, split = append(images, of), append(split, []data.Split{data.Train, data.Train, data.Train, data.Validation, data.Test}[p%5])
	}
	for p, person := range co.Persons {
		if !byImage {
			add(p, person.Images)
			continue
		}
		for _, i := range person.Images {
			add(p, []int{i})
		}
	}
	return t, images, split
}

func studyOf(co *data.Cohort, kind downstream.Kind, byImage bool) *Study {
	t, images, split := taskOf(co, kind, byImage)
	return New(co, t, images, split)
}

// tiny is a training of a few seconds.
func tiny(t testing.TB) train.Config {
	c, err := train.Recipe("default")
	if err != nil {
		t.Fatal(err)
	}
	c.Device, c.Threads = "cpu", 2
	c.Model.Encoder = "resnet18"
	c.Batch, c.ImageSize, c.Epochs, c.Keep, c.Optimizer.LR = 8, 32, 2, 1, 1e-4
	return c
}

func sourcesOf(s *Study, c train.Config) train.NewSource {
	return func(f train.Feed) (data.Source, error) {
		o := batches.Options{Split: f.Split, Raw: f.Raw, Batch: c.Batch, Size: c.ImageSize, Seed: c.Seed, Fit: c.Fit, Shuffle: f.Train && c.Shuffle, Workers: 2}
		if f.Train && c.Augment {
			o.Augment = c.Augmentation
		}
		return batches.New(s.Cohort, o)
	}
}

func options(s *Study, c train.Config, dir string) train.Options {
	return s.Options(train.Options{Config: c, Dir: dir, Version: "test", NewSource: sourcesOf(s, c)}, "")
}

func mustRun(t *testing.T, o train.Options) train.Summary {
	t.Helper()
	s, err := train.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func predicted(t *testing.T, s *Study, c train.Config, path, device string, split data.Split) *Found {
	t.Helper()
	l, err := checkpoint.Load(path, gputest.Open(t, device, gpu.Options{Threads: 2}))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	src, err := s.Sources(sourcesOf(s, c))(train.Feed{Split: split, Raw: l.Device.Async(), Views: 1, NoTables: true})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	found, err := Predict(t.Context(), l, s, src)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestLearns: of every task, by person or by image, the network learns what the colour of images tells, and predicts it of persons
// it has not seen.
func TestLearns(t *testing.T) {
	co := traintest.Cohort(t, 150)
	for i, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			turn.Share(t)
			s, c, dir := studyOf(co, kind, i%2 == 1), tiny(t), filepath.Join(t.TempDir(), "run")
			c.Epochs, c.Augment, c.Optimizer.LR, c.Keep = 3, false, 1e-3, 0
			sum := mustRun(t, options(s, c, dir))
			if sum.Test != nil || sum.BestStep == 0 {
				t.Errorf("the training read the test split, or chose nothing: %+v", sum)
			}
			found := predicted(t, s, c, train.CheckpointPath(dir, "best"), "cpu", data.Test)
			for _, m := range found.Metrics(s) {
				if v := m.Of(nil); m.Name == Standard(s.Task) && !(v > 0.5) {
					t.Errorf("%s is %.3f", m.Name, v)
				}
			}
			for _, r := range found.Rows {
				if s.Split[r] != data.Test {
					t.Errorf("row %d of the split %v is predicted", r, s.Split[r])
				}
			}
		})
	}
}

// TestResumesToTheSameBytes: a training that is interrupted after any step and resumed leaves the checkpoint of one that was not,
// with frozen epochs too.
func TestResumesToTheSameBytes(t *testing.T) {
	co := traintest.Cohort(t, 30)
	s := studyOf(co, downstream.Labels, false)
	c := tiny(t)
	c.Epochs, c.Keep, c.Freezing = 2, 0, train.Freezing{Epochs: 1, LR: 5e-5}
	whole := filepath.Join(t.TempDir(), "whole")
	total := mustRun(t, options(s, c, whole)).Steps
	want := read(t, train.CheckpointPath(whole, "last"))
	best := read(t, train.CheckpointPath(whole, "best"))
	if total != 8 {
		t.Fatalf("%d steps, want 8", total)
	}
	for _, step := range []int{1, 4, 5, 7} { // the thaw is after the fourth
		dir := filepath.Join(t.TempDir(), fmt.Sprint(step))
		ctx, cancel := context.WithCancel(t.Context())
		o := options(s, c, dir)
		o.Progress = func(e train.Event) {
			if e.Kind == train.Stepped && e.Step == step {
				cancel()
			}
		}
		if _, err := train.Run(ctx, o); !errors.Is(err, train.ErrInterrupted) {
			t.Fatalf("step %d: %v", step, err)
		}
		o.Progress, o.Resume = nil, true
		mustRun(t, o)
		if string(read(t, train.CheckpointPath(dir, "last"))) != string(want) || string(read(t, train.CheckpointPath(dir, "best"))) != string(best) {
			t.Errorf("interrupted after step %d of %d: another checkpoint", step, total)
		}
	}
}

// TestFrozenStays: what is frozen is the checkpoint's to the byte, running averages included; with frozen epochs it is until they end.
func TestFrozenStays(t *testing.T) {
	co := traintest.Cohort(t, 30)
	s, c := studyOf(co, downstream.Traits, true), tiny(t)
	c.Epochs, c.EMA = 2, 0.5
	from := filepath.Join(t.TempDir(), "from")
	mustRun(t, options(s, c, from))
	init := train.CheckpointPath(from, "last")
	began := encoderOf(t, init)
	for _, freezing := range []train.Freezing{{Always: true}, {Epochs: 1}} {
		dir := filepath.Join(t.TempDir(), "run")
		c.Freezing, c.Keep = freezing, 3
		o := options(s, c, dir)
		o.InitFrom = init
		mustRun(t, o)
		for name, same := range map[string]bool{"epoch-1": true, "epoch-2": freezing.Always} {
			if got := encoderOf(t, train.CheckpointPath(dir, name)) == began; got != same {
				t.Errorf("%+v: after %s the encoder is the one it began with: %v", freezing, name, got)
			}
		}
	}
}

// encoderOf returns a digest of the bytes of the image encoder that a checkpoint computes with, which can be exported.
func encoderOf(t *testing.T, path string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "encoder.safetensors")
	if _, err := checkpoint.ExportTorchvision(path, out, nil); err != nil {
		t.Fatal(err)
	}
	l, err := checkpoint.Load(path, gputest.Open(t, "cpu", gpu.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := sha256.New()
	add := func(x gpu.Tensor) {
		v := make([]float32, x.Len())
		gpu.Read(v, x)
		b := make([]byte, 0, 4*len(v))
		for _, y := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(y))
		}
		h.Write(b)
	}
	n := 0
	for _, p := range l.Objective.Weights().Params() {
		if strings.HasPrefix(p.Name, "trunk.") {
			add(p.Value)
			n++
		}
	}
	for _, b := range l.Objective.Weights().Buffers() {
		add(b.Value)
	}
	if n == 0 {
		t.Fatal("no parameter is of the image encoder")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestUnknownChangesNothing: what is not known of a row changes nothing, and rows of the held-out splits change no parameter.
func TestUnknownChangesNothing(t *testing.T) {
	co := traintest.Cohort(t, 30)
	var files [2]string
	for i := range files {
		task, images, split := taskOf(co, downstream.Labels, true)
		for a := range task.Has {
			if i == 1 && (!task.Known[a] || split[a/3] != data.Train) {
				task.Has[a] = !task.Has[a]
			}
		}
		s, c, dir := New(co, task, images, split), tiny(t), filepath.Join(t.TempDir(), "run")
		c.Epochs = 1
		mustRun(t, options(s, c, dir))
		files[i] = encoderOf(t, train.CheckpointPath(dir, "last"))
	}
	if files[0] != files[1] {
		t.Error("what is not known, or held out, has changed the parameters")
	}
}

// TestHashTellsLabels: a resumed training whose labels have changed is E702, whichever label it is.
func TestHashTellsLabels(t *testing.T) {
	co := traintest.Cohort(t, 10)
	for _, kind := range kinds() {
		before := studyOf(co, kind, false).Cohort.Hash
		for row := range co.Persons {
			task, images, split := taskOf(co, kind, false)
			task.Class[row] = (task.Class[row] + 1) % 3
			task.Known[3*row+2] = !task.Known[3*row+2]
			task.Trait[3*row+1] = 77
			if New(co, task, images, split).Cohort.Hash == before {
				t.Errorf("%s: row %d of %d is not in the digest", kind, row, len(co.Persons))
			}
			task, images, split = taskOf(co, kind, false)
			split[row] = (split[row] + 1) % 3
			if New(co, task, images, split).Cohort.Hash == before {
				t.Errorf("%s: the split of row %d is not in the digest", kind, row)
			}
		}
	}
}

// TestAbsentClass: a class of no training row is never predicted, and of a label that nothing is known of in training nothing is.
func TestAbsentClass(t *testing.T) {
	co := traintest.Cohort(t, 30)
	for _, kind := range []downstream.Kind{downstream.Classes, downstream.Labels} {
		task, images, split := taskOf(co, kind, false)
		for r := range split {
			if split[r] == data.Train {
				task.Class[r] %= 2
				task.Known[3*r+2] = false
			}
		}
		s, c, dir := New(co, task, images, split), tiny(t), filepath.Join(t.TempDir(), "run")
		c.Epochs = 1
		mustRun(t, options(s, c, dir))
		found := predicted(t, s, c, train.CheckpointPath(dir, "last"), "cpu", data.Test)
		for a := range found.Rows {
			score := found.Pred.Score[3*a : 3*a+3]
			if kind == downstream.Labels && !math.IsNaN(score[2]) || kind == downstream.Classes && (score[2] != 0 || math.Abs(score[0]+score[1]-1) > 1e-12) {
				t.Errorf("%s: predicted %v", kind, score)
			}
		}
	}
}

// TestCUDAFollowsTheCPU: on the emulated GPU, which varies images itself and whose steps are recorded and replayed, with a thaw
// between, losses are those of the CPU within what two orders of summation differ by, and so is what is predicted.
func TestCUDAFollowsTheCPU(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := traintest.Cohort(t, 40)
	for _, kind := range kinds() {
		s, c := studyOf(co, kind, false), tiny(t)
		c.Precision, c.Epochs, c.Optimizer.LR, c.EMA, c.Freezing = "f32", 2, 1e-5, 0.9, train.Freezing{Epochs: 1}
		var losses [2][]float64
		var score [2][]float64
		for i, device := range []string{"cpu", "cuda"} {
			c.Device = device
			dir := filepath.Join(t.TempDir(), "run")
			mustRun(t, options(s, c, dir))
			losses[i] = stepLosses(t, dir)
			score[i] = predicted(t, s, c, train.CheckpointPath(dir, "last"), device, data.Test).Pred.Score
		}
		for i, want := range losses[0] {
			if len(losses[0]) != len(losses[1]) || len(losses[0]) < 4 || !(math.Abs(losses[1][i]-want) <= 1e-2*want) || i == 0 && !(math.Abs(losses[1][i]-want) <= 1e-4*want) {
				t.Errorf("%s, step %d: loss %g on the GPU, %g on the CPU", kind, i+1, losses[1][i], want)
			}
		}
		if e := gputest.RelError(score[1], score[0]); !(e < 5e-2) {
			t.Errorf("%s: predictions are off by %.3g", kind, e)
		}
	}
}

// TestCUDAInHalfPrecision: in 16 bits each kind of loss begins as on the CPU, and goes on with finite ones: frozen, and thawed.
func TestCUDAInHalfPrecision(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := traintest.Cohort(t, 30)
	for kind, precision := range map[downstream.Kind]string{downstream.Classes: "f16", downstream.Labels: "bf16", downstream.Traits: "f16"} {
		s, c, dir, exact := studyOf(co, kind, true), tiny(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "exact")
		c.Epochs, c.Keep, c.Augment, c.Freezing = 2, 0, false, train.Freezing{Epochs: 1}
		mustRun(t, options(s, c, exact))
		c.Device, c.Precision = "cuda", precision
		mustRun(t, options(s, c, dir))
		got, want := stepLosses(t, dir), stepLosses(t, exact)
		if len(got) != 8 || len(want) != 8 || !(math.Abs(got[0]-want[0]) <= 0.03*want[0]) {
			t.Errorf("%s in %s: losses %.3g, on the CPU %.3g", kind, precision, got, want)
		}
		for _, l := range got {
			if !(l > 0 && l < 3*want[0]) {
				t.Errorf("%s in %s: losses %.3g", kind, precision, got)
			}
		}
	}
}

func stepLosses(t *testing.T, dir string) (losses []float64) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct {
			Kind string
			Loss float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Kind == "step" {
			losses = append(losses, line.Loss)
		}
	}
	return losses
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
