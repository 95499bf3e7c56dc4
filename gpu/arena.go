package gpu

import (
	"fmt"
	"os"
	"slices"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// arenaAlign is the alignment of every tensor in bytes: what cuDNN asks for, and four cache lines.
const arenaAlign = 256

// An Arena owns one block of a device's memory and deals it out: lowest free address first, so that the
// addresses depend on nothing but the order of New and Free. On the planning device it has no memory and
// no limit; Peak then tells how much a real one must hold.
type Arena struct {
	dev    *Device
	name   string         // what its memory is for
	buf    []byte         // CPU: keeps the memory alive
	base   unsafe.Pointer // aligned start of buf
	at     driver.Ptr     // GPU: start of the memory
	size   int            // bytes
	held   int            // of them, those that Allocated counts
	free   []span         // by offset, never adjacent
	used   map[int]deal   // by offset
	deals  int            // so far
	inUse  int
	peak   int // highest end of any tensor
	poison bool
}

type span struct{ off, len int }

// A deal is the bytes of a tensor and which call of New dealt them out.
type deal struct{ bytes, number int }

// A block is where a tensor's memory comes from; the zero block is of no arena.
type block struct {
	arena  *Arena
	off    int
	number int // of the deal
}

// NewArena is NamedArena for memory that nobody asks about.
func (d *Device) NewArena(bytes int) *Arena { return d.NamedArena("unnamed", bytes) }

// NamedArena reserves bytes of memory for what name says: Allocated and errors tell arenas apart by it. A planning
// device counts the bytes, reserves nothing, and its arenas never run out. Where a GPU has not enough, nothing is
// computed from then on and Sync returns a *MemoryError.
func (d *Device) NamedArena(name string, bytes int) *Arena {
	a := &Arena{dev: d, name: name, size: aligned(bytes), poison: os.Getenv("CONTIG_DEBUG") == "poison"}
	a.held = a.size
	d.take(a, bytes)
	a.Reset()
	return a
}

// Close gives the memory back; its tensors must not be used afterwards. Close may be called again.
func (a *Arena) Close() {
	a.dev.give(a)
	a.dev.book().add(a.name, -a.held)
	a.buf, a.base, a.at, a.size, a.held, a.free, a.used = nil, nil, 0, 0, 0, nil, nil
}

// Device returns the device whose memory it is.
func (a *Arena) Device() *Device { return a.dev }

// Peak returns the bytes an arena must have for everything dealt out since NewArena.
func (a *Arena) Peak() int { return a.peak }

// InUse returns the bytes dealt out now.
func (a *Arena) InUse() int { return a.inUse }

// Reset takes all tensors back.
func (a *Arena) Reset() {
	a.free, a.used, a.inUse = []span{{0, a.size}}, map[int]deal{}, 0
}

// New returns an uninitialised tensor (filled with NaN where CONTIG_DEBUG=poison). It panics if the arena
// is full: arenas are sized by a plan, so running out is a bug.
func (a *Arena) New(t DType, dims ...int) Tensor {
	x := Tensor{dev: a.dev, dtype: t}
	x.setDims(dims)
	n := max(arenaAlign, aligned(x.Bytes()))
	i := slices.IndexFunc(a.free, func(s span) bool { return s.len >= n })
	if i < 0 {
		panic(fmt.Sprintf("gpu: arena of %d bytes has %d in use and no room for %v %v (%d bytes)", a.size, a.inUse, t, dims, n))
	}
	s := &a.free[i]
	a.deals++
	x.block = block{a, s.off, a.deals}
	s.off, s.len = s.off+n, s.len-n
	if s.len == 0 {
		a.free = slices.Delete(a.free, i, i+1)
	}
	off := x.block.off
	a.used[off], a.inUse, a.peak = deal{n, a.deals}, a.inUse+n, max(a.peak, off+n)
	x.at = a.at.Add(off)
	if a.base != nil {
		x.mem = unsafe.Add(a.base, off)
	}
	if a.poison {
		a.dev.poison(x)
	}
	return x
}

// Zeros returns a tensor of zeros.
func (a *Arena) Zeros(t DType, dims ...int) Tensor {
	x := a.New(t, dims...)
	Fill(x, 0)
	return x
}

// Free gives a tensor's memory back. It panics if it is not a tensor of this arena, or free already, whoever has the
// memory now.
func (a *Arena) Free(t Tensor) {
	off := t.block.off
	d := a.used[off]
	if t.block.arena != a || d.number != t.block.number {
		panic(fmt.Sprintf("gpu: Free: %v %v is not in use in this arena", t.dtype, t.Dims()))
	}
	delete(a.used, off)
	n := d.bytes
	a.inUse -= n
	i, _ := slices.BinarySearchFunc(a.free, off, func(s span, off int) int { return s.off - off })
	a.free = slices.Insert(a.free, i, span{off, n})
	if i+1 < len(a.free) && off+n == a.free[i+1].off {
		a.free[i].len += a.free[i+1].len
		a.free = slices.Delete(a.free, i+1, i+2)
	}
	if i > 0 && a.free[i-1].off+a.free[i-1].len == off {
		a.free[i-1].len += a.free[i].len
		a.free = slices.Delete(a.free, i, i+1)
	}
}
