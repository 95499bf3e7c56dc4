package explain

import (
	"context"
	"errors"
	"fmt"
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// ErrNotFinite is wrapped by the error of a run in which an attribution or f is not finite.
var ErrNotFinite = errors.New("an attribution, or what is explained, is not finite")

// A Source has what is explained, by the numbers of persons.
type Source interface {
	Row(person int, x []float32)   // writes the features [F], as the model takes them
	Image(person int, e []float64) // writes the embedding [D] of the person's image, of any length
}

// A Result is one person's attributions by one method.
type Result struct {
	Person int
	Method Method
	A      []float64 // [F]; the next result takes its place
	X      []float32 // [F] the features; likewise
	F      float64   // f at the input, and at the baseline: the means over the paths where there are several
	Base   float64
	Sum    float64 // of A
	Steps  int     // nodes of the path that took most; 1 of gradients, 0 of DeepLift
}

// Gap returns |Sum - (F - Base)| / |F - Base|, how far a complete method is from complete; 0 where both are 0.
func (r Result) Gap() float64 {
	gap := math.Abs(r.Sum - (r.F - r.Base))
	if gap == 0 {
		return 0
	}
	return gap / math.Abs(r.F-r.Base)
}

// Genetics attributes one modality's explained function to its features. Memory does not depend on how many persons there are,
// and no person's result on which others are in the run.
type Genetics struct {
	dev   *gpu.Device
	tower Tower
	f     *Function
	set   Settings

	reference []float32 // [N, F] features
	mean      []float64 // [F] the baseline of all
	noise     []float32 // [F]
	normals   normals

	memory []*gpu.Arena
	work   *gpu.Arena
	room
	host host
}

// NewGenetics returns what attributes f, a function where genetics move, through their tower. reference has the features [N, F]
// of the reference's persons, from which baselines are drawn or averaged; sd [F] are the features' standard deviations; where one is
// NaN, and everywhere if sd is nil, that of the reference. It takes the memory at once; Close gives it back.
func NewGenetics(tower nn.Sequential, f *Function, reference []float32, sd []float32, s Settings) (*Genetics, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	g := &Genetics{dev: f.ref.device, tower: NewTower(tower), f: f, set: s, reference: reference}
	features := g.tower.Features()
	if f.side != GeneticsSide || len(reference) != f.ref.n*features || sd != nil && len(sd) != features {
		panic(fmt.Sprintf("explain: NewGenetics: %d features, %d persons, reference of %d values, %d deviations, side %d", features, f.ref.n, len(reference), len(sd), f.side))
	}
	mean, own := moments(reference, features)
	if g.mean = mean; s.Baseline != Mean {
		g.mean = make([]float64, features)
	}
	for j, v := range own {
		if sd != nil && sd[j] == sd[j] {
			v = sd[j]
		}
		g.noise = append(g.noise, float32(s.Noise)*v)
	}
	for _, m := range s.Methods {
		if s.noisy(m) {
			g.normals = newNormals()
		}
	}
	g.reserve()
	g.enterBaselines()
	return g, nil
}

// Close gives the device's memory back.
func (g *Genetics) Close() {
	for _, a := range g.memory {
		a.Close()
	}
}

// Rows returns how many persons are taken together.
func (g *Genetics) Rows() int { return g.rows }

// enterBaselines fills base and reference.
func (g *Genetics) enterBaselines() {
	features, h := g.tower.Features(), g.tower.Width()
	gpu.Fill(g.wide, 0)
	gpu.Write(g.wide.Slice(0, features), g.mean)
	g.enter(g.end)
	gpu.Copy(g.base.View(h), g.end.Slice(0, h))
	for lo := 0; lo < g.room.reference.Dim(0); lo += g.rows {
		n := min(g.rows, g.room.reference.Dim(0)-lo)
		gpu.Write(g.wide.Slice(0, n*features), g.reference[lo*features:(lo+n)*features])
		g.enter(g.end)
		gpu.Copy(g.room.reference.Slice(lo*h, (lo+n)*h), g.end.Slice(0, n*h))
	}
}

// Run explains persons in the order given, and calls visit with every person's result of each method: of a chunk of
// persons first all of the first method. It ends with the context, with visit's error, or where an attribution is not finite.
func (g *Genetics) Run(ctx context.Context, persons []int, src Source, visit func(Result) error) error {
	for lo := 0; lo < len(persons); lo += g.rows {
		c := &chunk{Genetics: g, ctx: ctx, persons: persons[lo:min(len(persons), lo+g.rows)], visit: visit}
		c.read(src)
		for _, m := range g.set.Methods {
			if err := c.attribute(m); err != nil {
				return err
			}
		}
	}
	return nil
}
