package train

import (
	"time"

	"contig-gpu/gpu"
)

// An idleMeter measures for how much of its time a GPU waits for its next work: from the end of one step's work to the end
// of the next's, all that lies outside of the work of that step. The waits are those for the host and for a batch on its
// way. Devices that do their work while Go waits for it have none, and are not measured.
type idleMeter struct {
	dev         *gpu.Device
	marks       []*gpu.Mark // where work ended and began in turn, if chained, from the end of the last step's on
	chained     bool
	idle, whole time.Duration // of all steps
}

// begin marks that work is queued from now on.
func (m *idleMeter) begin() { m.mark() }

// end marks that for now this was all.
func (m *idleMeter) end() { m.mark() }

func (m *idleMeter) mark() {
	if m.dev.Overlaps() {
		m.marks = append(m.marks, m.dev.Mark())
	}
}

// step returns the share of a step's time in which the device had nothing to do, and begins the next. The device has
// finished the step. nil: there was no step before, or nothing is measured.
func (m *idleMeter) step() (*float64, error) {
	n := len(m.marks)
	if n == 0 {
		return nil, nil
	}
	defer func() {
		last := m.marks[n-1]
		m.close(n - 1)
		m.marks, m.chained = []*gpu.Mark{last}, true
	}()
	if !m.chained {
		return nil, nil
	}
	whole, err := m.marks[n-1].Since(m.marks[0])
	if err != nil || whole <= 0 {
		return nil, err
	}
	idle := time.Duration(0)
	for i := 1; i < n; i += 2 {
		gap, err := m.marks[i].Since(m.marks[i-1])
		if err != nil {
			return nil, err
		}
		idle += gap
	}
	m.idle, m.whole = m.idle+idle, m.whole+whole
	share := idle.Seconds() / whole.Seconds()
	return &share, nil
}

// pause says that something else than a step comes next.
func (m *idleMeter) pause() {
	m.close(len(m.marks))
	m.marks, m.chained = nil, false
}

// close gives the first n marks back.
func (m *idleMeter) close(n int) {
	for _, x := range m.marks[:n] {
		x.Close()
	}
}

// share returns the share of all steps together; nil: nothing was measured.
func (m *idleMeter) share() *float64 {
	if m.whole == 0 {
		return nil
	}
	s := m.idle.Seconds() / m.whole.Seconds()
	return &s
}
