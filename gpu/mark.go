package gpu

import (
	"time"

	"contig-gpu/gpu/internal/driver"
)

// A Mark is a point in a device's work. The time between two of them is the device's own where it has a clock.
type Mark struct {
	event driver.Event // nil where the work before the mark was done when it was set
	at    time.Time
}

// Mark sets a mark behind the work that is queued. Devices without events of their own wait for that work.
func (d *Device) Mark() *Mark { return d.mark() }

// Since waits until m has passed and returns the time from an earlier mark of the same device.
func (m *Mark) Since(earlier *Mark) (time.Duration, error) {
	if m.event == nil {
		return m.at.Sub(earlier.at), nil
	}
	if err := m.event.Wait(); err != nil {
		return 0, err
	}
	ms, err := m.event.Since(earlier.event)
	return time.Duration(ms * float64(time.Millisecond)), err
}

// Close gives the mark back.
func (m *Mark) Close() {
	if m.event != nil {
		m.event.Close()
	}
}
