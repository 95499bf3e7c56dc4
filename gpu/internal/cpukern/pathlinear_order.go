package cpukern

import "unsafe"

// on reports whether a unit is on at node k; NaN is, so that it is seen. It changes once at most along a line, since
// rounding is monotone.
func (s *Path[F]) on(start, step F, k int) bool { return !(start+F(s.At[k]*step) <= 0) }

// A finder guesses the node before which a unit switches, by the place where its input is 0.
type finder struct {
	first, per float64
	cells      [128]int // the first node at or behind each 128th of the way
}

func (s *Path[F]) finder() *finder {
	f := &finder{first: float64(s.At[0])}
	reach := float64(s.At[s.K-1]) - f.first
	if reach > 0 {
		f.per = float64(len(f.cells)) / reach
	}
	k := 0
	for i := range f.cells {
		for k < s.K-1 && (float64(s.At[k])-f.first)*f.per < float64(i) {
			k++
		}
		f.cells[i] = k
	}
	return f
}

// switches returns the state of a unit at the first node, and the node at which it is another; K: at none.
func (s *Path[F]) switches(f *finder, start, step F) (on bool, node int) {
	on = s.on(start, step, 0)
	if s.on(start, step, s.K-1) == on {
		return on, s.K
	}
	cell := (float64(-start/step) - f.first) * f.per
	k := max(1, f.cells[int(min(max(cell, 0), float64(len(f.cells)-1)))])
	for s.on(start, step, k) == on {
		k++
	}
	for k > 1 && s.on(start, step, k-1) != on {
		k--
	}
	return on, k
}

// sort lists the units of line p by the node before which they come in or go out: see pathKernels.forward.
func (s *Path[F]) sort(p int, order []int, parts []F, counts []int) {
	start, step, f := s.Start[p*s.H:(p+1)*s.H], s.Step[p*s.H:(p+1)*s.H], s.finder()
	clear(counts)
	at := make([]int, 2*s.H+s.K)
	node, place := at[:s.H], at[2*s.H:]
	for j := range start {
		on, k := s.switches(f, start[j], step[j])
		node[j] = 2 * k
		if on {
			node[j]++
			counts[0]++
		}
		if k < s.K {
			counts[k]++
		}
	}
	for k := 1; k < s.K; k++ {
		place[k] = place[k-1] + counts[k-1]
	}
	row := PathCols * int(unsafe.Sizeof(start[0]))
	put := func(k, j int, sign F) {
		i := place[k]
		place[k]++
		order[i], parts[2*i], parts[2*i+1] = j*row, sign*start[j], sign*step[j]
	}
	for j, n := range node {
		if n&1 == 1 {
			put(0, j, 1)
		}
		if k := n / 2; k < s.K {
			put(k, j, 1-2*F(n&1))
		}
	}
}

// choose says for each unit of line p which row of a table of cols columns has the sum over the nodes where it is on.
func (s *Path[F]) choose(p int, which []int, cols int) {
	start, step, f := s.Start[p*s.H:(p+1)*s.H], s.Step[p*s.H:(p+1)*s.H], s.finder()
	row := cols * int(unsafe.Sizeof(start[0]))
	for j := range which {
		on, k := s.switches(f, start[j], step[j])
		switch {
		case on:
			which[j] = k * row
		case k < s.K:
			which[j] = (s.K + 1 + k) * row
		default:
			which[j] = 0
		}
	}
}
