// Package cpukern has the kernels of the CPU device: generated AVX2 and AVX-512 assembly with a portable Go
// twin, a worker pool, matrix products and convolutions.
package cpukern

import (
	"sync"
	"sync/atomic"
)

// A Pool runs units of work on a fixed number of goroutines. Work is cut into units by shape alone, never
// by the number of threads, so that results do not depend on it.
type Pool struct {
	threads  int
	portable bool
}

// NewPool returns a pool of n >= 1 threads; portable keeps to the Go twins of the assembly kernels.
func NewPool(n int, portable bool) *Pool { return &Pool{threads: max(1, n), portable: portable} }

// Threads returns the number of threads, the caller's included.
func (p *Pool) Threads() int { return p.threads }

// Portable reports whether only the Go kernels may be used.
func (p *Pool) Portable() bool { return p.portable }

// Run calls f(worker, unit) once for every unit in [0, units), worker in [0, Threads), and returns when all
// are done. Units may run in any order and at the same time.
func (p *Pool) Run(units int, f func(worker, unit int)) {
	if p.threads == 1 || units <= 1 {
		for u := range units {
			f(0, u)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func(w int) {
		for u := int(next.Add(1)) - 1; u < units; u = int(next.Add(1)) - 1 {
			f(w, u)
		}
	}
	for w := 1; w < min(p.threads, units); w++ {
		wg.Add(1)
		go func() { defer wg.Done(); work(w) }()
	}
	work(0)
	wg.Wait()
}

// Close ends the pool's goroutines.
func (p *Pool) Close() {}
