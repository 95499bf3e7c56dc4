package explain

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// Where f(x) and f(baseline) are nearly equal, attributions in float32 add up to what rounding leaves of their difference, and DeepLift's, which no number of nodes improves,
// never do better than that. So paths that a float32 device leaves open are made again in float64 on a CPU, by the same code, DeepLift's all.

// exactBytes bounds the memory of that beside the tower itself, unless 32 rows take more.
const exactBytes = 64 << 20

// openExact takes the memory of a Genetics in float64, where the settings name a device for it and some method is complete.
func (g *Genetics) openExact() error {
	set := g.set
	set.Methods = nil
	for _, m := range g.set.Methods {
		if g.set.exact(m) {
			set.Methods = append(set.Methods, m)
		}
	}
	if len(set.Methods) == 0 || g.f.ref.dtype == gpu.F64 {
		return nil
	}
	dev, r := set.Exact, g.f.ref
	ref, err := NewReference(dev, gpu.F64, r.sides[ImageSide].unit, r.sides[GeneticsSide].unit, r.dim, r.tau)
	if err != nil {
		return err
	}
	f := *g.f
	f.ref, f.spec.Base = ref, ref.sides[f.side.other()].base
	set.Exact, set.Bytes = nil, min(set.Bytes, exactBytes)
	x := &Genetics{dev: dev, f: &f, set: set, reference: g.reference, mean: g.mean, noise: g.noise, normals: g.normals}
	weights := dev.Deal("towers in float64", func(a *gpu.Arena) { x.tower = g.tower.shadow(a, gpu.F64) })
	if dev.Computes() {
		x.tower.fill(g.tower)
	}
	x.reserve()
	x.memory = append(x.memory, weights, ref.arena)
	x.enterBaselines()
	g.exact = x
	return nil
}

// exact reports whether paths of a method are made again where float32 leaves them open: not where the number of nodes is given, whose gap is its own.
func (s Settings) exact(m Method) bool {
	return s.Exact != nil && m.Complete() && (m == DeepLift || s.Steps == 0)
}

// fill copies the parameters and statistics of another tower of the same shapes.
func (t Tower) fill(from Tower) {
	move := func(to, from gpu.Tensor) {
		v := make([]float64, from.Len())
		gpu.Read(v, from)
		gpu.Write(to, v)
	}
	linear := func(to, from *nn.Linear) {
		move(to.Weight.Value, from.Weight.Value)
		move(to.Bias.Value, from.Bias.Value)
	}
	linear(t.First, from.First)
	for i, l := range t.Rest {
		switch l := l.(type) {
		case *nn.Linear:
			linear(l, from.Rest[i].(*nn.Linear))
		case *nn.BatchNorm:
			b := from.Rest[i].(*nn.BatchNorm)
			move(l.Weight.Value, b.Weight.Value)
			move(l.Bias.Value, b.Bias.Value)
			move(l.RunMean.Value, b.RunMean.Value)
			move(l.RunVar.Value, b.RunVar.Value)
		}
	}
}

// A piece is what a Genetics makes of as many paths as it takes together: gradients in wide, and of each path f at its end and start, and the nodes.
type piece struct {
	chunk  *chunk
	paths  []path // whose slots are the chunk's
	fx, fb []float64
	steps  []int
}

// make computes the piece of some paths.
func (c *chunk) make(m Method, paths []path) piece {
	c.paths = paths
	c.walk(m, paths)
	fx, fb := c.differ()
	steps := c.sums(m, len(paths), fx, fb)
	gpu.Write(c.sum, c.host.sum)
	c.leave()
	return piece{c, paths, fx, fb, steps}
}

// row reads the gradient of path r, summed over its nodes.
func (p piece) row(r int) []float64 {
	f := p.chunk.tower.Features()
	gpu.Read(p.chunk.host.row, p.chunk.wide.Slice(r*f, (r+1)*f))
	return p.chunk.host.row
}

// ends returns the features at the end of path r, and what is subtracted of them.
func (p piece) ends(m Method, r int) (x []float32, base func(j int) float64) {
	c, q := p.chunk, p.paths[r]
	f := c.tower.Features()
	x = c.features(q.slot)
	if c.set.noisy(m) {
		x = c.host.path[r*f : (r+1)*f]
	}
	if q.base >= 0 {
		rows := c.Genetics.reference[q.base*f : (q.base+1)*f]
		return x, func(j int) float64 { return float64(rows[j]) }
	}
	return x, func(j int) float64 { return c.mean[j] }
}

// open lists the paths of a piece whose attributions do not add up, ascending.
func (p piece) open(m Method) []int {
	var open []int
	for r := range p.paths {
		sum, difference := 0.0, p.fx[r]-p.fb[r]
		x, base := p.ends(m, r)
		for j, v := range p.row(r) {
			sum += v * (float64(x[j]) - base(j))
		}
		if !(math.Abs(sum-difference) <= p.chunk.set.Tolerance*math.Abs(difference)) {
			open = append(open, r)
		}
	}
	return open
}

// An again makes the open paths of a piece again, as many together as the exact Genetics takes, when they are asked for, in their order.
type again struct {
	from   *chunk
	method Method
	paths  []path
	open   []int // into paths, ascending
	piece
	lo, hi int // the open ones that piece has
}

// at returns the piece that has path r again, and where; ok is false where r is not open.
func (a *again) at(r int) (p piece, at int, ok bool) {
	for k := a.lo; k < len(a.open); k++ {
		switch {
		case a.open[k] > r:
			return piece{}, 0, false
		case a.open[k] < r:
			continue
		}
		if k >= a.hi {
			a.next(k)
		}
		return a.piece, k - a.lo, true
	}
	return piece{}, 0, false
}

// next makes the paths from the k-th open one on.
func (a *again) next(k int) {
	x := a.from.exact
	a.lo, a.hi = k, min(len(a.open), k+x.rows)
	c := &chunk{Genetics: x, ctx: a.from.ctx}
	slot, paths := map[int]int{}, []path(nil)
	for _, r := range a.open[a.lo:a.hi] {
		p := a.paths[r]
		s, there := slot[p.slot]
		if !there {
			s = len(c.persons)
			slot[p.slot] = s
			c.persons = append(c.persons, a.from.persons[p.slot])
		}
		p.slot = s
		paths = append(paths, p)
	}
	c.read(a.from.src)
	a.piece = c.make(a.method, paths)
}
