package eval

import (
	"math"
	"math/bits"
	"slices"
)

// exactly computes a block's similarities in modality m in float64, 0 where there is none: those of rows that are alike
// once, so that a model which gives everybody the same embedding is the quickest to rank.
func (b block) exactly(m int) []float64 {
	if b.exact == nil {
		b.sweep.exact = make([]float64, b.side*b.side)
	}
	images := b.distinct(b.rows, m, badImage, func(i int) []float64 { return b.unitOf(m, i-b.rows.lo) })
	genetics := b.distinct(b.cols, m, badGenetics, func(j int) []float64 { return b.l.genetics[m][j] })
	b.strips(span{0, len(images.first)}, func(at span) { b.dots(at, images, genetics) })
	b.strips(span{0, len(images.first)}, func(at span) {
		for r := at.lo; r < at.hi; r++ {
			if f := images.first[r]; f >= 0 {
				copy(b.exactRow(r), b.exactRow(f))
			} else {
				clear(b.exactRow(r))
			}
		}
	})
	return b.exact
}

// exactRow returns row r of the block's similarities in float64.
func (b block) exactRow(r int) []float64 { return b.exact[r*b.side : (r+1)*b.side] }

// dots computes the rows of a strip that are the first of their kind, a few columns at a time, which stay in the cache.
func (b block) dots(at span, images, genetics distinct) {
	for lo := 0; lo < len(genetics.first); lo += strip {
		hi := min(lo+strip, len(genetics.first))
		for r := at.lo; r < at.hi; r++ {
			if images.first[r] != r {
				continue
			}
			to, u := b.exactRow(r), images.rows[r]
			for c := lo; c < hi; c++ {
				switch f := genetics.first[c]; f {
				case c:
					to[c] = dot(u, genetics.rows[c])
				case absent:
					to[c] = 0
				default:
					to[c] = to[f]
				}
			}
		}
	}
}

// sum adds the similarities in float64 to the means, or puts them there.
func (b block) sum(first bool) {
	if b.means == nil {
		b.sweep.means = make([]float64, b.side*b.side)
	}
	b.strips(span{0, b.side}, func(rows span) { addTo(b.means, b.exact, rows.lo*b.side, rows.hi*b.side, first) })
}

// meanExactly returns a block's mean similarities in float64; summed says that their sums are there.
func (b block) meanExactly(summed bool) []float64 {
	for m := 0; m < len(b.image) && !summed; m++ {
		b.exactly(m)
		b.sum(m == 0)
	}
	b.strips(b.rows, func(at span) {
		b.eachPairing(len(b.image), at, b.cols, func(rows, cols span, p pairing) {
			for i := rows.lo; i < rows.hi; i++ {
				row := b.means[(i-b.rows.lo)*b.side:]
				for j := cols.lo - b.cols.lo; j < cols.hi-b.cols.lo; j++ {
					row[j] /= float64(p.shared)
				}
			}
		})
	})
	return b.means
}

// distinct are rows of a block, some of which have the same elements.
type distinct struct {
	rows  [][]float64
	first []int // by row: the first with the same elements, or absent
}

const absent = -1

// distinct finds those of the rows at a span that are alike; a person without modality m, or with the flaw, has none.
func (b block) distinct(at span, m int, flaw byte, row func(i int) []float64) distinct {
	d, seen := distinct{}, map[uint64]int{}
	for i := at.lo; i < at.hi; i++ {
		k := i - at.lo
		if b.l.class[i][m]&(paired|flaw) != paired {
			d.rows, d.first = append(d.rows, nil), append(d.first, absent)
			continue
		}
		x := row(i)
		h := hash(x)
		f, ok := seen[h]
		if !ok {
			f, seen[h] = k, k
		} else if !slices.Equal(d.rows[f], x) {
			f = k // of the same hash, and as good as alone
		}
		d.rows, d.first = append(d.rows, x), append(d.first, f)
	}
	return d
}

// hash depends on all bits of a row.
func hash(x []float64) uint64 {
	h := uint64(len(x))
	for _, v := range x {
		h = (bits.RotateLeft64(h, 23) ^ math.Float64bits(v)) * 0x9E3779B97F4A7C15
	}
	return h
}
