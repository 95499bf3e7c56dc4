// The fake driver's device and context.
#include "driver.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace simt {

namespace {

thread_local unsigned current; // generation of the context that is current on this thread; 0 is none

// from_environment returns a whole number from the environment, with K, M or G behind it if wanted.
size_t from_environment(const char *name, size_t otherwise) {
    const char *e = getenv(name);
    if (!e || !*e)
        return otherwise;
    char *end;
    size_t v = strtoull(e, &end, 10);
    const char *units = "KMG", *unit = *end ? strchr(units, *end) : nullptr;
    return unit ? v << 10 * (unit - units + 1) : v;
}

struct Name {
    int code;
    const char *name, *text;
};

const Name names[] = {
    {success, "CUDA_SUCCESS", "no error"},
    {invalid_value, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {not_initialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {invalid_device, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {invalid_image, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {invalid_context, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {no_binary_for_gpu, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {invalid_handle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {not_found, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {not_ready, "CUDA_ERROR_NOT_READY", "device not ready"},
    {illegal_address, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {launch_out_of_resources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {launch_failed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {cooperative_launch_too_large, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE", "too many blocks in cooperative launch"},
    {capture_unsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {capture_invalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {capture_merge, "CUDA_ERROR_STREAM_CAPTURE_MERGE", "operation would result in a merge of separate capture sequences"},
    {capture_unmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
    {capture_unjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {capture_isolation, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency created on uncaptured work in another stream"},
    {capture_implicit, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "operation would make the legacy stream depend on a capturing blocking stream"},
    {captured_event, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
};

const Name *name_of(int code) {
    for (const Name &n : names)
        if (n.code == code)
            return &n;
    return nullptr;
}

// attribute returns a GPU's property, by the driver's number for it.
int attribute(int which) {
    switch (which) {
    case 1: // threads per block
    case 2: // block x
    case 3: // block y
        return threads_per_block;
    case 4: // block z
        return 64;
    case 5: // grid x
        return 0x7fffffff;
    case 6: // grid y
    case 7: // grid z
        return 65535;
    case 8: // shared memory per block
        return static_shared_limit;
    case 10: // warp size
        return 32;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
        return multiprocessors();
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID: {
        // Each process has an emulated GPU of its own; SIMT_PCI_DOMAIN, where it is set, is one GPU to all that have it.
        const char *e = getenv("SIMT_PCI_DOMAIN");
        return e ? atoi(e) : getpid();
    }
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
        return 4 << 20;
    case 39: // threads per multiprocessor
        return threads_per_multiprocessor;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
        return 9;
    case 41: // unified addressing
    case 95: // cooperative launch
        return 1;
    case 81: // shared memory per multiprocessor
        return shared_limit + 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
        return shared_limit;
    }
    return 0;
}

} // namespace

Driver &driver() {
    static Driver *d = new Driver; // never destroyed: calls may come while the process ends
    return *d;
}

Enter::Enter() : guard(driver().lock) {
    Driver &d = driver();
    result = !d.initialized ? not_initialized : !d.retained || current != d.generation ? invalid_context : d.failed;
}

void report(const char *format, ...) {
    char b[512];
    va_list args;
    va_start(args, format);
    vsnprintf(b, sizeof b, format, args);
    va_end(args);
    driver().message = b;
    fprintf(stderr, "simt: %s\n", b);
}

size_t memory_size() { return from_environment("SIMT_MEMORY", size_t(2) << 30); }
int multiprocessors() { return int(from_environment("SIMT_MULTIPROCESSORS", 4)); }

// devices is how many there seem to be: names of one, which is the process's own, as ranks are to have one each.
static int devices() { return int(from_environment("SIMT_GPUS", 1)); }

} // namespace simt

using namespace simt;

void simt_fault(int code, const char *text) {
    std::lock_guard<std::recursive_mutex> guard(driver().lock);
    report("%s", text);
    if (!driver().failed)
        driver().failed = Result(code);
}

// simt_emulated tells a program that this is no GPU.
SIMT_API int simt_emulated(void) { return 1; }

// simt_message returns the text of the last failure.
SIMT_API const char *simt_message(void) { return driver().message.c_str(); }

// simt_leaks returns how many allocations, streams, events, graphs and modules were alive when their context ended,
// or are alive now.
SIMT_API int simt_leaks(void) {
    std::lock_guard<std::recursive_mutex> guard(driver().lock);
    Driver &d = driver();
    return d.leaked + int(d.memory.size() + d.pinned.size() + d.streams.size() + d.events.size() + d.graphs.size() + d.modules.size());
}

SIMT_API CUresult cuInit(unsigned flags) {
    std::lock_guard<std::recursive_mutex> guard(driver().lock);
    if (flags)
        return invalid_value;
    driver().initialized = true;
    return success;
}

SIMT_API CUresult cuDriverGetVersion(int *version) {
    *version = 13000;
    return success;
}

SIMT_API CUresult cuGetErrorName(CUresult code, const char **name) {
    const Name *n = name_of(code);
    *name = n ? n->name : nullptr;
    return n ? success : invalid_value;
}

SIMT_API CUresult cuGetErrorString(CUresult code, const char **text) {
    const Name *n = name_of(code);
    *text = n ? n->text : nullptr;
    return n ? success : invalid_value;
}

SIMT_API CUresult cuDeviceGetCount(int *count) {
    *count = devices();
    return driver().initialized ? success : not_initialized;
}

SIMT_API CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    if (!driver().initialized)
        return not_initialized;
    if (ordinal < 0 || ordinal >= devices())
        return invalid_device;
    *device = 0;
    return success;
}

SIMT_API CUresult cuDeviceGetName(char *name, int len, CUdevice device) {
    if (device != 0)
        return invalid_device;
    snprintf(name, size_t(len), "SIMT emulator");
    return success;
}

SIMT_API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    *bytes = memory_size();
    return device ? invalid_device : success;
}

SIMT_API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute which, CUdevice device) {
    if (device != 0)
        return invalid_device;
    *value = attribute(which);
    return success;
}

SIMT_API CUresult cuDevicePrimaryCtxRetain(CUcontext *ctx, CUdevice device) {
    Driver &d = driver();
    std::lock_guard<std::recursive_mutex> guard(d.lock);
    if (!d.initialized)
        return not_initialized;
    if (device != 0)
        return invalid_device;
    if (d.retained++ == 0) {
        d.generation++;
        d.failed = success;
    }
    *ctx = reinterpret_cast<CUcontext>(uintptr_t(d.generation));
    return success;
}

SIMT_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    Driver &d = driver();
    std::lock_guard<std::recursive_mutex> guard(d.lock);
    if (device != 0)
        return invalid_device;
    if (!d.retained)
        return invalid_context;
    if (--d.retained)
        return success;
    int n = free_streams() + free_memory() + int(d.modules.size());
    for (Module *m : d.modules)
        delete m;
    d.modules.clear();
    if (n)
        fprintf(stderr, "simt: %d objects were alive when the context ended\n", n);
    d.leaked += n;
    return success;
}

SIMT_API CUresult cuCtxSetCurrent(CUcontext ctx) {
    Driver &d = driver();
    std::lock_guard<std::recursive_mutex> guard(d.lock);
    if (!d.initialized)
        return not_initialized;
    unsigned g = unsigned(reinterpret_cast<uintptr_t>(ctx));
    if (g && (g != d.generation || !d.retained))
        return invalid_context;
    current = g;
    return success;
}
