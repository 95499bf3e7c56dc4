package gpu

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/planned"
)

func (c *gpu) name() string { return c.called }

func (c *gpu) types() []DType {
	if c.caps.Halves {
		return []DType{F32, BF16, F16}
	}
	return []DType{F32}
}

// auto prefers 16 bits: both types where the device tells how long they take.
func (c *gpu) auto() []string {
	switch {
	case !c.caps.Halves:
		return []string{"f32"}
	case c.caps.Overlap == nil || c.dev.Info().Untimed:
		return []string{"bf16"}
	}
	return []string{"bf16", "f16"}
}

func (*gpu) rounds() bool      { return true }
func (c *gpu) round(tf32 bool) { c.tf32 = tf32 }

// errors allows a whole unit in the last place, since tensor cores may cut off.
func (c *gpu) errors() (unit, inputs float64) {
	if c.tf32 {
		inputs = 0x1p-9 + 0x1p-20 // (1 + 2^-10)^2 - 1
	}
	return 0x1p-23, inputs
}

func (c *gpu) take(a *Arena, bytes int) { a.at, a.held = c.alloc(a.name, bytes) }
func (c *gpu) give(a *Arena)            { c.free(a.at) }
func (c *gpu) poison(t Tensor)          { c.dev.Set(t.at, 0xFF, 1, t.Bytes()) } // a NaN in every float type
func (c *gpu) most() int                { return c.wanted }

func (c *gpu) reserve(bytes int) {
	if bytes > c.room {
		c.grow(bytes)
	}
}

func (c *gpu) compute(_ DType, f forms)        { f.gpu(c) }
func (c *gpu) computeCounted(_ DType, f forms) { f.gpu(c) }

func (c *gpu) copy(dst, src Tensor) {
	c.tally.add("copy", 0, dst, src)
	c.dev.Copy(dst.at, src.at, dst.Bytes())
}

func (c *gpu) write(t Tensor, src elements) {
	b := src.stored(t.dtype)
	if b == nil {
		h := t.onHost()
		src.encode(h)
		b = unsafe.Slice((*byte)(h.mem), h.Bytes())
	}
	c.dev.Upload(t.at, b)
}

func (c *gpu) read(dst elements, t Tensor) {
	if b := dst.stored(t.dtype); b != nil {
		c.dev.Download(b, t.at)
		return
	}
	h := t.onHost()
	c.dev.Download(unsafe.Slice((*byte)(h.mem), h.Bytes()), t.at)
	dst.decode(h)
}

func (c *gpu) sync() error             { return c.dev.Sync() }
func (c *gpu) overlap() driver.Overlap { return c.caps.Overlap }
func (c *gpu) library() *dnn.Handle    { return c.nn }

// mark waits for the work before where the device has no events.
func (c *gpu) mark() *Mark {
	if c.caps.Overlap != nil {
		return &Mark{event: c.caps.Overlap.MainMark()}
	}
	_ = c.dev.Sync() // what failed is kept, and returned by the next Sync
	return c.common.mark()
}

// pin reserves page-locked memory where the device copies beside its work.
func (c *gpu) pin(bytes int) (driver.Overlap, []byte, error) {
	if c.caps.Overlap == nil {
		return nil, nil, nil
	}
	var b []byte
	if bytes > 0 { // the driver refuses to give none
		var err error
		if b, err = c.caps.Overlap.Pinned(bytes); err != nil {
			return nil, nil, err
		}
	}
	c.held.add(pinnedName, bytes)
	return c.caps.Overlap, b, nil
}

func (c *gpu) record(work func()) (*Recording, error) {
	if c.caps.Overlap == nil {
		return c.common.record(work)
	}
	g, err := c.caps.Overlap.Capture(work)
	if errors.Is(err, driver.ErrMemory) {
		free, _ := c.dev.MemInfo()
		return nil, &MemoryError{Arena: recordedName, Free: free, Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("gpu: Record: %w", err)
	}
	return &Recording{graph: g}, nil
}

func (c *gpu) profiled(f func()) error {
	if c.caps.Profiled != nil {
		return c.caps.Profiled(f)
	}
	f()
	return c.dev.Sync()
}

// countLaunches begins a list, timed where the device has a clock.
func (c *gpu) countLaunches() {
	c.tally = &tally{}
	if c.caps.Overlap != nil {
		c.tally.mark = c.caps.Overlap.MainMark
	}
}

func (c *gpu) counts(name string, moved ...Tensor) { c.tally.add(name, 0, moved...) }

func (c *gpu) launches() []Launch {
	if c.tally == nil {
		return nil
	}
	t := c.tally
	t.read()
	c.tally = nil
	return slices.Clone(t.list)
}

func (c *gpu) info() *Info {
	i := c.dev.Info()
	free, _ := c.dev.MemInfo()
	return &Info{Name: i.Name, PCI: i.PCI, Capability: i.Arch, Multiprocs: i.Multiprocs, Memory: i.Memory, Free: free, SharedPerBlock: i.SharedPerBlock,
		L2: i.L2, Driver: i.Driver, Libraries: i.Libraries, Emulated: i.Emulated}
}

func (c *gpu) warning() error {
	if c.caps.Warning == nil {
		return nil
	}
	return c.caps.Warning()
}

func (c *gpu) describe() ([]byte, error) {
	if c.caps.Describe == nil {
		return c.common.describe()
	}
	return c.caps.Describe()
}

func (c *gpu) plan() *Device {
	d := planDevice(c.dev)
	d.round(c.tf32)
	return d
}

// planTensors asks no library. Devices without work of their own have none that takes long.
func (c *gpu) planTensors() *Device {
	if c.caps.Overlap == nil {
		return c.plan()
	}
	return planDevice(planned.Shape(c.dev.Info()))
}

// A plannedGPU plans for a GPU: operations go the way that they go on it, down to a driver that does nothing.
type plannedGPU struct {
	*gpu
	below driver.Device      // whose libraries say what they need
	shape *planned.Described // below where only its shape is known, else nil
	list  convUses
}

func newPlannedGPU(below driver.Device) *plannedGPU {
	p := &plannedGPU{gpu: newGPU("plan", planned.Device{Device: below}, nil), below: below}
	p.ranks = planned.Alone{}
	p.work, p.gate, p.room = planned.Base, planned.Base, math.MaxInt
	return p
}

// planDevice plans for a GPU that is there, or of which only the shape is known.
func planDevice(below driver.Device) *Device {
	return newDevice(newPlannedGPU(below), "a plan of "+below.Info().Name)
}

// planDescribed plans for a GPU by what is known of it.
func planDescribed(below *planned.Described) *Device {
	p := newPlannedGPU(below)
	p.shape = below
	return newDevice(p, "a plan of "+below.Info().Name)
}

func (*plannedGPU) computes() bool                  { return false }
func (*plannedGPU) give(*Arena)                     {}
func (*plannedGPU) poison(Tensor)                   {}
func (*plannedGPU) write(Tensor, elements)          {}
func (*plannedGPU) read(elements, Tensor)           {}
func (p *plannedGPU) uses() *convUses               { return &p.list }
func (p *plannedGPU) described() *planned.Described { return p.shape }
func (p *plannedGPU) reserve(bytes int)             { p.held.add(scratchName, aligned(gateBytes+bytes)) }

func (p *plannedGPU) take(a *Arena, _ int) {
	p.held.add(a.name, a.held)
	a.size, a.at = math.MaxInt/2, planned.Base
}

// pin counts the bytes.
func (p *plannedGPU) pin(bytes int) (driver.Overlap, []byte, error) {
	_, _, err := p.gpu.pin(bytes)
	return nil, nil, err
}

// plan is one of the same device.
func (p *plannedGPU) plan() *Device {
	n := newPlannedGPU(p.below)
	n.tf32, n.shape = p.tf32, p.shape
	return newDevice(n, "a plan of "+p.below.Info().Name)
}
