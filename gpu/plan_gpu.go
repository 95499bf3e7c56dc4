package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"math"
	"unsafe"
)

// planBase is where all memory of a planning device lies. Nobody reads or writes there.
const planBase = driver.Ptr(1 << 20)

// Plan returns a planning device for d: the same calls on it check shapes, compute nothing, and leave in Allocated and
// Scratch what they would take on d. It borrows d, whose libraries say what their products and convolutions need.
func (d *Device) Plan() *Device {
	switch {
	case d.gpu == nil && d.pool == nil:
		return &Device{kind: plan, why: d.why}
	case d.gpu == nil:
		return &Device{kind: plan, why: "a plan of " + d.Name(), pool: d.pool.Counter()}
	}
	below := d.gpu.dev
	if p, ok := below.(interface{ target() driver.Device }); ok {
		below = p.target() // a plan of a plan
	}
	x := planDevice(below)
	x.gpu.tf32 = d.gpu.tf32
	return x
}

// Computes reports whether operations on d are computed, which on a planning device they are not.
func (d *Device) Computes() bool { return d.kind != plan }

// planDevice plans for a GPU: operations go the way that they go on it, down to a driver that does nothing.
func planDevice(below driver.Device) *Device {
	var p driver.Device = planned{below}
	if _, ok := below.(driver.Overlap); ok {
		p = plannedOverlap{planned{below}}
	}
	c := newGPU(p)
	c.work, c.gate, c.room = planBase, planBase, math.MaxInt
	return &Device{kind: plan, why: "a plan of " + below.Info().Name, gpu: c}
}

// planned is a driver that answers as the one below and does nothing.
type planned struct{ driver.Device }

func (p planned) target() driver.Device { return p.Device }

// FusesBias implements biasFuser.
func (p planned) FusesBias(q driver.Product) bool {
	f, ok := p.Device.(biasFuser)
	return !ok || f.FusesBias(q)
}

// StatsPay implements convStatist.
func (p planned) StatsPay(c driver.Conv) bool {
	s, ok := p.Device.(convStatist)
	return ok && s.StatsPay(c)
}

// AddsWeights implements weightAdder.
func (p planned) AddsWeights(c driver.Conv) bool {
	f, ok := p.Device.(weightAdder)
	return ok && f.AddsWeights(c)
}

func (planned) ConvForwardStats(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr) {
}

func (planned) Kernel(string) (driver.Kernel, error) { return driver.Kernel{}, nil }

func (planned) Launch(driver.Kernel, driver.Grid, unsafe.Pointer, uintptr) {}

func (planned) Sync() error { return nil }

func (planned) Close() error { return nil }

func (planned) Alloc(int) (driver.Ptr, error) { return planBase, nil }

func (planned) Free(driver.Ptr) {}

func (planned) Upload(driver.Ptr, []byte) {}

func (planned) Download([]byte, driver.Ptr) {}

func (planned) Copy(driver.Ptr, driver.Ptr, int) {}

func (planned) Set(driver.Ptr, uint32, int, int) {}

func (planned) MatMul(driver.Product, driver.Ptr, driver.Ptr, driver.Ptr) {}

func (planned) SetScratch(driver.Ptr, int) {}

func (planned) ConvForward(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr) {}

func (planned) ConvBackwardWeight(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr) {}

func (planned) ConvBackwardData(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, float32) {
}

// plannedOverlap is planned for a driver that copies beside its work.
type plannedOverlap struct{ planned }

func (plannedOverlap) Pinned(int) ([]byte, error) { return nil, nil }

func (plannedOverlap) FreePinned([]byte) {}

func (plannedOverlap) UploadPinned(driver.Ptr, []byte) {}

func (plannedOverlap) DownloadPinned([]byte, driver.Ptr) {}

func (plannedOverlap) CopyMark() driver.Event { return passed{} }

func (plannedOverlap) MainMark() driver.Event { return passed{} }

func (plannedOverlap) MainAfter(driver.Event) {}

func (plannedOverlap) CopyAfter(driver.Event) {}

func (plannedOverlap) Capture(f func()) (driver.Graph, error) { f(); return idle{}, nil }

// passed is an event that has passed.
type passed struct{}

func (passed) Wait() error { return nil }

func (passed) Passed() bool { return true }

func (passed) Since(driver.Event) (float64, error) { return 0, nil }

func (passed) Close() {}

// idle is a graph of nothing.
type idle struct{}

func (idle) Replay() {}

func (idle) Nodes() int { return 0 }

func (idle) Close() {}

// PlanTensors is Plan for a GPU whose libraries are not asked, which may take them seconds: in Scratch is only what our own
// kernels work in. Other devices have no such libraries.
func (d *Device) PlanTensors() *Device {
	if d.gpu == nil || !d.Async() {
		return d.Plan()
	}
	return planDevice(&described{info: d.gpu.dev.Info()})
}
