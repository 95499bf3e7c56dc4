package explain

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// pass returns a pass over the arena of activations.
func (g *Genetics) pass(want nn.Gradients, rule nn.Rule) *nn.Pass {
	return &nn.Pass{Arena: g.work, DType: g.f.ref.dtype, Want: want, Rule: rule}
}

// enter computes h [rows, H] of the inputs in wide.
func (g *Genetics) enter(h gpu.Tensor) { g.tower.Enter(h, g.wide) }

// leave computes the gradients in wide of those in sum.
func (g *Genetics) leave() { g.tower.Leave(g.wide, g.sum) }

// values returns f of every row of h [rows, H], whose partners are those of all paths.
func (g *Genetics) values(h gpu.Tensor) []float64 {
	p := g.pass(0, nn.Gradient)
	v := g.f.Values(p, g.tower.Rest.Forward(p, h), g.partners)
	all, f := make([]float64, v.Len()), make([]float64, v.Dim(0))
	gpu.Read(all, v)
	for r := range f {
		f[r] = all[4*r]
	}
	p.Free(v)
	p.Finish()
	return f
}

// slots are as many paths as are taken together, and how they are told to the device.
func (g *Genetics) slots(paths []int32, n int) (on Partners) {
	index := make([]int32, n)
	for i := range index {
		index[i] = -1
	}
	copy(index, paths)
	gpu.Write(g.index.Slice(0, n), index)
	d := g.f.ref.dim
	on = Partners{Unit: g.partners.Unit.Slice(0, n*d).View(n, d), Fixed: g.partners.Fixed.Slice(0, 2*n).View(n, 2)}
	ps := make([]Partner, n)
	for i, r := range paths {
		if int(r) < len(g.host.partners) {
			ps[i] = g.host.partners[r]
		}
	}
	on.Write(ps)
	return on
}

// ends gathers both ends of the paths of index: [2, n, H].
func (g *Genetics) ends(p *nn.Pass, n int) gpu.Tensor {
	h := g.tower.Width()
	both, index := p.Temp(2, n*h), g.index.Slice(0, n)
	gpu.GatherRows(both.Slice(0, n*h).View(n, h), g.end, index, gpu.Tensor{}, gpu.Tensor{})
	gpu.GatherRows(both.Slice(n*h, 2*n*h).View(n, h), g.start, index, gpu.Tensor{}, gpu.Tensor{})
	return both
}

// integrate leaves in the rows of sums the gradients behind the first layer, summed over the nodes of each path that is named. How
// paths share a product depends on the number of nodes alone.
func (g *Genetics) integrate(sums []float64, paths []int32, q nodes) {
	if g.bend.Ok() {
		g.integrateBent(sums, paths, q)
		return
	}
	groups := q.groups(mostTogether)
	size := len(groups[0].at)
	slots := g.rows / size
	batches := (g.rows + slots - 1) / slots
	slots = (g.rows + batches - 1) / batches
	for lo := 0; lo < len(paths); lo += slots {
		some := paths[lo:min(len(paths), lo+slots)]
		g.integrateSome(sums, some, slots, groups)
	}
}

func (g *Genetics) integrateSome(sums []float64, paths []int32, slots int, groups []nodes) {
	p, h, size := g.pass(nn.OfInputs, nn.Gradient), g.tower.Width(), len(groups[0].at)
	on := g.slots(paths, slots)
	both, total := g.ends(p, slots), p.Temp(1, slots*h)
	between, weight := p.Temp(size, 2), p.Temp(1, size)
	for i, q := range groups {
		gpu.Write(between, q.between())
		gpu.Write(weight, q.weight)
		points := p.Temp(size, slots*h)
		gpu.MatMul(points, between, both, false, false, 0)
		e := g.tower.Rest.Forward(p, points.View(size*slots, h))
		dh := g.tower.Rest.Backward(p, g.f.Gradients(p, e, on))
		gpu.MatMul(total, weight, dh.View(size, slots*h), false, false, float64(min(i, 1)))
		p.Free(dh)
		p.Free(points)
		p.Finish()
	}
	keep(sums, paths, total, h, false)
	for _, t := range []gpu.Tensor{both, total, between, weight} {
		p.Free(t)
	}
}

// allowed is the gap that a path may have whose f differs by fx - fb: the share of that, or what the rounding of f itself hides.
func (g *Genetics) allowed(share, fx, fb float64) float64 {
	rounding := 0x1p-22
	if g.f.ref.dtype == gpu.F64 {
		rounding = 0x1p-50
	}
	return math.Max(share*math.Abs(fx-fb), rounding*math.Max(math.Abs(fx), math.Abs(fb)))
}
