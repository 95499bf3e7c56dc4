package rank

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"contig-gpu/model/explain/claims"
)

// Replicates is how many times persons are drawn anew for an interval, unless told otherwise.
const Replicates = 200

// A Feature is a feature's attributions over persons.
type Feature struct {
	MeanAbs, Mean, SD float64 // of A; SD over persons, n - 1
	Low, High         float64 // 95 % interval of MeanAbs: bootstrap over persons
	Positive          float64 // share of persons with A > 0
	Correlation       float64 // of A with the feature's value over persons; NaN where either is constant
}

// An Accumulator takes the attributions of persons to features of one modality and makes a table of them. Its memory depends on
// features and replicates alone.
type Accumulator struct {
	features, replicates int
	seed                 uint64

	persons  int
	abs, a   []sum
	square   []sum
	x, x2    []sum
	product  []sum
	positive []int
	boot     []pair // [replicates, features]: weighted sums of |A|
	weight   []int  // [replicates]
}

// New returns an Accumulator of so many features; replicates is 0 for Replicates.
func New(features, replicates int, seed uint64) *Accumulator {
	if replicates == 0 {
		replicates = Replicates
	}
	r := &Accumulator{features: features, replicates: replicates, seed: seed, positive: make([]int, features),
		boot: make([]pair, replicates*features), weight: make([]int, replicates)}
	for _, s := range []*[]sum{&r.abs, &r.a, &r.square, &r.x, &r.x2, &r.product} {
		*s = make([]sum, features)
	}
	return r
}

// Add takes the rows of persons: their attributions and their values [len(persons), features]. A person is known by a number that is
// the same in every run, such as the place in the cohort. Attributions that are not finite are an error, and then nothing
// was added.
func (r *Accumulator) Add(persons []int, attribution, values []float32) error {
	f := r.features
	if len(attribution) != len(persons)*f || len(values) != len(attribution) {
		panic(fmt.Sprintf("rank: Add: %d attributions and %d values of %d persons x %d features", len(attribution), len(values), len(persons), f))
	}
	for i, v := range attribution {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("rank: the attribution to feature %d is %g", i%f, v)
		}
	}
	for i, p := range persons {
		r.row(p, attribution[i*f:(i+1)*f], values[i*f:(i+1)*f])
	}
	return nil
}

func (r *Accumulator) row(person int, attribution, values []float32) {
	r.persons++
	weights := make([]float64, r.replicates)
	for k := range weights {
		n := poisson(claims.Hash(r.seed, uint64(k), uint64(person)))
		weights[k], r.weight[k] = float64(n), r.weight[k]+n
	}
	high, low := make([]float64, r.features), make([]float64, r.features)
	for j, v := range attribution {
		a, x := float64(v), float64(values[j])
		r.abs[j].add(math.Abs(a))
		r.a[j].add(a)
		r.square[j].add(a * a)
		r.x[j].add(x)
		r.x2[j].add(x * x)
		r.product[j].add(a * x)
		if a > 0 {
			r.positive[j]++
		}
		high[j], low[j] = halves(math.Abs(a))
	}
	for k, w := range weights {
		if w == 0 {
			continue
		}
		for j := range r.boot[k*r.features : (k+1)*r.features] {
			b := &r.boot[k*r.features+j]
			b[0], b[1] = b[0]+w*high[j], b[1]+w*low[j]
		}
	}
}

// poisson returns a draw with mean 1 from 64 random bits, by the distribution's cumulative sums.
func poisson(bits uint64) int {
	u, term, below := (float64(bits>>11)+0.5)/(1<<53), math.Exp(-1), 0.0
	for n := 0; ; n++ {
		below += term
		if u < below || n == 20 {
			return n
		}
		term /= float64(n + 1)
	}
}

// Persons returns how many were added.
func (r *Accumulator) Persons() int { return r.persons }

// MeanAbs returns the mean |A| of every feature, NaN where nobody was added.
func (r *Accumulator) MeanAbs() []float64 {
	out := make([]float64, r.features)
	for j := range out {
		out[j] = r.abs[j].value() / float64(r.persons)
	}
	return out
}

// Table returns every feature's row, in their order.
func (r *Accumulator) Table() []Feature {
	out, n := make([]Feature, r.features), float64(r.persons)
	draw := make([]float64, 0, r.replicates)
	for j := range out {
		a, x := r.a[j].value(), r.x[j].value()
		aa, xx, ax := r.square[j].value()-a*a/n, r.x2[j].value()-x*x/n, r.product[j].value()-a*x/n
		f := Feature{MeanAbs: r.abs[j].value() / n, Mean: a / n, SD: math.Sqrt(max(0, aa) / (n - 1)), Positive: float64(r.positive[j]) / n, Correlation: math.NaN()}
		if rounding := 1e-12 * n; aa > 1e-12*r.square[j].value() && xx > rounding {
			f.Correlation = max(-1, min(1, ax/math.Sqrt(aa*xx)))
		}
		draw = draw[:0]
		for k := range r.replicates {
			draw = append(draw, r.drawn(k, j))
		}
		f.Low, f.High = interval(draw)
		out[j] = f
	}
	return out
}

// drawn returns the mean |A| of feature j in replicate k.
func (r *Accumulator) drawn(k, j int) float64 {
	b := r.boot[k*r.features+j]
	return (b[0] + b[1]) / float64(r.weight[k])
}

// A Group is the attributions of a unit: its number is the largest mean |A| of its features.
type Group struct {
	MeanAbs   float64
	Low, High float64 // 95 % interval: of the largest, persons drawn anew
	Feature   int     // that has it
}

// Groups returns a row for each unit; of one without features it is NaN, and Feature -1.
func (r *Accumulator) Groups(units []claims.Unit) []Group {
	mean := r.MeanAbs()
	var out []Group
	for _, u := range units {
		g := Group{MeanAbs: math.NaN(), Low: math.NaN(), High: math.NaN(), Feature: -1}
		for _, f := range u.Features {
			if g.Feature < 0 || mean[f] > g.MeanAbs {
				g.MeanAbs, g.Feature = mean[f], f
			}
		}
		if g.Feature >= 0 {
			var draw []float64
			for k := range r.replicates {
				most := 0.0
				for _, f := range u.Features {
					most = max(most, r.drawn(k, f))
				}
				draw = append(draw, most)
			}
			g.Low, g.High = interval(draw)
		}
		out = append(out, g)
	}
	return out
}

// interval returns the 2.5 and 97.5 % points of draws (linear between ranks: type 7), NaN ones left out; it sorts them.
func interval(draws []float64) (low, high float64) {
	draws = slices.DeleteFunc(draws, math.IsNaN)
	slices.Sort(draws)
	at := func(share float64) float64 {
		if len(draws) == 0 {
			return math.NaN()
		}
		x := share * float64(len(draws)-1)
		i := min(int(x), len(draws)-1)
		return draws[i] + (x-float64(i))*(draws[min(i+1, len(draws)-1)]-draws[i])
	}
	return at(0.025), at(0.975)
}

// Largest returns the places of values from the largest to the smallest, equal ones in their order, NaN last.
func Largest(v []float64) []int {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(v[b], v[a]) }) // cmp puts NaN below all
	return order
}
