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

// SpreadOf returns the spread of one or more numbers.
func SpreadOf(x []float64) Spread {
	x = slices.Sorted(slices.Values(x))
	return Spread{x[len(x)/2], x[0], x[len(x)-1]}
}

// A Window is one measurement: how often something ran in how long.
type Window struct {
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"`
	Busy    float64 `json:"busy"` // share of the time that the device spent on the runs, by its own clock
}

// window repeats prepare and work for the given time, at least once, waiting for the device after each run.
func window(ctx context.Context, d *gpu.Device, seconds float64, prepare, work func()) (Window, error) {
	var w Window
	var busy time.Duration
	start := time.Now()
	for w.Runs == 0 || time.Since(start).Seconds() < seconds {
		if ctx.Err() != nil {
			return w, context.Cause(ctx)
		}
		prepare()
		took, err := timed(d, work)
		if err != nil {
			return w, err
		}
		busy += took
		w.Runs++
	}
	w.Seconds = time.Since(start).Seconds()
	w.Busy = busy.Seconds() / w.Seconds
	return w, nil
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

// repeated runs warm-up runs, then windows, and returns the milliseconds of one run by the device's clock.
func repeated(ctx context.Context, d *gpu.Device, windows int, seconds float64, work func()) (Spread, error) {
	var ms []float64
	for i := range windows + 1 {
		w, err := window(ctx, d, seconds, func() {}, work)
		if err != nil {
			return Spread{}, err
		}
		if i > 0 {
			ms = append(ms, 1e3*w.Busy*w.Seconds/float64(w.Runs))
		}
	}
	return SpreadOf(ms), nil
}
