// Package bench measures the speed of training steps, of the loss and of single operations on a device.
package bench

import (
	"context"
	"slices"
	"time"

	"contig-gpu/gpu"
)

// A Spread is the middle and the ends of several measurements.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf returns the spread of one or more values.
func SpreadOf(x []float64) Spread {
	x = slices.Sorted(slices.Values(x))
	return Spread{x[len(x)/2], x[0], x[len(x)-1]}
}

// repeated runs warm-up runs, then windows of so many seconds, and returns the milliseconds of one run by the device's clock.
func repeated(ctx context.Context, d *gpu.Device, windows int, seconds float64, work func()) (Spread, error) {
	var ms []float64
	for i := range windows + 1 {
		x, err := mean(ctx, d, seconds, work)
		if err != nil {
			return Spread{}, err
		}
		if i > 0 {
			ms = append(ms, x)
		}
	}
	return SpreadOf(ms), nil
}

// mean repeats work for the given time, at least once, waiting for the device after each run, and returns the milliseconds
// that the device takes for one.
func mean(ctx context.Context, d *gpu.Device, seconds float64, work func()) (float64, error) {
	var busy time.Duration
	runs, start := 0, time.Now()
	for ; runs == 0 || time.Since(start).Seconds() < seconds; runs++ {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		took, err := timed(d, work)
		if err != nil {
			return 0, err
		}
		busy += took
	}
	return 1e3 * busy.Seconds() / float64(runs), nil
}

// timed returns the time that the device takes for work.
func timed(d *gpu.Device, work func()) (time.Duration, error) {
	before := d.Mark()
	defer before.Close()
	work()
	after := d.Mark()
	defer after.Close()
	if err := d.Sync(); err != nil {
		return 0, err
	}
	return after.Since(before)
}
