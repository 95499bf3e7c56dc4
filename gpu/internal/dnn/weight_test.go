//go:build linux && cgo

package dnn

import (
	"errors"
	"os"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// hostWays computes what the library does not on the host.
type hostWays struct {
	*testing.T
	ctx *cuda.Context
}

func (w hostWays) read(p driver.Ptr, n int, t driver.Type) []float64 {
	raw := make([]byte, n*t.Size())
	w.ctx.Download(raw, p)
	return decode(raw, t)
}

func (w hostWays) AddRounded(dw, part driver.Ptr, n int, t driver.Type) error {
	w.ctx.Upload(dw, encode(plus(w.read(dw, n, driver.F32), w.read(part, n, t)), driver.F32))
	return nil
}

// multiplyRoom is what Multiply says it takes.
const multiplyRoom = 512

func (w hostWays) MultiplyScratch(driver.Product) (int, error) { return multiplyRoom, nil }

func (w hostWays) Multiply(p driver.Product, c, a, b, work driver.Ptr, room int) error {
	if room < multiplyRoom || work == 0 || !p.TransA || p.TransB || p.Beta != 1 || p.Out != driver.F32 {
		w.Errorf("a product %+v with %d bytes at %#x", p, room, work)
	}
	av, bv, cv := w.read(a, p.K*p.M, p.In), w.read(b, p.K*p.N, p.In), w.read(c, p.M*p.N, driver.F32)
	for i := range p.M {
		for j := range p.N {
			for k := range p.K {
				cv[i*p.N+j] += av[k*p.M+i] * bv[k*p.N+j]
			}
		}
	}
	w.ctx.Upload(c, encode(cv, driver.F32))
	return nil
}

// waysOf returns the ways that there are for a convolution.
func (b *bench) waysOf(c driver.Conv) (all []weightWay) {
	for k := range wayCount {
		if r := b.h.makeWay(c, k); r.err == nil {
			all = append(all, r)
		}
	}
	return all
}

// TestWays: every way adds the gradient, and which there are follows from the convolution: a product for windows of 1x1 and stride 1, a
// fused addition in 16 bits for an even number of channels. The first of them is taken where nothing is timed.
func TestWays(t *testing.T) {
	b := openBench(t, Options{})
	for _, s := range shapes() {
		for _, c := range precisions(s) {
			var want []way
			if c.Type != driver.F32 && c.R == 1 && c.S == 1 && c.Stride == 1 {
				want = append(want, wayProduct)
			}
			if c.Type != driver.F32 {
				want = append(want, wayRounded)
			}
			if c.Type == driver.F32 || c.C%2 == 0 {
				want = append(want, wayFused)
			}
			var got []way
			for _, r := range b.waysOf(c) {
				got = append(got, r.way)
				b.h.weight[c] = r
				b.weights(c)
			}
			if len(got) != len(want) {
				t.Errorf("%+v: the ways are %v, want %v", c, got, want)
				continue
			}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%+v: the ways are %v, want %v", c, got, want)
				}
			}
			delete(b.h.weight, c)
			if first := b.h.weightOf(c).way; first != want[0] {
				t.Errorf("%+v: way %d is taken, want %v", c, first, want[0])
			}
		}
	}
}

// pointwise has three ways.
var pointwise = driver.Conv{Shape: convolution.Shape{N: 3, H: 4, W: 5, C: 10, K: 7, R: 1, S: 1, Stride: 1}, Type: driver.BF16}

// slowWays take long for a product, or refuse it.
type slowWays struct {
	hostWays
	refused  error
	products *int
}

func (w slowWays) Multiply(p driver.Product, c, a, b, work driver.Ptr, room int) error {
	*w.products++
	if w.refused != nil {
		return w.refused
	}
	return w.hostWays.Multiply(p, c, a, b, work, room)
}

// TestWaysAreTimed once on a kind of GPU: the second start makes no plan of the other ways, and follows what is kept.
func TestWaysAreTimed(t *testing.T) {
	dir := t.TempDir()
	o := timed(dir)
	b := openBench(t, o)
	b.weights(pointwise)
	p := Problem{Op: BackwardWeight, Conv: pointwise}
	times := b.h.cache.times(p)
	if len(times) != int(wayCount) || b.h.Warning() != nil {
		t.Fatalf("%v is kept; %v", times, b.h.Warning())
	}
	for k, ms := range times {
		if ms <= 0 {
			t.Errorf("way %d was not timed: %v", k, times)
		}
	}
	if got, want := b.h.weightOf(pointwise).way, fastestWay(times); got != want {
		t.Errorf("way %d is taken of %v", got, times)
	}
	for k := range wayCount {
		times = []float64{3, 3, 3}
		times[k] = 1
		mustRemove(t, b.h.cache.notePath(waysOf(p), p.String()))
		b.h.cache.keepTimes(p, times)
		again := openBench(t, o)
		again.weights(pointwise)
		want := Counts{Cached: 1}
		if k == wayProduct {
			want = Counts{}
		}
		if got := again.h.Counts(); got != want || again.h.weightOf(pointwise).way != k {
			t.Errorf("way %d is kept, and %+v taken with %+v", k, again.h.weightOf(pointwise), got)
		}
	}
}

// TestWayLeftOut: a way that fails when it is timed is left out; where the GPU has no memory to time them, the first is taken and
// nothing kept; on the emulator nothing is timed.
func TestWayLeftOut(t *testing.T) {
	p := Problem{Op: BackwardWeight, Conv: pointwise}
	b := openBench(t, timed(t.TempDir()))
	products := 0
	b.h.Ways = slowWays{b.h.Ways.(hostWays), errors.New("not today"), &products}
	b.weights(pointwise)
	if times := b.h.cache.times(p); products != 1 || len(times) != int(wayCount) || times[wayProduct] != 0 || times[wayRounded] == 0 || b.h.weightOf(pointwise).way == wayProduct {
		t.Errorf("%d products; %v is kept", products, times)
	}
	b = openBench(t, timed(t.TempDir()))
	b.h.Timer = fullGPU{b.ctx}
	if r := b.h.weightOf(pointwise); r.way != wayProduct || r.err != nil {
		t.Errorf("without memory %+v is taken", r)
	}
	if kept := b.h.cache.times(p) != nil; kept || !errors.Is(b.h.Warning(), errFull) || !strings.Contains(b.h.Warning().Error(), "not compared") {
		t.Errorf("kept %v, %v", kept, b.h.Warning())
	}
	o := timed(t.TempDir())
	o.Untimed = true
	b = openBench(t, o)
	b.weights(pointwise)
	if kept := b.h.cache.times(p) != nil; kept || b.h.Counts() != (Counts{}) {
		t.Errorf("kept %v after %+v", kept, b.h.Counts())
	}
}

func mustRemove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
