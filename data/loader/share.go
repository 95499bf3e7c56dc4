package loader

import (
	"fmt"

	"contig-gpu/data"
)

// shared refuses what ranks cannot do: a batch that does not divide, and images that are found broken on one rank while the others go on.
func (o Options) shared() error {
	switch {
	case o.Rank < 0 || o.Rank >= o.Ranks:
		return fmt.Errorf("loader: rank %d of %d", o.Rank, o.Ranks)
	case o.Batch%o.Ranks != 0:
		return fmt.Errorf("loader: a batch of %d for %d ranks: want a multiple", o.Batch, o.Ranks)
	case o.Bad != nil && o.Bad.skips:
		return fmt.Errorf("loader: broken images are skipped by one rank alone")
	}
	return nil
}

// A share is which rows of every batch are one rank's.
type share struct{ rank, ranks int }

// of returns how many of n rows they are.
func (s share) of(n int) int { return n / max(1, s.ranks) }

// take fills b.Whole, whose batch may have up to `most` images, and returns the rank's rows of it.
func (w *worker) take(b *data.Batch, rows []int, most int) []int {
	n := len(rows)
	b.Whole.N = n
	for len(rows) < most {
		rows = append(rows, rows[n-1])
	}
	x := &b.Whole
	x.Person, x.Group, x.Index, x.Present = sized(x.Person, most), sized(x.Group, most), sized(x.Index, most), sized(x.Present, len(w.cohort.Tables))
	for m := range x.Present {
		x.Present[m] = sized(x.Present[m], most)
	}
	all := data.Batch{Person: x.Person, Group: x.Group, Index: x.Index, Present: x.Present}
	for k, i := range rows {
		w.person(&all, k, i)
	}
	for m := range x.Present {
		clear(x.Present[m][n:])
	}
	own := w.share.of(most)
	return rows[w.share.rank*own : (w.share.rank+1)*own]
}

// fillShare makes the rank's share of the batch of the images in rows, but for those that are known to be left out: all ranks know the same.
func (w *worker) fillShare(b *data.Batch, rows []int, quit <-chan struct{}) error {
	var here []int
	for n, i := range rows {
		switch {
		case !w.bad.leftOut(i):
		case w.of == nil:
			continue
		default:
			var err error
			if i, err = w.otherImage(append(here, rows[n:]...), len(here)); err != nil {
				return err
			}
		}
		here = append(here, i)
	}
	if len(here) == 0 {
		b.N = 0
		return nil
	}
	own := w.take(b, here, w.batch)
	if err := w.fillAll(b, own, quit); err != nil {
		return err
	}
	for m := range b.Present { // rows that fill the share up have no table
		lo := w.share.rank * len(own)
		copy(b.Present[m], b.Whole.Present[m][lo:lo+len(own)])
	}
	return nil
}

// otherImage is replacement where what is left out is known beforehand.
func (w *worker) otherImage(rows []int, n int) (int, error) {
	for i := range w.candidates(rows, n) {
		if !w.bad.leftOut(i) {
			return i, nil
		}
	}
	return 0, w.noReplacement(rows)
}
