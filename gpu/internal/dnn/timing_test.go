//go:build linux && cgo

package dnn

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// A fullGPU times plans on a GPU whose memory does not suffice for it.
type fullGPU struct{ *cuda.Context }

var errFull = errors.New("the GPU is full")

func (f fullGPU) Alloc(bytes int) (driver.Ptr, error) {
	if bytes > 100 {
		return 0, errFull
	}
	return f.Context.Alloc(bytes)
}

// TestNoMemoryToTime takes the library's first proposal, says so, and does not keep it for the next run.
func TestNoMemoryToTime(t *testing.T) {
	o := timed(t.TempDir())
	b := openBench(t, o)
	b.h.Timer = fullGPU{b.ctx}
	c, err := b.h.Plan(cached)
	if err != nil {
		t.Fatal(err)
	}
	o.Timer = nil
	if first, err := openBench(t, o).h.Plan(cached); err != nil || first.Engine != c.Engine || c.Timed != 0 {
		t.Errorf("%+v was chosen, want the library's first, %+v; %v", c, first, err)
	}
	if w := b.h.Warning(); !errors.Is(w, errFull) || !strings.Contains(w.Error(), cached.String()) {
		t.Errorf("the warning is %v", w)
	}
	if _, kept := b.h.cache.get(cached); kept {
		t.Error("a plan that was not timed is kept")
	}
	b.convolutions(cached.Conv)
}

// TestRefusedCandidate: a proposal that finalizes and cannot be run is left out; only where none can be is there no plan.
func TestRefusedCandidate(t *testing.T) {
	b := openBench(t, timed(t.TempDir()))
	refused := errors.New("not on this GPU")
	honest, bad := b.h.time, 1
	b.h.time = func(plans []*plan) ([]*contestant, error) {
		all, err := honest(plans)
		for _, c := range all[:min(bad, len(all))] {
			c.err, c.best = refused, 0
		}
		return all, err
	}
	first, err := openBench(t, Options{}).h.Plan(cached)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.h.Plan(cached)
	if err != nil || c.Timed < 2 || c.Milliseconds <= 0 || reflect.DeepEqual([]any{c.Engine, c.Knobs}, []any{first.Engine, first.Knobs}) {
		t.Errorf("%+v was chosen, %v; the first, %+v, was refused", c, err, first)
	}
	b.convolutions(cached.Conv)
	bad = 100
	other := cached
	other.Conv.N++
	var none *NoPlanError
	if _, err := b.h.Plan(other); !errors.As(err, &none) || !strings.Contains(err.Error(), refused.Error()) {
		t.Errorf("%v, want that there is no plan, and why", err)
	}
}

// TestBrokenDeviceEndsTiming: what the device fails at, and not the library, is no plan's fault.
func TestBrokenDeviceEndsTiming(t *testing.T) {
	b := openBench(t, timed(t.TempDir()))
	broken := errors.New("the GPU has fallen off the bus")
	b.h.time = func([]*plan) ([]*contestant, error) { return nil, broken }
	var none *NoPlanError
	if _, err := b.h.Plan(cached); !errors.Is(err, broken) || errors.As(err, &none) {
		t.Errorf("%v", err)
	}
}

// TestRaceRepeats: a contestant whose time is short runs often in a window, and each takes part in every round.
func TestRaceRepeats(t *testing.T) {
	b := openBench(t, timed(t.TempDir()))
	at, err := b.ctx.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	quick := &contestant{run: func() error { b.ctx.Copy(at, at.Add(32), 4); return nil }}
	turns := 0
	never := &contestant{run: func() error { turns++; return errors.New("no") }}
	if err := b.h.race([]*contestant{never, quick}); err != nil {
		t.Fatal(err)
	}
	if quick.err != nil || quick.runs < 2 || math.IsInf(quick.best, 0) || never.err == nil || turns != 1 {
		t.Errorf("%+v; %d turns of one that cannot be run", quick, turns)
	}
}

// TestNoPlanWhileRecording: what has no plan yet cannot be recorded, and spoils that recording only.
func TestNoPlanWhileRecording(t *testing.T) {
	b := openBench(t, timed(t.TempDir()))
	c := cached.Conv
	nx, nw, ny := sizes(c)
	x, w, y, dw := b.put(small(nx, 1), c.Type), b.put(small(nw, 2), c.Type), b.put(small(ny, 3), c.Type), b.put(fine(nw, 4), driver.F32)
	b.scratch(1 << 20)
	step := func() {
		b.h.ConvScratch(c, convolution.Forward)
		b.h.ConvForward(c, y, x, w)
		b.h.ConvScratch(c, convolution.Weight)
		b.h.ConvBackwardWeight(c, dw, y, x)
	}
	if _, err := b.ctx.Capture(step); err == nil || !strings.Contains(err.Error(), cached.String()) || !strings.Contains(err.Error(), "waits or allocates") {
		t.Fatalf("Capture says %v", err)
	}
	step()
	if err := b.ctx.Sync(); err != nil {
		t.Fatalf("after the spoilt recording: %v", err)
	}
	g, err := b.ctx.Capture(step)
	if err != nil {
		t.Fatal(err)
	}
	g.Replay()
	g.Close()
	if err := b.ctx.Sync(); err != nil {
		t.Error(err)
	}
}

// TestStatsPay: fused sums are compared with a pass of their own once, by what both took, and the times are kept for
// the next run. Nothing is compared where nobody can queue that pass, or the library has no plan.
func TestStatsPay(t *testing.T) {
	dir, c := t.TempDir(), cached.Conv
	p, runs := Problem{Op: ForwardStats, Conv: c}, 0
	apart := func(y driver.Ptr) error {
		if y == 0 {
			t.Error("there is no y")
		}
		runs++
		return nil
	}
	b := openBench(t, timed(dir))
	pays := b.h.StatsPay(c, apart)
	q, err := b.h.Plan(p)
	if err != nil || q.Apart <= 0 || pays != (q.Milliseconds < q.Apart) || runs < rounds {
		t.Fatalf("%v after %d passes: %+v, %v", pays, runs, q, err)
	}
	compared := runs
	if again := b.h.StatsPay(c, apart); again != pays || openBench(t, timed(dir)).h.StatsPay(c, apart) != pays || runs != compared {
		t.Errorf("compared anew, %d passes in all", runs)
	}
	for _, want := range []bool{true, false} {
		q.Milliseconds, q.Apart = 2, 1
		if want {
			q.Apart = 3
		}
		openBench(t, timed(dir)).h.cache.put(p, Saved{Choice: q})
		if got := openBench(t, timed(dir)).h.StatsPay(c, apart); got != want {
			t.Errorf("%v of %+v", got, q)
		}
	}
	exact := c
	exact.Type = driver.F32
	if h := openBench(t, Options{}).h; !h.StatsPay(c, nil) || h.StatsPay(exact, apart) {
		t.Error("without times a plan is taken where there is one, and only there")
	}
}
