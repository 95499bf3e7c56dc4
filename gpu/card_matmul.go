package gpu

import (
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// A biasFuser says which products have their bias added by MatMul itself; devices without it add every bias.
type biasFuser interface{ FusesBias(p driver.Product) bool }

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
	if f, ok := c.dev.(biasFuser); ok && p.bias.Ok() && !f.FusesBias(q) {
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
