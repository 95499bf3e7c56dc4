package explain

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// room is the memory of a Genetics for as many rows at a time.
type room struct {
	rows int // of every product, whoever is in them, so that no person's result depends on the others

	wide       gpu.Tensor // [rows, F] inputs, then gradients
	persons    gpu.Tensor // [rows, H] behind the first layer: of a chunk's persons
	end, start gpu.Tensor // [rows, H]: of paths
	sum        gpu.Tensor // [rows, H] gradients, weighted and summed over each path
	base       gpu.Tensor // [1, H] the baseline of all
	reference  gpu.Tensor // [N, H] the reference's persons, where baselines are drawn
	index      gpu.Tensor // I32 [rows]
	partners   Partners   // of rows
	bend                  // where the device and the tower have one
}

// take takes it from a.
func (g *Genetics) take(a *gpu.Arena, rows int) {
	f, h, d := g.tower.Features(), g.tower.Width(), g.f.ref.dtype
	references := 0
	for _, m := range g.set.Methods {
		if g.set.drawn(m) {
			references = g.f.ref.n
		}
	}
	g.room = room{rows: rows, wide: a.New(d, rows, f), persons: a.New(d, rows, h), end: a.New(d, rows, h), start: a.New(d, rows, h),
		sum: a.New(d, rows, h), base: a.New(d, 1, h), reference: a.New(d, references, h), index: a.New(gpu.I32, rows),
		partners: g.f.NewPartners(a, rows), bend: g.newBend(a)}
}

// leastRows and mostRows bound the rows of a product: the least holds a group of nodes, and more than the most pay on no device.
// Rows that nobody is in are computed all the same, so that a CPU, whose products are at their best sooner, takes fewer.
const leastRows, mostRows, mostOnCPU = 32, 8192, 512

// reserve takes the memory for the most rows that keep to the budget.
func (g *Genetics) reserve() {
	rows, need := leastRows, g.need(leastRows)
	most := mostRows
	if g.dev.Threads() > 0 {
		most = mostOnCPU
	}
	for 2*rows <= most {
		more := g.need(2 * rows)
		if more.bytes > g.set.Bytes {
			break
		}
		rows, need = 2*rows, more
	}
	g.memory = []*gpu.Arena{
		g.dev.Deal("explain", func(a *gpu.Arena) { g.take(a, rows) }),
		g.dev.NamedArena("activations", need.work),
	}
	g.work = g.memory[1]
	g.dev.ReserveScratch(need.scratch)
	g.host = newHost(rows, g.tower.Features(), g.tower.Width())
	g.fold()
}

// needed is what rows at a time take.
type needed struct{ work, scratch, bytes int }

// need runs every kind of work on a planning device, and returns what it takes.
func (g *Genetics) need(rows int) needed {
	dev := g.dev.Plan()
	twin, a := *g, dev.NewArena(0)
	twin.dev, twin.work, twin.tower = dev, dev.NewArena(0), g.tower.shadow(a, g.f.ref.dtype)
	twin.f = g.f.shadow(a)
	kept := gpu.Room(func(a *gpu.Arena) { twin.take(a, rows) })
	twin.take(a, rows)
	twin.enter(twin.persons)
	twin.values(twin.end)
	twin.differ()
	sums := make([]float64, g.tower.Width())
	for _, m := range g.set.Methods {
		switch {
		case m == DeepLift:
			twin.deepLift(sums, make([]difference, 1))
		case !m.Complete():
			twin.integrate(sums, make([]int32, 1), end())
		case g.set.Steps > 0:
			twin.integrate(sums, make([]int32, 1), gaussLegendre(g.set.Steps))
		default:
			for n := leastTogether; n <= 2*mostTogether; n *= 2 {
				twin.integrate(sums, make([]int32, 1), gaussLegendre(n))
			}
		}
	}
	twin.leave()
	n := needed{work: twin.work.Peak(), scratch: dev.Scratch()}
	n.bytes = n.work + n.scratch + kept + rows*(8*g.tower.Features()+32*g.tower.Width())
	return n
}

// shadow returns a tower of the same shapes whose parameters are taken from a.
func (t Tower) shadow(a *gpu.Arena, d gpu.DType) Tower {
	param := func(p *nn.Param) *nn.Param { return &nn.Param{Name: p.Name, Dims: p.Dims, Value: a.New(d, p.Dims...)} }
	buffer := func(b *nn.Buffer) *nn.Buffer {
		return &nn.Buffer{Name: b.Name, Dims: b.Dims, Value: a.New(d, b.Dims...)}
	}
	linear := func(l *nn.Linear) *nn.Linear {
		twin := *l
		twin.Weight, twin.Bias = param(l.Weight), param(l.Bias)
		return &twin
	}
	s := Tower{First: linear(t.First)}
	for _, l := range t.Rest {
		switch l := l.(type) {
		case *nn.Linear:
			s.Rest = append(s.Rest, linear(l))
		case *nn.BatchNorm:
			twin := *l
			twin.Weight, twin.Bias, twin.RunMean, twin.RunVar = param(l.Weight), param(l.Bias), buffer(l.RunMean), buffer(l.RunVar)
			s.Rest = append(s.Rest, &twin)
		case *nn.ReLU:
			s.Rest = append(s.Rest, &nn.ReLU{})
		default:
			panic(fmt.Sprintf("explain: a tower of Linear, BatchNorm and ReLU has a %T", l))
		}
	}
	return s
}

// shadow returns the function over tensors of the same shapes that are taken from a.
func (f *Function) shadow(a *gpu.Arena) *Function {
	twin, ref := *f, *f.ref
	for i := range ref.sides {
		ref.sides[i].scaled, ref.sides[i].lseOn = a.New(ref.dtype, ref.n, ref.dim), a.New(gpu.F64, ref.n)
	}
	twin.ref = &ref
	return &twin
}
