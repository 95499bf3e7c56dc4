package pgs

import (
	"math"

	"contig-gpu/data/genotype"
)

// blockBytesOf is how many bytes of four genotypes a block has at most.
const blockBytesOf = blockVariants/4 + 1

// A worker sums tasks, with memory of its own.
type worker struct {
	e      *engine
	packed [blockBytesOf][]byte // four genotypes each, of the persons of the task
	tables [blockBytesOf][256]lane
}

// do sums a task.
func (w *worker) do(t task) {
	var hard, soft []int
	for _, i := range t.terms {
		if w.e.slot(t.g.terms[i]).kind == hardCalls {
			hard = append(hard, i)
		} else {
			soft = append(soft, i)
		}
	}
	for len(hard) > 0 { // a variant may have terms of several models: more than a block has variants
		n := min(len(hard), blockVariants)
		w.hard(t, hard[:n])
		hard = hard[n:]
	}
	for _, i := range soft {
		w.soft(t, i)
	}
}

// hard adds terms whose genotypes are hard calls, four at a time by a table of what their codes contribute together.
func (w *worker) hard(t task, terms []int) {
	n := (len(terms) + 3) / 4
	for b := range n {
		w.pack(b, t, terms[4*b:min(4*b+4, len(terms))])
	}
	if n%2 == 1 { // pairs are added: the last has nothing beside it
		w.packed[n] = append(w.packed[n][:0], make([]byte, t.hi-t.lo)...)
	}
	for tile, sums := range t.g.sums {
		for b := range n {
			of := w.contributions(t.g, terms[4*b:min(4*b+4, len(terms))], tile*lanes)
			fill(&w.tables[b], &of)
		}
		if n%2 == 1 {
			w.tables[n] = [256]lane{}
		}
		const together = 1024 // persons whose sums stay in the first cache
		for lo := t.lo; lo < t.hi; lo += together {
			hi := min(lo+together, t.hi)
			for b := 0; b < n; b += 2 {
				addPair(sums[lo:hi], w.packed[b][lo-t.lo:], w.packed[b+1][lo-t.lo:], &w.tables[b], &w.tables[b+1])
			}
		}
	}
}

// pack writes the codes of up to four variants into a byte of each person.
func (w *worker) pack(b int, t task, terms []int) {
	n := t.hi - t.lo
	if cap(w.packed[b]) < n {
		w.packed[b] = make([]byte, n)
	}
	dst := w.packed[b][:n]
	w.packed[b] = dst
	for k, i := range terms {
		src, shift := w.e.slot(t.g.terms[i]).hard[t.lo:t.hi], 2*uint(k)
		if k == 0 {
			copy(dst, src)
			continue
		}
		for p, c := range src {
			dst[p] |= c << shift
		}
	}
}

// contributions returns what each code of up to four terms contributes to the columns of a tile.
func (w *worker) contributions(g *group, terms []int, column int) (of [4][4]lane) {
	for k, i := range terms {
		s := w.e.slot(g.terms[i])
		for c := column; c < min(column+lanes, g.columns()); c++ {
			for code, v := range g.codes(i, c, s.freq, s.haploid, !w.e.o.NoMeanImputation) {
				of[k][code][c-column] = v
			}
		}
	}
	return of
}

// soft adds a term whose genotypes are dosages: between 0 and 1 copies, and between 1 and 2, contributions are linear.
func (w *worker) soft(t task, i int) {
	s := w.e.slot(t.g.terms[i])
	for tile, sums := range t.g.sums {
		of := w.contributions(t.g, []int{i}, tile*lanes)[0]
		var up, beyond lane
		for k := range lanes {
			up[k], beyond[k] = of[1][k]-of[0][k], of[2][k]-of[1][k]
		}
		for p := t.lo; p < t.hi; p++ {
			d, sum := float64(s.dosage[p]), &sums[p]
			from, slope := &of[0], &up
			switch {
			case d != d:
				from, d = &of[genotype.Missing], 0
			case d > 2:
				if math.IsInf(d, 1) {
					continue
				}
				from, d = &of[2], 0
			case d > 1:
				from, slope, d = &of[1], &beyond, d-1
			}
			for k := range lanes {
				sum[k] += from[k] + slope[k]*d
			}
		}
	}
}
