package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"math"
	"testing"
)

// cuts are ways to cut n rows into ranges of anchors: one, halves, uneven ones with an empty one among them.
func cuts(n int) [][]int {
	return [][]int{{0, n}, {0, n / 2, n}, {0, 1, n}, {0, n / 3, n / 3, (2*n + 2) / 3, n}}
}

// TestConformanceInfoNCEAnchors holds each share to float64, at both ends of a tile and beside them.
func TestConformanceInfoNCEAnchors(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "64")
	conformVectors(t, func(l *gputest.Lab) {
		for i, s := range [][3]int{{2, 0, 1}, {2, 1, 2}, {33, 5, 9}, {33, 32, 33}, {70, 0, 64}, {70, 64, 70}, {70, 63, 65}, {129, 1, 128}, {150, 64, 128}, {150, 70, 70}} {
			for _, f := range forms() {
				for _, d := range []int{16, 130} {
					spec := gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75, Pairs: gpu.Pairs(i % 3), Lo: s[1], Hi: s[2]}
					newCrowd(l, s[0], d, (i*2)%5, 0).check(l, f, spec)
				}
			}
		}
	})
}

// TestConformanceInfoNCEAnchorsSharp has logits of hundreds: what rows that do not ask would add must not overflow.
func TestConformanceInfoNCEAnchorsSharp(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for pairs := range gpu.PositivePairs + 1 {
			for _, f := range forms() {
				newCrowd(l, 37, 20, 5, 4).check(l, f, gpu.InfoNCESpec{Tau: 0.002, Lambda: 0.3, Pairs: pairs, Lo: 7, Hi: 20})
			}
		}
	})
}

// TestConformanceInfoNCEAnchorAreas has shares in areas of several tiles.
func TestConformanceInfoNCEAnchorAreas(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "2")
	conformVectors(t, func(l *gputest.Lab) {
		for i, s := range [][2]int{{0, 321}, {100, 130}, {192, 321}, {0, 64}} {
			newCrowd(l, 321, 24, 5*i, 1).check(l, forms()[2], gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75, Pairs: gpu.Pairs(i % 3), Lo: s[0], Hi: s[1]})
		}
	})
}

// TestConformanceInfoNCEParts: over the parts of a batch losses and gradients add up to those of the whole.
func TestConformanceInfoNCEParts(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "64")
	conform(t, func(l *gputest.Lab) {
		for i, n := range []int{5, 70, 130} {
			for _, f := range forms() {
				c := newCrowd(l, n, 24, 4*i, 1)
				for _, cut := range cuts(n) {
					c.addsUp(l, f, gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.3, Pairs: gpu.Pairs(i)}, cut)
				}
			}
		}
	})
}

// addsUp compares the sums over the ranges that cut names with the whole, on the target.
func (c crowd) addsUp(l *gputest.Lab, f form, spec gpu.InfoNCESpec, cut []int) {
	l.Helper()
	out := []gputest.Twin{l.Vec(4), l.Out(c.n, c.d), l.Out(c.n, c.d)}
	run := func() (vs [3][]float64, ok bool) {
		ok = f.run(out[0].On, out[1].On, out[2].On, c.u.On, c.v.On, c.present.On, c.group.On, c.scale.On, spec)
		for i, x := range out {
			vs[i] = gputest.Values(x.On)
		}
		return vs, ok
	}
	whole, ok := run()
	if !ok {
		return
	}
	sums := [3][]float64{make([]float64, 4), make([]float64, c.n*c.d), make([]float64, c.n*c.d)}
	for i, hi := range cut[1:] {
		spec.Lo, spec.Hi = cut[i], hi
		if spec.Hi == 0 { // which would be all
			continue
		}
		part, _ := run()
		for k := range sums {
			for j, v := range part[k] {
				sums[k][j] += v
			}
		}
	}
	for k, name := range []string{"loss", "du", "dv"} {
		tol := 1e-5
		if k > 0 {
			tol += float64(len(cut)) * gputest.Tol(l.Type, 1)
		}
		gputest.Close(l.TB, fmt.Sprintf("%s, %d rows cut at %v, %s", f.name, c.n, cut, name), sums[k], whole[k], tol)
	}
}

// TestInfoNCEOfOneAnchor holds the terms of a single anchor to the definition: -log softmax of its row and of its column.
func TestInfoNCEOfOneAnchor(t *testing.T) {
	const n, d, tau, lambda = 5, 3, 0.5, 0.3
	l := newLab(t)
	z, w, dz, dw, loss := l.fill("z", n, d), l.fill("w", n, d), l.zeros(n, d), l.zeros(n, d), l.zeros(4)
	present := gputest.Put(l.a, gpu.U8, []uint8{1, 0, 1, 1, 1}, n)
	scale := gputest.Put(l.a, gpu.F64, []float64{1}, 1)
	cosine := func(i, j int) float64 {
		a, b := gpu.Host[float64](z)[i*d:(i+1)*d], gpu.Host[float64](w)[j*d:(j+1)*d]
		dot := func(a, b []float64) (s float64) {
			for k, v := range a {
				s += v * b[k]
			}
			return s
		}
		return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b))
	}
	term := func(of func(j int) float64, i int) float64 {
		sum := 0.0
		for _, j := range []int{0, 2, 3, 4} {
			sum += math.Exp(of(j) / tau)
		}
		return (math.Log(sum) - of(i)/tau) / 4
	}
	for i := range n {
		spec := gpu.InfoNCESpec{Tau: tau, Lambda: lambda, Lo: i, Hi: i + 1}
		gpu.InfoNCE(loss, dz, dw, z, w, present, gpu.Tensor{}, scale, spec)
		want := make([]float64, 4)
		if i != 1 {
			want[1] = term(func(j int) float64 { return cosine(i, j) }, i)
			want[2] = term(func(j int) float64 { return cosine(j, i) }, i)
			want[0], want[3] = lambda*want[1]+(1-lambda)*want[2], 1
		}
		gputest.Close(t, fmt.Sprint("anchor ", i), gputest.Values(loss), want, 1e-12)
	}
}

// TestInfoNCEAnchorsOutside: a range that is none of the rows'.
func TestInfoNCEAnchorsOutside(t *testing.T) {
	l := newLab(t)
	z, loss, present := l.fill("z", 3, 2), l.zeros(4), gputest.Put(l.a, gpu.U8, []uint8{1, 1, 1}, 3)
	for _, s := range [][2]int{{-1, 2}, {2, 1}, {0, 4}, {3, 4}, {1, 0}} {
		text := fmt.Sprintf("gpu: InfoNCE: anchors are [%d, %d), want a part of [0, 3)", s[0], s[1])
		gputest.Panics(t, text, func() {
			gpu.InfoNCE(loss, gpu.Tensor{}, gpu.Tensor{}, z, z, present, gpu.Tensor{}, gpu.Tensor{}, gpu.InfoNCESpec{Tau: 1, Lo: s[0], Hi: s[1]})
		})
	}
}
