package gpu

import (
	"math"
	"unsafe"

	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/planned"
	"contig-gpu/gpu/world"
)

// A hostBackend computes by a CPU's threads.
type hostBackend struct {
	common
	pool *cpukern.Pool
}

// newHost is the device of a pool.
func newHost(p *cpukern.Pool, why string) *Device {
	d := newDevice(&hostBackend{pool: p}, why)
	d.pool = p
	return d
}

// newCounting plans for the device of a pool.
func newCounting(p *cpukern.Pool, of string) *Device {
	p = p.Counter()
	d := newDevice(&countingBackend{pool: p}, "a plan of "+of)
	d.pool = p
	return d
}

func (*hostBackend) name() string            { return "cpu" }
func (*hostBackend) types() []DType          { return []DType{F32, F64} }
func (h *hostBackend) threads() int          { return h.pool.Threads() }
func (h *hostBackend) most() int             { return h.pool.Bytes() }
func (h *hostBackend) close() error          { h.pool.Close(); return nil }
func (*hostBackend) join(*world.World) error { return nil }
func (h *hostBackend) plan() *Device         { return newCounting(h.pool, h.name()) }
func (h *hostBackend) planTensors() *Device  { return h.plan() }

// allocated adds the memory that the pool took by itself.
func (h *hostBackend) allocated() []Held {
	held := append(ledger(nil), h.held...)
	held.add(scratchName, h.pool.Bytes())
	return held.list()
}

func (h *hostBackend) take(a *Arena, _ int) {
	h.held.add(a.name, a.held)
	a.buf = make([]byte, a.size+arenaAlign)
	p := unsafe.Pointer(unsafe.SliceData(a.buf))
	a.base = unsafe.Add(p, -uintptr(p)&(arenaAlign-1))
}

func (*hostBackend) give(*Arena) {}

func (*hostBackend) poison(t Tensor) {
	if t.dtype == F32 || t.dtype == F64 {
		Fill(t, math.NaN())
		return
	}
	for i, b := 0, unsafe.Slice((*byte)(t.mem), t.Bytes()); i < len(b); i++ {
		b[i] = 0xA5
	}
}

func (*hostBackend) compute(t DType, f forms)        { f.host(t) }
func (*hostBackend) computeCounted(t DType, f forms) { f.host(t) }
func (*hostBackend) fill(t Tensor, v float64)        { fillHost(t, v) }
func (*hostBackend) copy(dst, src Tensor)            { copyHost(dst, src) }

func (*hostBackend) write(t Tensor, src elements) { src.encode(t) }
func (*hostBackend) read(dst elements, t Tensor)  { dst.decode(t) }

// A blankBackend checks shapes and counts the bytes of arenas, for no device in particular.
type blankBackend struct {
	common
	list convUses
}

func (*blankBackend) name() string                { return "plan" }
func (*blankBackend) types() []DType              { return []DType{F32, F64, BF16, F16} }
func (*blankBackend) rounds() bool                { return true }
func (*blankBackend) computes() bool              { return false }
func (*blankBackend) give(*Arena)                 {}
func (*blankBackend) poison(Tensor)               {}
func (*blankBackend) compute(DType, forms)        {}
func (*blankBackend) computeCounted(DType, forms) {}
func (*blankBackend) fill(Tensor, float64)        {}
func (*blankBackend) copy(_, _ Tensor)            {}
func (*blankBackend) write(Tensor, elements)      {}
func (*blankBackend) read(elements, Tensor)       {}
func (b *blankBackend) uses() *convUses           { return &b.list }
func (b *blankBackend) plan() *Device             { return newDevice(&blankBackend{}, "asked for") }
func (b *blankBackend) planTensors() *Device      { return b.plan() }
func (b *blankBackend) reserve(bytes int)         { b.held.add(scratchName, bytes) }
func (b *blankBackend) take(a *Arena, _ int) {
	b.held.add(a.name, a.held)
	a.size, a.at = math.MaxInt/2, planned.Base
}

// A countingBackend plans for a CPU: operations that take memory of its pool run on one that only counts.
type countingBackend struct {
	blankBackend
	pool *cpukern.Pool
}

func (*countingBackend) types() []DType                  { return []DType{F32, F64} }
func (*countingBackend) rounds() bool                    { return false }
func (c *countingBackend) threads() int                  { return c.pool.Threads() }
func (c *countingBackend) most() int                     { return c.pool.Bytes() }
func (c *countingBackend) close() error                  { c.pool.Close(); return nil }
func (*countingBackend) computeCounted(t DType, f forms) { f.host(t) }
func (c *countingBackend) plan() *Device                 { return newCounting(c.pool, c.name()) }
func (c *countingBackend) planTensors() *Device          { return c.plan() }
