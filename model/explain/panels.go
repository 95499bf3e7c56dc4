package explain

import (
	"cmp"
	"math"
	"slices"

	"contig-gpu/gpu"
)

// A ReLU network is smooth along a path but for kinks. There the rule on the whole path gains one digit for ten times the nodes,
// which a difference f(x) - f(b) that is small beside what happens in between cannot wait for. So paths that doubling leaves
// incomplete are cut into panels of 8 nodes, and where a panel does not give the difference of f between its own ends it is
// halved: the error of a kink halves with it, in a few nodes each time.

// doubled is the most nodes that the rule on a whole path is tried with, and firstPanels the panels to begin with.
const doubled, firstPanels = 64, 8

// A panel is a part [lo, hi] of path r, with f at both ends.
type panel struct {
	r        int
	lo, hi   float64
	flo, fhi float64
	gap      float64 // what the panel's gradients add up to, less fhi - flo
}

// A refined path is what has been settled of it.
type refined struct {
	allowed, left float64 // of the gap: in all, and of that what settled panels have not taken
	sum           float64 // of the gaps of settled panels, signed
	nodes         int
}

// refine replaces in host.sum the paths that are named, and adds to steps.
func (c *chunk) refine(paths []int32, fx, fb []float64, steps []int) {
	together := max(1, c.rows/leastTogether/firstPanels)
	for some := range slices.Chunk(paths, together) {
		c.refineSome(some, fx, fb, steps)
	}
}

func (c *chunk) refineSome(paths []int32, fx, fb []float64, steps []int) {
	var open []panel
	state := map[int]*refined{}
	h := c.tower.Width()
	for _, p := range paths {
		r := int(p)
		clear(c.host.sum[r*h : (r+1)*h])
		allowed := c.allowed(c.set.Tolerance, fx[r], fb[r])
		state[r] = &refined{allowed: allowed, left: allowed}
		for i := range firstPanels {
			open = append(open, panel{r: r, lo: float64(i) / firstPanels, hi: float64(i+1) / firstPanels, flo: fb[r], fhi: fx[r]})
		}
	}
	c.joints(open)
	for len(open) > 0 {
		open = c.wave(open, state)
	}
	for r, s := range state {
		steps[r] = s.nodes
	}
}

// wave computes panels, settles what is complete, and returns the halves of the others.
func (c *chunk) wave(open []panel, state map[int]*refined) []panel {
	h, sums := c.tower.Width(), make([]float64, 0, len(open)*c.tower.Width())
	for some := range slices.Chunk(open, c.rows/leastTogether) {
		sums = append(sums, c.compute(some)...)
	}
	place := map[panel]int{}
	byPath := map[int][]panel{}
	for i, p := range open {
		place[p] = i
		byPath[p.r] = append(byPath[p.r], p)
		state[p.r].nodes += leastTogether
	}
	var halves []panel
	for r, ps := range byPath {
		settled := state[r].settle(ps, c.set.MaxSteps)
		for _, p := range ps[:settled] {
			total, own := c.host.sum[r*h:(r+1)*h], sums[place[p]*h:][:h]
			for j, v := range own {
				total[j] += v * (p.hi - p.lo)
			}
		}
		for _, p := range ps[settled:] {
			middle := (p.lo + p.hi) / 2
			halves = append(halves, panel{r: r, lo: p.lo, hi: middle, flo: p.flo, fhi: p.fhi}, panel{r: r, lo: middle, hi: p.hi, flo: p.flo, fhi: p.fhi})
		}
	}
	slices.SortFunc(halves, func(a, b panel) int { return cmp.Or(cmp.Compare(a.r, b.r), cmp.Compare(a.lo, b.lo)) })
	c.joints(halves)
	return halves
}

// settle sorts panels by their gaps and returns how many are done: all, where their gaps add up to no more than is allowed
// or there are nodes enough; else the smallest, as long as they take no more than half of what is left.
func (s *refined) settle(ps []panel, most int) int {
	slices.SortFunc(ps, func(a, b panel) int {
		return cmp.Or(cmp.Compare(math.Abs(a.gap), math.Abs(b.gap)), cmp.Compare(a.lo, b.lo))
	})
	sum := s.sum
	for _, p := range ps {
		sum += p.gap
	}
	if math.Abs(sum) <= s.allowed || s.nodes+2*leastTogether > most {
		return len(ps)
	}
	n, half := 0, s.left/2
	for n < len(ps) && math.Abs(ps[n].gap) <= half {
		half -= math.Abs(ps[n].gap)
		s.left -= math.Abs(ps[n].gap)
		s.sum += ps[n].gap
		n++
	}
	return n
}

// compute returns the mean gradients [panels, H] behind the first layer, and fills in gaps. There are no more panels than rows/8.
func (c *chunk) compute(panels []panel) []float64 {
	h, n := c.tower.Width(), len(panels)
	c.place(panels, c.end, func(p panel) float64 { return p.hi })
	c.place(panels, c.start, func(p panel) float64 { return p.lo })
	items := make([]int32, n)
	for i := range items {
		items[i] = int32(i)
	}
	sums := make([]float64, n*h)
	c.integrate(sums, items, gaussLegendre(leastTogether))
	for i := range panels {
		p := &panels[i]
		p.gap = dot(sums[i*h:(i+1)*h], c.host.ends[p.r*h:(p.r+1)*h])*(p.hi-p.lo) - (p.fhi - p.flo)
	}
	return sums
}

// joints fills in f where a panel meets the one before it. Panels of one path that come from one part lie beside each other.
func (c *chunk) joints(panels []panel) {
	var at []int // of panels that do not begin where their part does
	for i := 1; i < len(panels); i++ {
		if panels[i].r == panels[i-1].r && panels[i].lo == panels[i-1].hi && panels[i].flo == panels[i-1].flo && panels[i].fhi == panels[i-1].fhi {
			at = append(at, i)
		}
	}
	for some := range slices.Chunk(at, c.rows) {
		var ps []panel
		for _, i := range some {
			ps = append(ps, panels[i])
		}
		c.place(ps, c.end, func(p panel) float64 { return p.lo })
		c.partners.Write(c.host.partners)
		f := c.values(c.end)
		for k, i := range some {
			panels[i].flo, panels[i-1].fhi = f[k], f[k]
		}
	}
}

// place writes points of the panels' paths into h, and their partners to host.partners.
func (c *chunk) place(panels []panel, to gpu.Tensor, at func(panel) float64) {
	h := c.tower.Width()
	points := make([]float64, c.rows*h)
	c.host.partners = c.host.partners[:0]
	for i, p := range panels {
		a, y := at(p), points[i*h:(i+1)*h]
		start, ends := c.host.start[p.r*h:], c.host.ends[p.r*h:]
		for j := range y {
			y[j] = start[j] + a*ends[j]
		}
		c.host.partners = append(c.host.partners, c.mates[c.paths[p.r].slot])
	}
	gpu.Write(to, points)
}
