//go:build linux && cgo

package dnn

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// A bench is the emulated GPU with a handle on it. The process that opened it cannot open the real library any more.
type bench struct {
	*testing.T
	ctx *cuda.Context
	h   *Handle
}

// emulator points every library to the emulator.
func emulator(t *testing.T) {
	t.Helper()
	so, err := filepath.Abs("../../../build/libsimt.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(so); err != nil {
		t.Skipf("no emulator (%v): run make emulator", err)
	}
	for _, name := range []string{"CONTIG_LIBCUDA", "CONTIG_LIBNVRTC", "CONTIG_LIBCUBLASLT", "CONTIG_LIBCUBLAS", "CONTIG_LIBCUDNN"} {
		t.Setenv(name, so)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

func openBench(t *testing.T, o Options) *bench {
	t.Helper()
	emulator(t)
	api, err := cuda.Load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := api.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ctx.Close() })
	if o.Timer != nil {
		o.Timer = ctx
	}
	if o.Ways == nil {
		o.Ways = hostWays{t, ctx}
	}
	h, err := New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil { // the fake complains of descriptors that were not given back
			t.Error(err)
		}
	})
	return &bench{t, ctx, h}
}

// put returns device memory that holds v in type ty.
func (b *bench) put(v []float64, ty driver.Type) driver.Ptr {
	b.Helper()
	p, err := b.ctx.Alloc(max(1, len(v)*ty.Size()))
	if err != nil {
		b.Fatal(err)
	}
	if len(v) > 0 {
		b.ctx.Upload(p, encode(v, ty))
	}
	return p
}

// nan returns device memory full of NaN, which what is only written may not read.
func (b *bench) nan(n int, ty driver.Type) driver.Ptr {
	p, err := b.ctx.Alloc(n * ty.Size())
	if err != nil {
		b.Fatal(err)
	}
	b.ctx.Set(p, 0xffffffff, 4, (n*ty.Size())/4)
	return p
}

func (b *bench) scratch(bytes int) {
	p, err := b.ctx.Alloc(max(bytes, 1))
	if err != nil {
		b.Fatal(err)
	}
	b.h.SetScratch(p, bytes)
}

func passes() []convolution.Pass {
	return []convolution.Pass{convolution.Forward, convolution.Data, convolution.DataAdd, convolution.Weight}
}

// scratchFor gives the handle the memory that the passes of a convolution take.
func (b *bench) scratchFor(c driver.Conv) {
	need := 0
	for _, p := range passes() {
		need = max(need, b.h.ConvScratch(c, p))
	}
	b.scratch(need)
}

// want compares device memory with what it should hold: within the rounding of its type, and of float32 sums.
func (b *bench) want(what string, p driver.Ptr, ty driver.Type, want []float64, inside float64) {
	b.Helper()
	raw := make([]byte, len(want)*ty.Size())
	b.ctx.Download(raw, p)
	if err := b.ctx.Sync(); err != nil {
		b.Fatal(what, ": ", err)
	}
	bad := 0
	for i, got := range decode(raw, ty) {
		if tolerance := epsilon(ty)*math.Abs(want[i]) + inside; !(math.Abs(got-want[i]) <= tolerance) {
			if bad++; bad < 4 {
				b.Errorf("%s: element %d is %v, want %v within %v", what, i, got, want[i], tolerance)
			}
		}
	}
	if bad > 0 {
		b.Fatalf("%s: %d of %d elements are wrong", what, bad, len(want))
	}
}

// shapes are odd sizes, strides and windows of 1, 3 and 7.
func shapes() []driver.Conv {
	return []driver.Conv{
		{Shape: convolution.Shape{N: 2, H: 5, W: 7, C: 4, K: 6, R: 3, S: 3, Stride: 1, Pad: 1}},
		{Shape: convolution.Shape{N: 1, H: 9, W: 6, C: 8, K: 3, R: 3, S: 3, Stride: 2, Pad: 1}},
		{Shape: convolution.Shape{N: 3, H: 4, W: 5, C: 10, K: 7, R: 1, S: 1, Stride: 1, Pad: 0}},
		{Shape: convolution.Shape{N: 2, H: 7, W: 7, C: 2, K: 16, R: 1, S: 1, Stride: 2, Pad: 0}},
		{Shape: convolution.Shape{N: 2, H: 17, W: 13, C: 3, K: 5, R: 7, S: 7, Stride: 2, Pad: 3}},
		{Shape: convolution.Shape{N: 1, H: 3, W: 3, C: 1, K: 1, R: 3, S: 3, Stride: 1, Pad: 0}},
		{Shape: convolution.Shape{N: 1, H: 6, W: 5, C: 18, K: 33, R: 3, S: 3, Stride: 2, Pad: 0}},
		{Shape: convolution.Shape{N: 1, H: 5, W: 4, C: 4, K: 4, R: 3, S: 1, Stride: 1, Pad: 1}},
	}
}

// precisions are the types that convolutions come in.
func precisions(c driver.Conv) []driver.Conv {
	var all []driver.Conv
	for _, p := range []driver.Conv{{Type: driver.F32}, {Type: driver.F32, TF32: true}, {Type: driver.BF16}, {Type: driver.F16}} {
		c.Type, c.TF32 = p.Type, p.TF32
		all = append(all, c)
	}
	return all
}
