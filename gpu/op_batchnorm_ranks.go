package gpu

import "contig-gpu/gpu/world"

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
