package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
	"fmt"
)

// MatMul computes c = op(a) op(b) + beta c for matrices, op(x) being x or, if asked for, its transpose. beta is 0 or
// 1 on a GPU. a and b have one type; c has it too, or float32 where they have 16 bits.
func MatMul(c, a, b Tensor, transA, transB bool, beta float64) {
	wantProduct("MatMul", c, a, b, transA, transB)
	computeCounted(c, func() { matMul[float32](c, a, b, transA, transB, beta) }, func() { matMul[float64](c, a, b, transA, transB, beta) },
		func(k *gpu) { k.matMul(product{c: c, a: a, b: b, transA: transA, transB: transB, beta: beta}) })
}

// MatMulBias computes c = op(a) op(b) + bias [N], the bias added to every row, and its ReLU if asked for.
func MatMulBias(c, a, b Tensor, transA, transB bool, bias Tensor, relu bool) {
	wantProduct("MatMulBias", c, a, b, transA, transB)
	want("MatMulBias", "bias", bias, c, vectorType(c), c.Dim(1))
	computeCounted(c, func() { matMul[float32](c, a, b, transA, transB, 0); addBias[float32](c, c, bias, relu) },
		func() { matMul[float64](c, a, b, transA, transB, 0); addBias[float64](c, c, bias, relu) },
		func(k *gpu) {
			k.matMul(product{c: c, a: a, b: b, transA: transA, transB: transB, bias: bias, relu: relu})
		})
}

// A product is what MatMul and MatMulBias ask of a GPU.
type product struct {
	c, a, b, bias        Tensor
	transA, transB, relu bool
	beta                 float64
}

// dims returns the lengths of c [m, n] and of what is summed over.
func (p product) dims() (m, n, k int) {
	if k = p.a.Dim(1); p.transA {
		k = p.a.Dim(0)
	}
	return p.c.Dim(0), p.c.Dim(1), k
}

func wantProduct(op string, c, a, b Tensor, transA, transB bool) {
	wantFloat(op, "c", c, 2)
	wantFloat(op, "a", a, 2)
	m, n := c.Dim(0), c.Dim(1)
	am, k := a.Dim(0), a.Dim(1)
	if transA {
		am, k = k, am
	}
	if am != m {
		panic(fmt.Sprintf("gpu: %s: op(a) is %s, want %s", op, shape([]int{am, k}), shape([]int{m, k})))
	}
	if c.dtype != a.dtype && c.dtype != vectorType(a) {
		panic(fmt.Sprintf("gpu: %s: c is %v, want %v or %v", op, c.dtype, a.dtype, vectorType(a)))
	}
	want(op, "a", a, c, a.dtype, a.Dims()...)
	if transB {
		want(op, "b", b, c, a.dtype, n, k)
	} else {
		want(op, "b", b, c, a.dtype, k, n)
	}
}

func matMul[F Float](tc, ta, tb Tensor, transA, transB bool, beta float64) {
	c, k := host[F](tc), ta.Dim(1)
	if transA {
		k = ta.Dim(0)
	}
	if beta != 0 && beta != 1 {
		blocks(tc.dev, len(c), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				c[i] *= F(beta)
			}
		})
	}
	cpukern.Gemm(tc.dev.pool, transA, transB, tc.Dim(0), tc.Dim(1), k,
		host[F](ta), ta.Dim(1), host[F](tb), tb.Dim(1), c, tc.Dim(1), beta != 0)
}

// matMul hands a product to the device's library.
func (c *gpu) matMul(p product) {
	if p.beta != 0 && p.beta != 1 {
		panic(fmt.Sprintf("gpu: MatMul: beta is %g, on a GPU it is 0 or 1", p.beta))
	}
	m, n, k := p.dims()
	if m == 0 || n == 0 {
		return
	}
	if k == 0 { // the libraries want terms
		c.noTerms(p)
		return
	}
	q := driver.Product{M: m, N: n, K: k, TransA: p.transA, TransB: p.transB, In: typeOf(p.a.dtype), Out: typeOf(p.c.dtype),
		Beta: float32(p.beta), Bias: p.bias.at, ReLU: p.relu, TF32: c.tf32}
	apart := false
	if adds := c.caps.AddsBias; adds != nil && p.bias.Ok() && !adds(q) {
		apart, q.Bias, q.ReLU = true, 0, false
	}
	c.scratch(c.dev.MatMulScratch(q))
	c.tally.add("product_"+p.a.dtype.String(), 2*m*n*k, p.a, p.b, p.c)
	c.dev.MatMul(q, p.c.at, p.a.at, p.b.at)
	if apart {
		c.addBias(p.c, p.c, p.bias, p.relu)
	}
}

// noTerms is a product of no terms: 0, and what is added to it.
func (c *gpu) noTerms(p product) {
	if p.beta == 0 {
		c.fill(p.c, 0)
	}
	if p.bias.Ok() {
		c.addBias(p.c, p.c, p.bias, p.relu)
	}
}
