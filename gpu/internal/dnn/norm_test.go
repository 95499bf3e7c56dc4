//go:build linux && cgo

package dnn

import (
	"errors"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// normed is a convolution that has all of what a norm before it may be fused to.
func normed() driver.Conv {
	return driver.Conv{Shape: convolution.Shape{N: 2, H: 5, W: 7, C: 16, K: 8, R: 3, S: 3, Stride: 1, Pad: 1}, Type: driver.F16}
}

// An asks is how a norm is asked for: whether the fused way is taken.
type asks func(h *Handle, c driver.Conv, apart func(a, b driver.Ptr) error) bool

// narrow is normed with windows of 1x1.
func narrow() driver.Conv {
	c := normed()
	c.R, c.S, c.Pad = 1, 1, 0
	return c
}

// norms are a norm forward, its gradient, and both with what is added, by what the fused way begins with.
func norms() map[Op]asks {
	return map[Op]asks{
		NormForwardAddStats: func(h *Handle, c driver.Conv, apart func(a, b driver.Ptr) error) bool {
			if apart == nil {
				return h.NormAddPays(c, nil)
			}
			return h.NormAddPays(c, func(z, x, add driver.Ptr) error {
				if add == 0 || add == x || add == z {
					return errors.New("nothing is added")
				}
				return apart(z, x)
			})
		},
		NormForwardStats: (*Handle).NormPays,
		NormBackwardData: func(h *Handle, c driver.Conv, apart func(a, b driver.Ptr) error) bool {
			return h.NormDataPays(c, false, apart)
		},
		NormBackwardDataAdd: func(h *Handle, c driver.Conv, apart func(a, b driver.Ptr) error) bool {
			return h.NormDataPays(c, true, apart)
		},
	}
}

// TestNormPays: the fused and the other way are compared once, by what all parts took, and the times are kept for later handles.
func TestNormPays(t *testing.T) {
	for op, pays := range norms() {
		dir, c, runs := t.TempDir(), narrow(), 0
		p := Problem{Op: op, Conv: c}
		apart := func(a, b driver.Ptr) error {
			if a == 0 || b == 0 || a == b {
				t.Errorf("%s: the pass is of %#x and %#x", p, a, b)
			}
			runs++
			return nil
		}
		h := openBench(t, timed(dir)).h
		is := pays(h, c, apart)
		times := h.cache.times(p)
		if len(times) != 2 || times[0] <= 0 || times[1] <= 0 || is != (times[0] < times[1]) || runs < rounds {
			t.Fatalf("%s: %v after %d passes, kept %v; %v", p, is, runs, times, h.Warning())
		}
		compared := runs
		if again := pays(h, c, apart); again != is || pays(openBench(t, timed(dir)).h, c, apart) != is || runs != compared {
			t.Errorf("%s was compared anew, %d passes in all", p, runs)
		}
		for _, want := range []bool{true, false} {
			times = []float64{2, 1}
			if want {
				times[1] = 3
			}
			other := t.TempDir()
			openBench(t, timed(other)).h.cache.keepTimes(p, times)
			if got := pays(openBench(t, timed(other)).h, c, apart); got != want {
				t.Errorf("%s: %v of %v", p, got, times)
			}
		}
	}
}

// TestNormPaysUntimed: without times the fused way is taken where there is one; where it cannot be timed too, and a warning says so.
func TestNormPaysUntimed(t *testing.T) {
	for op, pays := range norms() {
		c := narrow()
		if h := openBench(t, Options{}).h; !pays(h, c, nil) {
			t.Errorf("%s is not taken where nothing is timed", Problem{Op: op, Conv: c})
		}
		o := timed(t.TempDir())
		o.Untimed = true
		if h := openBench(t, o).h; !pays(h, c, func(a, b driver.Ptr) error { t.Error("ways are timed"); return nil }) || h.cache.times(Problem{Op: op, Conv: c}) != nil {
			t.Errorf("%s is not taken where ways are not timed, or its time is kept", Problem{Op: op, Conv: c})
		}
		for _, typ := range []driver.Type{driver.BF16, driver.F32} {
			other := c
			other.Type = typ
			if pays(openBench(t, Options{}).h, other, nil) {
				t.Errorf("%s is taken", Problem{Op: op, Conv: other})
			}
		}
		h := openBench(t, timed(t.TempDir())).h
		if broken := errors.New("broken"); !pays(h, c, func(a, b driver.Ptr) error { return broken }) || !errors.Is(h.Warning(), broken) {
			t.Errorf("%s: %v", Problem{Op: op, Conv: c}, h.Warning())
		}
	}
	wide := normed()
	wide.Stride = 2
	if h := openBench(t, Options{}).h; !h.NormDataPays(wide, false, nil) || h.NormDataPays(wide, true, nil) {
		t.Error("at stride 2 there is a plan without what is added, and none with it")
	}
}

// TestNormAddForward has what is added to the norm, and what comes of it.
func TestNormAddForward(t *testing.T) {
	b, c := openBench(t, Options{}), narrow()
	nx, nw, ny := sizes(c)
	x, w, scale, shift, add := small(nx, 1), small(nw, 2), small(c.C, 3), small(c.C, 4), small(nx, 5)
	z := make([]float64, nx)
	for i := range z {
		z[i] = max(0, x[i]*scale[i%c.C]+shift[i%c.C]+add[i])
	}
	b.scratch(b.h.ConvScratch(c, convolution.NormAddForward))
	y, pz, sum, square := b.nan(ny, c.Type), b.nan(nx, c.Type), b.nan(c.K, driver.F32), b.nan(c.K, driver.F32)
	b.h.ConvNormAddForward(c, y, b.put(x, c.Type), b.put(w, c.Type), b.put(scale, c.Type), b.put(shift, c.Type), b.put(add, c.Type), pz, sum, square)
	b.want("z", pz, c.Type, z, sums)
	ref := forwardRef(c, z, w)
	b.want("y", y, c.Type, ref, 1e-3)
	b.wantStats(c, ref, sum, square)
	if h := openBench(t, Options{}).h; h.NormAddPays(normed(), nil) {
		t.Error("a window of 3x3 has a plan")
	}
}

// TestRefusedWay: what the library refuses to run is not the faster way.
func TestRefusedWay(t *testing.T) {
	b := openBench(t, timed(t.TempDir()))
	refused, done := func() error { return errors.New("refused") }, func() error { return nil }
	if fused, own, err := b.h.compare([]func() error{done, refused}, []func() error{done}, 0); err != nil || fused <= own {
		t.Errorf("%v and %v, %v", fused, own, err)
	}
	if _, _, err := b.h.compare([]func() error{done}, []func() error{refused}, 0); err == nil {
		t.Error("the other way was refused, and nobody says so")
	}
}

// TestNormData compares the gradient that knows of the norm with its parts.
func TestNormData(t *testing.T) {
	for _, stride := range []int{1, 2} {
		for _, add := range []bool{false, true} {
			if stride == 2 && add {
				continue
			}
			c := normed()
			c.Stride = stride
			openBench(t, Options{}).normData(c, add)
		}
	}
}

func (b *bench) normData(c driver.Conv, add bool) {
	b.Helper()
	nx, nw, ny := sizes(c)
	x, w, dy, had, branch := small(nx, 1), small(nw, 2), small(ny, 3), make([]float64, nx), make([]float64, nx)
	mean, rstd, gamma, beta := small(c.C, 4), make([]float64, c.C), make([]float64, c.C), small(c.C, 5)
	pass := convolution.NormData
	if add {
		had, branch, pass = small(nx, 6), small(nx, 7), convolution.NormDataAdd
	}
	d := plus(dataRef(c, dy, w), branch)
	dgamma, dbeta := make([]float64, c.C), make([]float64, c.C)
	for j := range rstd {
		rstd[j], gamma[j] = 0.5+float64(j%3)/2, 1-float64(j%2)/2
	}
	for i := range d {
		j := i % c.C
		if (x[i]-mean[j])*rstd[j]*gamma[j]+beta[j]+had[i] <= 0 { // exact in every type
			d[i] = 0
		}
		dgamma[j], dbeta[j] = dgamma[j]+d[i]*(x[i]-mean[j])*rstd[j], dbeta[j]+d[i]
	}
	b.scratch(b.h.ConvScratch(c, pass))
	n := driver.NormInput{X: b.put(x, c.Type), Mean: b.put(mean, driver.F32), Rstd: b.put(rstd, driver.F32), Gamma: b.put(gamma, driver.F32), Beta: b.put(beta, driver.F32)}
	if add {
		n.Add, n.Branch = b.put(had, c.Type), b.put(branch, c.Type)
	}
	pd, pg, pb := b.nan(nx, c.Type), b.nan(c.C, driver.F32), b.nan(c.C, driver.F32)
	b.h.ConvNormBackwardData(c, pd, b.put(dy, c.Type), b.put(w, c.Type), n, pg, pb, b.nan(3*64, driver.F32))
	b.want("d", pd, c.Type, d, 0.01) // the convolution's part is rounded before what is added
	slack := 0.0
	for _, v := range d {
		slack = max(slack, epsilon(c.Type)*4*max(1, v)*float64(nx/c.C))
	}
	b.want("dgamma", pg, driver.F32, dgamma, slack)
	b.want("dbeta", pb, driver.F32, dbeta, slack)
}
