// Memory of the fake driver. Device memory is host memory between guard bands, poisoned when fresh; under
// AddressSanitizer it is plain malloc memory, so that reads beyond it are found too.
#include "driver.h"
#include <algorithm>
#include <cstdlib>
#include <memory>

namespace simt {

namespace {

constexpr size_t align = 256; // of device memory, as the driver promises
constexpr unsigned char guard = 0xA5;
#ifdef __SANITIZE_ADDRESS__
constexpr size_t band = 0;
#else
constexpr size_t band = 1024;
#endif

Allocation *containing(uintptr_t p, uintptr_t *start) {
    auto &m = driver().memory;
    auto it = m.upper_bound(p);
    if (it == m.begin())
        return nullptr;
    --it;
    *start = it->first;
    return &it->second;
}

bool inside(uint64_t p, size_t n) {
    uintptr_t start;
    Allocation *a = containing(p, &start);
    return a && n <= a->bytes && p - start <= a->bytes - n;
}

bool pinned(const void *p, size_t n) {
    auto &m = driver().pinned;
    auto it = m.upper_bound(const_cast<void *>(p));
    if (it == m.begin())
        return false;
    --it;
    size_t at = size_t(static_cast<const char *>(p) - static_cast<const char *>(it->first));
    return n <= it->second && at <= it->second - n;
}

// broken returns the first byte of p that is not the guard pattern, or null.
const char *broken(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (static_cast<unsigned char>(p[i]) != guard)
            return p + i;
    return nullptr;
}

Result allocate(CUdeviceptr *p, size_t n) {
    Driver &d = driver();
    if (!p || n == 0)
        return invalid_value;
    size_t taken = (n + align - 1) / align * align;
    if (taken > memory_size() - d.used)
        return out_of_memory;
    void *base = nullptr;
    if (posix_memalign(&base, align, n + 2 * band))
        return out_of_memory;
    char *start = static_cast<char *>(base) + band;
    memset(start - band, guard, band);
    fill_poison(start, n);
    memset(start + n, guard, band);
    d.memory[uintptr_t(start)] = {n, static_cast<char *>(base)};
    d.used += taken;
    *p = uintptr_t(start);
    return success;
}

void release(std::map<uintptr_t, Allocation>::iterator it) {
    Driver &d = driver();
    d.used -= (it->second.bytes + align - 1) / align * align;
    fill_poison(reinterpret_cast<void *>(it->first), std::min<size_t>(it->second.bytes, 1 << 20)); // larger ones are unmapped
    free(it->second.base);
    d.memory.erase(it);
}

// copy queues a copy after checking the side or sides that are device memory. staged is kept until it has run.
Result copy(uint64_t to, uint64_t from, size_t n, bool to_device, bool from_device, void *stream,
            std::shared_ptr<std::string> staged) {
    Stream *s = resolve(stream);
    if (!s)
        return invalid_handle;
    if (n == 0)
        return success;
    if ((to_device && !inside(to, n)) || (from_device && !inside(from, n)) || !to || !from) {
        report("copy of %zu bytes from %#lx to %#lx goes beyond device memory", n, long(from), long(to));
        return invalid_value;
    }
    return queue(s, "a copy", [to, from, n, staged] { memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), n); });
}

template <class T> Result fill(uint64_t p, T value, size_t n, void *stream) {
    Stream *s = resolve(stream);
    if (!s)
        return invalid_handle;
    if (p % sizeof(T) || !inside(p, n * sizeof(T))) {
        report("setting %zu elements of %zu bytes at %#lx goes beyond device memory", n, sizeof(T), long(p));
        return invalid_value;
    }
    return queue(s, "a memset", [=] { std::fill_n(reinterpret_cast<T *>(p), n, value); });
}

} // namespace

void check_memory(const char *after) {
    Driver &d = driver();
    if (band == 0 || d.failed)
        return;
    for (auto &[start, a] : d.memory) {
        const char *p = reinterpret_cast<const char *>(start), *bad = broken(p + a.bytes, band);
        if (!bad)
            bad = broken(p - band, band);
        if (!bad)
            continue;
        report("%s wrote outside an allocation of %zu bytes, at offset %ld", after, a.bytes, long(bad - p));
        d.failed = illegal_address;
        return;
    }
}

int free_memory() {
    Driver &d = driver();
    int n = int(d.memory.size() + d.pinned.size());
    while (!d.memory.empty())
        release(d.memory.begin());
    for (auto &[p, bytes] : d.pinned)
        free(p);
    d.pinned.clear();
    return n;
}

} // namespace simt

bool simt_device_range(const void *p, size_t n) {
    std::lock_guard<std::recursive_mutex> guard(simt::driver().lock);
    return simt::inside(uintptr_t(p), n);
}

using namespace simt;

SIMT_API CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
    SIMT_ENTER
    if (Result r = forbid())
        return r;
    return allocate(p, n);
}

SIMT_API CUresult cuMemFree_v2(CUdeviceptr p) {
    SIMT_ENTER
    if (p == 0)
        return success;
    if (Result r = forbid())
        return r;
    drain_all();
    check_memory("work");
    auto it = driver().memory.find(p);
    if (it == driver().memory.end())
        return invalid_value;
    release(it);
    return driver().failed;
}

SIMT_API CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
    SIMT_ENTER
    *total = memory_size();
    *free = *total - driver().used;
    return success;
}

SIMT_API CUresult cuMemHostAlloc(void **p, size_t n, unsigned) {
    SIMT_ENTER
    if (Result r = forbid())
        return r;
    if (!p || n == 0)
        return invalid_value;
    if (posix_memalign(p, 4096, n))
        return out_of_memory;
    driver().pinned[*p] = n;
    return success;
}

SIMT_API CUresult cuMemFreeHost(void *p) {
    SIMT_ENTER
    if (Result r = forbid())
        return r;
    if (!driver().pinned.erase(p))
        return invalid_value;
    free(p);
    return success;
}

// Copies between device and pageable memory are staged by the driver: such host memory is done with on return.
SIMT_API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, CUstream stream) {
    SIMT_ENTER
    if (n && deferred() && !pinned(from, n) && !driver().captures.size()) {
        auto staged = std::make_shared<std::string>(static_cast<const char *>(from), n);
        return copy(to, uintptr_t(staged->data()), n, true, false, stream, staged);
    }
    return copy(to, uintptr_t(from), n, true, false, stream, nullptr);
}

SIMT_API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, CUstream stream) {
    SIMT_ENTER
    Result r = copy(uintptr_t(to), from, n, false, true, stream, nullptr);
    if (r == success && !pinned(to, n))
        drain(resolve(stream));
    return r;
}

SIMT_API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream stream) {
    SIMT_ENTER
    return copy(to, from, n, true, true, stream, nullptr);
}

SIMT_API CUresult cuMemsetD8Async(CUdeviceptr p, unsigned char v, size_t n, CUstream stream) {
    SIMT_ENTER
    return fill(p, v, n, stream);
}
SIMT_API CUresult cuMemsetD16Async(CUdeviceptr p, unsigned short v, size_t n, CUstream stream) {
    SIMT_ENTER
    return fill(p, v, n, stream);
}
SIMT_API CUresult cuMemsetD32Async(CUdeviceptr p, unsigned v, size_t n, CUstream stream) {
    SIMT_ENTER
    return fill(p, v, n, stream);
}
