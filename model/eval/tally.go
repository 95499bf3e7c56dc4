package eval

import "math"

// A tally counts the pairs of a block by one metric.
type tally struct {
	*sweep
	metric     int
	rows, cols span      // images, genetics
	values     []float32 // [side, side]: similarities in float32 times the modalities shared; nil: of no pair
}

// countRows finds what stands above, and what ties with, the own genetics of images.
func (t tally) countRows(at span) {
	t.eachPairing(at, t.cols, func(rows, cols span, p pairing) {
		for i := rows.lo; i < rows.hi; i++ {
			if p.nan {
				t.l.places[t.metric][byImage][i].tied += cols.hi - cols.lo
			} else {
				t.countRow(i, cols, p.shared)
			}
		}
	})
}

// eachPairing calls f for the parts of a block whose pairs have the same modalities in common, one at least.
func (t tally) eachPairing(rows, cols span, f func(rows, cols span, p pairing)) {
	t.l.eachRun(rows, func(rows span) bool {
		t.l.eachRun(cols, func(cols span) bool {
			if p := t.l.pair(t.metric, t.l.class[rows.lo], t.l.class[cols.lo]); p.shared > 0 {
				f(rows, cols, p)
			}
			return true
		})
		return true
	})
}

func (t tally) countRow(i int, cols span, shared int) {
	own := t.l.own[t.metric][i]
	if math.IsNaN(own) {
		return // it ties with all
	}
	lo, hi := around(own, t.bounds[shared], shared)
	row := t.values[(i-t.rows.lo)*t.side:]
	values := row[cols.lo-t.cols.lo : cols.hi-t.cols.lo]
	over, from := count(values, lo, hi)
	p := &t.l.places[t.metric][byImage][i]
	p.above += over
	if over == from {
		return
	}
	for k, v := range values {
		if j := cols.lo + k; v >= lo && v <= hi && j != i {
			p.compare(t.exact(i, j), own)
		}
	}
}

// countColumns finds what stands above, and what ties with, the own images of genetics.
func (t tally) countColumns(at span) {
	t.eachPairing(t.rows, at, func(rows, cols span, p pairing) {
		if !p.nan {
			t.countStrip(rows, cols, p.shared)
			return
		}
		for j := cols.lo; j < cols.hi; j++ {
			t.l.places[t.metric][byGenetics][j].tied += rows.hi - rows.lo
		}
	})
}

// countStrip counts up to strip columns.
func (t tally) countStrip(rows, cols span, shared int) {
	var lows, highs [strip]float32
	var overs, froms [strip]int32
	own := t.l.own[t.metric][cols.lo:cols.hi]
	lo, hi, over, from := lows[:len(own)], highs[:len(own)], overs[:len(own)], froms[:len(own)]
	for k, x := range own {
		if lo[k], hi[k] = around(x, t.bounds[shared], shared); math.IsNaN(x) {
			lo[k], hi[k] = float32(math.Inf(1)), float32(math.Inf(1)) // it ties with all
		}
	}
	for i := rows.lo; i < rows.hi; i++ {
		row := t.values[(i-t.rows.lo)*t.side:]
		countEach(over, from, row[cols.lo-t.cols.lo:cols.hi-t.cols.lo], lo, hi)
	}
	for k, x := range own {
		p := &t.l.places[t.metric][byGenetics][cols.lo+k]
		p.above += int(over[k])
		for i := rows.lo; i < rows.hi && over[k] < from[k]; i++ {
			v := t.values[(i-t.rows.lo)*t.side+cols.lo-t.cols.lo+k]
			if v >= lo[k] && v <= hi[k] && i != cols.lo+k {
				p.compare(t.exact(i, cols.lo+k), x)
			}
		}
	}
}

// exact computes a similarity in float64.
func (t tally) exact(image, genetics int) float64 {
	return t.l.exact(t.metric, image, genetics, func(m int) []float64 { return t.unitOf(m, image-t.rows.lo) })
}

// compare counts a candidate's similarity, neither being NaN.
func (p *place) compare(similarity, own float64) {
	switch {
	case similarity > own:
		p.above++
	case similarity == own:
		p.tied++
	}
}

// count returns how many values are above hi, and how many at least lo. It does not branch: what comes next cannot be
// foreseen.
func count(values []float32, lo, hi float32) (over, from int) {
	for _, v := range values {
		over += bit(v > hi)
		from += bit(v >= lo)
	}
	return over, from
}

// countEach adds to over and from, column by column, what count counts.
func countEach(over, from []int32, values, lo, hi []float32) {
	n := len(values)
	over, from, lo, hi = over[:n], from[:n], lo[:n], hi[:n]
	for k, v := range values {
		over[k] += int32(bit(v > hi[k]))
		from[k] += int32(bit(v >= lo[k]))
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
