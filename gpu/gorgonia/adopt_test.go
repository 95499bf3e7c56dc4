//go:build gorgonia && linux && cgo

package gorgonia_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/cu"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// program makes the context that a Gorgonia program would have, current on the test's thread.
func program(t *testing.T) cu.CUContext {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	dev, err := cu.GetDevice(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := dev.MakeContext(cu.SchedAuto)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ctx.Destroy(); err != nil {
			t.Error(err)
		}
	})
	return ctx
}

// upload returns device memory of the program's own.
func upload(t *testing.T, v []float32) cu.DevicePtr {
	t.Helper()
	p, err := cu.AllocAndCopy(unsafe.Pointer(&v[0]), int64(4*len(v)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the context goes
		if err := cu.MemFree(p); err != nil {
			t.Error(err)
		}
	})
	return p
}

func download(t *testing.T, p cu.DevicePtr, n int) []float32 {
	t.Helper()
	v := make([]float32, n)
	if err := cu.MemcpyDtoH(unsafe.Pointer(&v[0]), p, int64(4*n)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAdopt(t *testing.T) {
	ctx := program(t)
	a, b, c := upload(t, []float32{1, 2, 3, 4, 5, 6}), upload(t, []float32{1, 0, 2, 0, 1, 3}), upload(t, make([]float32, 4))
	d, err := gpu.AdoptGorgonia(ctx)
	if err != nil {
		t.Fatal(err)
	}
	at := func(p cu.DevicePtr, dims ...int) gpu.Tensor {
		x, err := d.AdoptMemory(p, gpu.F32, dims...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	gpu.MatMul(at(c, 2, 2), at(a, 2, 3), at(b, 2, 3), false, true, 0)
	if got := download(t, c, 4); got[0] != 7 || got[1] != 11 || got[2] != 16 || got[3] != 23 {
		t.Errorf("the program's memory holds %v, want [7 11 16 23]", got)
	}

	arena := d.NewArena(1 << 12)
	ours := arena.New(gpu.F32, 4)
	gpu.Add(ours, at(c, 4), at(c, 4))
	if got := download(t, ours.DevicePtr(), 4); got[3] != 46 {
		t.Errorf("the device's memory holds %v as the program sees it, want 46 last", got)
	}
	if err := d.Sync(); err != nil {
		t.Error(err)
	}
	arena.Close()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if now, err := cu.CurrentContext(); err != nil || now != ctx {
		t.Errorf("after Close the context is %v (%v), want the program's, %v", now, err, ctx)
	}
	if got := download(t, a, 6); got[5] != 6 {
		t.Errorf("after Close the program's memory holds %v", got)
	}
}

func TestAdoptMemoryRefuses(t *testing.T) {
	ctx := program(t)
	p := upload(t, make([]float32, 8))
	d, err := gpu.AdoptGorgonia(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for want, at := range map[string]struct {
		p cu.DevicePtr
		n int
	}{
		"go beyond":             {p, 9},
		"not memory":            {p + 1<<40, 1},
		"multiple of 16":        {p + 4, 1},
		"28 bytes at":           {p + 16, 7},
		"not memory of the con": {0, 1},
	} {
		if _, err := d.AdoptMemory(at.p, gpu.F32, at.n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d elements at %v: error %v, want %q", at.n, at.p, err, want)
		}
	}
	if _, err := d.AdoptMemory(p, gpu.F32, 2, 4); err != nil {
		t.Error(err)
	}
	if _, err := gpu.AdoptGorgonia(cu.CUContext{}); err == nil {
		t.Error("no context was adopted")
	}
}

func TestArenaRefusesAdopted(t *testing.T) {
	ctx := program(t)
	p := upload(t, make([]float32, 8))
	d, err := gpu.AdoptGorgonia(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	arena := d.NewArena(1 << 12)
	defer arena.Close()
	arena.New(gpu.F32, 8)
	x, err := d.AdoptMemory(p, gpu.F32, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("an arena took memory of the program's")
		}
	}()
	arena.Free(x)
}

func TestOpen(t *testing.T) {
	if _, err := gpu.Open("gorgonia:7", gpu.Options{}); err == nil || !strings.Contains(err.Error(), "devices") {
		t.Errorf("gorgonia:7: error %v", err)
	}
	d := gputest.Open(t, "gorgonia:0", gpu.Options{})
	if _, _, err := d.Precision("bf16"); err == nil || !strings.Contains(err.Error(), "the device gorgonia computes in f32") {
		t.Errorf("bf16: error %v", err)
	}
	if _, name, err := d.Precision("auto"); err != nil || name != "f32" {
		t.Errorf("auto is %s (%v), want f32", name, err)
	}
}

// TestAdoptOnAnotherThread adopts a context on a thread that has none, and wants it to have none afterwards.
func TestAdoptOnAnotherThread(t *testing.T) {
	ctx := program(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		d, err := gpu.AdoptGorgonia(ctx)
		if err == nil {
			err = d.Close()
		}
		if now, e := cu.CurrentContext(); err == nil && (e != nil || now != cu.CUContext{}) {
			err = fmt.Errorf("after Close the thread's context is %v (%v), want none", now, e)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
