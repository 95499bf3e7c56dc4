package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"
)

// small is a model that a test can train, for tables of the names given.
func small(genetics string, names ...string) Config {
	c := Config{Encoder: "resnet18", Genetics: genetics, Hidden: 16, Embedding: 8, Tau: .1, Lambda: .75, Weights: "mean", Pairs: "avoid"}
	for i, n := range names {
		c.Modalities = append(c.Modalities, Modality{Name: n, Features: 5 + 3*i})
	}
	return c
}

// fill writes random input in which person r has modality i where has(i, r), and returns how many have each.
func (r *rig) fill(seed uint64, has func(i, row int) bool) []int {
	g := rand.New(rand.NewPCG(seed, 7))
	noise := func(x gpu.Tensor) {
		v := make([]float64, x.Len())
		for i := range v {
			v[i] = g.NormFloat64()
		}
		gpu.Write(x, v)
	}
	noise(r.b.Image)
	group, counts := make([]int32, r.b.Group.Len()), make([]int, len(r.b.Tables))
	for i := range r.b.Tables {
		noise(r.b.Tables[i])
		present := make([]uint8, len(group))
		for row := range present {
			group[row] = int32(row)
			if has(i, row) {
				present[row] = 1
				counts[i]++
			}
		}
		gpu.Write(r.b.Present[i], present)
	}
	gpu.Write(r.b.Group, group)
	return counts
}

func everybody(int, int) bool { return true }

// TestParameterCounts holds the counts to the method's section 2.
func TestParameterCounts(t *testing.T) {
	for genetics, want := range map[string]int{"none": 92_786_496, "h1": 105_387_840, "h12": 117_989_184} {
		c := Defaults()
		c.Genetics, c.Modalities = genetics, []Modality{{Name: "a", Features: 7854}, {Name: "b", Features: 481}, {Name: "c", Features: 18574}}
		m, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if m.Weights().Count() != want {
			t.Errorf("%s: %d parameters, want %d", genetics, m.Weights().Count(), want)
		}
		for prefix, want := range map[string]int{"trunk.": 23_508_032, "image_head.a.": 4_458_624} {
			n := 0
			for _, p := range m.Weights().Params() {
				if strings.HasPrefix(p.Name, prefix) {
					n += p.Size()
				}
			}
			if n != want {
				t.Errorf("%s: %d parameters, want %d", prefix, n, want)
			}
		}
	}
}

// orders returns every order of every non-empty subset of names.
func orders(names []string) [][]string {
	var out [][]string
	for i, first := range names {
		out = append(out, []string{first})
		rest := append(append([]string(nil), names[:i]...), names[i+1:]...)
		for _, o := range orders(rest) {
			out = append(out, append([]string{first}, o...))
		}
	}
	return out
}

// TestEverySubsetAndOrderTrains: the loss falls and every named modality's weights move.
func TestEverySubsetAndOrderTrains(t *testing.T) {
	for i, names := range orders([]string{"pgs", "zeta", "x.y"}) {
		genetics := []string{"h1", "none", "linear", "h12"}[i%4]
		t.Run(strings.Join(names, ",")+"/"+genetics, func(t *testing.T) {
			r := newRig(t, "cpu", small(genetics, names...), gpu.F32, 6, 32)
			r.m.Weights().Init(3)
			counts := r.fill(1, func(i, row int) bool { return row != i })
			before := snapshot(r.m)
			values, grads, decayed := r.m.Weights().Flat()
			o := optim.New(optim.Config{Name: "adam", Beta1: .9, Beta2: .999, Eps: 1e-8}, values, grads, decayed)
			first, last := 0.0, 0.0
			for step := range 6 {
				r.m.Weights().ZeroGrad()
				last = weighted(r.step(counts), r.read())
				if step == 0 {
					first = last
				}
				o.Step(1e-3, gpu.Tensor{})
			}
			if !(last < first) {
				t.Errorf("the loss went from %g to %g", first, last)
			}
			for _, p := range r.m.Weights().Params() {
				if slices.Equal(before[p.Name], gputest.Values(p.Value)) {
					t.Errorf("%s did not move", p.Name)
				}
			}
			if n := r.p.Arena.InUse(); n != 0 {
				t.Errorf("%d bytes in use after the steps", n)
			}
		})
	}
}

func snapshot(m *Model) map[string][]float64 {
	s := map[string][]float64{}
	for _, p := range m.Weights().Params() {
		s[p.Name] = gputest.Values(p.Value)
	}
	for _, b := range m.Weights().Buffers() {
		s[b.Name] = gputest.Values(b.Value)
	}
	return s
}

// TestFewPresent: with nobody or one person the term is 0, its gradients are 0 and its running averages stay.
func TestFewPresent(t *testing.T) {
	for few := range 2 {
		for _, both := range []bool{false, true} {
			t.Run(fmt.Sprint(few, " present, in both ", both), func(t *testing.T) {
				r := newRig(t, "cpu", small("h1", "a", "b"), gpu.F32, 4, 32)
				r.m.Weights().Init(1)
				before := snapshot(r.m)
				counts := r.fill(2, func(i, row int) bool { return row < few || i == 1 && !both })
				r.step(counts)
				got := r.read()
				if !slices.Equal(got[:4], []float64{0, 0, 0, float64(few)}) {
					t.Errorf("the term is %v", got[:4])
				}
				for _, p := range r.m.Weights().Params() {
					checkFew(t, p, both || strings.Contains(p.Name, ".a."))
				}
				for _, b := range r.m.Weights().Buffers() {
					if strings.Contains(b.Name, ".a.") && !slices.Equal(before[b.Name], gputest.Values(b.Value)) {
						t.Errorf("%s moved", b.Name)
					}
				}
			})
		}
	}
}

func checkFew(t *testing.T, p *nn.Param, zero bool) {
	t.Helper()
	for _, g := range gputest.Values(p.Grad) {
		if math.IsNaN(g) || math.IsInf(g, 0) || zero && g != 0 {
			t.Errorf("%s has a gradient of %g", p.Name, g)
			return
		}
	}
}

// TestAbsentContent: whatever the rows of absent persons hold, no output, gradient or running average changes.
func TestAbsentContent(t *testing.T) {
	for _, genetics := range []string{"none", "linear", "h1", "h12"} {
		r := newRig(t, "cpu", small(genetics, "a", "b"), gpu.F32, 5, 32)
		run := func(content float32) ([]float64, map[string][]float64) {
			r.m.Weights().Init(4)
			counts := r.fill(5, func(i, row int) bool { return (row+i)%2 == 0 })
			for i, x := range r.b.Tables {
				rows := gpu.Host[float32](x)
				for row := range 5 {
					if (row+i)%2 != 0 {
						for j := range x.Dim(1) {
							rows[row*x.Dim(1)+j] = content
						}
					}
				}
			}
			r.m.Weights().ZeroGrad()
			r.step(counts)
			out := snapshot(r.m)
			_, grads, _ := r.m.Weights().Flat()
			out["gradients"] = gputest.Values(grads)
			return r.read(), out
		}
		wantLoss, want := run(0)
		for _, content := range []float32{1e30, float32(math.NaN()), float32(math.Inf(-1))} {
			gotLoss, got := run(content)
			if !slices.Equal(gotLoss, wantLoss) {
				t.Errorf("%s: losses are %v with %g, want %v", genetics, gotLoss, content, wantLoss)
			}
			for name := range want {
				if !slices.Equal(got[name], want[name]) {
					t.Errorf("%s: %s changed with %g", genetics, name, content)
				}
			}
		}
	}
}

// TestPlanIsExact: the planning device's peak is the CPU's.
func TestPlanIsExact(t *testing.T) {
	for _, c := range []struct {
		cfg         Config
		batch, size int
	}{{small("h12", "a", "b"), 3, 33}, {small("none", "a"), 4, 32}} {
		for _, dtype := range []gpu.DType{gpu.F32, gpu.F64} {
			plan, err := planStep(c.cfg, dtype, c.batch, c.size)
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, "cpu", c.cfg, dtype, c.batch, c.size)
			r.m.Weights().Init(1)
			r.step(r.fill(1, everybody))
			if got := r.p.Arena.Peak(); got != plan.Activations {
				t.Errorf("%v: the step took %d bytes, planned %d", dtype, got, plan.Activations)
			}
			if held := r.p.Arena.Device().Allocated(); held[0] != (gpu.Held{Name: "values", Bytes: plan.Values}) || held[1] != (gpu.Held{Name: "gradients", Bytes: plan.Grads}) {
				t.Errorf("%v: Place takes %v, planned %+v", dtype, held[:2], plan)
			}
			p := nn.Evaluation(r.p.Arena, dtype)
			r.m.Evaluate(p, r.b, r.losses)
			p.Finish()
			if got := r.p.Arena.Peak(); got != plan.Activations || r.p.Arena.InUse() != 0 {
				t.Errorf("%v: evaluation took %d bytes and left %d", dtype, got, r.p.Arena.InUse())
			}
		}
	}
}

func TestPlanRefusesAndCounts(t *testing.T) {
	if _, err := planStep(Config{}, gpu.F32, 1, 32); err == nil {
		t.Error("an empty configuration was planned")
	}
	c := Defaults()
	c.Modalities = []Modality{{Name: "a", Features: 10}}
	p, err := planStep(c, gpu.F32, 64, 448)
	if err != nil || p.Params == 0 || p.Values < 4*p.Params || p.Grads < 4*p.Params {
		t.Errorf("plan %+v, %v", p, err)
	}
}

// TestInit: values depend on seed and name alone; float32 rounds those of float64.
func TestInit(t *testing.T) {
	of := func(dtype gpu.DType, seed uint64, names ...string) map[string][]float64 {
		r := newRig(t, "cpu", small("h1", names...), dtype, 2, 32)
		r.m.Weights().Init(seed)
		return snapshot(r.m)
	}
	a, b, c := of(gpu.F64, 1, "a", "b"), of(gpu.F32, 1, "a", "c"), of(gpu.F64, 2, "a", "b")
	for name, v := range b {
		for i, x := range a[name] {
			if float64(float32(x)) != v[i] {
				t.Fatalf("%s[%d] is %g in float32 and %g in float64", name, i, v[i], x)
			}
		}
	}
	if slices.Equal(a["trunk.conv1.weight"], c["trunk.conv1.weight"]) {
		t.Error("two seeds gave one initialisation")
	}
	sum := 0.0
	for _, x := range a["trunk.layer4.0.conv2.weight"] {
		sum += x * x
	}
	if sd := math.Sqrt(sum / (512 * 512 * 9)); math.Abs(sd/math.Sqrt(2./(512*9))-1) > .01 {
		t.Errorf("standard deviation %g of a convolution, want %g", sd, math.Sqrt(2./(512*9)))
	}
}

func TestEmbeddings(t *testing.T) {
	r := newRig(t, "cpu", small("h1", "a"), gpu.F32, 3, 32)
	r.m.Weights().Init(1)
	r.fill(1, everybody)
	r.p = nn.Evaluation(r.p.Arena, gpu.F32)
	f := r.m.Features(r.p, r.b.Image)
	tower := r.m.towers[0]
	z, w, _ := tower.forward(r.p, f, r.b.Tables[0], gpu.Tensor{})
	if !slices.Equal(f.Dims(), []int{3, r.m.trunk.Width}) || !slices.Equal(z.Dims(), []int{3, 8}) || !slices.Equal(w.Dims(), []int{3, 8}) {
		t.Errorf("features %v, embeddings %v and %v", f.Dims(), z.Dims(), w.Dims())
	}
	_, masked, _ := tower.forward(r.p, f, r.b.Tables[0], r.b.Present[0])
	if !slices.Equal(gputest.Values(w), gputest.Values(masked)) {
		t.Error("a mask of all rows changed the embedding")
	}
	r.p.Finish()
}

func TestValidate(t *testing.T) {
	for i, spoil := range []func(*Config){
		func(c *Config) { c.Encoder = "vgg" }, func(c *Config) { c.Genetics = "h3" }, func(c *Config) { c.Hidden = 0 }, func(c *Config) { c.Embedding = -1 },
		func(c *Config) { c.Tau = 0 }, func(c *Config) { c.Lambda = math.NaN() }, func(c *Config) { c.Weights = "max" }, func(c *Config) { c.Pairs = "" },
		func(c *Config) { c.Modalities = nil }, func(c *Config) { c.Modalities[1].Name = "a" }, func(c *Config) { c.Modalities[0].Name = "" },
		func(c *Config) { c.Modalities[0].Features = 0 },
	} {
		c := small("h1", "a", "b")
		if _, err := New(c); err != nil {
			t.Fatal(err)
		}
		if spoil(&c); c.Validate() == nil {
			t.Errorf("case %d: %+v was accepted", i, c)
		}
	}
}

// TestFlat: parameters subject to decay come first, and the flat tensors are the parameters themselves.
func TestFlat(t *testing.T) {
	r := newRig(t, "cpu", small("h12", "a"), gpu.F32, 2, 32)
	values, grads, decayed := r.m.Weights().Flat()
	gpu.Fill(values.Slice(0, decayed), 1)
	gpu.Fill(values.Slice(decayed, values.Len()), 2)
	gpu.Fill(grads, 3)
	for _, p := range r.m.Weights().Params() {
		want := 2.0
		if p.Decay {
			want = 1
		}
		if v := gputest.Values(p.Value); v[0] != want || v[len(v)-1] != want || gputest.Values(p.Grad)[0] != 3 {
			t.Errorf("%s (decay %t) holds %g", p.Name, p.Decay, v[0])
		}
	}
	r.m.Weights().Close()
	if r.m.Weights().Place(open(t, "cpu"), gpu.U8) == nil {
		t.Error("parameters of bytes were accepted")
	}
}
