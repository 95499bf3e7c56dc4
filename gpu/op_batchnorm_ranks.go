package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/world"
	"contig-gpu/kernels"
)

// overRanks reports whether the statistics are of more rows than this device has.
func (a *bnArgs) overRanks() bool { return a.shared && a.x.dev.Ranks() > 1 }

// bnOverRanks merges the moments of this rank's rows with the others', in the order of ranks.
func bnOverRanks(d *Device, rows int, mean, m2 []float64) (int, []float64, []float64) {
	c, n := len(mean), d.Ranks()
	if n == 1 {
		return rows, mean, m2
	}
	own := append(append([]float64{float64(rows)}, mean...), m2...)
	all := make([]float64, n*len(own))
	if err := world.AllGather(d.world, all, own); err != nil {
		d.fail(err)
	}
	total := newMoments(make([]float64, 2*c), 0, c)
	for r := range n {
		x := all[r*len(own):]
		merge(&total, int(x[0]), x[1:1+c], x[1+c:1+2*c])
	}
	return total.rows, total.mean, total.m2
}

// bnSumOverRanks returns the sums of a gradient, and the rows, of all ranks.
func bnSumOverRanks(d *Device, s1, s2 []float64, rows int) (all1, all2 []float64, n int) {
	c := len(s1)
	all := append(append([]float64{float64(rows)}, s1...), s2...)
	if err := world.Sum(d.world, all); err != nil {
		d.fail(err)
	}
	return all[1 : 1+c], all[1+c:], int(all[0])
}

// bnFinishRanks is bnFinish over the rows of all ranks: their moments are gathered, and every rank joins them. The sums of a convolution
// are not looked at: they are of this rank's rows.
func (c *gpu) bnFinishRanks(a *bnArgs, s columnShape) uint64 {
	g, ranks, n := s.grid(c, kernels.NormRows, bnMomentBlocks), a.x.dev.Ranks(), 1+2*s.c
	_, _, _, bytes := bnMomentsAt(parts(g), s.c)
	at := aligned(bytes)
	p := c.scratch(at + aligned(8*n) + 8*n*ranks)
	own, all := p.Add(at), p.Add(at+aligned(8*n))
	_, m := c.bnStatistics(a, s)
	launch(c, "batchnorm_own", F32, s.totals(), &kernels.BatchnormOwn{Own: uint64(own), Count: m.count, Means: m.mean, M2: m.m2, Parts: int32(parts(g)), C: int32(s.c)})
	c.tally.addBytes("all_gather", 8*n*(ranks+1))
	c.ranks.AllGather(all, own, 8*n)
	launch(c, "batchnorm_ranks", F32, c.columnGrid(s.c), &kernels.BatchnormRanks{Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), RunMean: a.runMean.ptr(),
		RunVar: a.runVar.ptr(), Rows: m.rows, All: uint64(all), Ranks: int32(ranks), C: int32(s.c), Eps: a.bn.Eps, Momentum: a.bn.Momentum})
	return m.rows
}

// bnSlopesRanks is bnReduce over the rows of all ranks: this rank's sums are taken as where statistics are fixed, to memory that is 0
// before, and summed over ranks in a copy.
func (c *gpu) bnSlopesRanks(a *bnArgs, s columnShape, g driver.Grid, t bnSums, own driver.Ptr) {
	n, here, there := 2*s.c+2, *a, t
	all := own.Add(aligned(4 * n))
	c.tally.addBytes("fill", 4*n)
	c.dev.Set(own, 0, 4, n)
	there.rows = 0
	here.dbeta, here.dgamma = a.vectorAt(own), a.vectorAt(own.Add(4*s.c))
	c.bnReduce(&here, a.x, s, g, there, a.rstd.ptr())
	launch(c, "batchnorm_sums", F32, c.columnGrid(2*s.c), &kernels.BatchnormSums{All: uint64(all), Own: uint64(own), Count: t.count, Parts: int32(parts(g)), C: int32(s.c)})
	c.tally.addBytes("all_reduce", 8*n)
	c.ranks.AllReduce(all, n, driver.F32)
	launch(c, "batchnorm_slopes", F32, c.columnGrid(s.c), &kernels.BatchnormSlopes{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		Rows: t.rows, All: uint64(all), Own: uint64(own), Gamma: a.gamma.ptr(), Rstd: a.rstd.ptr(), C: int32(s.c)})
}

// vectorAt is a vector of the columns in scratch memory.
func (a *bnArgs) vectorAt(p driver.Ptr) Tensor {
	return Tensor{dev: a.x.dev, dtype: F32, rank: 1, dims: [4]int{a.x.Dim(a.x.Rank() - 1)}, at: p}
}

// columnGrid gives a thread to each of n columns.
func (c *gpu) columnGrid(n int) driver.Grid {
	return driver.Grid{Blocks: [3]int{(n + threads - 1) / threads}, Threads: [3]int{threads}}
}
