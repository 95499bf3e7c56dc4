//go:build linux && cgo

package blas

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu/internal/driver"
)

// forms are the pairs of input and result types.
var forms = [][2]driver.Type{{driver.F32, driver.F32}, {driver.BF16, driver.BF16}, {driver.BF16, driver.F32}, {driver.F16, driver.F16}, {driver.F16, driver.F32}}

// A trial is a product with its operands on both sides.
type trial struct {
	p             driver.Product
	c, a, b, bias *buffer
	av, bv, cv, w []float64
}

func newTrial(r *rand.Rand, p driver.Product, bias bool) *trial {
	q := &trial{p: p}
	q.a, q.av = newValues(r, p.In, p.M*p.K)
	q.b, q.bv = newValues(r, p.In, p.K*p.N)
	q.c, q.cv = newValues(r, p.Out, p.M*p.N)
	q.bias, q.w = newValues(r, driver.F32, p.N)
	if bias {
		q.p.Bias = q.bias.at
	} else {
		q.w = make([]float64, p.N)
	}
	return q
}

// want returns element [i, j] in float64 and the error that float32 sums and the result's type may make.
func (q *trial) want(i, j int) (v, tolerance float64) {
	p := q.p
	var size float64
	for l := range p.K {
		x, y := i*p.K+l, l*p.N+j
		if p.TransA {
			x = l*p.M + i
		}
		if p.TransB {
			y = j*p.K + l
		}
		term := q.av[x] * q.bv[y]
		v, size = v+term, size+math.Abs(term)
	}
	if p.Beta != 0 {
		v += float64(p.Beta) * q.cv[i*p.N+j]
		size++
	}
	v += q.w[j]
	tolerance = float64(p.K+4) * 0x1p-24 * (size + 1)
	tolerance += math.Abs(v) * map[driver.Type]float64{driver.F32: 0x1p-24, driver.BF16: 0x1.01p-8, driver.F16: 0x1.01p-11}[p.Out]
	if p.ReLU {
		v = max(v, 0)
	}
	return v, tolerance + 0x1p-25
}

func (q *trial) check(t *testing.T) {
	t.Helper()
	for _, b := range []*buffer{q.a, q.b, q.c, q.bias} {
		if !b.intact() {
			t.Errorf("%s: written outside", text(q.p))
		}
	}
	for i := range q.p.M {
		for j := range q.p.N {
			want, tolerance := q.want(i, j)
			if got := q.c.get(q.p.Out, i*q.p.N+j); !(math.Abs(got-want) <= tolerance) {
				t.Fatalf("%s: element [%d, %d] is %g, want %g within %g", text(q.p), i, j, got, want, tolerance)
			}
		}
	}
}

// TestProducts tries every pair of layouts and types on ragged shapes, with bias, ReLU and beta in turn.
func TestProducts(t *testing.T) {
	h, s := open(t)
	sizes := []int{1, 2, 31, 32, 33, 127, 129}
	if testing.Short() {
		sizes = []int{1, 2, 33, 129}
	}
	r := rand.New(rand.NewPCG(1, 2))
	n := 0
	for _, m := range sizes {
		for _, cols := range sizes {
			for _, k := range sizes {
				for _, f := range forms {
					n++
					p := driver.Product{M: m, N: cols, K: k, TransA: n&1 != 0, TransB: n&2 != 0, In: f[0], Out: f[1], ReLU: n%3 == 0}
					if !p.ReLU {
						p.Beta = [...]float32{0, 1, -0.5}[n%7%3]
					}
					q := newTrial(r, p, fusible(p) && n%5 < 3)
					h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
					if s.err != nil {
						t.Fatal(s.err)
					}
					q.check(t)
				}
			}
		}
		kept = nil
	}
}

// TestLayouts crosses what TestProducts tries in turn, on one ragged shape.
func TestLayouts(t *testing.T) {
	h, s := open(t)
	r := rand.New(rand.NewPCG(3, 4))
	for mask := range 32 {
		for _, f := range forms {
			p := driver.Product{M: 33, N: 17, K: 50, TransA: mask&1 != 0, TransB: mask&2 != 0, In: f[0], Out: f[1], ReLU: mask&4 != 0}
			if mask&8 != 0 && !p.ReLU {
				p.Beta = 1
			}
			q := newTrial(r, p, mask&16 != 0 && fusible(p))
			h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
			if s.err != nil {
				t.Fatal(s.err)
			}
			q.check(t)
		}
	}
}

// TestBetaZero has a result that holds NaN before.
func TestBetaZero(t *testing.T) {
	h, _ := open(t)
	q := newTrial(rand.New(rand.NewPCG(5, 6)), driver.Product{M: 5, N: 6, K: 7}, false)
	for i := range q.cv {
		q.c.put(driver.F32, i, float32(math.NaN()))
	}
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	q.check(t)
}

// TestLongSums: K large enough that the library splits it. Of the algorithms that the fake proposes first, one rounds the
// parts to the result's type and must not be taken; the one that is keeps three parts in scratch memory.
func TestLongSums(t *testing.T) {
	h, _ := open(t)
	for _, f := range forms {
		p := driver.Product{M: 9, N: 10, K: 5000, In: f[0], Out: f[1], TransA: true}
		if got, want := h.MatMulScratch(p), 4*3*p.M*p.N; got != want {
			t.Errorf("%s takes %d bytes of scratch, want %d", text(p), got, want)
		}
		q := newTrial(rand.New(rand.NewPCG(7, 8)), p, false)
		h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
		q.check(t)
	}
}

// TestTF32: 1 + 2^-13 is 1 in TF32; it is itself in every product that does not allow TF32.
func TestTF32(t *testing.T) {
	h, _ := open(t)
	x := float32(1 + 0x1p-13)
	for _, c := range []struct {
		tf32 bool
		want float64
	}{{false, float64(x)}, {true, 1}} {
		a, b, r := newBuffer(4, 0), newBuffer(4, 0), newBuffer(4, 0)
		a.put(driver.F32, 0, x)
		b.put(driver.F32, 0, 1)
		h.MatMul(driver.Product{M: 1, N: 1, K: 1, TF32: c.tf32}, r.at, a.at, b.at)
		if got := r.get(driver.F32, 0); got != c.want {
			t.Errorf("TF32 %v: %g, want %g", c.tf32, got, c.want)
		}
	}
	// Products of 16-bit numbers have nothing to round: the flag is not passed on.
	a, b, r := newBuffer(2, 0), newBuffer(2, 0), newBuffer(2, 0)
	h.MatMul(driver.Product{M: 1, N: 1, K: 1, In: driver.BF16, Out: driver.BF16, TF32: true}, r.at, a.at, b.at)
}

// TestMisaligned shifts each address alone by the size of one element.
func TestMisaligned(t *testing.T) {
	h, s := open(t)
	r := rand.New(rand.NewPCG(9, 10))
	for which := range 4 {
		q := newTrial(r, driver.Product{M: 8, N: 8, K: 100, ReLU: true}, true)
		for i, b := range []**buffer{&q.c, &q.a, &q.b, &q.bias} {
			if i == which {
				moved := newBuffer(len((*b).bytes), 4)
				copy(moved.bytes, (*b).bytes)
				*b = moved
			}
		}
		q.p.Bias = q.bias.at
		h.SetScratch(h.scratch, h.MatMulScratch(q.p)) // which suffices whatever the alignment
		h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
		if s.err != nil {
			t.Fatal(s.err)
		}
		q.check(t)
	}
	if got := len(h.plans); got != 5 {
		t.Errorf("%d plans, want one for aligned addresses and four for the others", got)
	}
}

// TestBiasMoves: one plan serves biases at several addresses.
func TestBiasMoves(t *testing.T) {
	h, _ := open(t)
	r := rand.New(rand.NewPCG(11, 12))
	for range 3 {
		q := newTrial(r, driver.Product{M: 4, N: 300, K: 5}, true)
		h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
		q.check(t)
	}
	if len(h.plans) != 1 {
		t.Errorf("%d plans, want 1", len(h.plans))
	}
}

func TestConformanceSize(t *testing.T) {
	if testing.Short() {
		t.Skip("a second or two")
	}
	h, _ := open(t)
	q := newTrial(rand.New(rand.NewPCG(13, 14)), driver.Product{M: 1000, N: 1000, K: 1000, In: driver.BF16, TransB: true}, true)
	q.p.Out = driver.F32
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	for _, at := range [][2]int{{0, 0}, {999, 999}, {17, 500}, {998, 3}} {
		want, tolerance := q.want(at[0], at[1])
		if got := q.c.get(driver.F32, at[0]*1000+at[1]); math.Abs(got-want) > tolerance {
			t.Errorf("element %v is %g, want %g within %g", at, got, want, tolerance)
		}
	}
}

func BenchmarkMatMul(b *testing.B) {
	h, _ := open(b)
	for _, n := range []int{64, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q := newTrial(rand.New(rand.NewPCG(1, 1)), driver.Product{M: n, N: n, K: n, In: driver.BF16, Out: driver.BF16}, false)
			for b.Loop() {
				h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
			}
		})
	}
}
