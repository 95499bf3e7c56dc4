//go:build gorgonia && linux && cgo

package gpu

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorgonia.org/cu"

	gorgoniadevice "contig-gpu/gpu/gorgonia"
	cudalib "contig-gpu/gpu/internal/cuda"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

func openGorgonia(ordinal int) (*Device, error) {
	d, err := gorgoniadevice.Open(ordinal, compiledKernels)
	if err != nil {
		return nil, err
	}
	return &Device{kind: gorgonia, why: "asked for", gpu: newGPU(d)}, nil
}

// AdoptGorgonia opens a device in a context that a program using gorgonia.org/cu has, on the null stream. Close leaves
// the context and the program's memory alone. The calling goroutine is locked to its thread until then; ctx must not be
// destroyed before. Work that the program queued on the null stream or on streams that wait for it comes before the
// device's; for other streams the program synchronises itself.
func AdoptGorgonia(ctx cu.CUContext) (*Device, error) {
	d, err := gorgoniadevice.Adopt(ctx, compiledKernels)
	if err != nil {
		return nil, fmt.Errorf("gpu: AdoptGorgonia: %w: %w", ErrNoDevice, err)
	}
	return &Device{kind: gorgonia, why: "adopted", gpu: newGPU(d)}, nil
}

// AdoptMemory returns a tensor over memory of the program's own, dense and row-major, which stays the program's: it
// must outlive the tensor's use, and no Arena frees it. The device must be a gorgonia one, the memory of its context,
// at least as large as the tensor, and its address a multiple of 16 bytes.
func (d *Device) AdoptMemory(p cu.DevicePtr, t DType, dims ...int) (Tensor, error) {
	if d.kind != gorgonia {
		return Tensor{}, fmt.Errorf("gpu: AdoptMemory: the device is %s, want gorgonia", d.Name())
	}
	x := Tensor{dev: d, dtype: t, at: driver.Ptr(p)}
	x.setDims(dims)
	if err := d.gpu.dev.(*gorgoniadevice.Device).Holds(p, x.Bytes()); err != nil {
		return Tensor{}, fmt.Errorf("gpu: AdoptMemory: %w", err)
	}
	return x, nil
}

// DevicePtr returns the address of t's first element, for calls of gorgonia.org/cu. The memory remains the Arena's. It
// panics unless t is on a gorgonia device.
func (t Tensor) DevicePtr() cu.DevicePtr {
	if t.dev == nil || t.dev.kind != gorgonia {
		panic(fmt.Sprintf("gpu: DevicePtr: the tensor %s is not on a gorgonia device", shape(t.dims[:t.rank])))
	}
	return cu.DevicePtr(t.at)
}

// compiledKernels returns the program's compiled kernels or, where it has none for the GPU, compiles them.
func compiledKernels(info driver.Info) ([]byte, error) {
	var image []byte
	err := kernels.ErrNoImage
	if !info.Emulated { // the emulator has no use for a GPU's machine code
		image, err = kernels.Image(info.Arch)
	}
	if !errors.Is(err, kernels.ErrNoImage) {
		return image, err
	}
	sources := kernels.Sources()
	entry := slices.DeleteFunc(slices.Sorted(maps.Keys(sources)), func(name string) bool { return !strings.HasSuffix(name, ".cu") })
	image, _, err = cudalib.CompileNVRTC(sources, entry, info.Arch)
	return image, err
}
