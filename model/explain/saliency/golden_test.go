package saliency

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// A saliencyCase is what the reference says of one image, beside its tensors.
type saliencyCase struct {
	Target, Modality, Genetics, Net, Weights string
	Features                                 map[string]int
	Hidden, Dim, Reference                   int
	Tau, Lambda                              float64
	FillPrefix                               string `json:"fill_prefix"`
	Size                                     [2]int
	Value                                    float64
	Draws                                    int     `json:"smoothgrad_draws"`
	Sigma                                    float64 `json:"smoothgrad_sigma"`
	Steps                                    int     `json:"ig_steps"`
	IG                                       map[string]struct {
		Baseline float64 `json:"f_baseline"`
		Error    float64 `json:"completeness_error"`
	}
	Sign           float64 `json:"gradcam_sign"`
	Occlusion      [][2]int
	OcclusionValue float64 `json:"occlusion_value"`
	GradError      float64 `json:"worst_gradient_float32_error_of_pytorch"`
}

// TestGoldenSaliency holds every method on every image of the reference, in float64 and float32, on the CPU and in float32 on
// every GPU of gputest.Targets.
func TestGoldenSaliency(t *testing.T) {
	for _, stored := range golden.Cases(t, "saliency") {
		var c saliencyCase
		stored.Decode(t, &c)
		t.Run(stored.Label()+"/f64", func(t *testing.T) {
			turn.Share(t)
			c.run(t, gputest.Open(t, "cpu", gpu.Options{}), stored, gpu.F64)
		})
		t.Run(stored.Label()+"/f32", func(t *testing.T) {
			turn.Share(t)
			c.run(t, gputest.Open(t, "cpu", gpu.Options{}), stored, gpu.F32)
		})
		for _, g := range gputest.Targets() {
			if !g.Has(gpu.F64) {
				t.Run(stored.Label()+"/f32/"+g.Name, func(t *testing.T) { c.run(t, g.OpenLong(t), stored, gpu.F32) })
			}
		}
	}
}

// run compares what every method finds. In float32 a ReLU whose input rounds to the other side of zero changes a whole path:
// what is beyond its bound is let pass where float64 itself moves as far when weights and image are changed by as much as
// float32 rounds.
func (c saliencyCase) run(t *testing.T, dev *gpu.Device, stored golden.Case, d gpu.DType) {
	want := c.wanted(t, stored)
	got := c.measure(t, dev, stored, d, same)
	if len(got) != len(want) {
		t.Errorf("%d results, want %d", len(got), len(want))
	}
	var moved map[string]float64
	for name, w := range want {
		e, bound := distance(got[name], w.x), w.bound(d)
		if e <= bound {
			continue
		}
		if d == gpu.F32 && moved == nil {
			moved = c.moved(t, stored)
		}
		if !(e <= 4*moved[name]) {
			t.Errorf("%s is off by %.3g, bound %.3g; rounding weights and image moves it by %.3g", name, e, bound, moved[name])
		}
	}
}

// moved returns how far results move in float64, at most, when weights and image are changed by rounding.
func (c saliencyCase) moved(t *testing.T, stored golden.Case) map[string]float64 {
	dev, most := gputest.Open(t, "cpu", gpu.Options{}), map[string]float64{}
	exact := c.measure(t, dev, stored, gpu.F64, same)
	r := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		for name, x := range c.measure(t, dev, stored, gpu.F64, func(x float64) float64 { return x * (1 + 1e-6*r.NormFloat64()) }) {
			most[name] = max(most[name], distance(x, exact[name]))
		}
	}
	return most
}

// A wanted result is within a relative error of a size, which is its own but where it is a difference.
type wanted struct {
	x        []float64
	size     float64
	relative map[gpu.DType]float64
}

func (w wanted) bound(d gpu.DType) float64 { return w.relative[d] * w.size }

// wanted returns what the reference has of a case, by name.
func (c saliencyCase) wanted(t *testing.T, stored golden.Case) map[string]wanted {
	values, gradients := map[gpu.DType]float64{gpu.F64: 1e-8, gpu.F32: 1e-5}, map[gpu.DType]float64{gpu.F64: 1e-8, gpu.F32: math.Max(1e-4, 4*c.GradError)}
	value := func(x float64) wanted { return wanted{[]float64{x}, math.Abs(x), values} }
	image := func(key string) wanted {
		x := golden.ChannelsLast(stored.Tensor(t, key).Data, []int{1, colours, c.Size[0], c.Size[1]})
		return wanted{x, norm(x), gradients}
	}
	all := map[string]wanted{"value": value(c.Value), "gradient": image("gradient"), "smoothgrad": image("smoothgrad")}
	for name, ig := range c.IG {
		all["ig_"+name], all["value of "+name] = image("ig_"+name), value(ig.Baseline)
		all["gap of "+name] = wanted{[]float64{ig.Error}, math.Abs(c.Value), gradients}
	}
	stages := 0
	for _, s := range stageNames(t, c.Net) {
		raw, ok := stored.Lookup("gradcam_" + s + "_before_relu")
		if !ok {
			continue
		}
		stages++
		for _, name := range []string{"gradcam_" + s + "_before_relu", "gradcam_" + s, "gradcam_" + s + "_image"} {
			x := stored.Tensor(t, name).Data // a map without anything positive has no size of its own
			all[name] = wanted{x, norm(raw.Data) * math.Sqrt(float64(len(x))/float64(len(raw.Data))), gradients}
		}
	}
	if stages == 0 {
		t.Error("no stage of the network is in the case")
	}
	for _, o := range c.Occlusion {
		for _, name := range []string{fmt.Sprintf("occlusion_%d_%d", o[0], o[1]), fmt.Sprintf("occlusion_%d_%d_pixels", o[0], o[1])} {
			x := stored.Tensor(t, name).Data // differences of values
			all[name] = wanted{x, math.Abs(c.Value) * math.Sqrt(float64(len(x))), values}
		}
	}
	return all
}

func stageNames(t *testing.T, net string) (names []string) {
	tr, err := trunk.New(net, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tr.Stages {
		names = append(names, s.Name)
	}
	return names
}

// measure runs every method on the case's image. Weights and image are changed by change.
func (c saliencyCase) measure(t *testing.T, dev *gpu.Device, stored golden.Case, d gpu.DType, change func(float64) float64) map[string][]float64 {
	tr, score := c.score(t, dev, stored, d, change)
	m, err := New(Options{Device: dev, DType: d, Encoder: c.Net, Trunk: tr, Height: c.Size[0], Width: c.Size[1], Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	image := golden.ChannelsLast(stored.Tensor(t, "image").Data, []int{1, colours, c.Size[0], c.Size[1]})
	changed(image, change)
	all := map[string][]float64{}
	c.measurePixels(t, m, image, score, all)
	c.measureMaps(t, m, stored, image, score, all)
	return all
}

func (c saliencyCase) measurePixels(t *testing.T, m *Images, image []float64, score Score, all map[string][]float64) {
	x, err := m.Gradient(context.Background(), image, score)
	check(t, err)
	all["gradient"], all["value"] = x.A, []float64{x.Value}
	noise := func(draw int, x []float64) {
		nchw := []int{1, colours, c.Size[0], c.Size[1]}
		for i, v := range golden.ChannelsLast(golden.Fill(fmt.Sprint(c.FillPrefix, "noise/", draw), len(x), -1, 1), nchw) {
			x[i] += c.Sigma * v
		}
	}
	x, err = m.Smooth(context.Background(), image, score, c.Draws, noise)
	check(t, err)
	all["smoothgrad"] = x.A
	for name := range c.IG {
		baseline := slices.Repeat([]float64{baselineColour(t, name)}, len(image))
		x, err = m.IntegratedGradients(context.Background(), image, baseline, score, Steps{First: c.Steps})
		check(t, err)
		all["ig_"+name], all["value of "+name], all["gap of "+name] = x.A, []float64{x.Baseline}, []float64{x.Gap()}
	}
}

func (c saliencyCase) measureMaps(t *testing.T, m *Images, stored golden.Case, image []float64, score Score, all map[string][]float64) {
	for i, s := range m.o.Trunk.Stages {
		name := "gradcam_" + s.Name
		if _, ok := stored.Lookup(name); !ok {
			continue
		}
		cam, err := m.GradCAM(image, score, i, c.Sign)
		check(t, err)
		all[name+"_before_relu"], all[name] = cam.V, cam.Positive().V
		all[name+"_image"] = cam.Positive().Resize(c.Size[0], c.Size[1]).V
	}
	for _, o := range c.Occlusion {
		w, name := Window{o[0], o[1]}, fmt.Sprintf("occlusion_%d_%d", o[0], o[1])
		drop, err := m.Occlusion(context.Background(), image, score, w, Value(c.OcclusionValue))
		check(t, err)
		all[name], all[name+"_pixels"] = drop.V, w.Pixels(drop.Map, c.Size[0], c.Size[1]).V
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func norm(x []float64) float64 { return distance(x, make([]float64, len(x))) }

// distance returns |a - b|, infinity where their lengths differ.
func distance(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	sum := 0.0
	for i, v := range b {
		sum += (a[i] - v) * (a[i] - v)
	}
	return math.Sqrt(sum)
}

// baselineColour returns the colour of a baseline image that a case names: zero, or minus and a number.
func baselineColour(t *testing.T, name string) float64 {
	v := 0.0
	if _, err := fmt.Sscanf(name, "minus%f", &v); err != nil && name != "zero" {
		t.Fatalf("a baseline %q", name)
	}
	return -v
}

// score places the network of a case on dev, and returns its encoder and what is explained of it.
func (c saliencyCase) score(t *testing.T, dev *gpu.Device, stored golden.Case, d gpu.DType, change func(float64) float64) (*trunk.Trunk, Score) {
	if c.Target == "logit" {
		return c.logit(t, dev, d, change)
	}
	of, err := explain.ParseOf(c.Target)
	check(t, err)
	m := c.model(t, dev, d, change)
	o := MatchOptions{Device: dev, DType: d, Model: m, Of: of, Rows: rows, References: make([]*explain.Reference, len(c.Features))}
	genetics, weights := make([][]float64, len(c.Features)), make([]float64, len(c.Features))
	for i, modality := range m.Config().Modalities {
		if of == explain.Similarity && modality.Name != c.Modality {
			continue
		}
		a := dev.NewArena(1 << 22)
		image, tower := m.Towers(i)
		z := embed(a, d, image, stored.Tensor(t, "h_ref").Data, m.Trunk().Width)
		w := embed(a, d, tower, stored.Tensor(t, modality.Name+"/ref").Data, modality.Features)
		o.References[i], err = explain.NewReference(dev, d, z, w, c.Dim, c.Tau)
		check(t, err)
		genetics[i] = embed(a, d, tower, stored.Tensor(t, modality.Name+"/x").Data, modality.Features)
		weights[i] = 1
		if of != explain.Similarity && c.Weights == "mean" {
			weights[i] /= float64(len(c.Features))
		}
	}
	s, err := NewMatch(o)
	check(t, err)
	s.Person(genetics, weights)
	return m.Trunk(), s
}

// rows are those of a batch.
const rows = 3

// model returns the network of a case with the reference's weights.
func (c saliencyCase) model(t *testing.T, dev *gpu.Device, d gpu.DType, change func(float64) float64) *model.Model {
	cfg := model.Config{Encoder: c.Net, Genetics: c.Genetics, Hidden: c.Hidden, Embedding: c.Dim, Tau: c.Tau, Lambda: c.Lambda, Weights: c.Weights, Pairs: "avoid"}
	for name, f := range c.Features {
		cfg.Modalities = append(cfg.Modalities, model.Modality{Name: name, Features: f})
	}
	m, err := model.New(cfg)
	check(t, err)
	check(t, m.Weights().Place(dev, d))
	fill(m.Weights(), c.FillPrefix, change)
	return m
}

// embed returns what a tower makes of rows of a width.
func embed(a *gpu.Arena, d gpu.DType, tower nn.Sequential, x []float64, width int) []float64 {
	return read(tower.Forward(nn.Evaluation(a, d), gputest.Put(a, d, x, len(x)/width, width)))
}

func (c saliencyCase) logit(t *testing.T, dev *gpu.Device, d gpu.DType, change func(float64) float64) (*trunk.Trunk, Score) {
	tr, err := trunk.New(c.Net, "trunk.")
	if err != nil {
		t.Fatal(err)
	}
	w := nn.NewWeights(tr)
	if err := w.Place(dev, d); err != nil {
		t.Fatal(err)
	}
	fill(w, c.FillPrefix, change)
	k := 1 / math.Sqrt(float64(tr.Width))
	return tr, logit{golden.Fill(c.FillPrefix+"probe/weight", tr.Width, -k, k), golden.Fill(c.FillPrefix+"probe/bias", 1, -1, 1)[0]}
}

// fill gives weights the values of the reference, changed by change.
func fill(w *nn.Weights, prefix string, change func(float64) float64) {
	for _, p := range w.Params() {
		v := golden.Weight(prefix+p.Name, p.Dims)
		if d := p.Dims; len(d) == 4 {
			kcrs := []int{d[0], d[3], d[1], d[2]}
			v = golden.ChannelsLast(golden.Weight(prefix+p.Name, kcrs), kcrs)
		}
		gpu.Write(p.Value, changed(v, change))
	}
	for _, b := range w.Buffers() {
		gpu.Write(b.Value, changed(golden.Weight(prefix+b.Name, b.Dims), change))
	}
}

func changed(x []float64, change func(float64) float64) []float64 {
	for i := range x {
		x[i] = change(x[i])
	}
	return x
}

func same(x float64) float64 { return x }

// A logit is a linear score.
type logit struct {
	weight []float64
	bias   float64
}

func (l logit) Of(d, features gpu.Tensor) []float64 {
	if d.Ok() {
		gpu.Write(d, slices.Repeat(l.weight, features.Dim(0)))
	}
	var values []float64
	f := read(features)
	for i := range features.Dim(0) {
		v := l.bias
		for j, w := range l.weight {
			v += w * f[i*len(l.weight)+j]
		}
		values = append(values, v)
	}
	return values
}
