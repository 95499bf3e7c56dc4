package engine

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A load is what decides the memory of a pass.
type load struct {
	rows, views int
	train       bool
	frozen      bool // of a step: it leaves the image encoder as it is
}

// stepOf is the load of a step with the batch that is in a slot.
func (e *Engine) stepOf(s *slot) load { return load{s.input.rows(), s.input.views, true, e.frozen} }

// A Need is what passes take beside what is there for all of them, in bytes: of the arena of activations, and of what
// operations work in.
type Need struct{ Arena, Scratch int }

func (n Need) most(o Need) Need { return Need{max(n.Arena, o.Arena), max(n.Scratch, o.Scratch)} }

// Need returns what steps and evaluations of whole batches take, of scratch memory at least as much as given. It runs them
// on planning devices, and computes nothing.
func (e *Engine) Need(scratch int) (Need, error) {
	most := Need{Scratch: scratch}
	var loads []load
	for _, frozen := range e.o.Frozen.phases() {
		loads = append(loads, load{e.o.Dims.Batch, e.obj.Views(), true, frozen})
	}
	for _, l := range append(loads, load{rows: e.o.Dims.Batch, views: e.obj.Views()}) {
		n, err := e.needOf(l)
		if err != nil {
			return Need{}, err
		}
		most = most.most(n)
	}
	o := e.o
	o.Device = e.dev.Plan()
	twin, err := New(o)
	if err != nil {
		return Need{}, err
	}
	twin.update.apply(o)
	most.Scratch = max(most.Scratch, o.Device.Scratch())
	return most, nil
}

// Reserve takes what a planning device's Need counted, and brings what stays on the device there.
func (e *Engine) Reserve(n Need) {
	e.grow(n)
	e.feed.settle()
}

// pass returns a pass with room for a load, everything of the pass before taken back.
func (e *Engine) pass(l load) (*nn.Pass, error) {
	n, err := e.needOf(l)
	if err != nil {
		return nil, err
	}
	if e.arena == nil || n.most(e.room) != e.room {
		e.grow(n.most(e.room))
	}
	e.arena.Reset()
	return e.passFor(l, e.arena), nil
}

func (e *Engine) passFor(l load, a *gpu.Arena) *nn.Pass {
	if !l.train {
		return nn.Evaluation(a, e.dtype)
	}
	p := nn.Training(a, e.dtype)
	if e.dev.Ranks() > 1 {
		p.Over = e.o.Over
	}
	return p
}

// grow makes arena and scratch memory larger: recorded steps, which know their addresses, are dropped.
func (e *Engine) grow(n Need) {
	for _, s := range e.slots {
		s.forget()
	}
	if e.arena != nil {
		e.arena.Close()
	}
	e.arena, e.room = e.dev.NamedArena("activations", n.Arena), n
	e.dev.ReserveScratch(n.Scratch)
}

// needOf runs the pass on a planning device, once, and returns what it takes.
func (e *Engine) needOf(l load) (Need, error) {
	if n, ok := e.needs[l]; ok {
		return n, nil
	}
	dev := e.dev.Plan()
	obj, err := e.o.Build()
	if err != nil {
		return Need{}, err
	}
	if err := obj.Weights().Place(dev, e.dtype); err != nil {
		return Need{}, err
	}
	freezeTwin(obj, l.frozen)
	a := dev.NewArena(0)
	f, in, terms := e.feed.on(a, obj), newInput(a, e.o, obj, l.rows, l.views), newTerms(a, obj, e.dtype)
	p := e.passFor(l, dev.NewArena(0))
	if b := f.unpack(p, in); l.train {
		obj.Step(p, b, terms)
	} else {
		evaluated(p, obj, b, terms)
	}
	e.needs[l] = Need{p.Arena.Peak(), dev.Scratch()}
	if l.train {
		e.flops = max(e.flops, convFlops(dev))
	}
	return e.needs[l], nil
}

// convFlops returns the multiplications and additions of all convolutions that a planning device was asked for.
func convFlops(dev *gpu.Device) float64 {
	sum := 0.0
	for _, c := range dev.Convs() {
		h, w := c.OH(), c.OW()
		sum += 2 * float64(dev.ConvCalls(c)) * float64(c.N) * float64(h*w) * float64(c.R*c.S*c.C) * float64(c.K)
	}
	return sum
}

// Flops returns how many multiplications and additions the convolutions of a whole batch take, forward and backward: most of what a
// step computes.
func (e *Engine) Flops() (float64, error) {
	_, err := e.needOf(load{e.o.Dims.Batch, e.obj.Views(), true, e.frozen})
	return e.flops, err
}

// NeedToEvaluate is Need of evaluations alone.
func (e *Engine) NeedToEvaluate() (Need, error) {
	return e.needOf(load{rows: e.o.Dims.Batch, views: e.obj.Views()})
}
