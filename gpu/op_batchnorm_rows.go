package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
)

// bnRows walks the rows of a batch normalisation: pixels of c channels, per of them to a sample.
type bnRows struct {
	rowUnits
	pool    *cpukern.Pool
	c, per  int
	present []uint8 // nil: all samples
}

func newBNRows(a *bnArgs) bnRows {
	c := a.x.Dim(a.x.Rank() - 1)
	rows := a.x.Len() / max(1, c)
	return bnRows{rowCut(rows, c, a.x.dtype.Size()), a.x.dev.pool, c, rows / max(1, a.x.Dim(0)), host[uint8](a.present)}
}

// count returns the rows of the samples that are present.
func (r bnRows) count() int {
	if r.present == nil {
		return r.rows
	}
	n := 0
	for _, p := range r.present {
		if p != 0 {
			n += r.per
		}
	}
	return n
}

// runs calls f for every longest run of rows in [lo, hi) that are all present or all absent.
func (r bnRows) runs(lo, hi int, f func(lo, hi int, present bool)) {
	if r.present == nil {
		f(lo, hi, true)
		return
	}
	for lo < hi {
		here := r.present[lo/r.per] != 0
		end := lo
		for end < hi && (r.present[end/r.per] != 0) == here {
			end = min(hi, (end/r.per+1)*r.per)
		}
		f(lo, end, here)
		lo = end
	}
}

// moments has the count, mean and sum of squared deviations of some rows.
type moments struct {
	rows     int
	mean, m2 []float64
}

// newMoments returns the moments of no rows, in the u-th part of sums.
func newMoments(sums []float64, u, c int) moments {
	own := sums[u*2*c : (u+1)*2*c]
	return moments{mean: own[:c], m2: own[c:]}
}

// merge adds the moments of further rows (Chan, Golub & LeVeque 1979, eq. 2.1).
func merge(m *moments, rows int, mean, m2 []float64) {
	if rows == 0 {
		return
	}
	total := m.rows + rows
	share := float64(rows) / float64(total)
	cross := share * float64(m.rows)
	for j, v := range mean {
		d := v - m.mean[j]
		m.mean[j] += d * share
		m.m2[j] += m2[j] + d*d*cross
	}
	m.rows = total
}

// bnStatistics returns the number of rows present, and by channel their mean and sum of squared deviations: in two
// passes over each block while it is in the cache, summed in float64 and in order.
func bnStatistics[F Float](r bnRows, x []F) (rows int, mean, m2 []float64) {
	c := r.c
	part, sums := make([]moments, r.units), make([]float64, (r.units+1)*2*c)
	buf, near := make([]float64, r.pool.Threads()*2*c), make([]F, r.pool.Threads()*c)
	r.pool.Run(r.units, func(w, u int) {
		m, own := newMoments(sums, u, c), buf[w*2*c:(w+1)*2*c]
		r.each(u, func(lo, hi int) {
			clear(own)
			n := blockMoments(r, x, lo, hi, own[:c], own[c:], near[w*c:(w+1)*c])
			merge(&m, n, own[:c], own[c:])
		})
		part[u] = m
	})
	all := newMoments(sums, r.units, c)
	for _, m := range part {
		merge(&all, m.rows, m.mean, m.m2)
	}
	return all.rows, all.mean, all.m2
}

// blockMoments sums rows [lo, hi) of x into mean and dev [c]. near is scratch: the mean in x's type, which the
// deviations are taken from; that it is rounded adds its square to their mean, less than their own rounding.
func blockMoments[F Float](r bnRows, x []F, lo, hi int, mean, dev []float64, near []F) int {
	c, n := r.c, 0
	r.runs(lo, hi, func(lo, hi int, present bool) {
		if present {
			cpukern.ColSum(r.pool, mean, x[lo*c:hi*c])
			n += hi - lo
		}
	})
	for j := range mean {
		mean[j] /= float64(max(1, n))
		near[j] = F(mean[j])
	}
	r.runs(lo, hi, func(lo, hi int, present bool) {
		if present {
			cpukern.ColSqDev(r.pool, dev, x[lo*c:hi*c], near)
		}
	})
	return n
}

// bnApply computes y from the statistics.
func bnApply[F Float](r bnRows, a *bnArgs, mean, rstd []F) {
	y, x, add, gamma, beta, c := host[F](a.y), host[F](a.x), host[F](a.add), host[F](a.gamma), host[F](a.beta), r.c
	scale := make([]F, c)
	for j := range scale {
		scale[j] = F(float64(gamma[j]) * float64(rstd[j]))
	}
	r.all(func(lo, hi int, present bool) {
		if !present {
			clear(y[lo*c : hi*c])
			return
		}
		cpukern.BNApply(r.pool, y[lo*c:hi*c], x[lo*c:hi*c], part(add, lo*c, hi*c), mean, scale, beta, a.relu)
	})
}

// all runs f over all rows in parallel.
func (r bnRows) all(f func(lo, hi int, present bool)) {
	r.pool.Run(r.units, func(_, u int) {
		r.runs(u*r.perUnit, min(r.rows, (u+1)*r.perUnit), f)
	})
}

// part returns x[lo:hi], nil if x is.
func part[F Float](x []F, lo, hi int) []F {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

// bnReduce returns by channel the sums of d and of d * (x - mean), d = dy where the ReLU let through.
func bnReduce[F Float](r bnRows, a *bnArgs) (s1, s2 []float64) {
	dy, y, x, mean, c := host[F](a.dy), host[F](a.y), host[F](a.x), host[F](a.mean), r.c
	sums, buf := make([]float64, max(1, r.units)*2*c), make([]F, r.pool.Threads()*2*c)
	r.pool.Run(r.units, func(w, u int) {
		acc, near := sums[u*2*c:(u+1)*2*c], buf[w*2*c:(w+1)*2*c]
		r.runs(u*r.perUnit, min(r.rows, (u+1)*r.perUnit), func(lo, hi int, present bool) {
			if present {
				cpukern.BNReduce(r.pool, acc, near, dy[lo*c:hi*c], part(y, lo*c, hi*c), x[lo*c:hi*c], mean)
			}
		})
	})
	for u := 1; u < r.units; u++ {
		addTo(sums[:2*c], sums[u*2*c:(u+1)*2*c])
	}
	return sums[:c], sums[c : 2*c]
}

// bnGradient computes dx, and dadd if asked for.
func bnGradient[F Float](r bnRows, a *bnArgs, scale, k1, k2 []F) {
	dx, dadd, dy, y, x, mean, c := host[F](a.dx), host[F](a.dadd), host[F](a.dy), host[F](a.y), host[F](a.x), host[F](a.mean), r.c
	r.all(func(lo, hi int, present bool) {
		if !present {
			clear(dx[lo*c : hi*c])
			clear(part(dadd, lo*c, hi*c))
			return
		}
		cpukern.BNBackward(r.pool, dx[lo*c:hi*c], part(dadd, lo*c, hi*c), dy[lo*c:hi*c], part(y, lo*c, hi*c), x[lo*c:hi*c], mean, scale, k1, k2)
	})
}
