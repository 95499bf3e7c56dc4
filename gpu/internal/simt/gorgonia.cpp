// Driver functions that gorgonia.org/cu calls and the cuda device does not: contexts of a program's own, which here are
// all the primary context, and calls without a stream, which act on the null stream and wait where the driver does.
#include "driver.h"

using namespace simt;

namespace {

CUcontext handle() { return reinterpret_cast<CUcontext>(uintptr_t(driver().generation)); }

} // namespace

// CUctxCreateParams: none are known here.
struct CUctxCreateParams_st;

SIMT_API CUresult cuCtxCreate_v4(CUcontext *ctx, CUctxCreateParams_st *params, unsigned, CUdevice device) {
    if (params)
        return invalid_value;
    if (CUresult r = cuDevicePrimaryCtxRetain(ctx, device))
        return r;
    return cuCtxSetCurrent(*ctx);
}

SIMT_API CUresult cuCtxDestroy_v2(CUcontext ctx) {
    {
        SIMT_ENTER
        if (ctx != handle())
            return invalid_context;
    }
    cuCtxSetCurrent(nullptr);
    return cuDevicePrimaryCtxRelease_v2(0);
}

// A thread without a context gets null, and no error.
SIMT_API CUresult cuCtxGetCurrent(CUcontext *ctx) {
    simt::Enter enter;
    *ctx = enter.result == invalid_context ? nullptr : handle();
    return enter.result == not_initialized ? not_initialized : success;
}

SIMT_API CUresult cuCtxGetDevice(CUdevice *device) {
    SIMT_ENTER
    *device = 0;
    return success;
}

SIMT_API CUresult cuCtxSynchronize(void) {
    SIMT_ENTER
    if (Result r = forbid())
        return r;
    drain_all();
    check_memory("work");
    return driver().failed;
}

SIMT_API CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

SIMT_API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
    return cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr);
}

SIMT_API CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
    if (CUresult r = cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr))
        return r;
    return cuCtxSynchronize();
}

SIMT_API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return cuMemcpyDtoDAsync_v2(to, from, bytes, nullptr);
}

SIMT_API CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                            unsigned bz, unsigned shared, CUstream stream, void **params) {
    CUlaunchAttribute cooperative = {};
    cooperative.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    cooperative.value.cooperative = 1;
    CUlaunchConfig c = {gx, gy, gz, bx, by, bz, shared, stream, &cooperative, 1};
    return cuLaunchKernelEx(&c, function, params, nullptr);
}

SIMT_API CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr p) {
    SIMT_ENTER
    auto it = driver().memory.upper_bound(p);
    if (it == driver().memory.begin() || p - (--it)->first >= it->second.bytes)
        return not_found;
    *base = it->first;
    *bytes = it->second.bytes;
    return success;
}
