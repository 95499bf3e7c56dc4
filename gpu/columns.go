package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"fmt"
	"math"
)

// A columnShape is a matrix [rows, c] as the kernels of columns.cuh see it: groups of 16 bytes where its rows are whole
// numbers of them and every address allows, else single columns.
type columnShape struct{ rows, c, group int }

// columnsOf returns the shape of x, seen as a matrix of its last dimension, to be read together with others.
func columnsOf(op string, x Tensor, others ...Tensor) columnShape {
	c := x.Dim(x.Rank() - 1)
	s := columnShape{rows: x.Len() / max(1, c), c: c, group: 16 / x.dtype.Size()}
	if s.rows > math.MaxInt32 || c > math.MaxInt32 {
		panic(fmt.Sprintf("gpu: %s: %d rows of %d, a GPU takes at most 2^31-1 of either", op, s.rows, c))
	}
	aligned := x.at%16 == 0
	for _, t := range others {
		aligned = aligned && t.at%16 == 0
	}
	if !aligned || c%s.group != 0 {
		s.group = 1
	}
	return s
}

// block returns the threads of a block across columns and down rows, powers of two.
func (s columnShape) block() (across, down int) {
	across = 1
	for across < kernels.TotalSide && across*s.group < s.c {
		across *= 2
	}
	return across, threads / across
}

// grid gives every block down rows at a time, inFlight of them to a thread, and every multiprocessor about `per` blocks,
// which then take further rows in turn.
func (s columnShape) grid(c *gpu, inFlight, per int) driver.Grid {
	across, down := s.block()
	wide := (s.c + across*s.group - 1) / (across * s.group)
	high := (s.rows + down*inFlight - 1) / (down * inFlight)
	limit := max(1, min(per*c.dev.Info().Multiprocs/max(1, wide), math.MaxUint16))
	return driver.Grid{Blocks: [3]int{wide, max(1, min(high, limit))}, Threads: [3]int{across, down}}
}

// totals is the grid of a kernel that adds up partial results of columns.
func (s columnShape) totals() driver.Grid {
	return driver.Grid{Blocks: [3]int{(s.c + kernels.TotalSide - 1) / kernels.TotalSide}, Threads: [3]int{kernels.TotalSide, kernels.TotalSide}}
}

// parts is the number of rows of blocks, each of which leaves partial results.
func parts(g driver.Grid) int { return g.Blocks[1] }

// partTickets returns the tickets of a grid whose last blocks add up: one for each block of its first row and, where there are more
// rows of blocks than kernels.PartsATime, for each of those groups.
func (c *gpu) partTickets(g driver.Grid) uint64 {
	groups := (parts(g) + kernels.PartsATime - 1) / kernels.PartsATime
	switch {
	case parts(g) == 1:
		return c.tickets(0)
	case groups == 1:
		return c.tickets(g.Blocks[0])
	}
	return c.tickets(g.Blocks[0] * (groups + 1))
}
