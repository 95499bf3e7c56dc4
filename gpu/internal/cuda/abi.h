// What this package uses of the CUDA driver (libcuda.so.1) and of NVRTC (libnvrtc.so.13): types, constants and the full
// list of functions, by the names that the libraries export. Declared by hand, since the vendor's headers are not ours to
// ship; abi/abi_check.c compares every line with them where they are installed. A fake driver exports exactly these
// functions (and may include this file for their types).
#ifndef CONTIG_CUDA_ABI_H
#define CONTIG_CUDA_ABI_H
#include <stddef.h>
#include <stdint.h>

// A driver that is an emulator says so by exporting a symbol of this name.
#define CONTIG_EMULATOR_SYMBOL "simt_emulated"

// Enumerations, which are passed as int.
#define CONTIG_ENUMS(FN) \
	FN(CUresult) FN(CUdevice) FN(CUdevice_attribute) FN(CUfunction_attribute) FN(CUjit_option) FN(CUstreamCaptureMode) \
	FN(CUlaunchAttributeID) FN(nvrtcResult)

// FN(handle, the structure it points to)
#define CONTIG_HANDLES(FN) \
	FN(CUcontext, CUctx_st) FN(CUmodule, CUmod_st) FN(CUfunction, CUfunc_st) FN(CUstream, CUstream_st) FN(CUevent, CUevent_st) \
	FN(CUgraph, CUgraph_st) FN(CUgraphNode, CUgraphNode_st) FN(CUgraphExec, CUgraphExec_st) FN(nvrtcProgram, _nvrtcProgram)

// FN(constant, value)
#define CONTIG_CONSTANTS(FN) \
	FN(CUDA_SUCCESS, 0) \
	FN(CUDA_ERROR_INVALID_VALUE, 1) \
	FN(CUDA_ERROR_OUT_OF_MEMORY, 2) \
	FN(CUDA_ERROR_NOT_INITIALIZED, 3) \
	FN(CUDA_ERROR_NO_DEVICE, 100) \
	FN(CUDA_ERROR_INVALID_DEVICE, 101) \
	FN(CUDA_ERROR_INVALID_IMAGE, 200) \
	FN(CUDA_ERROR_INVALID_CONTEXT, 201) \
	FN(CUDA_ERROR_NO_BINARY_FOR_GPU, 209) \
	FN(CUDA_ERROR_INVALID_HANDLE, 400) \
	FN(CUDA_ERROR_NOT_FOUND, 500) \
	FN(CUDA_ERROR_NOT_READY, 600) \
	FN(CUDA_ERROR_ILLEGAL_ADDRESS, 700) \
	FN(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701) \
	FN(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, 720) \
	FN(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, 900) \
	FN(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, 901) \
	FN(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, 904) \
	FN(CUDA_ERROR_CAPTURED_EVENT, 907) \
	FN(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, 908) \
	FN(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 16) \
	FN(CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 33) \
	FN(CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, 34) \
	FN(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 38) \
	FN(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, 50) \
	FN(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 75) \
	FN(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 76) \
	FN(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 97) \
	FN(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 8) \
	FN(CU_JIT_ERROR_LOG_BUFFER, 5) \
	FN(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 6) \
	FN(CU_LAUNCH_ATTRIBUTE_COOPERATIVE, 2) \
	FN(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, 1) \
	FN(CU_STREAM_NON_BLOCKING, 1) \
	FN(CU_EVENT_BLOCKING_SYNC, 1) \
	FN(CU_EVENT_DISABLE_TIMING, 2) \
	FN(CU_MEMHOSTALLOC_PORTABLE, 1) \
	FN(NVRTC_SUCCESS, 0) \
	FN(NVRTC_ERROR_COMPILATION, 6)

// Keys of the launch calls' "extra" array, which passes all arguments as one packed buffer.
#define CONTIG_PARAM_END 0
#define CONTIG_PARAM_BUFFER_POINTER 1
#define CONTIG_PARAM_BUFFER_SIZE 2

#ifndef CONTIG_ABI_CHECK // which takes all these from the vendor's headers
#define CONTIG_DECLARE(name) typedef int name;
CONTIG_ENUMS(CONTIG_DECLARE)
#undef CONTIG_DECLARE
#define CONTIG_DECLARE(name, to) typedef struct to *name;
CONTIG_HANDLES(CONTIG_DECLARE)
#undef CONTIG_DECLARE
#define CONTIG_DECLARE(name, value) name = value,
enum { CONTIG_CONSTANTS(CONTIG_DECLARE) };
#undef CONTIG_DECLARE
typedef unsigned long long CUdeviceptr;
#endif

// A launch attribute; the driver's union has 64 bytes.
struct contig_launch_attribute {
	CUlaunchAttributeID id;
	union {
		char pad[64];
		int cooperative;
	} value __attribute__((aligned(8)));
};

struct contig_launch_config {
	unsigned gridDimX, gridDimY, gridDimZ;
	unsigned blockDimX, blockDimY, blockDimZ;
	unsigned sharedMemBytes;
	CUstream hStream;
	struct contig_launch_attribute *attrs;
	unsigned numAttrs;
};

#ifndef CONTIG_ABI_CHECK
typedef struct contig_launch_attribute CUlaunchAttribute;
typedef struct contig_launch_config CUlaunchConfig;
#endif

// FN(symbol, parameters, arguments)
#define CONTIG_DRIVER_FUNCTIONS(FN) \
	FN(cuInit, (unsigned flags), (flags)) \
	FN(cuDriverGetVersion, (int *version), (version)) \
	FN(cuGetErrorName, (CUresult code, const char **name), (code, name)) \
	FN(cuGetErrorString, (CUresult code, const char **text), (code, text)) \
	FN(cuDeviceGetCount, (int *count), (count)) \
	FN(cuDeviceGet, (CUdevice *device, int ordinal), (device, ordinal)) \
	FN(cuDeviceGetName, (char *name, int len, CUdevice device), (name, len, device)) \
	FN(cuDeviceTotalMem_v2, (size_t *bytes, CUdevice device), (bytes, device)) \
	FN(cuDeviceGetAttribute, (int *value, CUdevice_attribute which, CUdevice device), (value, which, device)) \
	FN(cuDevicePrimaryCtxRetain, (CUcontext *ctx, CUdevice device), (ctx, device)) \
	FN(cuDevicePrimaryCtxRelease_v2, (CUdevice device), (device)) \
	FN(cuCtxSetCurrent, (CUcontext ctx), (ctx)) \
	FN(cuModuleLoadDataEx, (CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values), (module, image, count, options, values)) \
	FN(cuModuleUnload, (CUmodule module), (module)) \
	FN(cuModuleGetFunction, (CUfunction *function, CUmodule module, const char *name), (function, module, name)) \
	FN(cuFuncGetParamInfo, (CUfunction function, size_t index, size_t *offset, size_t *size), (function, index, offset, size)) \
	FN(cuFuncSetAttribute, (CUfunction function, CUfunction_attribute which, int value), (function, which, value)) \
	FN(cuLaunchKernel, (CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params, void **extra), (function, gx, gy, gz, bx, by, bz, shared, stream, params, extra)) \
	FN(cuLaunchKernelEx, (const CUlaunchConfig *config, CUfunction function, void **params, void **extra), (config, function, params, extra)) \
	FN(cuMemGetInfo_v2, (size_t *free, size_t *total), (free, total)) \
	FN(cuMemAlloc_v2, (CUdeviceptr *p, size_t bytes), (p, bytes)) \
	FN(cuMemFree_v2, (CUdeviceptr p), (p)) \
	FN(cuMemHostAlloc, (void **p, size_t bytes, unsigned flags), (p, bytes, flags)) \
	FN(cuMemFreeHost, (void *p), (p)) \
	FN(cuMemcpyHtoDAsync_v2, (CUdeviceptr dst, const void *src, size_t bytes, CUstream stream), (dst, src, bytes, stream)) \
	FN(cuMemcpyDtoHAsync_v2, (void *dst, CUdeviceptr src, size_t bytes, CUstream stream), (dst, src, bytes, stream)) \
	FN(cuMemcpyDtoDAsync_v2, (CUdeviceptr dst, CUdeviceptr src, size_t bytes, CUstream stream), (dst, src, bytes, stream)) \
	FN(cuMemsetD8Async, (CUdeviceptr dst, unsigned char value, size_t count, CUstream stream), (dst, value, count, stream)) \
	FN(cuMemsetD16Async, (CUdeviceptr dst, unsigned short value, size_t count, CUstream stream), (dst, value, count, stream)) \
	FN(cuMemsetD32Async, (CUdeviceptr dst, unsigned value, size_t count, CUstream stream), (dst, value, count, stream)) \
	FN(cuStreamCreate, (CUstream *stream, unsigned flags), (stream, flags)) \
	FN(cuStreamDestroy_v2, (CUstream stream), (stream)) \
	FN(cuStreamSynchronize, (CUstream stream), (stream)) \
	FN(cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags), (stream, event, flags)) \
	FN(cuStreamBeginCapture_v2, (CUstream stream, CUstreamCaptureMode mode), (stream, mode)) \
	FN(cuStreamEndCapture, (CUstream stream, CUgraph *graph), (stream, graph)) \
	FN(cuEventCreate, (CUevent *event, unsigned flags), (event, flags)) \
	FN(cuEventDestroy_v2, (CUevent event), (event)) \
	FN(cuEventRecord, (CUevent event, CUstream stream), (event, stream)) \
	FN(cuEventQuery, (CUevent event), (event)) \
	FN(cuEventSynchronize, (CUevent event), (event)) \
	FN(cuEventElapsedTime, (float *ms, CUevent start, CUevent end), (ms, start, end)) \
	FN(cuGraphGetNodes, (CUgraph graph, CUgraphNode *nodes, size_t *count), (graph, nodes, count)) \
	FN(cuGraphInstantiateWithFlags, (CUgraphExec *exec, CUgraph graph, unsigned long long flags), (exec, graph, flags)) \
	FN(cuGraphLaunch, (CUgraphExec exec, CUstream stream), (exec, stream)) \
	FN(cuGraphExecDestroy, (CUgraphExec exec), (exec)) \
	FN(cuGraphDestroy, (CUgraph graph), (graph))

#define CONTIG_NVRTC_FUNCTIONS(FN) \
	FN(nvrtcVersion, (int *major, int *minor), (major, minor)) \
	FN(nvrtcGetNumSupportedArchs, (int *count), (count)) \
	FN(nvrtcGetSupportedArchs, (int *archs), (archs)) \
	FN(nvrtcCreateProgram, (nvrtcProgram *prog, const char *source, const char *name, int count, const char *const *headers, const char *const *names), (prog, source, name, count, headers, names)) \
	FN(nvrtcDestroyProgram, (nvrtcProgram *prog), (prog)) \
	FN(nvrtcCompileProgram, (nvrtcProgram prog, int count, const char *const *options), (prog, count, options)) \
	FN(nvrtcGetCUBINSize, (nvrtcProgram prog, size_t *bytes), (prog, bytes)) \
	FN(nvrtcGetCUBIN, (nvrtcProgram prog, char *cubin), (prog, cubin)) \
	FN(nvrtcGetProgramLogSize, (nvrtcProgram prog, size_t *bytes), (prog, bytes)) \
	FN(nvrtcGetProgramLog, (nvrtcProgram prog, char *log), (prog, log))
// and, returning its text:
#define CONTIG_NVRTC_TEXT(FN) FN(nvrtcGetErrorString, (nvrtcResult code), (code))
#endif
