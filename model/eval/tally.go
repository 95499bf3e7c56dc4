package eval

import "math"

// openShare: where more than one pair in so many is left open by float32, all of the block are computed in float64. One by
// one, in no order, they would cost about twice as much each, once for a metric and a direction.
const openShare = 8

// A block is the pairs of some images and some genetics.
type block struct {
	*sweep
	rows, cols span // images, genetics
}

// counts say by position in a block how many candidates have more than the own similarity, and how many have as much as
// far as can be told, or more. The own row is among the latter.
type counts struct{ over, from []int32 }

// tieNaN counts the pairs of metric q that are NaN.
func (b block) tieNaN(q int) {
	places := b.l.places[q]
	b.eachPairing(q, b.rows, b.cols, func(rows, cols span, p pairing) {
		if !p.nan {
			return
		}
		for i := rows.lo; i < rows.hi; i++ {
			places[byImage][i].tied += cols.hi - cols.lo
		}
		for j := cols.lo; j < cols.hi; j++ {
			places[byGenetics][j].tied += rows.hi - rows.lo
		}
	})
}

// eachPairing calls f for the parts of a block whose pairs have the same modalities of metric q in common, one at least.
func (b block) eachPairing(q int, rows, cols span, f func(rows, cols span, p pairing)) {
	b.l.eachRun(rows, func(rows span) bool {
		b.l.eachRun(cols, func(cols span) bool {
			if p := b.l.pair(q, b.l.class[rows.lo], b.l.class[cols.lo]); p.shared > 0 {
				f(rows, cols, p)
			}
			return true
		})
		return true
	})
}

// rank counts the other pairs by values in float32, which are similarities times the modalities shared. Pairs that these
// leave open it computes in float64, or, if they are many, takes all from exact. It reports whether it did.
func (b block) rank(q int, values []float32, exact func() []float64) bool {
	rough := tally[float32]{b, q, values, func(own float64, shared int) (lo, hi float32) {
		return around(own, b.bounds[shared], shared)
	}}
	rough.count()
	if b.open() <= (b.rows.hi-b.rows.lo)*(b.cols.hi-b.cols.lo)/openShare {
		b.place(q, false)
		rough.settle()
		return false
	}
	tally[float64]{b, q, exact(), func(own float64, _ int) (lo, hi float64) { return own, own }}.count()
	b.place(q, true)
	return true
}

// open returns how many comparisons the counts leave open.
func (b block) open() int {
	n := 0
	for d, at := range [...]span{byImage: b.rows, byGenetics: b.cols} {
		for i := at.lo; i < at.hi; i++ {
			n += b.equals(d, i)
		}
	}
	return n
}

// equals returns how many candidates of the query at position i have as much as its own row, which is left out.
func (b block) equals(direction, i int) int {
	at, others := b.rows, b.cols
	if direction == byGenetics {
		at, others = others, at
	}
	c := b.counts[direction]
	n := int(c.from[i-at.lo] - c.over[i-at.lo])
	if n > 0 && others.lo <= i && i < others.hi {
		n--
	}
	return n
}

// place adds the counts to the places of metric q: what is above, and if equal is equal, what ties.
func (b block) place(q int, ties bool) {
	for d, at := range [...]span{byImage: b.rows, byGenetics: b.cols} {
		for i := at.lo; i < at.hi; i++ {
			p := &b.l.places[q][d][i]
			p.above += int(b.counts[d].over[i-at.lo])
			if ties {
				p.tied += b.equals(d, i)
			}
		}
	}
}

// A tally counts the pairs of a block by one metric.
type tally[F float32 | float64] struct {
	block
	metric int
	values []F                                      // [side, side]
	around func(own float64, shared int) (lo, hi F) // what is above hi is greater than own, what is below lo is smaller
}

// count sets the block's counts.
func (t tally[F]) count() {
	t.strips(t.rows, t.countRows)
	t.strips(t.cols, t.countColumns)
}

// limits are those of a position; nothing is within them if its own similarity is NaN, since it ties with all.
func (t tally[F]) limits(i, shared int) (lo, hi F) {
	own := t.l.own[t.metric][i]
	if math.IsNaN(own) {
		return F(math.Inf(1)), F(math.Inf(1))
	}
	return t.around(own, shared)
}

// part returns the values of row i at columns.
func (t tally[F]) part(i int, cols span) []F {
	row := t.values[(i-t.rows.lo)*t.side:]
	return row[cols.lo-t.cols.lo : cols.hi-t.cols.lo]
}

// finite calls f for the parts of a block whose similarities are not NaN.
func (t tally[F]) finite(rows, cols span, f func(rows, cols span, shared int)) {
	t.eachPairing(t.metric, rows, cols, func(rows, cols span, p pairing) {
		if !p.nan {
			f(rows, cols, p.shared)
		}
	})
}

func (t tally[F]) countRows(at span) {
	c := t.counts[byImage]
	for r := at.lo - t.rows.lo; r < at.hi-t.rows.lo; r++ {
		c.over[r], c.from[r] = 0, 0
	}
	t.finite(at, t.cols, func(rows, cols span, shared int) {
		for i := rows.lo; i < rows.hi; i++ {
			lo, hi := t.limits(i, shared)
			over, from := count(t.part(i, cols), lo, hi)
			c.over[i-t.rows.lo] += over
			c.from[i-t.rows.lo] += from
		}
	})
}

// countColumns counts up to strip columns.
func (t tally[F]) countColumns(at span) {
	over, from := t.counts[byGenetics].over[at.lo-t.cols.lo:at.hi-t.cols.lo], t.counts[byGenetics].from[at.lo-t.cols.lo:at.hi-t.cols.lo]
	clear(over)
	clear(from)
	t.finite(t.rows, at, func(rows, cols span, shared int) {
		var lo, hi [strip]F
		for j := cols.lo; j < cols.hi; j++ {
			lo[j-cols.lo], hi[j-cols.lo] = t.limits(j, shared)
		}
		over, from := over[cols.lo-at.lo:cols.hi-at.lo], from[cols.lo-at.lo:cols.hi-at.lo]
		for i := rows.lo; i < rows.hi; i++ {
			countEach(over, from, t.part(i, cols), lo[:len(over)], hi[:len(over)])
		}
	})
}

// settle computes the open pairs in float64.
func (t tally[F]) settle() {
	t.strips(t.rows, func(at span) {
		t.finite(at, t.cols, func(rows, cols span, shared int) {
			for i := rows.lo; i < rows.hi; i++ {
				t.settleQuery(byImage, i, t.rows.lo, shared, cols, func(j int) (int, int) { return i, j })
			}
		})
	})
	t.strips(t.cols, func(at span) {
		t.finite(t.rows, at, func(rows, cols span, shared int) {
			for j := cols.lo; j < cols.hi; j++ {
				t.settleQuery(byGenetics, j, t.cols.lo, shared, rows, func(i int) (int, int) { return i, j })
			}
		})
	})
}

// settleQuery compares the query at position i, of a block that begins at first, with those of the candidates that are open;
// pair gives image and genetics. It takes what it finds from the counts, so that nothing is looked for that is not there.
func (t tally[F]) settleQuery(direction, i, first, shared int, candidates span, pair func(k int) (image, genetics int)) {
	c, own := t.counts[direction], t.l.own[t.metric][i]
	lo, hi := t.limits(i, shared)
	for k := candidates.lo; k < candidates.hi && c.from[i-first] > c.over[i-first]; k++ {
		image, genetics := pair(k)
		if v := t.values[(image-t.rows.lo)*t.side+genetics-t.cols.lo]; !(v >= lo && v <= hi) {
			continue
		}
		c.from[i-first]--
		if k == i {
			continue
		}
		similarity := t.l.exact(t.metric, image, genetics, func(m int) []float64 { return t.unitOf(m, image-t.rows.lo) })
		switch p := &t.l.places[t.metric][direction][i]; {
		case similarity > own:
			p.above++
		case similarity == own:
			p.tied++
		}
	}
}

// count returns how many values are above hi, and how many at least lo. It does not branch: what comes next cannot be
// foreseen.
func count[F float32 | float64](values []F, lo, hi F) (over, from int32) {
	for _, v := range values {
		over += bit(v > hi)
		from += bit(v >= lo)
	}
	return over, from
}

// countEach adds to over and from, column by column, what count counts.
func countEach[F float32 | float64](over, from []int32, values, lo, hi []F) {
	n := len(values)
	over, from, lo, hi = over[:n], from[:n], lo[:n], hi[:n]
	for k, v := range values {
		over[k] += bit(v > hi[k])
		from[k] += bit(v >= lo[k])
	}
}

func bit(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
