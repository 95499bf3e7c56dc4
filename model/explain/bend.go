package explain

import (
	"slices"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// Behind the first layer a path is straight. The ReLU bends it, but each of its units once at most; the norm and the layer behind
// that are linear, so that at a node
//
//	z = sum over the units that are on of (start_j + at step_j) a_j W_j + (bias + sum of c_j W_j),  norm(x)_j = a_j x + c_j
//
// and few units switch between two nodes. gpu.PathLinear makes all nodes of a path from that, for little more than one.

// bend is the second layer of a tower with the norm in it, where the device computes paths.
type bend struct {
	weight gpu.Tensor // of gpu.Path
	bias   gpu.Tensor // [N]
}

// Ok reports whether there is one.
func (b bend) Ok() bool { return b.weight.Ok() }

// nodesTogether is the most nodes of a path in one gpu.PathLinear, and bendRows the rows of nodes for each row of paths: the more
// paths share the second layer's weights, the less these are fetched.
const nodesTogether, bendRows = 64, 4

// A second is the part of a tower behind its first layer that is a ReLU and a linear layer, and what lies before and behind.
type second struct {
	front  nn.Sequential // before the ReLU: linear, so that a path is straight behind it too
	norm   *nn.BatchNorm // nil: none
	linear *nn.Linear
	relu   bool          // another one follows
	rest   nn.Sequential // behind that
}

// second returns it; linear is nil where there is none.
func (t Tower) second() (s second) {
	bends := slices.IndexFunc(t.Rest, func(l nn.Layer) bool { _, ok := l.(*nn.ReLU); return ok })
	if bends < 0 {
		return second{}
	}
	s.front = t.Rest[:bends]
	rest := t.Rest[bends+1:]
	if len(rest) > 0 {
		if norm, ok := rest[0].(*nn.BatchNorm); ok {
			s.norm, rest = norm, rest[1:]
		}
	}
	if len(rest) == 0 {
		return second{}
	}
	s.linear, _ = rest[0].(*nn.Linear)
	if rest = rest[1:]; len(rest) > 0 {
		if _, s.relu = rest[0].(*nn.ReLU); s.relu {
			rest = rest[1:]
		}
	}
	s.rest = rest
	return s
}

// newBend takes the memory from a, where there is a bend.
func (g *Genetics) newBend(a *gpu.Arena) bend {
	l := g.tower.second().linear
	if l == nil || !g.dev.Paths() {
		return bend{}
	}
	n, h := l.Weight.Dims[0], l.Weight.Dims[1]
	return bend{a.New(g.f.ref.dtype, gpu.PathDims(h, n)...), a.New(g.f.ref.dtype, n)}
}

// fold fills the bend with the second layer's weights, and the norm's.
func (g *Genetics) fold() {
	if !g.bend.Ok() {
		return
	}
	s := g.tower.second()
	read := func(t gpu.Tensor) []float64 {
		v := make([]float64, t.Len())
		gpu.Read(v, t)
		return v
	}
	w, bias, n, h := read(s.linear.Weight.Value), read(s.linear.Bias.Value), s.linear.Weight.Dims[0], s.linear.Weight.Dims[1]
	scale, shift := slices.Repeat([]float64{1}, h), make([]float64, h)
	if s.norm != nil {
		scale, shift = s.norm.Slopes()
	}
	turned := make([]float64, n*h)
	for i := range n {
		for j, v := range w[i*h : (i+1)*h] {
			turned[j*n+i] = v * scale[j]
			bias[i] += v * shift[j]
		}
	}
	gpu.Write(g.bend.weight, gpu.PathWeights(turned, n))
	gpu.Write(g.bend.bias, bias)
}

// integrateBent is integrate where there is a bend.
func (g *Genetics) integrateBent(sums []float64, paths []int32, q nodes) {
	groups := q.groups(nodesTogether)
	slots := min(g.rows, max(1, bendRows*g.rows/len(groups[0].at)))
	batches := (g.rows + slots - 1) / slots
	slots = (g.rows + batches - 1) / batches
	for lo := 0; lo < len(paths); lo += slots {
		some := paths[lo:min(len(paths), lo+slots)]
		on := g.slots(some, slots)
		for i, part := range groups {
			g.bentSome(sums, some, slots, part, on, i > 0)
		}
	}
}

// bentSome sets the rows of sums that belong to paths, or adds to them. A pass of its own goes through the layers before the ReLU.
func (g *Genetics) bentSome(sums []float64, paths []int32, slots int, q nodes, on Partners, add bool) {
	p := g.pass(nn.OfInputs, nn.Gradient)
	path, both := g.straight(p, slots)
	du := p.Temp(path.Start.Dims()...)
	g.bent(du, path, q, on)
	p.Free(path.Step)
	du = g.tower.second().front.Backward(p, du)
	keep(sums, paths, du, g.tower.Width(), add)
	p.Free(du)
	p.Free(both)
	p.Finish()
}

// straight returns the paths of g.index between the values before the ReLU; Step, and both that they come from, are of p.Temp.
func (g *Genetics) straight(p *nn.Pass, slots int) (path gpu.Path, both gpu.Tensor) {
	both = g.ends(p, slots)
	ends := g.tower.second().front.Forward(p, both.View(2*slots, g.tower.Width()))
	h := ends.Dim(1)
	n := slots * h
	difference, step := p.Temp(1, 2), p.Temp(slots, h)
	gpu.Write(difference, []float64{1, -1})
	gpu.MatMul(step.View(1, n), difference, ends.View(2, n), false, false, 0)
	p.Free(difference)
	return gpu.Path{Start: ends.View(2*n).Slice(n, 2*n).View(slots, h), Step: step, W: g.bend.weight}, both
}

// bent computes du [P, H], the gradients at the nodes by the values before the ReLU, summed.
func (g *Genetics) bent(du gpu.Tensor, path gpu.Path, q nodes, on Partners) {
	p, s, k, lines, n := g.pass(nn.OfInputs, nn.Gradient), g.tower.second(), len(q.at), du.Dim(0), g.bend.bias.Dim(0)
	at, weight, y := p.Temp(k), p.Temp(k), p.Temp(k, lines, n)
	gpu.Write(at, q.at)
	gpu.Write(weight, q.weight)
	path.At = at
	gpu.PathLinear(y, path, g.bend.bias, s.relu)
	e := s.rest.Forward(p, y.View(k*lines, n))
	dy := s.rest.Backward(p, g.f.Gradients(p, e, on))
	gpu.PathLinearBackward(du, dy.View(k, lines, n), y, weight, path, s.relu)
	for _, t := range []gpu.Tensor{at, weight, y, dy} {
		p.Free(t)
	}
	p.Finish()
}

// differ returns f at the ends and at the starts of all paths.
func (g *Genetics) differ() (fx, fb []float64) {
	if !g.bend.Ok() {
		return g.values(g.end), g.values(g.start)
	}
	p, s, rows, n := g.pass(0, nn.Gradient), g.tower.second(), g.rows, g.bend.bias.Dim(0)
	all := make([]int32, rows)
	for r := range all {
		all[r] = int32(r)
	}
	on := g.slots(all, rows)
	path, both := g.straight(p, rows)
	at, y := p.Temp(2), p.Temp(2, rows, n)
	path.At = at
	gpu.Write(at, []float64{0, 1})
	gpu.PathLinear(y, path, g.bend.bias, s.relu)
	v := g.f.Values(p, s.rest.Forward(p, y.View(2*rows, n)), on)
	f := make([]float64, v.Len())
	gpu.Read(f, v)
	for r := range rows {
		fb, fx = append(fb, f[4*r]), append(fx, f[4*(rows+r)])
	}
	for _, t := range []gpu.Tensor{path.Step, at, y, both, v} {
		p.Free(t)
	}
	p.Finish()
	return fx, fb
}
