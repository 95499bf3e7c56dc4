package gpu

import (
	"contig-gpu/gpu/internal/driver"
)

// recordedName is what errors call the memory that the driver itself takes for recorded work.
const recordedName = "recorded work"

// A Recording is work that a device can do again with one call.
type Recording struct {
	graph driver.Graph // nil where the work is run anew
	work  func()
}

// Record prepares work, a function that queues operations, for Replay. On a GPU the operations are recorded once as
// a graph and work is not called again: addresses, shapes and constants are those of the recording, and work must
// neither allocate nor wait nor copy from the host. It should have run once before, so that kernels, plans and
// scratch memory are there. Nothing of it is done until Replay. Elsewhere Replay calls work.
func (d *Device) Record(work func()) (*Recording, error) { return d.record(work) }

// Profiled does f between marks by which the vendor's profilers can be told to measure nothing else, where the device's driver has such, and
// waits for what f queued.
func (d *Device) Profiled(f func()) error { return d.profiled(f) }

// Async reports whether the device copies data and replays recorded work beside what Go does.
func (d *Device) Async() bool { return d.overlap() != nil }

// Replay queues the work.
func (r *Recording) Replay() {
	if r.graph == nil {
		r.work()
		return
	}
	r.graph.Replay()
}

// Nodes returns the number of operations of a graph, 0 where the work is run anew.
func (r *Recording) Nodes() int {
	if r.graph == nil {
		return 0
	}
	return r.graph.Nodes()
}

// Close gives the graph back.
func (r *Recording) Close() {
	if r.graph != nil {
		r.graph.Close()
	}
}
