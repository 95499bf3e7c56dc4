package gpu

import "contig-gpu/gpu/world"

// Plan returns a planning device for d: the same calls on it check shapes, compute nothing, and leave in Allocated and
// Scratch what they would take on d. It borrows d, whose libraries say what their products and convolutions need.
func (d *Device) Plan() *Device { return d.rehearsing(d.plan()) }

// PlanTensors is Plan for a GPU whose libraries are not asked, which may take them seconds: in Scratch is only what our own
// kernels work in. Other devices have no such libraries.
func (d *Device) PlanTensors() *Device { return d.rehearsing(d.planTensors()) }

// PlanFor makes what is planned for d that of one of so many ranks, none of which has to be there. Nothing can be computed on d afterwards but what
// one rank does.
func (d *Device) PlanFor(ranks int) {
	d.world = world.New(world.Seat{Size: ranks, LocalSize: ranks}, nil)
}

// rehearsing makes a planning device one of as many ranks as d is: it exchanges nothing, and counts what that would take.
func (d *Device) rehearsing(p *Device) *Device {
	p.world = d.world
	return p
}

// Computes reports whether operations on d are computed, which on a planning device they are not.
func (d *Device) Computes() bool { return d.computes() }
