package gpu_test

import (
	"bytes"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"math"
	"testing"
)

// form is a way to compute InfoNCE; it reports false where it does not apply.
type form struct {
	name string
	run  func(loss, du, dv, u, v, present, group, scale gpu.Tensor, spec gpu.InfoNCESpec) bool
}

func forms() []form {
	return []form{
		{"as chosen", func(loss, du, dv, u, v, present, group, scale gpu.Tensor, spec gpu.InfoNCESpec) bool {
			gpu.InfoNCE(loss, du, dv, u, v, present, group, scale, spec)
			return true
		}},
		{"one launch", func(loss, du, dv, u, v, present, group, scale gpu.Tensor, spec gpu.InfoNCESpec) bool {
			return u.Device().Name() != "cpu" && gpu.InfoNCESingle(loss, du, dv, u, v, present, group, scale, spec)
		}},
		{"tiled", func(loss, du, dv, u, v, present, group, scale gpu.Tensor, spec gpu.InfoNCESpec) bool {
			if u.Device().Name() == "cpu" {
				return false
			}
			gpu.InfoNCETiled(loss, du, dv, u, v, present, group, scale, spec)
			return true
		}},
	}
}

// crowd has the rows of a contrastive loss: who is present, and who belongs to whom.
type crowd struct {
	u, v, present, group, scale gputest.Twin
	n, d                        int
	floor                       float64 // of a gradient's allowed error: that many 1e-4 of the largest that a pair can contribute
}

// newCrowd makes rows of several lengths; absent leaves out every absent-th row, whose numbers are then NaN. alike draws v towards u.
func newCrowd(l *gputest.Lab, n, d, absent int, alike float64) crowd {
	c := crowd{n: n, d: d, floor: 0.02, scale: l.InVec("scale", 0.5, 2, 1)}
	u, v := golden.Fill("u", n*d, -1, 1), golden.Fill("v", n*d, -1, 1)
	present, group := make([]uint8, n), make([]int32, n)
	for r := range n {
		for i := r * d; i < (r+1)*d; i++ {
			v[i] += alike * u[i]
		}
		stretch(u[r*d:(r+1)*d], float64(1+r%5), absent > 0 && r%absent == 0)
		stretch(v[r*d:(r+1)*d], float64(1+r%3), absent > 0 && r%absent == 0)
		group[r] = int32(r % (n/3 + 1))
		if absent == 0 || r%absent != 0 {
			present[r] = 1
		}
	}
	c.u, c.v, c.present, c.group = l.Put(l.Type, u, n, d), l.Put(l.Type, v, n, d), l.Bytes(present, n), l.Ints(group, n)
	return c
}

func stretch(x []float64, by float64, nothing bool) {
	for i := range x {
		if x[i] *= by; nothing {
			x[i] = math.NaN()
		}
	}
}

// of runs a form on both sides of the lab, and reports whether it applies. Without du and dv scale is left out too.
func (c crowd) of(l *gputest.Lab, f form, loss, du, dv gputest.Twin, spec gpu.InfoNCESpec) bool {
	fits, scale := true, c.scale
	if !du.Ok() {
		scale = gputest.Twin{}
	}
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		run := f.run
		if of(c.u).DType() == gpu.F64 {
			run = forms()[0].run
		}
		fits = fits && run(of(loss), of(du), of(dv), of(c.u), of(c.v), of(c.present), of(c.group), of(scale), spec)
	})
	return fits
}

// check runs one form twice and compares: the loss within 1e-5, gradients row by row within 1e-4 of the row and their own
// type's rounding, or of the floor: where terms cancel, float32 logits are no better.
func (c crowd) check(l *gputest.Lab, f form, spec gpu.InfoNCESpec) {
	loss, du, dv := l.Vec(4), l.Out(c.n, c.d), l.Out(c.n, c.d)
	only, none := l.Vec(4), gputest.Twin{}
	if !c.of(l, f, loss, du, dv, spec) || !c.of(l, f, only, none, none, spec) {
		return
	}
	what := fmt.Sprintf("%s, %d rows of %d, %+v: ", f.name, c.n, c.d, spec)
	for i, v := range gputest.Values(loss.On) {
		gputest.Close(l.TB, fmt.Sprint(what, "loss ", i), []float64{v}, gputest.Values(loss.Ref)[i:i+1], 1e-5)
	}
	if !bytes.Equal(dump(loss.On), dump(only.On)) {
		l.Errorf("%sthe loss is %v with gradients, %v without", what, gputest.Values(loss.On), gputest.Values(only.On))
	}
	most := c.floor * gputest.Values(c.scale.Ref)[0] / spec.Tau / math.Max(1, gputest.Values(loss.Ref)[3])
	tol := 1e-4
	if l.Type != l.VectorType() {
		tol += gputest.Tol(l.Type, 1)
	}
	sameRows(l, what+"du", du, c.sizes(c.u, most), tol)
	sameRows(l, what+"dv", dv, c.sizes(c.v, most), tol)
}

// sizes returns most over each row's length, or 0.
func (c crowd) sizes(x gputest.Twin, most float64) []float64 {
	size, v, zero := make([]float64, c.n), gputest.Values(x.Ref), make([]float64, c.d)
	for r := range size {
		if n := distance(v[r*c.d:(r+1)*c.d], zero); n > 0 {
			size[r] = most / n
		}
	}
	return size
}

func TestConformanceInfoNCE(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "64") // so that the one-launch form fits on the emulator up to 1,000 rows
	conform(t, func(l *gputest.Lab) {
		for i, n := range []int{1, 2, 3, 31, 32, 33, 64, 127, 129} {
			if l.Type != l.VectorType() && n != 2 && n != 33 && n != 64 {
				continue // the type touches the ends of the kernel alone
			}
			for j, d := range []int{1, 16, 128, 130} {
				for _, f := range forms() {
					spec := gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75, Pairs: gpu.Pairs((i + j) % 3)}
					newCrowd(l, n, d, (i+2*j)%4, 0).check(l, f, spec)
				}
			}
		}
	})
}

func TestConformanceInfoNCEPairs(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, pairs := range []gpu.Pairs{gpu.AvoidPairs, gpu.MaskPairs, gpu.PositivePairs} {
			for _, tau := range []float64{5, 0.1, 0.01, 0.002} {
				for _, alike := range []float64{0, 4} {
					for _, f := range forms() {
						newCrowd(l, 37, 20, 5, alike).check(l, f, gpu.InfoNCESpec{Tau: tau, Lambda: 0.3, Pairs: pairs})
					}
				}
			}
		}
	})
}

// TestConformanceInfoNCESure: where every softmax is almost 1 the small loss and its small gradients keep their digits.
func TestConformanceInfoNCESure(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, f := range forms() {
			c := newCrowd(l, 37, 20, 0, 4)
			c.floor = 0
			c.check(l, f, gpu.InfoNCESpec{Tau: 0.04, Lambda: 0.3})
		}
	})
}

// TestConformanceInfoNCEAreas: several tiles to an area of the tiled form, in both directions.
func TestConformanceInfoNCEAreas(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "2")
	conformVectors(t, func(l *gputest.Lab) {
		for i, n := range []int{129, 200, 321} {
			newCrowd(l, n, 24, 5*i, 1).check(l, forms()[2], gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75, Pairs: gpu.Pairs(i)})
		}
	})
}

func TestConformanceInfoNCELarge(t *testing.T) {
	if testing.Short() {
		t.Skip("long on the emulator: run without -short")
	}
	t.Setenv("SIMT_MULTIPROCESSORS", "64")
	conformVectors(t, func(l *gputest.Lab) {
		for i, d := range []int{16, 130} {
			for _, f := range forms()[1:] {
				newCrowd(l, 1000, d, 7*i, 1).check(l, f, gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75, Pairs: gpu.Pairs(2 * i)})
			}
		}
	})
}

// TestConformanceInfoNCEAlone: with fewer than two rows present everything is 0 exactly, whatever the rows hold.
func TestConformanceInfoNCEAlone(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, present := range [][]uint8{{0, 1, 0}, {0, 0, 0}} {
			for _, f := range forms() {
				u, p := l.Put(l.Type, []float64{1, 0, math.NaN(), 2, math.Inf(1), 3}, 3, 2), l.Bytes(present, 3)
				loss, du, dv, scale := l.Vec(4), l.Out(3, 2), l.Out(3, 2), l.InVec("scale", 1, 2, 1)
				if !f.run(loss.On, du.On, dv.On, u.On, u.On, p.On, gpu.Tensor{}, scale.On, gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75}) {
					continue
				}
				got := append(append(gputest.Values(loss.On), gputest.Values(du.On)...), gputest.Values(dv.On)...)
				want := make([]float64, 16)
				want[3] = float64(present[1])
				for i := range want {
					if got[i] != want[i] {
						l.Errorf("%s, present %v: %v, want %v", f.name, present, got, want)
						break
					}
				}
			}
		}
	})
}
