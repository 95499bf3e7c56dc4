//go:build linux && cgo

package blas

import (
	"errors"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu/internal/driver"
)

func TestSecondUseAllocatesNothing(t *testing.T) {
	h, _ := open(t)
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 4, N: 8, K: 4, ReLU: true}, true)
	moved := newBuffer(len(q.bias.bytes), 0)
	n := testing.AllocsPerRun(100, func() {
		h.MatMulScratch(q.p)
		h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
		q.p.Bias, moved.at = moved.at, q.p.Bias
	})
	if n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestBiasOf16BitResults(t *testing.T) {
	h, s := open(t)
	for _, f := range forms {
		p := driver.Product{M: 4, N: 8, K: 4, In: f[0], Out: f[1], Bias: 256}
		if got := h.FusesBias(p); got != (f[1] == driver.F32) {
			t.Errorf("%s: FusesBias is %v", text(p), got)
		}
		p.Bias = 0
		if h.FusesBias(p) {
			t.Errorf("%s: a bias that is none is fused", text(p))
		}
	}
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 4, N: 8, K: 4, In: driver.BF16, Out: driver.BF16}, true)
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	s.want(t, "C [4, 8] bf16 = A [4, 4] B [4, 8], bf16, bias", "no f32 bias to a bf16 result")
	h.MatMulScratch(q.p)
	s.want(t, "no f32 bias")
}

func TestRefused(t *testing.T) {
	h, s := open(t)
	for want, p := range map[string]driver.Product{
		"sizes are from 1":    {M: 4, N: 8, K: 0},
		"to 2147483647":       {M: 4, N: 8, K: 1 << 31},
		"inputs' type or f32": {M: 4, N: 8, K: 4, In: driver.BF16, Out: driver.F16},
		"ReLU is for beta 0":  {M: 4, N: 8, K: 4, ReLU: true, Beta: 1},
	} {
		if n := h.MatMulScratch(p); n != 0 {
			t.Errorf("%s takes %d bytes", text(p), n)
		}
		s.want(t, want, text(p))
		h.MatMul(p, 256, 256, 256)
		s.want(t, want, text(p))
	}
	h.MatMul(driver.Product{M: 0, N: 8, K: 4}, 0, 0, 0) // nothing to do
	h.MatMul(driver.Product{M: 8, N: 0, K: 4}, 0, 0, 0)
}

func TestLittleScratch(t *testing.T) {
	h, s := open(t)
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 4, N: 8, K: 400}, false)
	need := h.MatMulScratch(q.p)
	h.SetScratch(h.scratch, need-1)
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	s.want(t, "takes 384 bytes of scratch memory, of which there are 383", "C [4, 8] f32 = A [4, 400] B [400, 8], f32")
	h.SetScratch(h.scratch, need)
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	q.check(t)
}

// TestLibraryError has the library refuse: the result lies over an operand.
func TestLibraryError(t *testing.T) {
	h, s := open(t)
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 4, N: 4, K: 4, TransB: true}, false)
	h.MatMul(q.p, q.a.at, q.a.at, q.b.at)
	var e *Error
	if !errors.As(s.err, &e) || e.Call != "cublasLtMatmul" || e.Status != 7 {
		t.Fatalf("failure is %#v", s.err)
	}
	s.want(t, "cublasLtMatmul: CUBLAS_STATUS_INVALID_VALUE (7): ", "B [4, 4] transposed")
}

// TestEnters: the library queues on the context that is current, so each product enters the stream's own first.
func TestEnters(t *testing.T) {
	h, s := open(t)
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 4, N: 8, K: 4}, false)
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	q.check(t)
	if s.entered != 1 {
		t.Errorf("entered %d times for a product", s.entered)
	}
	s.away = errors.New("called from another thread")
	h.MatMul(q.p, q.c.at, q.a.at, q.b.at)
	s.want(t, "another thread")
}

func TestClose(t *testing.T) {
	h, s := open(t)
	p := driver.Product{M: 4, N: 4, K: 4}
	h.MatMulScratch(p)
	for range 2 {
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.MatMul(p, 256, 256, 256)
	s.want(t, "closed")
}

func TestText(t *testing.T) {
	got := text(driver.Product{M: 64, N: 128, K: 32, TransA: true, TransB: true, Beta: 1, TF32: true, Bias: 8, ReLU: true})
	if want := "C [64, 128] f32 = A [32, 64] transposed B [128, 32] transposed, f32, beta 1, bias, ReLU, TF32"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLoadNames(t *testing.T) {
	h, _ := open(t)
	if l := h.Library(); l.Name != "libcublasLt" || l.Version != "13.0.0" || l.Path == "" {
		t.Errorf("library %+v", l)
	}
}
