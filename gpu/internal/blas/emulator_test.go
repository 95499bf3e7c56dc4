//go:build linux && cgo

package blas

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
)

// TestEmulator runs products on the emulated GPU: its memory, streams and graphs.
func TestEmulator(t *testing.T) {
	so, err := filepath.Abs("../../../build/libsimt.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(so); err != nil {
		t.Skipf("no emulator (%v): run make emulator", err)
	}
	for _, name := range []string{"TestOnGPU", "TestOutsideMemory"} {
		t.Run(name, func(t *testing.T) { rerun(t, name, inner+"="+name, lib+"="+so, "CONTIG_LIBCUDA="+so) })
	}
}

// A GPU is a context with a handle on it.
type emulated struct {
	*cuda.Context
	h *Handle
}

func openGPU(t *testing.T) *emulated {
	t.Helper()
	api, err := cuda.Load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := api.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := ctx.Close(); err != nil && !t.Failed() {
			t.Log(err)
		}
	})
	return &emulated{ctx, h}
}

// alloc returns device memory with what b holds.
func (c *emulated) alloc(t *testing.T, b *buffer) driver.Ptr {
	t.Helper()
	p, err := c.Alloc(len(b.bytes))
	if err != nil {
		t.Fatal(err)
	}
	c.Upload(p, b.bytes)
	return p
}

// TestOnGPU queues a product at once and from a graph: three times, each adding to the result.
func TestOnGPU(t *testing.T) {
	isInner(t)
	c := openGPU(t)
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 33, N: 17, K: 500, TransB: true, In: driver.BF16, Beta: 1}, true)
	at := [4]driver.Ptr{c.alloc(t, q.c), c.alloc(t, q.a), c.alloc(t, q.b), c.alloc(t, q.bias)}
	p := q.p
	p.Bias = at[3]
	scratch, err := c.Alloc(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	c.h.SetScratch(scratch, 1<<20)
	c.Upload(at[0], q.c.bytes)
	step := func() {
		c.h.MatMul(p, at[0], at[1], at[2])
		c.Download(q.c.bytes, at[0])
		if err := c.Sync(); err != nil {
			t.Fatal(err)
		}
		q.check(t)
		for i := range q.cv {
			q.cv[i] = q.c.get(driver.F32, i)
		}
	}
	step()
	g, err := c.Capture(func() { c.h.MatMul(p, at[0], at[1], at[2]) })
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for range 2 {
		g.Replay()
		c.Download(q.c.bytes, at[0])
		q.check(t)
		for i := range q.cv {
			q.cv[i] = q.c.get(driver.F32, i)
		}
	}
	if err := c.Sync(); err != nil {
		t.Error(err)
	}
}

// TestOutsideMemory has an operand that is shorter than the product says: the GPU fails, and Sync says so.
func TestOutsideMemory(t *testing.T) {
	isInner(t)
	c := openGPU(t)
	q := newTrial(rand.New(rand.NewPCG(1, 2)), driver.Product{M: 64, N: 64, K: 64}, false)
	q.a.bytes = q.a.bytes[:len(q.a.bytes)-4]
	r, a, b := c.alloc(t, q.c), c.alloc(t, q.a), c.alloc(t, q.b)
	c.h.MatMul(q.p, r, a, b)
	if err := c.Sync(); err == nil {
		t.Error("a product beyond its memory passes")
	} else if !strings.Contains(err.Error(), "ILLEGAL_ADDRESS") {
		t.Errorf("the failure is %v", err)
	}
}
