//go:build gorgonia && linux && cgo

package gorgonia

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

func opened(t *testing.T) *Device {
	t.Helper()
	d, err := Open(0, func(info driver.Info) ([]byte, error) {
		entry := slices.DeleteFunc(slices.Sorted(maps.Keys(kernels.Sources())), func(name string) bool { return !strings.HasSuffix(name, ".cu") })
		image, _, err := cuda.CompileNVRTC(kernels.Sources(), entry, info.Arch)
		return image, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func alloc(t *testing.T, d *Device, v []float32) driver.Ptr {
	t.Helper()
	p, err := d.Alloc(4 * len(v))
	if err != nil {
		t.Fatal(err)
	}
	d.Upload(p, bytesOf(v))
	return p
}

func bytesOf(v []float32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v)) }

func TestOpenFails(t *testing.T) {
	none := errors.New("no kernels")
	if _, err := Open(0, func(driver.Info) ([]byte, error) { return nil, none }); !errors.Is(err, none) {
		t.Errorf("error %v, want that of the image", err)
	}
	bad := func(driver.Info) ([]byte, error) { return []byte("no image"), nil }
	if _, err := Open(0, bad); err == nil || !strings.Contains(err.Error(), "kernel image of 8 bytes") {
		t.Errorf("error %v, want one about the image", err)
	}
	d := opened(t) // what failed has given everything back
	if i := d.Info(); i.Arch < 50 || i.Multiprocs < 1 || i.Memory < 1 || i.SharedPerBlock < 48<<10 || len(i.Libraries) != 3 || i.Libraries[2].Path == "" {
		t.Errorf("info %+v", i)
	}
}

// TestFails makes one call that fails for each device, and wants Sync to tell what it was.
func TestFails(t *testing.T) {
	conv := driver.Conv{Shape: convolution.Shape{N: 1, H: 4, W: 4, C: 8, K: 8, R: 3, S: 3, Stride: 1, Pad: 1}}
	for want, f := range map[string]func(d *Device){
		"MatMul in bf16: the device computes in f32": func(d *Device) {
			d.MatMul(driver.Product{M: 1, N: 1, K: 1, In: driver.BF16}, 0, 0, 0)
		},
		"convolution in f16: the device computes in f32": func(d *Device) {
			d.ConvScratch(driver.Conv{Shape: convolution.Shape{N: 1, H: 1, W: 1, C: 8, K: 8, R: 1, S: 1, Stride: 1}, Type: driver.F16}, convolution.Forward)
		},
		"(n <= 0)": func(d *Device) {
			c := conv
			c.N = 0
			d.ConvScratch(c, convolution.Forward)
		},
		"of scratch memory and has 0": func(d *Device) {
			n := d.ConvScratch(conv, convolution.Weight)
			if n == 0 {
				d.Fail(errors.New("of scratch memory and has 0")) // a GPU's algorithm that needs none
			}
			d.ConvBackwardWeight(conv, 256, 256, 256)
		},
		"cuBLAS counts to 2147483647": func(d *Device) { d.MatMul(driver.Product{M: 2, N: 2, K: 1 << 40}, 256, 256, 256) },
		"takes 32 bytes of":           func(d *Device) { k, _ := d.Kernel("add_forward_f32"); d.Launch(k, driver.Grid{}, nil, 31) },
		"Free of 0x100":               func(d *Device) { d.Free(256) },
		"Set of elements of 3":        func(d *Device) { d.Set(256, 0, 3, 1) },
		"no kernel no_such_f32":       func(d *Device) { _, err := d.Kernel("no_such_f32"); d.Fail(err) },
		"bytes were asked for":        func(d *Device) { _, err := d.Alloc(1 << 60); d.Fail(err) },
		"the GPU allows": func(d *Device) {
			k, _ := d.Kernel("add_forward_f32")
			d.Launch(k, driver.Grid{Shared: 1 << 30}, unsafe.Pointer(new([4]uint64)), 32)
		},
		"kernel add_forward_f32,": func(d *Device) {
			k, _ := d.Kernel("add_forward_f32")
			d.Launch(k, driver.Grid{Threads: [3]int{4096}}, unsafe.Pointer(new([4]uint64)), 32)
		},
	} {
		t.Run(want, func(t *testing.T) {
			d := opened(t)
			f(d)
			if err := d.Sync(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
			if _, err := d.Alloc(1); err == nil {
				t.Error("memory was given after a failure")
			}
		})
	}
}

// TestConvIsFloat32 wants bits that TF32 has no room for to come through all three passes.
func TestConvIsFloat32(t *testing.T) {
	d := opened(t)
	c := driver.Conv{Shape: convolution.Shape{N: 1, H: 1, W: 1, C: 8, K: 8, R: 1, S: 1, Stride: 1}}
	const fine = 1 + 0x1p-20
	x, dy, w := make([]float32, 8), make([]float32, 8), make([]float32, 64)
	x[0], dy[0], w[0] = fine, fine, 1
	px, pdy, pw, y, dx := alloc(t, d, x), alloc(t, d, dy), alloc(t, d, w), alloc(t, d, x), alloc(t, d, x)
	room := 256
	for _, p := range []convolution.Pass{convolution.Forward, convolution.DataAdd, convolution.Weight} {
		room = max(room, d.ConvScratch(c, p))
	}
	scratch := alloc(t, d, make([]float32, (room+3)/4))
	d.SetScratch(scratch, room)

	d.ConvForward(c, y, px, pw)
	d.ConvBackwardData(c, dx, pdy, pw, 1) // on top of x
	d.ConvBackwardWeight(c, pw, pdy, y)   // on top of w
	d.MatMul(driver.Product{M: 1, N: 1, K: 1}, y, px, px)
	got := make([]float32, 3)
	for i, p := range []driver.Ptr{dx, pw, y} {
		d.Download(bytesOf(got[i:i+1]), p)
	}
	if want := []float32{2 * fine, 1 + float32(float64(fine)*fine), float32(float64(fine) * fine)}; !slices.Equal(got, want) {
		t.Errorf("dx, dw, product are %v, want %v", got, want)
	}
	if err := d.Sync(); err != nil {
		t.Error(err)
	}
}
