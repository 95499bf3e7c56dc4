package build

import (
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/tune"
	"contig-gpu/model/unet"
)

// kinds are one of every objective, in every way in which it goes through its batch.
func kinds() map[string]Config {
	m := model.Defaults()
	m.Encoder, m.Hidden, m.Embedding = "resnet18", 12, 6
	m.Modalities = []model.Modality{{Name: "first", Features: 7}, {Name: "second", Features: 5}}
	return map[string]Config{
		"contig":              {Objective: ContIG, Model: m},
		"contig in chunks":    {Objective: ContIG, Model: m, Chunk: 3},
		"contig in one chunk": {Objective: ContIG, Model: m, Chunk: 8},
		"simclr":              {Objective: SimCLR, Model: m},
		"classes":             {Objective: Finetune, Model: m, Head: &tune.Config{Task: tune.Classes, Names: []string{"a", "b"}}},
		"masks":               {Objective: Segment, Model: m, Head: &tune.Config{Task: unet.Task, Names: []string{"lesion"}}},
	}
}

// randomBatch is one of 8 images, of which every row is present and known.
func randomBatch(o objective.Objective, a *gpu.Arena) objective.Batch {
	r := rand.New(rand.NewPCG(3, 4))
	b := objective.NewBatch(o, a, gpu.F64, 8, o.Views(), 32, 32)
	random := func(x gpu.Tensor) {
		v := make([]float64, x.Len())
		for i := range v {
			v[i] = r.NormFloat64()
		}
		gpu.Write(x, v)
	}
	random(b.Image)
	for i, x := range b.Tables {
		random(x)
		gpu.Fill(b.Present[i], 1)
	}
	gpu.Write(b.Group, []int32{0, 1, 2, 3, 4, 5, 6, 7})
	gpu.Fill(b.Scale, 1)
	if b.Target.Ok() {
		gpu.Fill(b.Target, 1)
		gpu.Fill(b.Known, 1)
	}
	return b
}

// TestGradientsAreComplete: a pass tells once of every parameter that weight decay applies to, and adds nothing to its gradient after that; of
// one that a frozen encoder has, never.
func TestGradientsAreComplete(t *testing.T) {
	for name, c := range kinds() {
		t.Run(name, func(t *testing.T) {
			o, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			checkComplete(t, o, func(*nn.Param) bool { return true })
			if f, ok := o.(objective.Freezer); ok {
				f.Freeze(true)
				checkComplete(t, o, f.Learns)
			}
		})
	}
}

func checkComplete(t *testing.T, o objective.Objective, learns func(*nn.Param) bool) {
	t.Helper()
	d := gputest.Open(t, "cpu", gpu.Options{Threads: 1})
	w := o.Weights()
	if err := w.Place(d, gpu.F64); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Init(1)
	told := map[*nn.Param][]float64{}
	p := nn.Training(d.NewArena(1<<28), gpu.F64)
	p.Done = func(x *nn.Param) {
		if _, twice := told[x]; twice {
			t.Errorf("%s is complete twice", x.Name)
		}
		told[x] = gputest.Values(x.Grad)
	}
	inputs := d.NewArena(1 << 22)
	o.Step(p, randomBatch(o, inputs), inputs.New(gpu.F64, len(o.Terms().Names), objective.TermValues))
	for _, x := range w.Params() {
		v, ok := told[x]
		if want := x.Decay && learns(x); ok != want {
			t.Errorf("%s: told %v, want %v", x.Name, ok, want)
		}
		if ok && (!slices.Equal(v, gputest.Values(x.Grad)) || !slices.ContainsFunc(v, func(g float64) bool { return g != 0 })) {
			t.Errorf("%s: the gradient is 0 or has changed after it was complete", x.Name)
		}
	}
}
