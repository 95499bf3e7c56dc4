//go:build linux && cgo

package cuda

/*
#cgo noescape contig_replay
#cgo nocallback contig_replay
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// A graph is a driver.Graph.
type graph struct {
	c     *Context
	exec  C.CUgraphExec // nil after Close
	nodes int
}

// Capture records what f queues on the main stream instead of running it, what f queues on the copy stream between
// a CopyAfter of the main stream's mark and a MainAfter of the copy stream's, and what on the side stream between Fork and Rejoin. Other work is not recorded but runs. If f waits,
// allocates, or queues what cannot be recorded, there is no graph and the Context stays usable.
func (c *Context) Capture(f func()) (driver.Graph, error) {
	if err := c.enter("cuStreamBeginCapture_v2", true); err != nil {
		return nil, err
	}
	if err := c.failure("Capture"); err != nil {
		return nil, err
	}
	if err := c.check("cuStreamBeginCapture_v2", C.contig_cuStreamBeginCapture_v2(c.q.streams[C.CONTIG_MAIN], C.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)); err != nil {
		return nil, err
	}
	recorded, err := c.record(f)
	if recorded != nil {
		defer C.contig_cuGraphDestroy(recorded)
	}
	if err != nil {
		return nil, err
	}
	return c.instantiate(recorded)
}

// record runs f and ends the capture, also when f panics.
func (c *Context) record(f func()) (recorded C.CUgraph, err error) {
	c.capturing = true
	ended := false
	defer func() {
		c.queued("cuStreamEndCapture", C.contig_cuStreamEndCapture(c.q.streams[C.CONTIG_MAIN], &recorded))
		c.capturing = false
		err = c.captureFailure()
		if !ended && recorded != nil {
			C.contig_cuGraphDestroy(recorded)
		}
	}()
	f()
	ended = true
	return
}

// captureFailure returns what went wrong, and forgets it if it only spoilt the capture.
func (c *Context) captureFailure() error {
	err := c.failure("Capture")
	if f := c.failed.Load(); f != nil && f.capture {
		c.failed.Store(nil)
	}
	return err
}

// instantiate makes recorded work ready to run.
func (c *Context) instantiate(recorded C.CUgraph) (driver.Graph, error) {
	var nodes C.size_t
	if err := c.check("cuGraphGetNodes", C.contig_cuGraphGetNodes(recorded, nil, &nodes)); err != nil {
		return nil, err
	}
	g := &graph{c: c, nodes: int(nodes)}
	if code := C.contig_cuGraphInstantiateWithFlags(&g.exec, recorded, 0); code != C.CUDA_SUCCESS {
		return nil, newError(c.name, "cuGraphInstantiateWithFlags", code, fmt.Sprintf("a graph of %d nodes", nodes))
	}
	c.graphs[g] = true
	return g, nil
}

// Replay queues the recorded work on the main stream.
func (g *graph) Replay() {
	c := g.c
	if !c.ready() {
		return
	}
	if g.exec == nil {
		c.Fail(fmt.Errorf("%s: Replay of a graph that is closed", c.name))
		return
	}
	if c.capturing {
		c.Fail(&captureError{c.name, "cuGraphLaunch"})
		return
	}
	c.queued("cuGraphLaunch", C.contig_replay(c.q, g.exec))
}

// Nodes returns the number of recorded operations.
func (g *graph) Nodes() int { return g.nodes }

// CloseGraphs gives back all recorded work, for whose last runs the driver waits by itself: what it holds of libraries may be given back
// then.
func (c *Context) CloseGraphs() error {
	if err := c.enter("cuGraphExecDestroy", true); err != nil {
		return err
	}
	var errs []error
	for g := range c.graphs {
		delete(c.graphs, g)
		errs = append(errs, c.check("cuGraphExecDestroy", C.contig_cuGraphExecDestroy(g.exec)))
		g.exec = nil
	}
	return errors.Join(errs...)
}

// Close waits for the graph's last run and gives it back.
func (g *graph) Close() {
	if g.exec == nil || g.c.q == nil {
		g.exec = nil
		return
	}
	if !g.c.drain("cuGraphExecDestroy") {
		return // the Context's Close frees it
	}
	delete(g.c.graphs, g)
	g.c.queued("cuGraphExecDestroy", C.contig_cuGraphExecDestroy(g.exec))
	g.exec = nil
}
