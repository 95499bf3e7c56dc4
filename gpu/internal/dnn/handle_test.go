//go:build linux && cgo

package dnn

import (
	"runtime"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// TestRefused asks for what cannot be: each is one clear error of the device.
func TestRefused(t *testing.T) {
	c := shapes()[0]
	big := c
	big.R, big.S = 20, 20
	none := c
	none.C = 0
	for want, f := range map[string]func(b *bench, p driver.Ptr){
		"takes":                         func(b *bench, p driver.Ptr) { b.h.SetScratch(0, 0); b.h.ConvForward(c, p, p, p) },
		"multiple of 16":                func(b *bench, p driver.Ptr) { b.h.ConvForward(c, p, p+4, p) },
		"other than 0":                  func(b *bench, p driver.Ptr) { b.h.ConvForward(c, p, 0, p) },
		"does not fit":                  func(b *bench, p driver.Ptr) { b.h.ConvForward(big, p, p, p) },
		"at least 1":                    func(b *bench, p driver.Ptr) { b.h.ConvBackwardWeight(none, p, p, p) },
		"the handle is closed":          func(b *bench, p driver.Ptr) { b.h.Close(); b.h.ConvForward(c, p, p, p) },
		"not within an allocation":      func(b *bench, p driver.Ptr) { b.h.ConvForward(c, p+1<<40, p, p) },
		"SetScratch gave 1":             func(b *bench, p driver.Ptr) { b.h.SetScratch(p, 1); b.h.ConvForward(c, p, p, p) },
		"cuDNN: forward of x [2, 5, 7,": func(b *bench, p driver.Ptr) { b.h.ConvForward(c, p, p+2, p) },
	} {
		t.Run(want, func(t *testing.T) {
			b := openBench(t, Options{})
			p, err := b.ctx.Alloc(1 << 16)
			if err != nil {
				t.Fatal(err)
			}
			b.scratch(1 << 16)
			f(b, p)
			err = b.ctx.Sync()
			if want == "not within an allocation" && err != nil {
				return // the driver's words: the work itself went wrong
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the device says %v, want %q", err, want)
			}
		})
	}
}

// TestRoundedWeightsNeedScratch: the part behind the plan's own counts too.
func TestRoundedWeightsNeedScratch(t *testing.T) {
	b := openBench(t, Options{})
	c := shapes()[0]
	c.Type = driver.BF16
	if r := b.h.weightOf(c); r.way != wayRounded {
		t.Fatalf("%+v", r)
	}
	b.scratch(b.h.ConvScratch(c, convolution.Weight) - 1)
	_, nw, _ := sizes(c)
	p := b.nan(4*nw*100, driver.F32)
	b.h.ConvBackwardWeight(c, p, p, p)
	if err := b.ctx.Sync(); err == nil || !strings.Contains(err.Error(), "SetScratch gave") {
		t.Errorf("the device says %v", err)
	}
}

// TestCloseInAnyOrder closes the device under the handle, and both twice.
func TestCloseInAnyOrder(t *testing.T) {
	b := openBench(t, Options{})
	b.h.ConvScratch(shapes()[0], convolution.Weight)
	if err := b.ctx.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := b.h.Close(); err != nil {
			t.Error(err)
		}
		if err := b.ctx.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRunAllocatesNothing after the first time.
func TestRunAllocatesNothing(t *testing.T) {
	b := openBench(t, Options{})
	c := shapes()[0]
	b.scratchFor(c)
	nx, nw, ny := sizes(c)
	x, k, y := b.put(small(nx, 1), driver.F32), b.put(small(nw, 2), driver.F32), b.put(small(ny, 3), driver.F32)
	all := func() {
		for _, p := range passes() {
			b.h.ConvScratch(c, p)
		}
		b.h.ConvForward(c, y, x, k)
		b.h.ConvBackwardData(c, x, y, k, 1)
		b.h.ConvBackwardWeight(c, k, y, x)
	}
	all()
	if n := testing.AllocsPerRun(20, all); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// TestCapture records a convolution and replays it on other numbers.
func TestCapture(t *testing.T) {
	b := openBench(t, Options{})
	c := shapes()[0]
	c.Type = driver.BF16
	nx, nw, ny := sizes(c)
	b.scratchFor(c)
	x, k, y := b.put(make([]float64, nx), c.Type), b.put(small(nw, 2), c.Type), b.nan(ny, c.Type)
	g, err := b.ctx.Capture(func() { b.h.ConvForward(c, y, x, k) })
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	v := small(nx, 9)
	b.ctx.Upload(x, encode(v, c.Type))
	g.Replay()
	b.want("replayed", y, c.Type, forwardRef(c, v, small(nw, 2)), sums)
}

// TestWorkspaceLimit: a plan within the limit is taken before an earlier one beyond it; without any, the most modest.
func TestWorkspaceLimit(t *testing.T) {
	p := Problem{Op: Forward, Conv: shapes()[0]}
	free, err := openBench(t, Options{}).h.Plan(p)
	if err != nil {
		t.Fatal(err)
	}
	tight, err := openBench(t, Options{MaxWorkspace: 1}).h.Plan(p)
	if err != nil {
		t.Fatal(err)
	}
	if free.Workspace <= 1 || tight.Workspace > 1 {
		t.Errorf("%d bytes without and %d with a limit of 1", free.Workspace, tight.Workspace)
	}
}

// TestNonDeterministic takes the library's first proposal, which is left out otherwise.
func TestNonDeterministic(t *testing.T) {
	p := Problem{Op: Forward, Conv: shapes()[0]}
	for _, allowed := range []bool{false, true} {
		c, err := openBench(t, Options{NonDeterministic: allowed}).h.Plan(p)
		if err != nil {
			t.Fatal(err)
		}
		if has := len(c.Notes) == 1 && c.Notes[0] == noteNondeterministic; has != allowed {
			t.Errorf("allowed %v: %+v was chosen", allowed, c)
		}
	}
}

// TestEnters: the library queues on the context that is current on the thread, so that
// another thread than the context's is an error.
func TestEnters(t *testing.T) {
	b := openBench(t, Options{})
	c := cached.Conv
	nx, nw, ny := sizes(c)
	x, w, y := b.put(small(nx, 1), c.Type), b.put(small(nw, 2), c.Type), b.nan(ny, c.Type)
	b.scratchFor(c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		b.h.ConvForward(c, y, x, w)
	}()
	<-done
	if err := b.ctx.Sync(); err == nil || !strings.Contains(err.Error(), "thread") {
		t.Errorf("from another thread: %v", err)
	}
}
