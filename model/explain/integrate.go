package explain

import (
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

// integrate leaves in sums [rows, H] the gradients behind the first layer, summed over the nodes of each path that is named. How
// paths share a product depends on the number of nodes alone.
func (g *Genetics) integrate(sums []float64, paths []int32, q nodes) {
	groups := q.groups()
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
	keep(sums, paths, total, h)
	for _, t := range []gpu.Tensor{both, total, between, weight} {
		p.Free(t)
	}
}

// liftNodes are the nodes between two embeddings over which DeepLift's gradient is the mean: f is smooth there, and sharp where
// the way leads past 0. Where the multipliers do not add up they are doubled, to mostLiftNodes at most.
const liftNodes, mostLiftNodes = 50, 1600

// deepLift leaves in host.sum the multipliers behind the first layer of the paths that are named.
func (g *Genetics) deepLift(paths []int32, nodes int) {
	half := g.rows / 2
	for lo := 0; lo < len(paths); lo += half {
		g.liftSome(paths[lo:min(len(paths), lo+half)], half, nodes)
	}
}

func (g *Genetics) liftSome(paths []int32, slots, nodes int) {
	p, h := g.pass(nn.OfInputs, nn.Rescale), g.tower.Width()
	on := g.slots(paths, slots)
	both := g.ends(p, slots)
	e := g.tower.Rest.Forward(p, both.View(2*slots, h))
	dh := g.tower.Rest.Backward(p, g.meanGradient(e, slots, nodes, on))
	keep(g.host.sum, paths, dh, h)
	p.Free(dh)
	p.Free(both)
	p.Finish()
}

// meanGradient returns the mean gradient of f between the embeddings e [2 slots, D], the ends before the baselines.
func (g *Genetics) meanGradient(e gpu.Tensor, slots, n int, on Partners) gpu.Tensor {
	p, d, groups := g.pass(0, nn.Gradient), e.Dim(1), gaussLegendre(n).groups()
	size := len(groups[0].at)
	mean, between, weight := p.Temp(slots, d), p.Temp(size, 2), p.Temp(1, size)
	for i, q := range groups {
		gpu.Write(between, q.between())
		gpu.Write(weight, q.weight)
		points := p.Temp(size, slots*d)
		gpu.MatMul(points, between, e.View(2, slots*d), false, false, 0)
		de := g.f.Gradients(p, points.View(size*slots, d), on)
		gpu.MatMul(mean.View(1, slots*d), weight, de.View(size, slots*d), false, false, float64(min(i, 1)))
		p.Free(de)
		p.Free(points)
	}
	p.Free(between)
	p.Free(weight)
	return mean
}
