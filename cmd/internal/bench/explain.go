package bench

import (
	"context"
	"math/rand/v2"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/nn"
)

// ExplainOptions say what Explain measures.
type ExplainOptions struct {
	Model     model.Config // of which the towers of genetics are explained, with random weights
	Settings  explain.Settings
	Reference int // persons of the reference batch
	Persons   int // explained in a window
	Windows   int
}

// An ExplainResult is the attribution of one modality's features.
type ExplainResult struct {
	Features int    `json:"features"`
	Time     Spread `json:"seconds_per_person"`
	Bytes    int    `json:"memory_bytes"` // of the device, weights and gradients left out
	Rows     int    `json:"rows"`         // taken together
}

// Explain measures the attribution of each modality of a random model, of random persons against a random reference.
func Explain(ctx context.Context, d *gpu.Device, dtype gpu.DType, o ExplainOptions) ([]ExplainResult, error) {
	m, err := model.New(o.Model)
	if err != nil {
		return nil, err
	}
	var out []ExplainResult
	for i, x := range o.Model.Modalities {
		_, tower := m.Towers(i)
		r, err := explainOne(ctx, d, dtype, tower, x.Features, o)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func explainOne(ctx context.Context, d *gpu.Device, dtype gpu.DType, tower nn.Sequential, features int, o ExplainOptions) (ExplainResult, error) {
	w := nn.NewWeights(tower)
	if err := w.Place(d, dtype); err != nil {
		return ExplainResult{}, err
	}
	defer w.Close()
	w.Init(1)
	r := rand.New(rand.NewPCG(1, uint64(features)))
	src := strangers{r: r, x: normal[float32](r, o.Reference*features)}
	ref, err := explain.NewReference(d, dtype, normal[float64](r, o.Reference*o.Model.Embedding), normal[float64](r, o.Reference*o.Model.Embedding), o.Model.Embedding, o.Model.Tau)
	if err != nil {
		return ExplainResult{}, err
	}
	defer ref.Close()
	before := held(d)
	g, err := explain.NewGenetics(tower, explain.NewFunction(ref, explain.Loss, explain.GeneticsSide, o.Model.Lambda), src.x, nil, o.Settings)
	if err != nil {
		return ExplainResult{}, err
	}
	defer g.Close()
	out := ExplainResult{Features: features, Bytes: held(d) - before, Rows: g.Rows()}
	out.Time, err = src.time(ctx, g, o)
	return out, err
}

// time returns the seconds that a person takes, warm.
func (s strangers) time(ctx context.Context, g *explain.Genetics, o ExplainOptions) (Spread, error) {
	persons := make([]int, o.Persons)
	for i := range persons {
		persons[i] = i
	}
	var took []float64
	for i := range o.Windows + 1 {
		start := time.Now()
		if err := g.Run(ctx, persons, s, func(explain.Result) error { return nil }); err != nil {
			return Spread{}, err
		}
		if i > 0 {
			took = append(took, time.Since(start).Seconds()/float64(o.Persons))
		}
	}
	return SpreadOf(took), nil
}

// strangers are persons of random numbers: features are rows of x, turn by turn.
type strangers struct {
	r *rand.Rand
	x []float32
}

// Row implements explain.Source.
func (s strangers) Row(person int, x []float32) {
	copy(x, s.x[person%(len(s.x)/len(x))*len(x):])
}

// Image implements explain.Source.
func (s strangers) Image(_ int, e []float64) { copy(e, normal[float64](s.r, len(e))) }

// normal returns n standard normal numbers.
func normal[F float32 | float64](r *rand.Rand, n int) []F {
	x := make([]F, n)
	for i := range x {
		x[i] = F(r.NormFloat64())
	}
	return x
}

// held returns the bytes that the device's arenas hold.
func held(d *gpu.Device) int {
	n := 0
	for _, h := range d.Allocated() {
		n += h.Bytes
	}
	return n
}
