package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// arenas runs f with an arena on the CPU, on the emulated GPU, on either's plan and on a plan of none.
func arenas(t *testing.T, f func(t *testing.T, dev *gpu.Device)) {
	t.Run("plan", func(t *testing.T) { f(t, gputest.Open(t, "plan", gpu.Options{})) })
	for _, g := range gputest.Targets() {
		t.Run(g.Name, func(t *testing.T) { f(t, g.Open(t)) })
		t.Run("plan of "+g.Name, func(t *testing.T) { f(t, g.Open(t).Plan()) })
	}
}

// TestFreeOfAnother: an arena takes back what it dealt out and still is in use, and nothing else, wherever it lies.
func TestFreeOfAnother(t *testing.T) {
	arenas(t, func(t *testing.T, dev *gpu.Device) {
		a, b := dev.NewArena(4<<10), dev.NewArena(4<<10)
		defer a.Close()
		x, other := a.New(gpu.F32, 3), b.New(gpu.F32, 3)
		const text = "gpu: Free: f32 [3] is not in use in this arena"
		gputest.Panics(t, text, func() { a.Free(other) })
		gputest.Panics(t, "gpu: Free: f32 [] is not in use in this arena", func() { a.Free(gpu.Tensor{}) })
		if n := a.InUse(); n != 256 {
			t.Errorf("%d bytes are in use, want those of one tensor, 256", n)
		}
		a.Free(x.View(1, 3).Slice(1, 2)) // a view is of the tensor's memory
		gputest.Panics(t, text, func() { a.Free(x) })
		again := a.New(gpu.F32, 3) // lies where x did
		gputest.Panics(t, text, func() { a.Free(x) })
		a.Reset()
		gputest.Panics(t, text, func() { a.Free(again) })
		a.New(gpu.F32, 3)
		gputest.Panics(t, text, func() { a.Free(again) })
		b.Close()
		gputest.Panics(t, text, func() { b.Free(other) })
	})
}

// TestImpossibleShapes: lengths below 0, also where their product is not, and products beyond an int.
func TestImpossibleShapes(t *testing.T) {
	arenas(t, func(t *testing.T, dev *gpu.Device) {
		a := dev.NewArena(4 << 10)
		defer a.Close()
		x := a.New(gpu.F32, 2, 3)
		for _, dims := range [][]int{{-1}, {-2, -3}, {0, -1}, {2, -3}, {math.MaxInt}, {1 << 40, 1 << 40}, {1 << 31, 1 << 31, 1 << 31, 2}, {math.MaxInt / 4, 2}} {
			text := fmt.Sprintf("gpu: no tensor is %v: lengths are 0 or more, and their product's bytes fit an int", dims)
			gputest.Panics(t, text, func() { a.New(gpu.U8, dims...) })
			gputest.Panics(t, text, func() { x.View(dims...) })
		}
		if y := a.New(gpu.F32, 0, 7); y.Len() != 0 {
			t.Errorf("%v has %d elements", y.Dims(), y.Len())
		}
	})
}

// TestDeal: the arena holds what is taken at one time, of which the second dealing counts.
func TestDeal(t *testing.T) {
	arenas(t, func(t *testing.T, dev *gpu.Device) {
		var x, y gpu.Tensor
		take := func(a *gpu.Arena) {
			spare := a.New(gpu.F32, 200)
			x = a.New(gpu.F32, 3)
			a.Free(spare)
			y = a.Zeros(gpu.U8, 300)
		}
		a := dev.Deal("dealt", take)
		defer a.Close()
		if n := gpu.Room(take); n != 4*256+256 || n != a.Peak() {
			t.Errorf("%d bytes take %d, want %d", n, a.Peak(), 5*256)
		}
		b := dev.Deal("again", take)
		defer b.Close()
		if x.Device() != dev || y.Device() != dev {
			t.Errorf("the tensors are on %s, want %s", x.Device().Name(), dev.Name())
		}
		for _, h := range dev.Allocated() {
			if (h.Name == "dealt" || h.Name == "again") && h.Bytes != 5*256 {
				t.Errorf("%s holds %d bytes, want %d", h.Name, h.Bytes, 5*256)
			}
		}
		b.Free(x)
		b.Free(y)
	})
}
