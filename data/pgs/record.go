package pgs

import (
	"math"

	"contig-gpu/data/genotype"
)

// slot orders terms, and what they are summed from, by variant; REF of a record comes after its last variant.
func (t term) slot() int64 {
	at := 2 * int64(t.variant)
	if t.whole {
		at++
	}
	return at
}

// A record counts copies of all alternative alleles of a record together, which its variants hold one by one. Who misses one of them misses it.
type record struct {
	sum  []float32 // of all persons
	hard []byte
}

// add takes the next variant of a record.
func (r *record) add(first bool, hard []byte, dosage []float32) {
	n := max(len(hard), len(dosage))
	if r.sum == nil {
		r.sum, r.hard = make([]float32, n), make([]byte, n)
	}
	if first {
		clear(r.sum)
	}
	for i, c := range hard {
		if c == genotype.Missing {
			r.sum[i] = float32(math.NaN())
		} else {
			r.sum[i] += float32(c)
		}
	}
	for i, d := range dosage {
		r.sum[i] += d
	}
}

// calls returns the sums as a Visit has them. Those beyond two copies, as rounded dosages may be, are two.
func (r *record) calls() (hard []byte, dosage []float32) {
	for i, d := range r.sum {
		if d > 2 {
			r.sum[i] = 2
		}
	}
	if genotype.Hard(r.hard, r.sum) {
		return r.hard, nil
	}
	return nil, r.sum
}
