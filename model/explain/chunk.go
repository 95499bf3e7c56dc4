package explain

import (
	"context"
	"fmt"
	"math"

	"contig-gpu/gpu"
)

// A chunk is as many persons as the device takes together.
type chunk struct {
	*Genetics
	ctx     context.Context
	persons []int
	mates   []Partner // of persons
	paths   []path    // of the piece that is being attributed
	visit   func(Result) error
}

// A path leads to a person's input, or to one varied, from a baseline.
type path struct {
	slot, draw int
	base       int // row of the reference; -1: the baseline of all
}

// read brings the chunk's features to the device, and through the first layer.
func (c *chunk) read(src Source) {
	f := c.tower.Features()
	clear(c.host.x)
	e := make([]float64, c.f.ref.dim)
	for i, p := range c.persons {
		src.Row(p, c.host.x[i*f:(i+1)*f])
		src.Image(p, e)
		c.mates = append(c.mates, c.f.Partner(e))
	}
	for _, m := range c.set.Methods {
		if !c.set.noisy(m) { // whose paths end elsewhere
			gpu.Write(c.wide, c.host.x)
			c.enter(c.room.persons)
			return
		}
	}
}

// attribute visits all persons of the chunk, piece by piece of their paths.
func (c *chunk) attribute(m Method) error {
	draws := c.set.draws(m)
	var open *Result // of a person of whom paths are still to come
	for lo := 0; lo < len(c.persons)*draws; lo += c.rows {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		var paths []path
		for i := lo; i < min(len(c.persons)*draws, lo+c.rows); i++ {
			paths = append(paths, c.path(m, i/draws, i%draws))
		}
		c.paths = paths
		c.walk(m, paths)
		fx, fb := c.differ()
		steps := c.sums(m, len(paths), fx, fb)
		gpu.Write(c.sum, c.host.sum)
		c.leave()
		for r, p := range paths {
			if p.draw == 0 {
				open = &Result{Person: c.persons[p.slot], Method: m, A: c.host.row, X: c.features(p.slot)}
				clear(open.A)
			}
			c.add(open, r, p, float64(draws))
			open.F, open.Base, open.Steps = open.F+fx[r]/float64(draws), open.Base+fb[r]/float64(draws), max(open.Steps, steps[r])
			if p.draw == draws-1 {
				if err := c.give(open); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *chunk) features(slot int) []float32 {
	f := c.tower.Features()
	return c.host.x[slot*f : (slot+1)*f]
}

func (c *chunk) path(m Method, slot, draw int) path {
	p := path{slot, draw, -1}
	if c.set.drawn(m) {
		// A person's draws step through the reference from a random row on, so that they differ while there are others.
		first := stream(c.set.Seed, c.persons[slot], 0, forBaselines) % uint64(c.f.ref.n)
		p.base = int((first + uint64(draw)) % uint64(c.f.ref.n))
	}
	return p
}

// walk brings both ends of all paths behind the first layer, and their partners to the device.
func (c *chunk) walk(m Method, paths []path) {
	slots, bases := make([]int32, c.rows), make([]int32, c.rows)
	c.host.partners = c.host.partners[:0]
	for r := range slots {
		slots[r] = -1
	}
	drawn := c.base
	for r, p := range paths {
		slots[r], bases[r] = int32(p.slot), int32(max(p.base, 0))
		c.host.partners = append(c.host.partners, c.mates[p.slot])
		if p.base >= 0 {
			drawn = c.room.reference
		}
	}
	if c.set.noisy(m) {
		c.vary(paths)
		gpu.Write(c.wide, c.host.path)
		c.enter(c.end)
	} else {
		gpu.Write(c.index, slots)
		gpu.GatherRows(c.end, c.room.persons, c.index, gpu.Tensor{}, gpu.Tensor{})
	}
	gpu.Write(c.index, bases)
	gpu.GatherRows(c.start, drawn, c.index, gpu.Tensor{}, gpu.Tensor{})
	c.partners.Write(c.host.partners)
	gpu.Read(c.host.ends, c.end)
	gpu.Read(c.host.start, c.start)
	for i, v := range c.host.start {
		c.host.ends[i] -= v
	}
}

// vary writes the paths' inputs with noise.
func (c *chunk) vary(paths []path) {
	f := c.tower.Features()
	each(len(paths), func(r int) {
		p := paths[r]
		c.normals.add(c.host.path[r*f:(r+1)*f], c.features(p.slot), c.noise, stream(c.set.Seed, c.persons[p.slot], p.draw, forNoise))
	})
	clear(c.host.path[len(paths)*f:])
}

// sums fills host.sum for n paths, and returns the nodes of each.
func (c *chunk) sums(m Method, n int, fx, fb []float64) []int {
	steps, all := make([]int, n), make([]int32, n)
	for r := range all {
		all[r] = int32(r)
	}
	take := func(paths []int32, q nodes) {
		c.integrate(c.host.sum, paths, q)
		for _, r := range paths {
			steps[r] = len(q.at)
		}
	}
	switch {
	case m == DeepLift:
		fs := make([]difference, n)
		for r := range fs {
			fs[r] = difference{fx[r], fb[r]}
		}
		c.deepLift(c.host.sum, fs)
	case !m.Complete():
		take(all, end())
	case c.set.Steps > 0:
		take(all, gaussLegendre(c.set.Steps))
	default:
		for k := leastTogether; k <= min(doubled, c.set.MaxSteps) && len(all) > 0; k *= 2 {
			take(all, gaussLegendre(k))
			var left []int32
			for _, r := range all {
				if !c.closed(int(r), fx[r], fb[r]) {
					left = append(left, r)
				}
			}
			all = left
		}
		if c.set.MaxSteps > doubled && len(all) > 0 {
			c.refine(all, fx, fb, steps)
		}
	}
	return steps
}

// closed reports whether a path's attributions add up.
func (c *chunk) closed(r int, fx, fb float64) bool {
	return math.Abs(c.host.along(r, c.tower.Width())-(fx-fb)) <= c.allowed(c.set.Tolerance, fx, fb)
}

// add adds path r's share of a person's attributions.
func (c *chunk) add(open *Result, r int, p path, draws float64) {
	f := c.tower.Features()
	gradient, x, base := make([]float64, f), c.features(p.slot), c.mean
	gpu.Read(gradient, c.wide.Slice(r*f, (r+1)*f))
	if c.set.noisy(open.Method) {
		x = c.host.path[r*f : (r+1)*f]
	}
	switch {
	case open.Method == Gradient:
		copy(open.A, gradient)
	case open.Method == GradientInput:
		for j, d := range gradient {
			open.A[j] = d * float64(x[j])
		}
	case p.base >= 0:
		for j, b := range c.Genetics.reference[p.base*f : (p.base+1)*f] {
			open.A[j] += gradient[j] * (float64(x[j]) - float64(b)) / draws
		}
	default:
		for j, b := range base {
			open.A[j] += gradient[j] * (float64(x[j]) - b) / draws
		}
	}
}

// give completes a result and shows it.
func (c *chunk) give(r *Result) error {
	for _, v := range r.A {
		r.Sum += v
	}
	if all := r.Sum + r.F + r.Base; all-all != 0 && c.dev.Name() != "plan" {
		return fmt.Errorf("explain: person %d by %v: %w", r.Person, r.Method, ErrNotFinite)
	}
	return c.visit(*r)
}
