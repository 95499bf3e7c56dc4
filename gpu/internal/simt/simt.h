// The part of CUDA that kernels use, on the CPU: one fiber for every CUDA thread, so that barriers, warp
// operations and races between them behave as on a GPU under some schedule of the threads.
//
// device.cuh includes this file where no CUDA compiler is at work. SIMT_SEED chooses the schedule:
//   0    threads, and blocks, in order
//   1    in reverse order
//   >=2  shuffled by that seed, anew in every round, some warps running far ahead of others, several blocks at once
// A thread runs until it waits at a barrier or warp operation or touches an atomic. Threads of a warp do not run
// in lockstep, as on GPUs since Volta. A loop that waits for another thread must call __nanosleep or an atomic.
//
// Reported as a launch failure, with kernel, block and thread: __syncthreads that some threads do not reach, or
// reach at another line; a warp operation whose mask leaves out the caller; writes beyond a shared array; traps;
// threads that wait for each other for ever. Fresh shared memory, and what is read from a lane that takes no
// part, is not-a-number in every floating type, and 2147483647.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
    constexpr size_t size() const { return size_t(x) * y * z; }
};

namespace simt {

// What the running thread is; the scheduler sets it whenever it switches.
struct Place {
    uint3 thread, block;
    unsigned lane; // within the warp
};
extern Place *here __attribute__((visibility("hidden")));
extern dim3 grid_dim __attribute__((visibility("hidden")));
extern dim3 block_dim __attribute__((visibility("hidden")));

enum class Warp { sync, read, ballot, together };

// yield lets other threads run.
void yield();
// sync_block waits for all threads of the block.
void sync_block(const char *file, int line);
// meet waits until all live lanes of mask have come, and returns the value that lane `source` brought (read), or a
// bit for every lane that brought a value other than 0 (ballot).
uint64_t meet(Warp op, unsigned mask, uint64_t value, unsigned source);
// together waits for the whole warp; then the last lane to come runs f, before any goes on, on what they brought, by lane:
// null of one that has ended.
using Joint = void (*)(void *const *brought);
void together(Joint f, void *mine);
// shared returns the block's memory of the array with this key, allocated when the first thread asks.
void *shared(const void *key, size_t bytes, size_t align);
void *shared_dynamic();
// fail ends the launch with an error; it does not return.
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

template <class T> T warp_read(unsigned mask, T v, unsigned source) {
    static_assert(sizeof(T) <= 8, "a shuffle moves 4 or 8 bytes");
    uint64_t bits = 0;
    std::memcpy(&bits, &v, sizeof v);
    bits = meet(Warp::read, mask, bits, source);
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

template <class T> struct Same { using type = T; };
template <class T> using same = typename Same<T>::type;

// Atomics are whole numbers only: floating-point sums in the order of arrival would differ from run to run.
template <class T, class F> T atomic(T *p, F f) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "atomics are of 4 or 8 bytes");
    static_assert(T(1) / T(2) == T(0), "no floating-point atomics");
    yield();
    volatile T *v = p;
    T old = *v;
    *v = f(old);
    return old;
}

} // namespace simt

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __launch_bounds__(...)

#define threadIdx (simt::here->thread)
#define blockIdx (simt::here->block)
#define blockDim simt::block_dim
#define gridDim simt::grid_dim
#define warpSize 32

// SHARED declares a shared array. It is a reference to the array, so that sizeof and ranges work as on a GPU.
#define SHARED(type, name, count)                                                                                      \
    static const char simt_key_##name = 0;                                                                             \
    type(&name)[count] = *static_cast<type(*)[count]>(simt::shared(&simt_key_##name, sizeof(type[count]), alignof(type)))
#define SHARED_DYNAMIC(type, name) type *const name = static_cast<type *>(simt::shared_dynamic())

#define __syncthreads() simt::sync_block(__FILE__, __LINE__)
#define __trap() simt::fail("trap at %s:%d", __FILE__, __LINE__)

inline void __syncwarp(unsigned mask = ~0u) { simt::meet(simt::Warp::sync, mask, 0, 0); }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __threadfence(); }
inline void __nanosleep(unsigned) { simt::yield(); }

// Lane arithmetic as in the PTX manual (shfl.sync): a source outside the segment of `width` lanes means the own lane.
template <class T> T __shfl_sync(unsigned mask, T v, int lane, int width = 32) {
    unsigned self = simt::here->lane, base = self & ~unsigned(width - 1);
    return simt::warp_read(mask, v, base | (unsigned(lane) & unsigned(width - 1)));
}
template <class T> T __shfl_xor_sync(unsigned mask, T v, int x, int width = 32) {
    unsigned self = simt::here->lane, source = self ^ unsigned(x), last = self | unsigned(width - 1);
    return simt::warp_read(mask, v, source <= last ? source : self);
}
template <class T> T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
    unsigned self = simt::here->lane, last = self | unsigned(width - 1);
    return simt::warp_read(mask, v, self + by <= last ? self + by : self);
}
template <class T> T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
    unsigned self = simt::here->lane, base = self & ~unsigned(width - 1);
    return simt::warp_read(mask, v, self >= base + by ? self - by : self);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
    return unsigned(simt::meet(simt::Warp::ballot, mask, predicate != 0, 0));
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

template <class T> T atomicAdd(T *p, simt::same<T> v) { return simt::atomic(p, [v](T old) { return T(old + v); }); }
template <class T> T atomicSub(T *p, simt::same<T> v) { return simt::atomic(p, [v](T old) { return T(old - v); }); }
template <class T> T atomicMax(T *p, simt::same<T> v) { return simt::atomic(p, [v](T old) { return old > v ? old : v; }); }
template <class T> T atomicMin(T *p, simt::same<T> v) { return simt::atomic(p, [v](T old) { return old < v ? old : v; }); }
template <class T> T atomicOr(T *p, simt::same<T> v) { return simt::atomic(p, [v](T old) { return T(old | v); }); }
template <class T> T atomicAnd(T *p, simt::same<T> v) { return simt::atomic(p, [v](T old) { return T(old & v); }); }
template <class T> T atomicExch(T *p, simt::same<T> v) { return simt::atomic(p, [v](T) { return v; }); }
template <class T> T atomicCAS(T *p, simt::same<T> expected, simt::same<T> v) {
    return simt::atomic(p, [expected, v](T old) { return old == expected ? v : old; });
}

inline unsigned __float_as_uint(float v) {
    unsigned u;
    std::memcpy(&u, &v, 4);
    return u;
}
inline float __uint_as_float(unsigned u) {
    float v;
    std::memcpy(&v, &u, 4);
    return v;
}
inline int __float_as_int(float v) { return int(__float_as_uint(v)); }
inline float __int_as_float(int i) { return __uint_as_float(unsigned(i)); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __clz(int v) { return v ? __builtin_clz(unsigned(v)) : 32; }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline float rsqrtf(float v) { return 1 / std::sqrt(v); }

#include "mma.h"
#include "register.h"
