package ssl

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// ntxent is the formula of NTXent as it is written down, for z [2 n, d].
func ntxent(z []float64, n, d int, group []int32, tau float64) float64 {
	unit := func(i int) []float64 {
		u, norm := slices.Clone(z[i*d:(i+1)*d]), 0.0
		for _, v := range u {
			norm += v * v
		}
		for k := range u {
			u[k] /= math.Max(math.Sqrt(norm), 1e-12)
		}
		return u
	}
	sum := 0.0
	for i := range 2 * n {
		var below, positive float64
		for j := range 2 * n {
			s := 0.0
			for k, v := range unit(i) {
				s += v * unit(j)[k] / tau
			}
			if j == (i+n)%(2*n) {
				positive = s
			}
			if j == (i+n)%(2*n) || group[i%n] != group[j%n] {
				below += math.Exp(s)
			}
		}
		sum += math.Log(below) - positive
	}
	return sum / float64(2*n)
}

// TestNTXentOfOnePerson: views of other images of one person are no negatives, and the gradient is that loss's.
func TestNTXentOfOnePerson(t *testing.T) {
	const n, d, tau, weight = 5, 4, 0.3, 0.7
	group, r := []int32{3, 1, 3, 0, 1}, rand.New(rand.NewPCG(1, 1))
	v := make([]float64, 2*n*d)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	dev := gputest.Open(t, "cpu", gpu.Options{})
	a, p := dev.NewArena(1<<16), nn.Training(dev.NewArena(1<<18), gpu.F64)
	z, dz, out, scale, groups := a.New(gpu.F64, 2*n, d), a.New(gpu.F64, 2*n, d), a.New(gpu.F64, objective.TermValues), a.New(gpu.F64, 1), a.New(gpu.I32, n)
	gpu.Write(z, v)
	gpu.Write(groups, group)
	gpu.Fill(scale, weight)
	NTXent(p, out, dz, z, groups, scale, tau)
	p.Finish()
	want := ntxent(v, n, d, group, tau)
	if got := gputest.Values(out)[0]; math.Abs(got-want) > 1e-12*want {
		t.Errorf("the loss is %.15g, want %.15g", got, want)
	}
	const h = 1e-6
	for i, g := range gputest.Values(dz) {
		up, down := slices.Clone(v), slices.Clone(v)
		up[i], down[i] = v[i]+h, v[i]-h
		if slope := weight * (ntxent(up, n, d, group, tau) - ntxent(down, n, d, group, tau)) / (2 * h); math.Abs(g-slope) > 1e-8 {
			t.Errorf("the gradient of element %d is %g, want %g", i, g, slope)
		}
	}
	p = nn.Evaluation(p.Arena, gpu.F64)
	NTXent(p, out, gpu.Tensor{}, z, groups, gpu.Tensor{}, tau)
	p.Finish()
	if got := gputest.Values(out)[0]; math.Abs(got-want) > 1e-12*want || p.Arena.InUse() != 0 {
		t.Errorf("in evaluation the loss is %.15g, want %.15g, and %d bytes are left", got, want, p.Arena.InUse())
	}
}
