//go:build linux && cgo

package cuda

/*
#cgo noescape contig_launch
#cgo nocallback contig_launch
#include "calls.h"
*/
import "C"

import (
	"bytes"
	"fmt"
	"maps"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// logBytes is the room for what the driver's assembler has to say about an image.
const logBytes = 8 << 10

// A function is what a driver.Kernel's handle points to.
type function struct {
	f      C.CUfunction
	name   string
	args   uintptr // bytes of its arguments, to the end of the last one
	shared int     // the largest dynamic shared memory that it was allowed so far
}

// LoadImage loads a kernel image: a cubin, a fatbin or PTX text. Its kernels are then found by name, after those of
// images loaded before. arguments has the number of each kernel's arguments by its name.
func (c *Context) LoadImage(image []byte, arguments map[string]int) error {
	if err := c.enter("cuModuleLoadDataEx", true); err != nil {
		return err
	}
	if len(image) == 0 {
		return fmt.Errorf("%s: the kernel image is empty", c.name)
	}
	ended := C.CBytes(append(bytes.Clone(image), 0)) // PTX is text, which ends with a 0
	defer C.free(ended)
	log := (*C.char)(C.calloc(logBytes, 1))
	defer C.free(unsafe.Pointer(log))
	var m C.CUmodule
	if code := C.contig_load_image(&m, ended, log, logBytes); code != C.CUDA_SUCCESS {
		detail := fmt.Sprintf("a kernel image of %d bytes for compute capability %d.%d", len(image), c.info.Arch/10, c.info.Arch%10)
		if said := C.GoString(log); said != "" {
			detail += "; " + said
		}
		return newError(c.name, "cuModuleLoadDataEx", code, detail)
	}
	c.modules = append(c.modules, m)
	maps.Copy(c.arguments, arguments)
	return nil
}

// Kernel finds a kernel in the loaded images; an unknown name is an error.
func (c *Context) Kernel(name string) (driver.Kernel, error) {
	if err := c.enter("cuModuleGetFunction", false); err != nil {
		return driver.Kernel{}, err
	}
	if k := c.kernels[name]; k != nil {
		return driver.Kernel{Handle: unsafe.Pointer(k)}, nil
	}
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	count, known := c.arguments[name]
	if !known {
		return driver.Kernel{}, fmt.Errorf("%s: no kernel %s in the %d images loaded", c.name, name, len(c.modules))
	}
	for _, m := range c.modules {
		k := &function{name: name}
		switch code := C.contig_cuModuleGetFunction(&k.f, m, text); code {
		case C.CUDA_SUCCESS:
			return c.keep(k, count)
		case C.CUDA_ERROR_NOT_FOUND:
		default:
			return driver.Kernel{}, newError(c.name, "cuModuleGetFunction", code, name)
		}
	}
	return driver.Kernel{}, fmt.Errorf("%s: no kernel %s in the %d images loaded", c.name, name, len(c.modules))
}

// keep completes a function that was found.
func (c *Context) keep(k *function, count int) (driver.Kernel, error) {
	var bytes C.size_t
	if code := C.contig_arg_bytes(k.f, C.size_t(count), &bytes); code != C.CUDA_SUCCESS {
		return driver.Kernel{}, newError(c.name, "cuFuncGetParamInfo", code, fmt.Sprintf("argument %d of kernel %s", count, k.name))
	}
	k.args = uintptr(bytes)
	c.kernels[k.name] = k
	return driver.Kernel{Handle: unsafe.Pointer(k)}, nil
}

// padded is size rounded up as C and Go round the size of a struct that holds an address.
func padded(size uintptr) uintptr { return (size + 7) &^ 7 }

// Launch queues a kernel on the main stream. args is its argument struct in C's layout, size its bytes; both are read
// before Launch returns, and nothing is allocated. size must be that of the kernel's arguments, with or without what a
// struct has behind the last one: the driver is given the exact number, since it refuses any other with
// CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES.
func (c *Context) Launch(k driver.Kernel, g driver.Grid, args unsafe.Pointer, size uintptr) {
	if !c.ready() {
		return
	}
	f := (*function)(k.Handle)
	if f == nil {
		c.Fail(fmt.Errorf("%s: launch of no kernel", c.name))
		return
	}
	if size != f.args && size != padded(f.args) {
		c.Fail(fmt.Errorf("%s: kernel %s takes %d bytes of arguments, not %d: the program and its kernels differ", c.name, f.name, f.args, size))
		return
	}
	if !c.allow(f, g.Shared) {
		return
	}
	blocks, threads := dims(g.Blocks), dims(g.Threads)
	cooperative := C.int(0)
	if g.Cooperative {
		cooperative = 1
	}
	code := C.contig_launch(c.q, f.f, blocks[0], blocks[1], blocks[2], threads[0], threads[1], threads[2],
		C.uint(g.Shared), cooperative, args, C.size_t(f.args))
	if code != C.CUDA_SUCCESS {
		c.Fail(newError(c.name, launchCall(g), code, fmt.Sprintf("kernel %s, blocks %v of threads %v, %d bytes of shared memory, %d bytes of arguments",
			f.name, g.Blocks, g.Threads, g.Shared, size)))
	}
}

// allow raises the kernel's limit of dynamic shared memory where that is needed: 48 KB, less what the kernel declares
// itself, are allowed unasked.
func (c *Context) allow(f *function, shared int) bool {
	if shared <= f.shared {
		return true
	}
	if code := C.contig_enter(c.q); code != C.CUDA_SUCCESS {
		return c.queued("Launch", code)
	}
	code := C.contig_cuFuncSetAttribute(f.f, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(shared))
	if code != C.CUDA_SUCCESS {
		c.Fail(newError(c.name, "cuFuncSetAttribute", code, fmt.Sprintf("kernel %s wants %d bytes of shared memory, the GPU allows %d", f.name, shared, c.info.SharedPerBlock)))
		return false
	}
	f.shared = shared
	return true
}

func launchCall(g driver.Grid) string {
	if g.Cooperative {
		return "cuLaunchKernelEx"
	}
	return "cuLaunchKernel"
}

// dims replaces zeros by 1.
func dims(d [3]int) [3]C.uint {
	return [3]C.uint{C.uint(max(d[0], 1)), C.uint(max(d[1], 1)), C.uint(max(d[2], 1))}
}
