package engine

import (
	"time"

	"contig-gpu/gpu"
)

// Slots returns how many batches have room on the device.
func (e *Engine) Slots() int { return len(e.slots) }

// ResetIdle begins the measurement of Idle anew.
func (e *Engine) ResetIdle() { e.idle = idleMeter{dev: e.dev} }

// Pace returns the mean time from the end of a step to the end of the next by the device's clock, since ResetIdle; 0: not measured.
func (e *Engine) Pace() time.Duration { return e.idle.between() }

// LossScale returns what the loss of the next step is multiplied by: see f16.
func (e *Engine) LossScale() float64 { return e.Scaling.factor() }

// Launches lists what a step of one batch asks of a GPU, by queueing it anew. On a planning device nothing is computed.
func (e *Engine) Launches(turn Turn) ([]gpu.Launch, error) {
	s, err := e.nextSlot()
	if err != nil {
		return nil, err
	}
	p, err := e.pass(e.stepOf(s))
	if err != nil {
		return nil, err
	}
	e.beginScaling()
	e.update.prepare(e.o, turn.Step+1, turn.LR, e.Scaling.Skipped)
	s.upload.Arrive()
	e.dev.CountLaunches()
	e.compute(p, s, part{true, true})
	s.upload.Release()
	s.loaded = false
	return e.dev.Launches(), e.dev.Sync()
}

// Nodes returns the operations of a recorded step, 0 where none is recorded.
func (e *Engine) Nodes() int {
	if r := e.slots[0].recorded[part{true, true}]; r != nil {
		return r.Nodes()
	}
	return 0
}

// Uploaded returns the bytes that a batch has on its way to the device.
func (e *Engine) Uploaded() int {
	n := 0
	for _, t := range e.slots[0].whole.tensors() {
		n += t.Bytes()
	}
	return n
}
