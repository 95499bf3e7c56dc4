package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/worldtest"
)

// A draw makes rows that are hard to rank.
type draw struct {
	*rand.Rand
	dim   int
	close float64 // how far rows are from one another, beside what they have in common
	odd   float64 // share of rows that are NaN, zeros, or those of another person
	lacks float64 // share of persons without the genetics, or without the images, of a modality
}

// row draws an embedding, of the first persons of a modality when it is one that there is already.
func (d draw) row(common []float64, earlier [][]float64) []float64 {
	x := make([]float64, d.dim)
	if d.Float64() < d.odd {
		switch k := d.IntN(5); {
		case k == 0:
			x[d.IntN(d.dim)] = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[d.IntN(3)]
			return x
		case k == 1:
			return x
		case len(earlier) > 0:
			return earlier[d.IntN(len(earlier))]
		}
	}
	for i := range x {
		x[i] = common[i] + d.close*d.NormFloat64()
	}
	return x
}

// modality draws the rows of up to persons persons, whose numbers have gaps, in no order.
func (d draw) modality(persons int) embedded {
	e, common := newEmbedded(), make([]float64, d.dim)
	var seen [][]float64
	for i := range common {
		common[i] = d.NormFloat64()
	}
	for _, p := range d.Perm(persons) {
		if d.Float64() >= d.lacks {
			for range 1 + d.IntN(2) {
				z := d.row(common, seen)
				seen = append(seen, z)
				e.images[3*p] = append(e.images[3*p], z)
			}
		}
		if d.Float64() >= d.lacks {
			w := d.row(common, seen)
			seen = append(seen, w)
			e.genetics[3*p] = w
		}
	}
	return e
}

// TestRankIsTheReference in float64: bit for bit, whatever is tied, absent, NaN or closer than float32 can tell, however many
// blocks there are, and on whichever kernels.
func TestRankIsTheReference(t *testing.T) {
	devices := map[string]*gpu.Device{"kernels": openCPU(t, gpu.Options{}), "portable": openCPU(t, gpu.Options{Portable: true, Threads: 3})}
	seed := uint64(0)
	for _, persons := range []int{0, 1, 2, 5, 63, 64, 65, 150, 321} {
		for _, modalities := range []int{1, 2, 3} {
			for _, close := range []float64{1, 1e-3, 1e-7, 0} {
				for _, odd := range []float64{0, 0.2} {
					seed++
					d := draw{rand.New(rand.NewPCG(seed, 1)), []int{1, 3, 16, 67}[seed%4], close, odd, []float64{0, 0.3}[seed/4%2]}
					var rows []embedded
					for range modalities {
						rows = append(rows, d.modality(persons))
					}
					want := referenceFor(rows)
					name := fmt.Sprintf("%d persons, %d modalities of %d, %g apart, %g odd, %g lacking", persons, modalities, d.dim, close, odd, d.lacks)
					for kernels, dev := range devices {
						for _, side := range []int{37, 64, largestSide} {
							holdToReference(t, fmt.Sprintf("%s, %s, blocks of %d", name, kernels, side), dev, side, d.dim, rows, want)
						}
					}
				}
			}
		}
	}
}

// referenceFor returns the reference's retrievals by modality, and last by all.
func referenceFor(modalities []embedded) []Retrieval {
	var want []Retrieval
	for _, e := range modalities {
		want = append(want, reference{strands}.retrieval(e))
	}
	return append(want, reference{strands}.retrieval(modalities...))
}

func holdToReference(t *testing.T, what string, dev *gpu.Device, side, dim int, modalities []embedded, want []Retrieval) {
	t.Helper()
	var rows []*Rows
	for _, e := range modalities {
		rows = append(rows, e.rows(dim))
	}
	each, all := rankOn(t, dev, side, dim, rows)
	for m, got := range append(each, all) {
		if got != want[m] {
			t.Errorf("%s: metric %d: got %+v, want %+v", what, m, got, want[m])
		}
	}
}

// TestAnyOrderOfSums: rows of fractions of two are summed without rounding, in whatever order; many pairs tie.
func TestAnyOrderOfSums(t *testing.T) {
	const dim = 16 // rows of +-1 have length 4
	g, dev := rand.New(rand.NewPCG(9, 9)), openCPU(t, gpu.Options{})
	signs := func() []float64 {
		x := make([]float64, dim)
		for i := range x {
			x[i] = float64(2*g.IntN(2) - 1)
		}
		return x
	}
	for _, persons := range []int{3, 70, 200} {
		modalities := []embedded{newEmbedded(), newEmbedded(), newEmbedded()}
		var want []Retrieval
		for _, e := range modalities {
			for p := range persons {
				e.images[p] = [][]float64{signs()}
				if g.IntN(4) > 0 {
					e.genetics[p] = signs()
				}
			}
			want = append(want, reference{plain}.retrieval(e))
		}
		want = append(want, reference{plain}.retrieval(modalities...))
		holdToReference(t, fmt.Sprintf("%d persons", persons), dev, 64, dim, modalities, want)
	}
}

// TestEveryDevice, a GPU or the emulated one beside the CPU, ranks as the reference does.
func TestEveryDevice(t *testing.T) {
	for _, g := range gputest.Targets() {
		t.Run(g.Name, func(t *testing.T) {
			dev := g.Open(t)
			for i, close := range []float64{1, 1e-3, 1e-7, 0} {
				for _, modalities := range []int{1, 3} {
					d := draw{rand.New(rand.NewPCG(uint64(i), 7)), 19, close, 0.1, 0.2}
					var rows []embedded
					for range modalities {
						rows = append(rows, d.modality(150))
					}
					holdToReference(t, fmt.Sprintf("%d modalities, %g apart", modalities, close), dev, 64, d.dim, rows, referenceFor(rows))
				}
			}
		})
	}
}

// TestRankStops where the context says so.
func TestRankStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := draw{rand.New(rand.NewPCG(1, 1)), 4, 1, 0, 0}.modality(5).rows(4)
	dev := openCPU(t, gpu.Options{})
	if _, _, err := NewRanker(dev.NewArena(8<<20), 1, 4).Rank(ctx, []*Rows{r}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestRankerIsPlanned: its memory depends on the size of a block only, and scratch memory is counted for every size.
func TestRankerIsPlanned(t *testing.T) {
	for _, spec := range []string{"plan", "plan:cuda", "cpu"} {
		dev, err := gpu.Open(spec, gpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		plan := dev.Plan()
		a := plan.NamedArena("retrieval", 0)
		NewRanker(a, 3, 128).Rehearse()
		if want := (4*128 + largestSide) * largestSide * 4; a.Peak() != want {
			t.Errorf("%s: %d bytes, want %d", spec, a.Peak(), want)
		}
		if spec != "cpu" {
			continue
		}
		for _, persons := range []int{1, 65, 150, 300, 600, 1100} {
			rankOn(t, dev, largestSide, 128, []*Rows{draw{rand.New(rand.NewPCG(1, 1)), 128, 1, 0, 0}.spread(persons)})
		}
		if dev.Scratch() == 0 || dev.Scratch() != plan.Scratch() {
			t.Errorf("%s: %d bytes of scratch memory, counted %d", spec, dev.Scratch(), plan.Scratch())
		}
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	a := openCPU(t, gpu.Options{}).NewArena(16 << 20)
	for what, f := range map[string]func(){
		"image":      func() { NewRows(3).AddImage(0, make([]float64, 4)) },
		"genetics":   func() { NewRows(3).SetGenetics(0, make([]float64, 2)) },
		"rows":       func() { NewRanker(a, 1, 3).Rank(t.Context(), []*Rows{NewRows(4)}) },
		"modalities": func() { NewRanker(a, 1, 3).Rank(t.Context(), []*Rows{NewRows(3), NewRows(3)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
		a.Reset()
	}
}

// BenchmarkRetrieve is an evaluation's retrieval in three modalities of 128 elements: of rows in all directions, of models
// that give everybody the same embedding, or nearly the same, and of persons of whom there are ten each.
func BenchmarkRetrieve(b *testing.B) {
	for _, persons := range []int{1000, 4000, 16000, 100000} {
		for _, kind := range []string{"ordinary", "alike", "nearly_alike", "tenfold"} {
			b.Run(fmt.Sprintf("%d_persons/%s", persons, kind), func(b *testing.B) {
				if persons > 16000 {
					gputest.Long(b)
				}
				const modalities, dim = 3, 128
				var rows []*Rows
				for m := range modalities {
					rows = append(rows, collapsed(kind, persons, dim, uint64(m)))
				}
				dev := openCPU(b, gpu.Options{})
				for b.Loop() {
					rankOn(b, dev, largestSide, dim, rows)
				}
			})
		}
	}
}

// collapsed draws the rows of a modality of the kinds that BenchmarkRetrieve has.
func collapsed(kind string, persons, dim int, seed uint64) *Rows {
	d := draw{rand.New(rand.NewPCG(seed, 2)), dim, 1, 0, 0}
	common, r := d.row(make([]float64, dim), nil), NewRows(dim)
	draws := [2][][]float64{}
	d.close = map[string]float64{"alike": 0, "nearly_alike": 1e-7}[kind]
	for p := range persons {
		for side := range draws {
			switch {
			case kind == "ordinary" || kind == "tenfold" && p < (persons+9)/10:
				d.close = 1
				draws[side] = append(draws[side], d.row(make([]float64, dim), nil))
			case kind == "tenfold":
				draws[side] = append(draws[side], draws[side][p%((persons+9)/10)])
			default:
				draws[side] = append(draws[side], d.row(common, nil))
			}
		}
		r.AddImage(p, draws[0][p])
		r.SetGenetics(p, draws[1][p])
	}
	return r
}

// spread draws rows in all directions.
func (d draw) spread(persons int) *Rows {
	r, zero := NewRows(d.dim), make([]float64, d.dim)
	for p := range persons {
		r.AddImage(p, d.row(zero, nil))
		r.SetGenetics(p, d.row(zero, nil))
	}
	return r
}

// TestRanksRankTogether: several ranks that share the blocks out come to what one does, whatever is tied, absent or NaN.
func TestRanksRankTogether(t *testing.T) {
	for _, persons := range []int{0, 1, 70, 200} {
		d := draw{rand.New(rand.NewPCG(uint64(persons), 3)), 16, 1e-3, 0.2, 0.3}
		modalities := []embedded{d.modality(persons), d.modality(persons)}
		want := referenceFor(modalities)
		for ranks := 1; ranks <= 4; ranks++ {
			err := worldtest.Together(ranks, func(w *world.World) error {
				dev, err := gpu.Open("cpu", gpu.Options{Threads: 1})
				if err != nil {
					return err
				}
				defer dev.Close()
				if err := dev.Join(w); err != nil {
					return err
				}
				holdToReference(t, fmt.Sprintf("rank %d of %d, %d persons", w.Rank(), ranks, persons), dev, 37, d.dim, modalities, want)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}
