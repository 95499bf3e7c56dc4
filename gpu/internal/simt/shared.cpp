// Shared memory of a block, with guard bands and poison.
#include "block.h"
#include <cstdlib>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace simt {

namespace {

constexpr size_t band = 128;             // bytes of guard on either side of an array
constexpr size_t arena = 512 << 10;      // bytes: the limits of launch.h and room for the bands of many arrays
constexpr unsigned char guard = 0xA5;

#ifdef __SANITIZE_ADDRESS__
void protect(char *p, size_t n) { ASAN_POISON_MEMORY_REGION(p, n); }
void release(char *p, size_t n) { ASAN_UNPOISON_MEMORY_REGION(p, n); }
#else
void protect(char *, size_t) {}
void release(char *, size_t) {}

// broken returns the offset of the first byte of a band that is not as it was, or -1.
long broken(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (static_cast<unsigned char>(p[i]) != guard)
            return long(i);
    return -1;
}
#endif

} // namespace

Shared::~Shared() {
    if (base)
        release(base, arena);
    free(base);
}

void Shared::begin(size_t dynamic_bytes) {
    if (!base)
        base = static_cast<char *>(aligned_alloc(1024, arena));
    release(base, arena);
    used = declared = 0;
    arrays.clear();
    place(nullptr, dynamic_bytes, 1024);
}

// place appends an array: band, array, band. The band after one array is the band before the next.
size_t Shared::place(const void *key, size_t bytes, size_t align) {
    size_t at = (used + band + align - 1) / align * align, end = at + bytes;
    if (end + band > arena)
        fail("more shared memory than the emulator has room for: %zu bytes", end);
    memset(base + used, guard, at - used);
    fill_poison(base + at, bytes);
    memset(base + end, guard, band);
    protect(base + used, at - used);
    protect(base + end, band);
    used = end;
    arrays.push_back({key, at, bytes});
    return at;
}

void *Shared::array(const void *key, size_t bytes, size_t align) {
    for (const Array &a : arrays)
        if (a.key == key)
            return base + a.at;
    declared += bytes;
    if (declared > static_shared_limit)
        fail("%zu bytes of shared arrays; a block may declare %zu", declared, static_shared_limit);
    if (declared + arrays[0].bytes > shared_limit)
        fail("%zu bytes of shared memory; a block may have %zu", declared + arrays[0].bytes, shared_limit);
    release(base + used, band);
    return base + place(key, bytes, align < 16 ? 16 : align);
}

void Shared::check() {
#ifndef __SANITIZE_ADDRESS__
    for (const Array &a : arrays) {
        long before = broken(base + a.at - band, band), after = broken(base + a.at + a.bytes, band);
        if (a.bytes && (before >= 0 || after >= 0))
            fail("the block wrote at offset %ld of a shared array of %zu bytes", after >= 0 ? long(a.bytes) + after : before - long(band),
                 a.bytes);
    }
#endif
}

} // namespace simt
