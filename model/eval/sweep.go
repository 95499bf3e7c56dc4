package eval

import (
	"context"
	"math"

	"contig-gpu/gpu"
)

// strip is how many rows, or columns, of a block one goroutine takes at a time.
const strip = 64

// A sweep compares the images of a block of persons with the genetics of another, for all pairs of blocks.
type sweep struct {
	*Ranker
	l       *lineup
	side    int
	threads int
	bounds  []float64   // by the number of modalities shared: what a mean similarity of float32 is off by at most
	unit    [][]float64 // per modality [side, dim]: the images of the block of rows, exactly
	staged  []float32   // [side, dim]
	product []float32   // [side, side]: of one modality
	sums    []float32   // [side, side]: of all
	fresh   bool        // sums hold nothing yet
}

func newSweep(k *Ranker, l *lineup) *sweep {
	s := &sweep{Ranker: k, l: l, side: k.largest, threads: k.dev.Threads()}
	for n := len(l.class); n <= s.side/2 && smaller(s.side) < s.side; {
		s.side = smaller(s.side)
	}
	for range k.image {
		s.unit = append(s.unit, make([]float64, s.side*k.dim))
	}
	s.staged, s.product, s.sums = make([]float32, s.side*k.dim), make([]float32, s.side*s.side), make([]float32, s.side*s.side)
	s.bounds = bounds(k.dev.ProductError(k.dim), len(k.image))
	return s
}

// bounds returns how far the float32 mean over n shared modalities may be from the float64 mean, for n from 0 to most.
// Rows have unit length at most. Rounding both to float32 costs (1 + u)^2 - 1, u = 2^-24, the product what the device says
// (for rows (1 + u) times as long), and summing n of them, each at most 1 + e, up to n roundings. All that is smaller, of
// float64, of lengths just above 1 and of underflow, is less than a thousandth of the whole.
func bounds(product float64, most int) []float64 {
	const u = 0x1p-24
	stored := (1 + u) * (1 + u)
	e := stored*product + stored - 1
	b := make([]float64, most+1)
	for n := range b {
		sum := float64(n) * u
		b[n] = (1 + 0x1p-10) * (e + sum/(1-sum)*(1+e))
	}
	return b
}

func (s *sweep) run(ctx context.Context) error {
	n := len(s.l.class)
	for lo := 0; lo < n; lo += s.side {
		rows := span{lo, min(n, lo+s.side)}
		s.loadImages(rows)
		for lo := 0; lo < n; lo += s.side {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.block(rows, span{lo, min(n, lo+s.side)})
		}
	}
	return s.dev.Sync()
}

// loadImages brings the unit rows of images to the device.
func (s *sweep) loadImages(rows span) {
	for m, t := range s.image {
		s.stage(t, rows, func(i int) []float64 {
			if s.l.class[i][m] == 0 {
				return nil
			}
			u := s.unitOf(m, i-rows.lo)
			toUnit(u, s.l.image[m][i])
			if s.l.class[i][m]&badImage != 0 {
				return nil
			}
			return u
		})
	}
}

// unitOf returns the r-th row of the block of images.
func (s *sweep) unitOf(m, r int) []float64 { return s.unit[m][r*s.dim : (r+1)*s.dim] }

// stage writes the rows of positions to t, zeros where there is none.
func (s *sweep) stage(t gpu.Tensor, at span, row func(i int) []float64) {
	clear(s.staged)
	parallel(s.threads, (at.hi-at.lo+strip-1)/strip, func(k int) {
		for i := at.lo + k*strip; i < min(at.hi, at.lo+(k+1)*strip); i++ {
			to := s.staged[(i-at.lo)*s.dim:]
			for j, v := range row(i) {
				to[j] = float32(v)
			}
		}
	})
	gpu.Write(part(t, s.side), s.staged)
}

// block counts the pairs of a block of images and one of genetics by every metric.
func (s *sweep) block(rows, cols span) {
	all := len(s.image)
	s.fresh = true
	for m := range s.image {
		if !s.multiply(m, rows, cols) {
			s.count(tally{s, m, rows, cols, nil})
			continue
		}
		s.count(tally{s, m, rows, cols, s.product})
		s.fresh = false
	}
	switch {
	case all == 1: // the two metrics are one
		return
	case s.fresh:
		clear(s.sums)
	}
	s.count(tally{s, all, rows, cols, s.sums})
}

// multiply computes the product of a block in modality m, unless no pair has it.
func (s *sweep) multiply(m int, rows, cols span) bool {
	if !s.l.any(m, badImage, rows) || !s.l.any(m, badGenetics, cols) {
		return false
	}
	s.stage(s.genetics, cols, func(i int) []float64 {
		if s.l.class[i][m]&badGenetics != 0 {
			return nil
		}
		return s.l.genetics[m][i]
	})
	c := square(s.Ranker.product, s.side)
	gpu.MatMul(c, part(s.image[m], s.side), part(s.genetics, s.side), false, true, 0)
	gpu.Read(s.product, c)
	return true
}

// count counts a block by rows and by columns, and adds it to the sums if it is of one modality.
func (s *sweep) count(t tally) {
	n, m := (t.rows.hi-t.rows.lo+strip-1)/strip, (t.cols.hi-t.cols.lo+strip-1)/strip
	parallel(s.threads, n+m, func(k int) {
		if k < n {
			at := span{t.rows.lo + k*strip, t.rows.lo + (k+1)*strip}.within(t.rows)
			t.countRows(at)
			if t.metric < len(s.image) && t.values != nil {
				s.add(span{at.lo - t.rows.lo, at.hi - t.rows.lo})
			}
		} else {
			t.countColumns(span{t.cols.lo + (k-n)*strip, t.cols.lo + (k-n+1)*strip}.within(t.cols))
		}
	})
}

// add adds rows of the product to those of the sums.
func (s *sweep) add(rows span) {
	from, to := s.product[rows.lo*s.side:rows.hi*s.side], s.sums[rows.lo*s.side:rows.hi*s.side]
	if s.fresh {
		copy(to, from)
		return
	}
	for i, v := range from {
		to[i] += v
	}
}

// around returns the float32 numbers just outside of own - e and own + e, n times both: what is above the second is
// greater than n own whatever was rounded, and what is below the first is smaller.
func around(own, e float64, n int) (lo, hi float32) {
	lo, hi = float32(float64(n)*(own-e)), float32(float64(n)*(own+e))
	return math.Nextafter32(lo, float32(math.Inf(-1))), math.Nextafter32(hi, float32(math.Inf(1)))
}
