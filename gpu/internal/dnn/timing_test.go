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

// TestRefusedPlan: a plan that finalizes and cannot be run is none, also where there is no other; one that is fused is then not the faster way.
func TestRefusedPlan(t *testing.T) {
	lone := timed(t.TempDir())
	lone.Candidates = 1
	c, apart := cached.Conv, func(driver.Ptr) error { return nil }
	for _, o := range []Options{timed(t.TempDir()), lone} {
		b := openBench(t, o)
		t.Setenv("SIMT_CUDNN_REFUSE", "statistics")
		var none *NoPlanError
		if _, err := b.h.Plan(Problem{Op: ForwardStats, Conv: c}); !errors.As(err, &none) || !strings.Contains(err.Error(), "refused") {
			t.Errorf("of %d candidates: %v, want that there is no plan, and why", o.Candidates, err)
		}
		if b.h.StatsPay(c, apart) {
			t.Errorf("of %d candidates: sums that cannot be fused pay", o.Candidates)
		}
		b.convolutions(c)
		t.Setenv("SIMT_CUDNN_REFUSE", "")
	}
	b := openBench(t, timed(t.TempDir()))
	if _, err := b.h.Plan(Problem{Op: ForwardStats, Conv: c}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIMT_CUDNN_REFUSE", "statistics") // as if it had been kept by a process that could run it
	if b.h.StatsPay(c, apart) || b.h.Warning() != nil {
		t.Errorf("sums that cannot be fused pay; %v", b.h.Warning())
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

// A sleepyGPU works at a third of its speed until it has worked for some time.
type sleepyGPU struct {
	Timer
	now, worked, asleep float64 // milliseconds
}

type moment struct {
	g  *sleepyGPU
	at float64
}

func (m moment) Wait() error  { return nil }
func (m moment) Passed() bool { return true }
func (m moment) Close()       {}
func (m moment) Since(begin driver.Event) (float64, error) {
	return m.at - begin.(moment).at, nil
}

func (g *sleepyGPU) MainMark() driver.Event { return moment{g, g.now} }

// work takes ms milliseconds of a GPU that is awake.
func (g *sleepyGPU) work(ms float64) func() error {
	return func() error {
		slow := 1.0
		if g.worked < g.asleep {
			slow = 3
		}
		g.now, g.worked = g.now+slow*ms, g.worked+slow*ms
		return nil
	}
}

// TestRaceIsWarm: whenever a GPU's clock rises, of two plans the faster one is found to be so, by its time under that clock; a race right after
// another does not wait for it.
func TestRaceIsWarm(t *testing.T) {
	for asleep := range int(warmLeast) {
		g := &sleepyGPU{asleep: float64(asleep)}
		h := &Handle{chooser: chooser{Options: Options{Timer: g}}}
		race := func() (fast, slow *contestant) {
			fast, slow = &contestant{run: g.work(1)}, &contestant{run: g.work(1.2)}
			if err := h.race([]*contestant{fast, slow}); err != nil {
				t.Fatal(err)
			}
			return fast, slow
		}
		if fast, slow := race(); math.Abs(fast.best-1) > 1e-9 || math.Abs(slow.best-1.2) > 1e-9 {
			t.Errorf("with a clock that rises after %d ms: %g and %g ms, want 1 and 1.2", asleep, fast.best, slow.best)
		}
		before := g.now
		if race(); g.now-before > warmLeast {
			t.Errorf("a race after another took %g ms", g.now-before)
		}
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
	times := b.h.cache.times(p)
	if len(times) != 2 || times[1] <= 0 || pays != (times[0] < times[1]) || runs < rounds {
		t.Fatalf("%v after %d passes: %v", pays, runs, times)
	}
	compared := runs
	if again := b.h.StatsPay(c, apart); again != pays || openBench(t, timed(dir)).h.StatsPay(c, apart) != pays || runs != compared {
		t.Errorf("compared anew, %d passes in all", runs)
	}
	for _, want := range []bool{true, false} {
		other := t.TempDir()
		times := []float64{2, 1}
		if want {
			times[1] = 3
		}
		openBench(t, timed(other)).h.cache.keepTimes(p, times)
		if got := openBench(t, timed(other)).h.StatsPay(c, apart); got != want {
			t.Errorf("%v of %v", got, times)
		}
	}
	o := timed(t.TempDir())
	o.Untimed = true
	if compared = runs; !openBench(t, o).h.StatsPay(c, apart) || runs != compared {
		t.Error("where ways are not timed a plan is not taken, or it is timed")
	}
	exact := c
	exact.Type = driver.F32
	if h := openBench(t, Options{}).h; !h.StatsPay(c, nil) || h.StatsPay(exact, apart) {
		t.Error("without times a plan is taken where there is one, and only there")
	}
}
