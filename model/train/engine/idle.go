package engine

import (
	"time"

	"contig-gpu/gpu"
)

// An idleMeter measures for how much of its time a GPU waits for its next work: from the end of one piece of work to the
// end of the next, all that lies outside of that next piece. The waits are those for the host and for a batch on its
// way. Devices that do their work while Go waits for it have none, and are not measured.
type idleMeter struct {
	dev         *gpu.Device
	last        *gpu.Mark     // the end of the piece before; nil: there was none, or something else came between
	queued      []*gpu.Mark   // beginnings and ends, in turn, of the pieces after it
	gap, span   time.Duration // of the step so far
	idle, whole time.Duration // of all steps
	steps       int           // that whole is of
}

// mark marks where a piece begins, or ends.
func (m *idleMeter) mark() {
	if m.dev.Async() {
		m.queued = append(m.queued, m.dev.Mark())
	}
}

// piece takes in the oldest queued piece, waiting for it.
func (m *idleMeter) piece() error {
	if len(m.queued) == 0 {
		return nil
	}
	begin, end := m.queued[0], m.queued[1]
	defer begin.Close()
	if m.last != nil {
		gap, err := begin.Since(m.last)
		if err != nil {
			return err
		}
		span, err := end.Since(m.last)
		if err != nil {
			return err
		}
		m.gap, m.span = m.gap+gap, m.span+span
		m.last.Close()
	}
	m.last, m.queued = end, m.queued[2:]
	return nil
}

// step returns the share of the time of the pieces since the last call in which the device had nothing to do. nil: there
// was no piece before, or nothing is measured.
func (m *idleMeter) step() *float64 {
	share := shareOf(m.gap, m.span)
	if m.span > 0 {
		m.steps++
	}
	m.idle, m.whole = m.idle+m.gap, m.whole+m.span
	m.gap, m.span = 0, 0
	return share
}

// pause says that something else than a step comes next.
func (m *idleMeter) pause() {
	if m.last != nil {
		m.last.Close()
	}
	m.last = nil
}

// share returns the share of all steps together; nil: nothing was measured.
func (m *idleMeter) share() *float64 { return shareOf(m.idle, m.whole) }

// between returns the mean time from the end of one step to the end of the next, 0 where it was not measured.
func (m *idleMeter) between() time.Duration {
	if m.steps == 0 {
		return 0
	}
	return m.whole / time.Duration(m.steps)
}

func shareOf(idle, whole time.Duration) *float64 {
	if whole <= 0 {
		return nil
	}
	s := idle.Seconds() / whole.Seconds()
	return &s
}
