package explain

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A Function is the explained function of one modality over a Reference, for one side that moves: f as a function of the
// person's embedding on that side, the embedding on the other side being fixed.
type Function struct {
	ref  *Reference
	of   Of
	side Side
	spec gpu.InfoNCEPairSpec
}

// NewFunction returns the function where side moves; lambda is the loss's weight of image to genetics.
func NewFunction(ref *Reference, of Of, side Side, lambda float64) *Function {
	f := &Function{ref: ref, of: of, side: side, spec: of.spec(side, ref.tau, lambda)}
	f.spec.Base = ref.sides[side.other()].base
	return f
}

// Partners are the fixed embeddings of P persons, on the device.
type Partners struct {
	Unit  gpu.Tensor // [P, D] unit rows / tau
	Fixed gpu.Tensor // F64 [P, 2]: see gpu.InfoNCEPair
}

// NewPartners takes from a the memory of partners of p persons.
func (f *Function) NewPartners(a *gpu.Arena, p int) Partners {
	return Partners{Unit: a.New(f.ref.dtype, p, f.ref.dim), Fixed: a.New(gpu.F64, p, 2)}
}

// A Partner is a person's fixed side on the host.
type Partner struct {
	unit []float64 // / tau
	kept [2]float64
}

// Partner prepares a fixed embedding of any length, of the side that does not move.
func (f *Function) Partner(embedding []float64) Partner {
	if len(embedding) != f.ref.dim {
		panic(fmt.Sprintf("explain: Partner: an embedding of %d values, want %d", len(embedding), f.ref.dim))
	}
	unit := unitRows(embedding, f.ref.dim)
	return Partner{unit: scaled(unit, 1/f.ref.tau), kept: f.ref.kept(f.side.other(), unit)}
}

// Write puts partners on the device; rows beyond them become 0.
func (x Partners) Write(ps []Partner) {
	p, d := x.Unit.Dim(0), x.Unit.Dim(1)
	if len(ps) > p {
		panic(fmt.Sprintf("explain: %d partners into room for %d", len(ps), p))
	}
	unit, fixed := make([]float64, p*d), make([]float64, 2*p)
	for i, q := range ps {
		copy(unit[i*d:], q.unit)
		copy(fixed[2*i:], q.kept[:])
	}
	gpu.Write(x.Unit, unit)
	gpu.Write(x.Fixed, fixed)
}

// Values returns F64 [R, 4] for rows e [R, D] of moving embeddings, of any length: f, the loss's direction in which the
// reference asks, that in which the row asks, and the own logit. Row r goes with partner r mod P. It is of p.Temp: the
// caller frees it.
func (f *Function) Values(p *nn.Pass, e gpu.Tensor, on Partners) gpu.Tensor {
	unit, norm, across := f.across(p, e)
	value := p.Arena.New(gpu.F64, e.Dim(0), 4)
	gpu.InfoNCEPair(value, gpu.Tensor{}, across, unit, on.Unit, f.lse(), on.Fixed, f.spec)
	p.Free(unit)
	p.Free(norm)
	p.Free(across)
	return value
}

// Gradients returns the gradient [R, D] of f by rows e [R, D], of p.Temp: the caller, or Backward, frees it.
func (f *Function) Gradients(p *nn.Pass, e gpu.Tensor, on Partners) gpu.Tensor {
	unit, norm, across := f.across(p, e)
	de := p.Temp(e.Dims()...)
	gpu.InfoNCEPair(gpu.Tensor{}, de, across, unit, on.Unit, f.lse(), on.Fixed, f.spec)
	gpu.MatMul(de, across, f.rows(), false, false, 1)
	gpu.L2NormBackward(de, de, unit, norm, unitFloor)
	p.Free(unit)
	p.Free(norm)
	p.Free(across)
	return de
}

// across returns unit rows, their lengths, and their logits with the reference.
func (f *Function) across(p *nn.Pass, e gpu.Tensor) (unit, norm, across gpu.Tensor) {
	n := e.Dim(0)
	unit, norm, across = p.Temp(n, f.ref.dim), p.Temp(n), p.Temp(n, f.ref.n)
	gpu.L2Norm(unit, norm, e, unitFloor)
	gpu.MatMul(across, unit, f.rows(), false, true, 0)
	return unit, norm, across
}

// rows are the reference's rows on the fixed side, which the moving one is compared with, and lse their log-sum-exps.
func (f *Function) rows() gpu.Tensor { return f.ref.sides[f.side.other()].scaled }
func (f *Function) lse() gpu.Tensor  { return f.ref.sides[f.side.other()].lseOn }
