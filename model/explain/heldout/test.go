package heldout

import (
	"context"

	"contig-gpu/model/explain/claims"
)

// A test is a Test that runs.
type test struct {
	o        *Options
	units    []claims.Unit
	subjects *subjects
	exchange *exchange
	network  *network
	sums     []claims.Paired

	batch batch
}

// A batch is rows that go through the network together: a person with a unit exchanged each.
type batch struct {
	h        []float32 // [rows, width]
	unit, at []int     // per row: the unit, and the subject
	features []int     // that move in it, by unit
	moves    []move
}

// A move is one unit's: of rows from row on, in the batch's features from feature on.
type move struct {
	row, feature int
	by           [][]float32
}

// block tests the subjects [lo, hi): only those whom an exchange moves are computed, the others' differences are 0.
func (t *test) block(ctx context.Context, lo, hi int) error {
	f := t.o.Tower.Features()
	x, d := make([]float32, (hi-lo)*f), make([]float32, (hi-lo)*f)
	for i := lo; i < hi; i++ {
		row, donor := x[(i-lo)*f:(i-lo+1)*f], d[(i-lo)*f:(i-lo+1)*f]
		t.o.Table.Row(t.subjects.person[i], row)
		t.o.Table.Row(t.subjects.donor[i], donor)
		for j, v := range row {
			donor[j] -= v
		}
	}
	h := t.network.enter(x, hi-lo)
	base := t.losses(t.network.leave(h, hi-lo, nil, nil), func(r int) int { return lo + r }, hi-lo)
	difference := make([]float64, len(t.units)*(hi-lo))
	done := func() { t.flush(base, difference, lo, hi) }
	for u := range t.units {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.add(h, d, u, lo, hi, done)
	}
	done()
	for u := range t.units {
		for _, v := range difference[u*(hi-lo) : (u+1)*(hi-lo)] {
			t.sums[u].Add(v)
		}
	}
	return nil
}

// losses of rows of embeddings; of says which subject a row is.
func (t *test) losses(e []float64, of func(row int) int, rows int) []float64 {
	dim := len(e) / max(1, rows)
	out := make([]float64, rows)
	for r := range out {
		out[r] = t.subjects.loss(of(r), e[r*dim:(r+1)*dim], t.o.Tau)
	}
	return out
}

// add puts the rows of a unit into the batch; flush is called when it is full.
func (t *test) add(h, d []float32, u, lo, hi int, flush func()) {
	features := t.units[u].Features
	f, w := t.o.Tower.Features(), t.network.width
	if len(t.batch.features)+len(features) > mostMoved {
		flush()
	}
	t.batch.begin(features)
	for i := lo; i < hi; i++ {
		by := make([]float32, len(features))
		if !t.exchange.move(by, d[(i-lo)*f:(i-lo+1)*f], u, features) {
			continue
		}
		if len(t.batch.unit) == t.o.Rows {
			flush()
			t.batch.begin(features)
		}
		b := &t.batch
		b.h = append(b.h, h[(i-lo)*w:(i-lo+1)*w]...)
		b.unit, b.at = append(b.unit, u), append(b.at, i)
		m := &b.moves[len(b.moves)-1]
		m.by = append(m.by, by)
	}
}

// begin opens the part of the batch that is of a unit with these features.
func (b *batch) begin(features []int) {
	b.moves = append(b.moves, move{row: len(b.unit), feature: len(b.features)})
	b.features = append(b.features, features...)
}

// flush computes the batch and empties it.
func (t *test) flush(base, difference []float64, lo, hi int) {
	b := &t.batch
	rows, c := len(b.unit), len(b.features)
	if rows > 0 {
		moves := make([]float32, rows*c)
		for _, m := range b.moves {
			for r, by := range m.by {
				copy(moves[(m.row+r)*c+m.feature:], by)
			}
		}
		e := t.network.leave(b.h, rows, moves, b.features)
		for r, v := range t.losses(e, func(r int) int { return b.at[r] }, rows) {
			difference[b.unit[r]*(hi-lo)+b.at[r]-lo] = v - base[b.at[r]-lo]
		}
	}
	*b = batch{h: b.h[:0], unit: b.unit[:0], at: b.at[:0]}
}
