package optim

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
)

type optimizerCase struct {
	Name        string
	Op          string
	Kind        string
	Steps       int
	LR          float64
	WeightDecay float64 `json:"weight_decay"`
	Betas       [2]float64
	Eps         float64
	Momentum    float64
	Nesterov    bool
}

// TestGoldenOptimizers takes the reference's steps, one of them with zero gradient.
func TestGoldenOptimizers(t *testing.T) {
	for _, stored := range golden.Cases(t, "layers") {
		var c optimizerCase
		if stored.Decode(t, &c); c.Op == "optimizer" {
			t.Run(stored.Label()+"/f64", func(t *testing.T) { runOptimizer(t, c, stored, gpu.F64, 1e-8) })
			t.Run(stored.Label()+"/f32", func(t *testing.T) { runOptimizer(t, c, stored, gpu.F32, 1e-5) })
		}
	}
}

func runOptimizer(t *testing.T, c optimizerCase, stored golden.Case, dtype gpu.DType, bound float64) {
	p0 := stored.Tensor(t, "p0").Data
	p := flat(t, dtype, len(p0))
	g := p.Device().NewArena(1<<12).Zeros(dtype, len(p0))
	gpu.Write(p, p0)
	o := New(Config{Name: kindOf(c), LR: c.LR, WeightDecay: c.WeightDecay, Beta1: c.Betas[0], Beta2: c.Betas[1], Eps: c.Eps,
		Momentum: c.Momentum, Nesterov: c.Nesterov}, p, g, len(p0))
	for step := 1; step <= c.Steps; step++ {
		gpu.Write(g, stored.Tensor(t, fmt.Sprint("g", step)).Data)
		o.Step(c.LR, gpu.Tensor{})
		want := stored.Tensor(t, fmt.Sprint("p", step)).Data
		for i, v := range read(p) {
			if !(math.Abs(v-want[i]) <= bound*math.Max(1, math.Abs(want[i]))) {
				t.Fatalf("step %d: p[%d] is %g, want %g", step, i, v, want[i])
			}
		}
	}
	if o.StepCount() != c.Steps {
		t.Errorf("%d steps counted, want %d", o.StepCount(), c.Steps)
	}
}

// kindOf returns the optimiser of a case. Cases without a kind are told apart by their constants; that Adam's decay is decoupled
// stands in their names alone.
func kindOf(c optimizerCase) string {
	switch {
	case c.Kind != "":
		return c.Kind
	case c.Betas[0] == 0:
		return "sgd"
	case strings.HasPrefix(c.Name, "adamw"):
		return "adamw"
	}
	return "adam"
}

func flat(t *testing.T, dtype gpu.DType, n int) gpu.Tensor {
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev.NewArena(1<<12).Zeros(dtype, n)
}

func read(x gpu.Tensor) []float64 {
	v := make([]float64, x.Len())
	gpu.Read(v, x)
	return v
}

func TestDecayReachesOnlyTheFirst(t *testing.T) {
	for _, all := range []bool{false, true} {
		p, cfg := flat(t, gpu.F64, 4), Defaults()
		gpu.Write(p, []float64{1, 1, 1, 1})
		cfg.WeightDecay, cfg.DecayAll = 0.5, all
		dev := p.Device()
		New(cfg, p, dev.NewArena(1<<12).Zeros(gpu.F64, 4), 2).Step(0.1, gpu.Tensor{})
		v := read(p)
		if math.Abs(v[0]-0.95) > 1e-15 || (v[3] == 1) == all {
			t.Errorf("decay of all %t: %v", all, v)
		}
	}
}

func TestStateResumes(t *testing.T) {
	for _, name := range []string{"adam", "adamw", "sgd"} {
		cfg := Defaults()
		cfg.Name = name
		run := func(restart bool) []float64 {
			p := flat(t, gpu.F32, 3)
			g := p.Device().NewArena(1<<12).Zeros(gpu.F32, 3)
			gpu.Write(g, []float32{1, -2, 3})
			o := New(cfg, p, g, 3)
			for step := range 4 {
				if restart && step == 2 {
					fresh := New(cfg, p, g, 3)
					for i, s := range o.State() {
						gpu.Copy(fresh.State()[i].Value, s.Value)
					}
					fresh.SetStepCount(o.StepCount())
					o = fresh
				}
				o.Step(0.1, gpu.Tensor{})
			}
			return read(p)
		}
		if a, b := run(false), run(true); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: resumed %v, uninterrupted %v", name, b, a)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	for i, spoil := range []func(*Config){
		func(c *Config) { c.Name = "lamb" }, func(c *Config) { c.LR = -1 }, func(c *Config) { c.Beta1 = 1 },
		func(c *Config) { c.Beta2 = math.NaN() }, func(c *Config) { c.WeightDecay = math.Inf(1) }, func(c *Config) { c.Momentum = 1.5 },
	} {
		c := Defaults()
		if spoil(&c); c.Validate() == nil {
			t.Errorf("case %d: %+v was accepted", i, c)
		}
	}
}

func TestSchedule(t *testing.T) {
	s := Schedule{Kind: "cosine", Warmup: 4, Total: 104, Base: 1, Final: 0.1}
	for step, want := range map[int]float64{0: .25, 3: 1, 4: 1, 54: .55, 104: .1, 1000: .1} {
		if got := s.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("cosine at %d: %g, want %g", step, got, want)
		}
	}
	s.Kind = "constant"
	if s.At(1) != .5 || s.At(99) != 1 {
		t.Errorf("constant: %g and %g, want 0.5 and 1", s.At(1), s.At(99))
	}
}
