package engine

import (
	"fmt"

	"contig-gpu/model/objective"
)

// A Frozen says which steps leave the image encoder as it is: see objective.Freezer.
type Frozen uint8

// Never is of objectives that are no Freezers too.
const (
	Never   Frozen = iota
	AtFirst        // some, then no more
	Always
)

// phases returns whether steps leave the image encoder as it is, of each kind of step that there will be.
func (f Frozen) phases() []bool {
	switch f {
	case AtFirst:
		return []bool{true, false}
	case Always:
		return []bool{true}
	}
	return []bool{false}
}

// Freeze says whether the steps to come leave the image encoder as it is, which only a Freezer can. Nothing may be queued.
func (e *Engine) Freeze(frozen bool) error {
	if frozen == e.frozen {
		return nil
	}
	f, ok := e.obj.(objective.Freezer)
	if !ok {
		return fmt.Errorf("engine: the objective has no image encoder that can be left as it is")
	}
	f.Freeze(frozen)
	e.frozen = frozen
	e.forget()
	e.update.only(e.weights.Spans(f.Learns))
	return nil
}

// freezeTwin does to another of the same objective what Freeze does.
func freezeTwin(o objective.Objective, frozen bool) {
	if f, ok := o.(objective.Freezer); ok {
		f.Freeze(frozen)
	}
}
