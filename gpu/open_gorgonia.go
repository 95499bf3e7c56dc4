//go:build gorgonia && linux && cgo

package gpu

import (
	"fmt"

	"gorgonia.org/cu"

	gorgoniadevice "contig-gpu/gpu/gorgonia"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/vendor"
)

func openGorgonia(ordinal int) (*Device, error) {
	d, err := gorgoniadevice.Open(ordinal, vendor.Image)
	if err != nil {
		return nil, err
	}
	return newDevice(newGPU("gorgonia", d, nil), "asked for"), nil
}

// AdoptGorgonia opens a device in a context that a program using gorgonia.org/cu has, on the null stream. Close leaves
// the context and the program's memory alone. The calling goroutine is locked to its thread until then; ctx must not be
// destroyed before. Work that the program queued on the null stream or on streams that wait for it comes before the
// device's; for other streams the program synchronises itself.
func AdoptGorgonia(ctx cu.CUContext) (*Device, error) {
	d, err := gorgoniadevice.Adopt(ctx, vendor.Image)
	if err != nil {
		return nil, fmt.Errorf("gpu: AdoptGorgonia: %w: %w", ErrNoDevice, err)
	}
	return newDevice(newGPU("gorgonia", d, nil), "adopted"), nil
}

// AdoptMemory returns a tensor over memory of the program's own, dense and row-major, which stays the program's: it
// must outlive the tensor's use, and no Arena frees it. The device must be a gorgonia one, the memory of its context,
// at least as large as the tensor, and its address a multiple of 16 bytes.
func (d *Device) AdoptMemory(p cu.DevicePtr, t DType, dims ...int) (Tensor, error) {
	below := gorgoniaOf(d)
	if below == nil {
		return Tensor{}, fmt.Errorf("gpu: AdoptMemory: the device is %s, want gorgonia", d.Name())
	}
	x := Tensor{dev: d, dtype: t, at: driver.Ptr(p)}
	x.setDims(dims)
	if err := below.Holds(p, x.Bytes()); err != nil {
		return Tensor{}, fmt.Errorf("gpu: AdoptMemory: %w", err)
	}
	return x, nil
}

// DevicePtr returns the address of t's first element, for calls of gorgonia.org/cu. The memory remains the Arena's. It
// panics unless t is on a gorgonia device.
func (t Tensor) DevicePtr() cu.DevicePtr {
	if gorgoniaOf(t.dev) == nil {
		panic(fmt.Sprintf("gpu: DevicePtr: the tensor %s is not on a gorgonia device", shape(t.dims[:t.rank])))
	}
	return cu.DevicePtr(t.at)
}

// gorgoniaOf returns the device behind d if it is a gorgonia one, else nil.
func gorgoniaOf(d *Device) *gorgoniadevice.Device {
	if d == nil {
		return nil
	}
	c, _ := d.backend.(*gpu)
	if c == nil {
		return nil
	}
	below, _ := c.dev.(*gorgoniadevice.Device)
	return below
}
