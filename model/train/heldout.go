package train

import (
	"context"
	"io"
	"slices"

	"contig-gpu/data"
	"contig-gpu/model/eval"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// How many participants an evaluation looks at for what a report shows: of the split for the map, of those for each geometry, and of
// each other split once, with the test. It bounds the time, which grows with the square, and says enough of a split.
const (
	mapPersons      = 400
	geometryPersons = 200
	otherPersons    = 200
	queryPersons    = 8
	nearestPersons  = 5
)

// A glimpse collects the features of some participants.
type glimpse struct {
	most   int // participants
	wanted map[int]bool
	sums   map[int][]float64 // of the features of a participant's images
	images map[int]float64
}

func newGlimpse(most int) *glimpse {
	return &glimpse{most: most, sums: map[int][]float64{}, images: map[int]float64{}}
}

// glimpseOf collects evenly from the participants of a split.
func glimpseOf(c *data.Cohort, split data.Split, most int) *glimpse {
	var all []int
	for i, p := range c.Persons {
		if p.Split == split && len(p.Images) > 0 {
			all = append(all, i)
		}
	}
	g := newGlimpse(most)
	g.wanted = map[int]bool{}
	for k := range min(most, len(all)) {
		g.wanted[all[k*len(all)/min(most, len(all))]] = true
	}
	return g
}

func (g *glimpse) add(b *data.Batch, s engine.Swept) {
	for j, p := range b.Person[:b.N] {
		person := int(p)
		if g.wanted != nil && !g.wanted[person] || g.sums[person] == nil && len(g.sums) == g.most {
			continue
		}
		row := rowOf(s.Features, j, b.N)
		if g.sums[person] == nil {
			g.sums[person] = make([]float64, len(row))
		}
		for i, v := range row {
			g.sums[person][i] += v
		}
		g.images[person]++
	}
}

// persons returns those met, ascending.
func (g *glimpse) persons() []int {
	var out []int
	for p := range g.sums {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// dots returns the participants met, with the means of their images' features.
func (g *glimpse) dots(c *data.Cohort) []eval.Dot {
	var out []eval.Dot
	for _, p := range g.persons() {
		d := eval.Dot{Person: p, Split: c.Persons[p].Split.String(), Features: g.sums[p]}
		for i := range d.Features {
			d.Features[i] /= g.images[p]
		}
		for _, t := range c.Tables {
			if t.Has(p) {
				d.Has = append(d.Has, t.Name())
			}
		}
		out = append(out, d)
	}
	return out
}

// heldout says how the embeddings of an evaluation lie, without the map's and the ranking's part.
func heldout(o objective.Objective, rows []*eval.Rows, dots []eval.Dot) *eval.Heldout {
	h := &eval.Heldout{Images: map[string]eval.Geometry{}, Genetics: map[string]eval.Geometry{}, Match: map[string]eval.Match{}}
	few := evenly(dots, geometryPersons)
	var features [][]float64
	for _, d := range few {
		features = appendFinite(features, d.Features)
	}
	h.Encoder = eval.GeometryOf(features)
	for i, t := range o.Tables() {
		var images, genetics, u, v [][]float64
		for _, d := range few {
			image, gene := rows[i].Image(d.Person), rows[i].Genetics(d.Person)
			images, genetics = appendFinite(images, image), appendFinite(genetics, gene)
			if finite64(image) && finite64(gene) {
				u, v = append(u, image), append(v, gene)
			}
		}
		h.Images[t.Name], h.Genetics[t.Name], h.Match[t.Name] = eval.GeometryOf(images), eval.GeometryOf(genetics), eval.MatchOf(u, v)
	}
	return h
}

func appendFinite(rows [][]float64, row []float64) [][]float64 {
	if finite64(row) {
		rows = append(rows, row)
	}
	return rows
}

// finite64 reports whether there is a row, and nothing of it is NaN or infinite.
func finite64(row []float64) bool {
	return row != nil && !slices.ContainsFunc(row, func(v float64) bool { return v-v != 0 })
}

// evenly returns at most n of all.
func evenly[T any](all []T, n int) []T {
	n = min(n, len(all))
	out := make([]T, n)
	for k := range out {
		out[k] = all[k*len(all)/n]
	}
	return out
}

// others returns dots of participants of the splits that the evaluation under way is not of: for the map of a finished training.
func (t *trainer) others(ctx context.Context, but data.Split) ([]eval.Dot, error) {
	var out []eval.Dot
	for _, split := range []data.Split{data.Train, data.Validation, data.Test} {
		if split == but || !hasSplit(t.o.Cohort, split) {
			continue
		}
		g := newGlimpse(otherPersons)
		if err := t.glance(ctx, split, g); err != nil {
			return nil, err
		}
		out = append(out, g.dots(t.o.Cohort)...)
	}
	return out, nil
}

// glance sweeps some batches, evenly from all of a split.
func (t *trainer) glance(ctx context.Context, split data.Split, g *glimpse) error {
	f, err := t.feed(split, false)
	if err != nil {
		return err
	}
	src, err := t.o.NewSource(f)
	if err != nil {
		return err
	}
	defer src.Close()
	n := (g.most + t.cfg.Batch - 1) / t.cfg.Batch
	return t.engine.Sweep(ctx, &someBatches{Source: src, n: min(n, src.Batches())}, g.add)
}

// someBatches gives n of a source's batches, evenly from all.
type someBatches struct {
	data.Source
	n, given int
}

// Next returns the next of the n batches.
func (s *someBatches) Next(b *data.Batch) error {
	if s.given == s.n {
		return io.EOF
	}
	if err := s.Source.Reset(0, s.given*s.Source.Batches()/s.n); err != nil {
		return err
	}
	s.given++
	return s.Source.Next(b)
}

// addMap draws the map of an evaluation: of the split alone, and of a test with participants of the other splits, whose images are
// embedded for it. Where that fails the map does without them; of several ranks the others are in the middle of it, and the error is returned.
func (t *trainer) addMap(ctx context.Context, e *Evaluated, split data.Split) error {
	dots := e.dots
	if e.dots = nil; split == data.Test {
		more, err := t.others(ctx, split)
		switch {
		case err != nil && t.several():
			return err
		case err != nil:
			t.event(Event{Kind: Warned, Text: "the report's map of embeddings has the test split alone: the others could not be embedded once more"})
		}
		dots = append(dots, more...)
	}
	e.Heldout.Map = eval.NewMap(dots)
	e.Heldout.Step = t.at.Step
	return nil
}
