// Package planned has drivers that do nothing: of a GPU that is there, whose libraries say what they need, and of one of which only
// the shape is known.
package planned

import (
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// Base is where all memory of a planning device lies. Nobody reads or writes there.
const Base = driver.Ptr(1 << 20)

// A Device answers as the one below and does nothing.
type Device struct{ driver.Device }

// Caps are those of the device below, doing nothing.
func (d Device) Caps() driver.Caps {
	below := d.Device.Caps()
	c := driver.Caps{Halves: below.Halves, AddsBias: below.AddsBias, AddsWeights: below.AddsWeights}
	if below.Overlap != nil {
		c.Overlap = overlap{}
	}
	if below.Stats != nil {
		c.Stats = stats{below.Stats}
	}
	if below.Norms != nil {
		c.Norms = norms{below.Norms}
	}
	return c
}

// Kernel finds a kernel that does nothing.
func (Device) Kernel(string) (driver.Kernel, error) { return driver.Kernel{}, nil }

// Launch does nothing.
func (Device) Launch(driver.Kernel, driver.Grid, unsafe.Pointer, uintptr) {}

// Sync has nothing to wait for.
func (Device) Sync() error { return nil }

// Close leaves the device below open.
func (Device) Close() error { return nil }

// Alloc returns Base.
func (Device) Alloc(int) (driver.Ptr, error) { return Base, nil }

// Free does nothing.
func (Device) Free(driver.Ptr) {}

// Upload does nothing.
func (Device) Upload(driver.Ptr, []byte) {}

// Download does nothing.
func (Device) Download([]byte, driver.Ptr) {}

// Copy does nothing.
func (Device) Copy(driver.Ptr, driver.Ptr, int) {}

// Set does nothing.
func (Device) Set(driver.Ptr, uint32, int, int) {}

// MatMul does nothing.
func (Device) MatMul(driver.Product, driver.Ptr, driver.Ptr, driver.Ptr) {}

// SetScratch does nothing.
func (Device) SetScratch(driver.Ptr, int) {}

// ConvForward does nothing.
func (Device) ConvForward(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr) {}

// ConvBackwardData does nothing.
func (Device) ConvBackwardData(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, float32) {}

// ConvBackwardWeight does nothing.
func (Device) ConvBackwardWeight(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr) {}

// stats says what pays below.
type stats struct{ driver.Stats }

func (stats) ConvForwardStats(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr) {
}

// norms says what pays below.
type norms struct{ driver.Norms }

func (norms) ConvNormForward(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr) {
}

func (norms) ConvNormBackwardWeight(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr) {
}

func (norms) ConvNormBackwardData(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, driver.NormInput, driver.Ptr, driver.Ptr, driver.Ptr) {
}

func (norms) ConvNormAddForward(driver.Conv, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr, driver.Ptr) {
}

// Alone are collectives that exchange nothing, whatever the number of ranks that is planned for.
type Alone struct{}

// AllReduce does nothing.
func (Alone) AllReduce(driver.Ptr, int, driver.Type) {}

// AllReduceBeside does nothing.
func (Alone) AllReduceBeside(driver.Ptr, int, driver.Type) {}

// Rejoin does nothing.
func (Alone) Rejoin() {}

// AllGather does nothing.
func (Alone) AllGather(driver.Ptr, driver.Ptr, int) {}

// Broadcast does nothing.
func (Alone) Broadcast(driver.Ptr, int) {}

// Failed returns nil.
func (Alone) Failed() error { return nil }

// Abandon does nothing.
func (Alone) Abandon(error) {}

// Close returns nil.
func (Alone) Close() error { return nil }

// overlap is work beside what Go does, of which there is none.
type overlap struct{}

func (overlap) Pinned(int) ([]byte, error)             { return nil, nil }
func (overlap) FreePinned([]byte)                      {}
func (overlap) UploadPinned(driver.Ptr, []byte)        {}
func (overlap) DownloadPinned([]byte, driver.Ptr)      {}
func (overlap) CopyMark() driver.Event                 { return passed{} }
func (overlap) MainMark() driver.Event                 { return passed{} }
func (overlap) MainAfter(driver.Event)                 {}
func (overlap) CopyAfter(driver.Event)                 {}
func (overlap) Capture(f func()) (driver.Graph, error) { f(); return idle{}, nil }

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
