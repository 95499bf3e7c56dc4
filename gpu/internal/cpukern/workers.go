package cpukern

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"
)

// isa is the instruction set that a Pool's kernels use.
type isa uint8

const (
	isaGo isa = iota
	isaAVX2
	isaAVX512
)

// A Pool runs units of work on a fixed number of goroutines and owns their scratch memory. Work is cut into
// units by shape alone, never by the number of threads, so that results do not depend on it. A Pool serves
// one caller at a time.
type Pool struct {
	threads int
	isa     isa
	jobs    chan *job
	closed  bool
	counts  bool      // no work is done, and of memory only the size is kept
	shared  memory    // packed weights, partial sums
	padded  memory    // an activation with its zero border
	loss    memory    // of Loss
	paths   memory    // of Path: which units switch where
	private []private // of each worker
}

// spins is how often the caller looks for the last unit's end before it lets other goroutines run.
const spins = 20000

// NewPool returns a pool of n >= 1 threads; portable keeps to the Go twins of the assembly kernels.
func NewPool(n int, portable bool) *Pool {
	if portable {
		return newPool(n, isaGo)
	}
	return newPool(n, bestISA())
}

func newPool(n int, i isa) *Pool {
	p := &Pool{threads: max(1, n), isa: i}
	p.private = make([]private, p.threads)
	p.jobs = make(chan *job, p.threads)
	for w := 1; w < p.threads; w++ {
		go help(p.jobs, w)
	}
	return p
}

// Counter returns a pool that does no work: the functions of this package leave in Bytes what they would take of p.
func (p *Pool) Counter() *Pool {
	return &Pool{threads: p.threads, isa: p.isa, counts: true, closed: true, private: make([]private, p.threads)}
}

// Bytes returns the scratch memory that the work so far took.
func (p *Pool) Bytes() int {
	n := p.shared.bytes + p.padded.bytes + p.loss.bytes + p.paths.bytes
	for i := range p.private {
		n += p.private[i].numbers.bytes + p.private[i].ints.bytes
	}
	return n
}

// Threads returns the number of threads, the caller's included.
func (p *Pool) Threads() int { return p.threads }

// Portable reports whether only the Go kernels are used.
func (p *Pool) Portable() bool { return p.isa == isaGo }

// AVX2 reports whether kernels of AVX2 and FMA may be used.
func (p *Pool) AVX2() bool { return p.isa >= isaAVX2 }

// AVX512 reports whether kernels of AVX-512 F, VL, DQ and BW may be used.
func (p *Pool) AVX512() bool { return p.isa >= isaAVX512 }

// A job is one call of Run.
type job struct {
	f          func(worker, unit int)
	units      int64
	next, done atomic.Int64
	fault      atomic.Pointer[string] // a panic of a helper, which is the caller's
}

// work does units until none is left to begin.
func (j *job) work(worker int) {
	for u := j.next.Add(1) - 1; u < j.units; u = j.next.Add(1) - 1 {
		j.f(worker, int(u))
		j.done.Add(1)
	}
}

func help(jobs <-chan *job, worker int) {
	for j := range jobs {
		j.help(worker)
	}
}

// help is work of another goroutine than the caller's, which it leaves its panic to.
func (j *job) help(worker int) {
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprintf("%v\n\nin a worker of the pool:\n%s", p, debug.Stack())
			j.fault.CompareAndSwap(nil, &text)
		}
	}()
	j.work(worker)
}

// Run calls f(worker, unit) once for every unit in [0, units), worker in [0, Threads), and returns when all
// are done. Units may run in any order and at the same time. It waits for units, not for goroutines: one
// that wakes late finds nothing to do.
func (p *Pool) Run(units int, f func(worker, unit int)) {
	if p.counts {
		return
	}
	if p.threads == 1 || units <= 1 {
		for u := range units {
			f(0, u)
		}
		return
	}
	j := &job{f: f, units: int64(units)}
	for range min(p.threads, units) - 1 {
		select {
		case p.jobs <- j:
		default:
		}
	}
	j.work(0)
	for n := 0; j.done.Load() < j.units; n++ {
		if text := j.fault.Load(); text != nil {
			panic(*text)
		}
		if n > spins {
			runtime.Gosched()
		}
	}
}

// Close ends the pool's goroutines. It may be called again.
func (p *Pool) Close() {
	if !p.closed {
		p.closed = true
		close(p.jobs)
	}
}

// memory is scratch that grows to the largest need.
type memory struct {
	words []uint64
	bytes int // what words takes, or would where only that is counted
}

// minWords makes every block its own run of pages, so that it begins at a cache line.
const minWords = 8192

// take returns n elements of m, with what was there before; the next take of m takes them back. A pool that counts gets
// none.
func take[E Float | int](p *Pool, m *memory, n int) []E {
	var e E
	words := max((n*int(unsafe.Sizeof(e))+7)/8, minWords)
	if m.bytes < 8*words {
		m.bytes = 8 * words
		if !p.counts {
			m.words = make([]uint64, words)
		}
	}
	if p.counts {
		return nil
	}
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(m.words))), n)
}

// private is the scratch of one worker.
type private struct {
	numbers, ints memory
	_             [64]byte // keeps workers out of each other's cache lines
}

// Loss returns n numbers for the loss to work in, with what was there before; the next call takes them back. A pool that
// counts gets none.
func (p *Pool) Loss(n int) []float64 { return take[float64](p, &p.loss, n) }
