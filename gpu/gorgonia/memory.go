//go:build gorgonia && linux && cgo

package gorgonia

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"contig-gpu/gpu/internal/driver"
)

// Alloc returns memory, which the driver aligns to 256 bytes; none for 0 bytes.
func (d *Device) Alloc(bytes int) (driver.Ptr, error) {
	if !d.ready() {
		return 0, fmt.Errorf("cuMemAlloc after a failure: %w", d.failed)
	}
	if bytes == 0 {
		return 0, nil
	}
	p, err := cu.MemAlloc(int64(bytes))
	if err != nil {
		free, total := d.MemInfo()
		return 0, fmt.Errorf("%s: cuMemAlloc: %w: %d bytes were asked for, %d of the GPU's %d are free", d.name, err, bytes, free, total)
	}
	d.memory[driver.Ptr(p)] = true
	return driver.Ptr(p), nil
}

// Free waits for queued work and gives memory of Alloc back; 0 and memory that Close gave back are left alone.
func (d *Device) Free(p driver.Ptr) {
	switch {
	case p == 0 || d.closed:
	case !d.memory[p]:
		d.Fail(fmt.Errorf("%s: Free of %#x, which Alloc did not return or which is free already", d.name, uint64(p)))
	case d.Sync() == nil:
		delete(d.memory, p)
		d.queued("cuMemFree", cu.MemFree(cu.DevicePtr(p)))
	}
}

// freeAll gives back what Alloc returned and Free did not take.
func (d *Device) freeAll() (err error) {
	for p := range d.memory {
		if e := cu.MemFree(cu.DevicePtr(p)); e != nil && err == nil {
			err = d.wrap("cuMemFree", e)
		}
	}
	clear(d.memory)
	return err
}

// MemInfo returns the bytes free and in all; zeros when the driver does not say.
func (d *Device) MemInfo() (free, total int) {
	f, t, err := cu.MemInfo()
	if !d.queued("cuMemGetInfo", err) {
		return 0, 0
	}
	return int(f), int(t)
}

// Upload copies host memory to the device and returns when src may be reused.
func (d *Device) Upload(dst driver.Ptr, src []byte) {
	if len(src) > 0 && d.ready() {
		d.queued("cuMemcpyHtoD", cu.MemcpyHtoD(cu.DevicePtr(dst), unsafe.Pointer(&src[0]), int64(len(src))))
	}
}

// Download waits for the work queued before and copies device memory to the host.
func (d *Device) Download(dst []byte, src driver.Ptr) {
	if len(dst) > 0 && d.ready() {
		d.queued("cuMemcpyDtoH", cu.MemcpyDtoH(unsafe.Pointer(&dst[0]), cu.DevicePtr(src), int64(len(dst))))
	}
}

// Copy queues a copy within the device.
func (d *Device) Copy(dst, src driver.Ptr, bytes int) {
	if bytes > 0 && d.ready() {
		d.queued("cuMemcpyDtoDAsync", cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), int64(bytes), cu.NoStream))
	}
}

// Set queues count elements of width 1, 2 or 4 bytes being set to the low bits of value.
func (d *Device) Set(dst driver.Ptr, value uint32, width, count int) {
	if count == 0 || !d.ready() {
		return
	}
	p, n := cu.DevicePtr(dst), int64(count)
	switch width {
	case 1:
		d.queued("cuMemsetD8Async", cu.MemsetD8Async(p, byte(value), n, cu.NoStream))
	case 2:
		d.queued("cuMemsetD16Async", cu.MemsetD16Async(p, uint16(value), n, cu.NoStream))
	case 4:
		d.queued("cuMemsetD32Async", cu.MemsetD32Async(p, uint(value), n, cu.NoStream))
	default:
		d.Fail(fmt.Errorf("%s: Set of elements of %d bytes", d.name, width))
	}
}

// Holds returns an error unless [p, p+bytes) lies within one allocation of the context, whoever made it, and p is a
// multiple of 16 bytes, which cuDNN asks for.
func (d *Device) Holds(p cu.DevicePtr, bytes int) error {
	size, base, err := p.AddressRange()
	switch {
	case err != nil:
		return fmt.Errorf("%s: %v is not memory of the context: %w", d.name, p, err)
	case uint64(p)-uint64(base)+uint64(bytes) > uint64(size):
		return fmt.Errorf("%s: %d bytes at %v go beyond their allocation of %d bytes at %v", d.name, bytes, p, size, base)
	case p%16 != 0:
		return fmt.Errorf("%s: %v is not a multiple of 16 bytes", d.name, p)
	}
	return nil
}
