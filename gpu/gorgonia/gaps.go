//go:build gorgonia && linux && cgo

package gorgonia

/*
#cgo LDFLAGS: -lcuda -lcublas -lcudnn -ldl
#define _GNU_SOURCE
#include <cublas_v2.h>
#include <cuda.h>
#include <cudnn.h>
#include <dlfcn.h>

// contig_launch_cooperative passes n arguments of at most 8 bytes each.
static CUresult contig_launch_cooperative(CUfunction f, unsigned bx, unsigned by, unsigned bz, unsigned tx, unsigned ty,
                                          unsigned tz, unsigned shared, unsigned long long *values, int n) {
	void *params[64];
	if (n > 64)
		return CUDA_ERROR_INVALID_VALUE;
	for (int i = 0; i < n; i++)
		params[i] = &values[i];
	return cuLaunchCooperativeKernel(f, bx, by, bz, tx, ty, tz, shared, NULL, params);
}

// contig_path returns the file that a function is from, or null.
static const char *contig_path(void *function) {
	Dl_info info;
	return dladdr(function, &info) ? info.dli_fname : NULL;
}
static const char *contig_cuda_path(void) { return contig_path((void *)cuInit); }
static const char *contig_cublas_path(void) { return contig_path((void *)cublasCreate); }
static const char *contig_cudnn_path(void) { return contig_path((void *)cudnnCreate); }

static int contig_cublas_version(void) {
	int v = 0;
	cublasHandle_t h;
	if (cublasCreate(&h) != CUBLAS_STATUS_SUCCESS)
		return 0;
	cublasGetVersion(h, &v);
	cublasDestroy(h);
	return v;
}

// The test emulator has a symbol of its own.
static int contig_emulated(void) { return dlsym(RTLD_DEFAULT, "simt_emulated") != NULL; }

static void contig_last_error(char *text, size_t size) {
#if CUDNN_MAJOR >= 9
	cudnnGetLastErrorString(text, size);
#endif
}
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
	cudnn "gorgonia.org/cu/dnn"

	"contig-gpu/gpu/internal/driver"
)

// This file holds the few calls that gorgonia.org/cu, cu/blas and cu/dnn lack, made with their own handles: each of
// their types is a struct that begins with the library's handle.

// codeError makes an error of a driver's code.
func codeError(call string, code C.CUresult) error {
	if code == C.CUDA_SUCCESS {
		return nil
	}
	var name *C.char
	if C.cuGetErrorName(code, &name) != C.CUDA_SUCCESS || name == nil {
		return fmt.Errorf("%s: error %d", call, int(code))
	}
	return fmt.Errorf("%s: %s", call, C.GoString(name))
}

func handle(f *cu.Function) C.CUfunction { return *(*C.CUfunction)(unsafe.Pointer(f)) }

// allowShared lets a kernel have more than 48 KB of dynamic shared memory.
func allowShared(f cu.Function, bytes int) error {
	return codeError("cuFuncSetAttribute", C.cuFuncSetAttribute(handle(&f), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}

// launchCooperative launches all blocks at once, on the null stream.
func launchCooperative(f cu.Function, b, t [3]int, shared int, values []uint64) error {
	code := C.contig_launch_cooperative(handle(&f), C.uint(b[0]), C.uint(b[1]), C.uint(b[2]), C.uint(t[0]), C.uint(t[1]), C.uint(t[2]),
		C.uint(shared), (*C.ulonglong)(unsafe.SliceData(values)), C.int(len(values)))
	return codeError("cuLaunchCooperativeKernel", code)
}

// describe returns what is known of the GPU and the libraries.
func (d *Device) describe() (driver.Info, error) {
	name, err := d.device.Name()
	total, e := d.device.TotalMem()
	a, e2 := d.device.Attributes(cu.ComputeCapabilityMajor, cu.ComputeCapabilityMinor, cu.MultiprocessorCount, cu.L2CacheSize,
		cu.DeviceAttribute(C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN))
	if err := errors.Join(err, e, e2); err != nil {
		return driver.Info{}, d.wrap("cuDeviceGetAttribute", err)
	}
	v, b, n := cu.Version(), int(C.contig_cublas_version()), int(C.cudnnGetVersion())
	return driver.Info{
		Name: name, Arch: 10*a[0] + a[1], Multiprocs: a[2], L2: a[3], SharedPerBlock: a[4], Memory: int(total), Driver: v,
		Libraries: []driver.Library{
			{Name: "libcuda", Version: fmt.Sprintf("%d.%d", v/1000, v%1000/10), Path: C.GoString(C.contig_cuda_path())},
			{Name: "libcublas", Version: fmt.Sprintf("%d.%d.%d", b/10000, b%10000/100, b%100), Path: C.GoString(C.contig_cublas_path())},
			{Name: "libcudnn", Version: fmt.Sprintf("%d.%d.%d", n/10000, n%10000/100, n%100), Path: C.GoString(C.contig_cudnn_path())},
		},
		Emulated: C.contig_emulated() != 0,
	}, nil
}

// lastError returns what cuDNN 9 has to say about the last call that failed on this thread, behind a colon. cu/dnn takes
// every status above 1007, which are nearly all, for NotSupported.
func lastError() string {
	var text [1024]C.char
	C.contig_last_error(&text[0], C.size_t(len(text)))
	if s := C.GoString(&text[0]); s != "" {
		return ": " + s
	}
	return ""
}

// explain names the cuDNN call that failed, and why; nil stays nil.
func explain(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w%s", call, err, lastError())
}

func scratch(call string, bytes C.size_t, status C.cudnnStatus_t) (int, error) {
	if status == C.CUDNN_STATUS_SUCCESS {
		return int(bytes), nil
	}
	return 0, fmt.Errorf("%s: status %d%s", call, int(status), lastError())
}

func (v *conv) handles() (x, y C.cudnnTensorDescriptor_t, w C.cudnnFilterDescriptor_t, c C.cudnnConvolutionDescriptor_t) {
	return *(*C.cudnnTensorDescriptor_t)(unsafe.Pointer(v.x)), *(*C.cudnnTensorDescriptor_t)(unsafe.Pointer(v.y)),
		*(*C.cudnnFilterDescriptor_t)(unsafe.Pointer(v.w)), *(*C.cudnnConvolutionDescriptor_t)(unsafe.Pointer(v.c))
}

func (v *conv) forwardScratch(h *cudnn.Context, a cudnn.ConvolutionFwdAlgo) (int, error) {
	var n C.size_t
	x, y, w, c := v.handles()
	status := C.cudnnGetConvolutionForwardWorkspaceSize(*(*C.cudnnHandle_t)(unsafe.Pointer(h)), x, w, c, y, C.cudnnConvolutionFwdAlgo_t(a), &n)
	return scratch("cudnnGetConvolutionForwardWorkspaceSize", n, status)
}

func (v *conv) dataScratch(h *cudnn.Context) (int, error) {
	var n C.size_t
	x, y, w, c := v.handles()
	status := C.cudnnGetConvolutionBackwardDataWorkspaceSize(*(*C.cudnnHandle_t)(unsafe.Pointer(h)), w, y, c, x, C.cudnnConvolutionBwdDataAlgo_t(dataAlgorithm), &n)
	return scratch("cudnnGetConvolutionBackwardDataWorkspaceSize", n, status)
}

func (v *conv) weightScratch(h *cudnn.Context) (int, error) {
	var n C.size_t
	x, y, w, c := v.handles()
	status := C.cudnnGetConvolutionBackwardFilterWorkspaceSize(*(*C.cudnnHandle_t)(unsafe.Pointer(h)), x, y, c, w, C.cudnnConvolutionBwdFilterAlgo_t(weightAlgorithm), &n)
	return scratch("cudnnGetConvolutionBackwardFilterWorkspaceSize", n, status)
}
