package explain

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model"
	"contig-gpu/model/nn"
)

// Bounds of the reference's README.
const (
	bound64, value32, gradient32 = 1e-8, 1e-5, 1e-4
	torchFactor                  = 4 // times PyTorch's own float32 error, where a case states it
)

type explainCase struct {
	Genetics   string
	Hidden     int
	Dim        int
	Width      int `json:"image_features"`
	Reference  int
	Persons    int
	Tau        float64
	Lambda     float64
	Steps      int
	FillPrefix string `json:"fill_prefix"`
	Modalities map[string]struct {
		Features   int
		Completion float64            `json:"worst_deeplift_completeness"`
		Torch      map[string]float64 `json:"float32_error_of_pytorch"`
	}
}

// table is a source in memory.
type table struct {
	rows, images  []float64
	features, dim int
}

func (s table) Row(person int, x []float32) {
	for j := range x {
		x[j] = float32(s.rows[person*s.features+j])
	}
}

func (s table) Image(person int, e []float64) { copy(e, s.images[person*s.dim:(person+1)*s.dim]) }

func float32s(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// TestGoldenExplain compares f, gradients, Integrated Gradients and DeepLift with PyTorch and Captum.
func TestGoldenExplain(t *testing.T) {
	for _, stored := range golden.Cases(t, "explain") {
		var c explainCase
		stored.Decode(t, &c)
		for _, g := range gputest.GoldenTargets() {
			t.Run(stored.Label()+"/"+g.Name, func(t *testing.T) {
				var names []string
				for name := range c.Modalities {
					names = append(names, name)
				}
				sort.Strings(names)
				dev := g.Open(t)
				for _, name := range names {
					newGoldenRun(t, dev, g.Type, c, stored, name).compare(t)
				}
			})
		}
	}
}

// goldenRun is one modality of a case.
type goldenRun struct {
	dev    *gpu.Device
	dtype  gpu.DType
	c      explainCase
	stored golden.Case
	name   string
	tower  nn.Sequential
	ref    *Reference
	rows   []float32 // of the reference's present persons
	people table
}

// newGoldenRun builds the towers of one modality, filled, and the embeddings of all persons.
func newGoldenRun(t *testing.T, dev *gpu.Device, dtype gpu.DType, c explainCase, stored golden.Case, name string) *goldenRun {
	t.Helper()
	features := c.Modalities[name].Features
	m, err := model.New(model.Config{Encoder: "resnet18", Genetics: c.Genetics, Hidden: c.Hidden, Embedding: c.Dim,
		Modalities: []model.Modality{{Name: name, Features: features}}, Tau: c.Tau, Lambda: c.Lambda, Weights: "mean", Pairs: "avoid"})
	if err != nil {
		t.Fatal(err)
	}
	_, tower := m.Towers(0)
	head := nn.Sequential{nn.NewLinear("image_head."+name+".0", c.Width, c.Hidden).WithReLU(), nn.NewLinear("image_head."+name+".2", c.Hidden, c.Dim)}
	w := nn.NewWeights(head, tower)
	if err := w.Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Params() {
		gpu.Write(p.Value, golden.Weight(c.FillPrefix+p.Name, p.Dims))
	}
	for _, b := range w.Buffers() {
		gpu.Write(b.Value, golden.Weight(c.FillPrefix+b.Name, b.Dims))
	}
	r := &goldenRun{dev: dev, dtype: dtype, c: c, stored: stored, name: name, tower: tower}
	read := func(key string) []float64 { return stored.Tensor(t, key).Data }
	var images, rows []float64
	for i, present := range read(name + "/present_ref") {
		if present != 0 {
			images = append(images, read("h_ref")[i*c.Width:(i+1)*c.Width]...)
			rows = append(rows, read(name + "/ref")[i*features:(i+1)*features]...)
		}
	}
	r.rows = float32s(rows)
	r.ref, err = NewReference(dev, dtype, r.embed(head, images, c.Width), r.embed(tower, rows, features), c.Dim, c.Tau)
	if err != nil {
		t.Fatal(err)
	}
	r.people = table{read(name + "/x"), r.embed(head, read("h"), c.Width), features, c.Dim}
	return r
}

// embed runs rows of width values through a network.
func (r *goldenRun) embed(net nn.Sequential, rows []float64, width int) []float64 {
	a := r.dev.NewArena(1 << 22)
	defer a.Close()
	return gputest.Values(net.Forward(nn.Evaluation(a, r.dtype), gputest.Put(a, r.dtype, rows, len(rows)/width, width)))
}

func (r *goldenRun) run(t *testing.T, s Settings) map[Method][]Result {
	t.Helper()
	f := NewFunction(r.ref, Loss, GeneticsSide, r.c.Lambda)
	g, err := NewGenetics(r.tower, f, r.rows, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	return collect(t, g, r.c.Persons, r.people)
}

// collect explains persons 0 to n - 1.
func collect(t *testing.T, g *Genetics, n int, src Source) map[Method][]Result {
	t.Helper()
	var persons []int
	for i := range n {
		persons = append(persons, i)
	}
	all := map[Method][]Result{}
	err := g.Run(t.Context(), persons, src, func(r Result) error {
		r.A = append([]float64(nil), r.A...)
		all[r.Method] = append(all[r.Method], r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *goldenRun) compare(t *testing.T) {
	t.Helper()
	s := Defaults()
	s.Methods, s.Steps, s.Bytes = []Method{Gradient, IG, DeepLift}, r.c.Steps, 1 // the fewest rows: the emulator is slow
	zero := r.run(t, s)
	s.Methods, s.Baseline = []Method{IG}, Mean
	mean := r.run(t, s)
	r.values(t, "f", zero[IG], func(x Result) float64 { return x.F })
	r.values(t, "f_zero", zero[IG], func(x Result) float64 { return x.Base })
	r.values(t, "f_mean", mean[IG], func(x Result) float64 { return x.Base })
	r.attributions(t, "gradient", zero[Gradient])
	r.attributions(t, "ig_zero", zero[IG])
	r.attributions(t, "ig_mean", mean[IG])
	r.attributions(t, "deeplift_zero", zero[DeepLift])
	for _, x := range zero[DeepLift] {
		if gap, bound := x.Gap(), pick(r.dtype, 1e-10, 1e-4); !(gap <= bound) {
			t.Errorf("%s: DeepLift of person %d is incomplete by %.3g, bound %g", r.name, x.Person, gap, bound)
		}
	}
}

func pick(d gpu.DType, f64, f32 float64) float64 {
	if d == gpu.F64 {
		return f64
	}
	return f32
}

func (r *goldenRun) values(t *testing.T, key string, got []Result, of func(Result) float64) {
	t.Helper()
	for i, w := range r.stored.Tensor(t, r.name+"/"+key).Data {
		if v, bound := of(got[i]), pick(r.dtype, bound64, value32); !(math.Abs(v-w) <= bound*math.Abs(w)) {
			t.Errorf("%s of person %d is %.15g, want %.15g", r.name+"/"+key, i, v, w)
		}
	}
}

func (r *goldenRun) attributions(t *testing.T, key string, got []Result) {
	t.Helper()
	want := r.stored.Tensor(t, r.name+"/"+key)
	if len(got) != want.Dims[0] {
		t.Fatalf("%s: %d persons, want %d", key, len(got), want.Dims[0])
	}
	bound := pick(r.dtype, bound64, math.Max(gradient32, torchFactor*r.c.Modalities[r.name].Torch[key]))
	for i, x := range got {
		gputest.Close(t, fmt.Sprintf("%s/%s of person %d", r.name, key, i), x.A, want.Data[i*len(x.A):(i+1)*len(x.A)], bound)
	}
}
