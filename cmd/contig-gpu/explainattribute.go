package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/explain"
)

// chunkPersons is how many persons are finished at a time: what an interruption loses at most.
const chunkPersons = 256

// chunks returns how many there are.
func (p *part) chunks() int { return chunksOf(len(p.persons)) }

func chunksOf(persons int) int { return (persons + chunkPersons - 1) / chunkPersons }

// files returns in how many files the records are: of the chunks, or of those of shards.
func (p *part) files() int {
	if p.joined > 0 {
		return p.joined
	}
	return p.chunks()
}

// chunk returns the persons of the k-th.
func (p *part) chunk(k int) []int {
	return p.persons[k*chunkPersons : min((k+1)*chunkPersons, len(p.persons))]
}

// attribute works off what is not finished.
func (e *explanation) attribute(ctx context.Context) error {
	if e.shards != nil {
		return e.takeRecords(ctx)
	}
	total, done := 0, 0
	for _, p := range e.parts {
		total += len(p.persons)
	}
	for i, p := range e.parts {
		var g *explain.Genetics
		for k := range p.chunks() {
			persons := p.chunk(k)
			if !e.work.has(i, k) {
				if g == nil {
					var close func()
					var err error
					if g, close, err = e.genetics(p, e.set.methods, e.exact); err != nil {
						return err
					}
					defer close()
				}
				if err := e.finishChunk(ctx, g, p, i, k); err != nil {
					return err
				}
			}
			done += len(persons)
			e.line.Part(done, total, "explanations of persons, now of "+p.name)
		}
	}
	return nil
}

// genetics returns what attributes a modality by methods, what rounding leaves open on exact, and what ends it.
func (e *explanation) genetics(p *part, methods []explain.Method, exact *gpu.Device) (*explain.Genetics, func(), error) {
	cfg := e.model.Config()
	ref, err := explain.NewReference(e.dev, e.net.DType, float64s(p.image), float64s(p.genetics), cfg.Embedding, cfg.Tau)
	if err != nil {
		return nil, nil, err
	}
	width := p.table.Stats().Width()
	rows := make([]float32, len(p.reference)*width)
	for i, r := range p.reference {
		p.table.Row(r, rows[i*width:(i+1)*width])
	}
	_, tower := e.model.Towers(p.at)
	set := e.set.attribution(e.budget())
	set.Methods, set.Exact = methods, exact
	g, err := explain.NewGenetics(tower, explain.NewFunction(ref, e.set.of, explain.GeneticsSide, cfg.Lambda), rows, deviations(p.table.Stats()), set)
	if err != nil {
		ref.Close()
		return nil, nil, err
	}
	return g, func() { g.Close(); ref.Close() }, nil
}

// deviations returns the features' standard deviations among the training's persons as rows have them, as far as the statistics
// know: 1 where values are scaled, 0 where they are constant, NaN where they are as they were.
func deviations(st *data.Stats) []float32 {
	var sd []float32
	for _, scale := range st.Scale {
		switch scale {
		case 0:
			sd = append(sd, 0)
		case 1:
			sd = append(sd, float32(math.NaN()))
		default:
			sd = append(sd, 1)
		}
	}
	return sd
}

// Row implements explain.Source.
func (p *part) Row(person int, x []float32) { p.table.Row(person, x) }

// Image implements explain.Source.
func (p *part) Image(person int, e []float64) {
	for i, v := range p.imageOf[person] {
		e[i] = float64(v)
	}
}

// finishChunk attributes a chunk and keeps it in the working folder.
func (e *explanation) finishChunk(ctx context.Context, g *explain.Genetics, p *part, i, k int) error {
	return e.work.write(i, k, func(w io.Writer) error {
		err := g.Run(ctx, p.chunk(k), p, func(r explain.Result) error {
			for j, v := range r.A {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return e.notFinite(p, p.table.Stats().Names[j])
				}
			}
			return writeRecord(w, r)
		})
		if errors.Is(err, explain.ErrNotFinite) {
			return e.notFinite(p, "")
		}
		return err
	})
}

// notFinite is E904.
func (e *explanation) notFinite(p *part, feature string) error {
	found := fmt.Sprintf("in the modality %q", p.name)
	if feature != "" {
		found += fmt.Sprintf(", feature %q", feature)
	}
	return &data.Problem{Code: codeNotFinite, What: "an attribution, or an embedding that it rests on, is not finite", Expected: "finite numbers", Found: found,
		Cause: "extreme values in a table that is not standardised, or a checkpoint that has diverged", Fix: "look at the table's largest values; take another checkpoint"}
}
