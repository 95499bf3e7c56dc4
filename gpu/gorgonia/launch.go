//go:build gorgonia && linux && cgo

package gorgonia

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// A function is what a driver.Kernel's handle points to.
type function struct {
	fn      cu.Function
	entry   kernels.EntryPoint
	offsets []int
	values  []uint64         // the arguments of a launch, in 8 bytes each: what cu.Function.Launch reads
	params  []unsafe.Pointer // to each of values
	shared  int              // the largest dynamic shared memory that it was allowed so far
}

// Kernel finds a kernel of package kernels; an unknown name is an error.
func (d *Device) Kernel(name string) (driver.Kernel, error) {
	if f := d.kernels[name]; f != nil {
		return driver.Kernel{Handle: unsafe.Pointer(f)}, nil
	}
	for _, e := range kernels.EntryPoints() {
		if e.Name != name {
			continue
		}
		fn, err := d.module.Function(name)
		if err != nil {
			return driver.Kernel{}, fmt.Errorf("%s: kernel %s: %w", d.name, name, err)
		}
		f := &function{fn: fn, entry: e, offsets: e.ArgOffsets(), values: make([]uint64, len(e.ArgSizes))}
		for i := range f.values {
			f.params = append(f.params, unsafe.Pointer(&f.values[i]))
		}
		d.kernels[name] = f
		return driver.Kernel{Handle: unsafe.Pointer(f)}, nil
	}
	return driver.Kernel{}, fmt.Errorf("%s: no kernel %s", d.name, name)
}

// Launch queues a kernel. args is its argument struct, size its bytes; both are read before Launch returns.
func (d *Device) Launch(k driver.Kernel, g driver.Grid, args unsafe.Pointer, size uintptr) {
	if !d.ready() {
		return
	}
	f := (*function)(k.Handle)
	if n := uintptr(f.entry.ArgBytes); size < n || size > (n+7)/8*8 {
		d.Fail(fmt.Errorf("%s: kernel %s takes %d bytes of arguments, not %d", d.name, f.entry.Name, n, size))
		return
	}
	f.read(args)
	b, t := ones(g.Blocks), ones(g.Threads)
	err := d.allow(f, g.Shared)
	switch {
	case err != nil:
	case g.Cooperative:
		err = launchCooperative(f.fn, b, t, g.Shared, f.values)
	default:
		err = f.fn.Launch(b[0], b[1], b[2], t[0], t[1], t[2], g.Shared, cu.NoStream, f.params)
	}
	if err != nil {
		d.Fail(fmt.Errorf("%s: kernel %s, blocks %v of threads %v, %d bytes of shared memory: %w", d.name, f.entry.Name, b, t, g.Shared, err))
	}
}

// read takes the arguments out of the struct, each to the low bytes of its value.
func (f *function) read(args unsafe.Pointer) {
	for i, at := range f.offsets {
		if p := unsafe.Add(args, at); f.entry.ArgSizes[i] == '4' {
			f.values[i] = uint64(*(*uint32)(p))
		} else {
			f.values[i] = *(*uint64)(p)
		}
	}
}

// allow raises the kernel's limit of dynamic shared memory where that is needed.
func (d *Device) allow(f *function, shared int) error {
	if shared <= f.shared {
		return nil
	}
	if err := allowShared(f.fn, shared); err != nil {
		return fmt.Errorf("the GPU allows %d bytes: %w", d.info.SharedPerBlock, err)
	}
	f.shared = shared
	return nil
}

// ones replaces zeros by 1.
func ones(d [3]int) [3]int { return [3]int{max(d[0], 1), max(d[1], 1), max(d[2], 1)} }
