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
	exact   []float64   // [side, side]: a modality's similarities in float64, nil until a block wants them
	means   []float64   // [side, side]: those of all modalities, first as sums
	counts  [2]counts   // of the block, by image and by genetics
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
	for d := range s.counts {
		s.counts[d] = counts{make([]int32, s.side), make([]int32, s.side)}
	}
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

// run compares all blocks. Of several ranks each has every R-th block of images, and what all have counted is added up.
func (s *sweep) run(ctx context.Context) error {
	n := len(s.l.class)
	for lo := s.dev.Rank() * s.side; lo < n; lo += s.dev.Ranks() * s.side {
		rows := span{lo, min(n, lo+s.side)}
		s.loadImages(rows)
		for lo := 0; lo < n; lo += s.side {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.compare(block{s, rows, span{lo, min(n, lo+s.side)}})
		}
	}
	s.addRanks()
	return s.dev.Sync()
}

// addRanks adds the counts of all ranks. They are whole numbers of at most as many as there are persons, which float32 adds exactly up to 2^24.
func (s *sweep) addRanks() {
	if s.dev.Ranks() == 1 {
		return
	}
	var mine []float32
	for _, q := range s.l.places {
		for _, direction := range q {
			for _, p := range direction {
				mine = append(mine, float32(p.above), float32(p.tied))
			}
		}
	}
	if len(mine) == 0 {
		return
	}
	a := s.dev.NewArena(4*len(mine) + 512)
	defer a.Close()
	x := a.New(gpu.F32, len(mine))
	gpu.Write(x, mine)
	gpu.AllReduce(x)
	gpu.Read(mine, x)
	for _, q := range s.l.places {
		for _, direction := range q {
			for i := range direction {
				direction[i].above, direction[i].tied = int(mine[0]), int(mine[1])
				mine = mine[2:]
			}
		}
	}
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
	s.strips(at, func(part span) {
		for i := part.lo; i < part.hi; i++ {
			to := s.staged[(i-at.lo)*s.dim:]
			for j, v := range row(i) {
				to[j] = float32(v)
			}
		}
	})
	gpu.Write(part(t, s.side), s.staged)
}

// compare counts the pairs of a block by every metric.
func (s *sweep) compare(b block) {
	all := len(s.image)
	empty := true // sums
	whole := true // means: no modality is left out
	for m := range s.image {
		b.tieNaN(m)
		if !s.multiply(m, b.rows, b.cols) {
			continue
		}
		exact := b.rank(m, s.product, func() []float64 { return b.exactly(m) })
		if all == 1 { // the two metrics are one
			return
		}
		if whole = whole && exact; whole {
			b.sum(empty)
		}
		s.add(empty)
		empty = false
	}
	b.tieNaN(all)
	if !empty {
		b.rank(all, s.sums, func() []float64 { return b.meanExactly(whole) })
	}
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

// add adds the product to the sums, or puts it there.
func (s *sweep) add(first bool) {
	s.strips(span{0, s.side}, func(rows span) { addTo(s.sums, s.product, rows.lo*s.side, rows.hi*s.side, first) })
}

// addTo adds values [lo, hi) of from to those of sums, or puts them there.
func addTo[F float32 | float64](sums, from []F, lo, hi int, first bool) {
	sums, from = sums[lo:hi], from[lo:hi]
	if first {
		copy(sums, from)
		return
	}
	for i, v := range from {
		sums[i] += v
	}
}

// strips calls f for parts of a span, from several goroutines.
func (s *sweep) strips(at span, f func(part span)) {
	parallel(s.threads, (at.hi-at.lo+strip-1)/strip, func(k int) {
		f(span{at.lo + k*strip, at.lo + (k+1)*strip}.within(at))
	})
}

// around returns the float32 numbers just outside of own - e and own + e, n times both: what is above the second is
// greater than n own whatever was rounded, and what is below the first is smaller.
func around(own, e float64, n int) (lo, hi float32) {
	lo, hi = float32(float64(n)*(own-e)), float32(float64(n)*(own+e))
	return math.Nextafter32(lo, float32(math.Inf(-1))), math.Nextafter32(hi, float32(math.Inf(1)))
}
