// Package explaintest simulates small cohorts without images, with planted truth, and trains small networks on them, for tests
// of claims: images are embeddings, linear in hidden traits that some features act on.
package explaintest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"contig-gpu/data"
)

// Plan says what a cohort is like.
type Plan struct {
	Persons, Features int
	Block             int     // features of a block, correlated like neighbours on a chromosome; 1: independent
	Causal            int     // features that act, of different blocks
	Strength          float64 // share of the variance of the traits, on average, that a feature acts by
	Shared            bool    // real values with common factors, as polygenic scores have, instead of counts of alleles
	Strata            bool    // two populations whose frequencies and images differ
	Dim               int     // of embeddings
}

// A Cohort has a modality, an embedding of each person's images, and the truth.
type Cohort struct {
	Plan
	Values  []float32 // [Persons, Features], standardised
	Image   [][]float32
	Stratum []int
	True    []int // features that act, ascending by draw
}

const traits = 6

// New draws a cohort.
func New(seed uint64, p Plan) *Cohort {
	r := rand.New(rand.NewPCG(seed, 77))
	c := &Cohort{Plan: p, Values: make([]float32, p.Persons*p.Features), Stratum: make([]int, p.Persons)}
	if p.Strata {
		for i := range c.Stratum {
			c.Stratum[i] = r.IntN(2)
		}
	}
	if p.Shared {
		c.scores(r)
	} else {
		c.alleles(r)
	}
	c.standardise()
	c.images(r)
	return c
}

// alleles draws the sums of two haplotypes whose liabilities follow an autoregression of .85 inside blocks.
func (c *Cohort) alleles(r *rand.Rand) {
	const rho = 0.85
	cut := [2][]float64{make([]float64, c.Features), make([]float64, c.Features)}
	for j := range c.Features {
		f := 0.1 + 0.4*r.Float64()
		cut[0][j] = math.Sqrt2 * math.Erfinv(2*f-1)
		cut[1][j] = cut[0][j]
		if c.Strata {
			cut[1][j] += 0.7 * r.NormFloat64()
		}
	}
	for i := range c.Persons {
		for range 2 {
			z := 0.0
			for j := range c.Features {
				e := r.NormFloat64()
				if j%c.Block == 0 {
					z = e
				} else {
					z = rho*z + math.Sqrt(1-rho*rho)*e
				}
				if z < cut[c.Stratum[i]][j] {
					c.Values[i*c.Features+j]++
				}
			}
		}
	}
}

// scores draws values with five common factors.
func (c *Cohort) scores(r *rand.Rand) {
	const factors = 5
	load := make([]float64, factors*c.Features)
	for k := range load {
		load[k] = 0.35 * r.NormFloat64()
	}
	for i := range c.Persons {
		var common [factors]float64
		for k := range common {
			common[k] = r.NormFloat64()
		}
		for j := range c.Features {
			v, own := 0.0, 1.0
			for k, f := range common {
				l := load[k*c.Features+j]
				v, own = v+l*f, own-l*l
			}
			c.Values[i*c.Features+j] = float32(v + math.Sqrt(max(own, 0.2))*r.NormFloat64())
		}
	}
}

func (c *Cohort) standardise() {
	for j := range c.Features {
		sum, square := 0.0, 0.0
		for i := range c.Persons {
			v := float64(c.Values[i*c.Features+j])
			sum, square = sum+v, square+v*v
		}
		n := float64(c.Persons)
		mean, sd := sum/n, math.Sqrt(max(square/n-sum/n*sum/n, 1e-12))
		for i := range c.Persons {
			v := &c.Values[i*c.Features+j]
			*v = float32((float64(*v) - mean) / sd)
		}
	}
}

// images draws the traits of each person and mixes them, with noise, into an embedding.
func (c *Cohort) images(r *rand.Rand) {
	beta := make([][traits]float64, c.Causal)
	for k, block := range r.Perm(c.Features / c.Block)[:c.Causal] {
		c.True = append(c.True, block*c.Block+r.IntN(c.Block))
		length := 0.0
		for l := range beta[k] {
			beta[k][l] = r.NormFloat64()
			length += beta[k][l] * beta[k][l]
		}
		for l := range beta[k] {
			beta[k][l] *= math.Sqrt(c.Strength*traits) / math.Sqrt(length)
		}
	}
	rest := math.Sqrt(max(1-c.Strength*float64(c.Causal), 0.05))
	mix := make([]float64, traits*c.Dim)
	for i := range mix {
		mix[i] = r.NormFloat64() / math.Sqrt(traits)
	}
	for i := range c.Persons {
		var t [traits]float64
		for l := range t {
			t[l] = rest*r.NormFloat64() + 2*float64(c.Stratum[i])*[traits]float64{1, -1, 1, 0, 1, -1}[l]
			for k, f := range c.True {
				t[l] += float64(c.Values[i*c.Features+f]) * beta[k][l]
			}
		}
		v := make([]float32, c.Dim)
		for d := range v {
			s := 0.2 * r.NormFloat64()
			for l, x := range t {
				s += x * mix[l*c.Dim+d]
			}
			v[d] = float32(s)
		}
		c.Image = append(c.Image, v)
	}
}

// A Table is the cohort's modality.
type Table struct{ Cohort *Cohort }

// Table returns the cohort's modality.
func (c *Cohort) Table() data.Table { return Table{c} }

// Name returns a name that means nothing.
func (t Table) Name() string { return "simulated" }

// Stats returns the names of the features, and statistics that leave them as they are.
func (t Table) Stats() *data.Stats {
	n := t.Cohort.Features
	s := &data.Stats{Center: make([]float64, n), Scale: make([]float64, n), Fill: make([]float64, n)}
	for j := range n {
		s.Names, s.Scale[j] = append(s.Names, fmt.Sprint("f", j)), 1
	}
	return s
}

// Has returns true.
func (t Table) Has(int) bool { return true }

// Row copies a person's features.
func (t Table) Row(person int, dst []float32) bool {
	n := t.Cohort.Features
	copy(dst, t.Cohort.Values[person*n:(person+1)*n])
	return true
}
