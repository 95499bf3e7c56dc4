// What CUDA C++ has built in and kernels use, for the four compilers that take them:
//   nvcc, NVRTC   all of it is there
//   clang >= 16   -x cuda --cuda-device-only -nocudainc -nocudalib: declared here
//   g++           the emulator's simt.h plays it
// No vendor header is read. Of the mathematics library there are only square roots and what a single instruction
// does; device.cuh makes the rest of those.
#pragma once

#if defined(__CUDACC_RTC__) || defined(__NVCC__)

#define EXPORT_KERNEL(name)
#define SHARED(type, name, count) __shared__ type name[count]
extern __shared__ uint4 dynamic_shared[];
#define SHARED_DYNAMIC(type, name) type *const name = reinterpret_cast<type *>(dynamic_shared)

#elif defined(__clang__) && defined(__CUDA__)

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define warpSize 32

#define EXPORT_KERNEL(name)
#define SHARED(type, name, count) __shared__ type name[count]
struct alignas(16) dynamic_shared_unit {
    unsigned w[4];
};
extern __shared__ dynamic_shared_unit dynamic_shared[];
#define SHARED_DYNAMIC(type, name) type *const name = reinterpret_cast<type *>(dynamic_shared)

#define CONTIG_SPECIAL(name, reg)                                                                                      \
    struct name##_t {                                                                                                  \
        struct X { __device__ operator unsigned() const { return unsigned(__nvvm_read_ptx_sreg_##reg##_x()); } };      \
        struct Y { __device__ operator unsigned() const { return unsigned(__nvvm_read_ptx_sreg_##reg##_y()); } };      \
        struct Z { __device__ operator unsigned() const { return unsigned(__nvvm_read_ptx_sreg_##reg##_z()); } };      \
        X x;                                                                                                           \
        Y y;                                                                                                           \
        Z z;                                                                                                           \
    };                                                                                                                 \
    static __device__ const name##_t name = {};
CONTIG_SPECIAL(threadIdx, tid)
CONTIG_SPECIAL(blockIdx, ctaid)
CONTIG_SPECIAL(blockDim, ntid)
CONTIG_SPECIAL(gridDim, nctaid)
#undef CONTIG_SPECIAL

// Shuffles of 4 bytes; the last operand is the segment's clamp and mask, as the PTX manual's shfl.sync has them.
#define CONTIG_SHUFFLE(name, mode, lane, clamp)                                                                        \
    __device__ inline int name(unsigned m, int v, lane l, int width = 32) {                                            \
        return __nvvm_shfl_sync_##mode##_i32(m, v, int(l), ((32 - width) << 8) | clamp);                               \
    }                                                                                                                  \
    __device__ inline float name(unsigned m, float v, lane l, int width = 32) {                                        \
        return __nvvm_shfl_sync_##mode##_f32(m, v, int(l), ((32 - width) << 8) | clamp);                               \
    }                                                                                                                  \
    __device__ inline unsigned name(unsigned m, unsigned v, lane l, int width = 32) {                                  \
        return unsigned(name(m, int(v), l, width));                                                                    \
    }                                                                                                                  \
    template <class T> __device__ inline T name(unsigned m, T v, lane l, int width = 32) {                             \
        static_assert(sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");                                                 \
        int half[2];                                                                                                   \
        __builtin_memcpy(half, &v, 8);                                                                                 \
        half[0] = name(m, half[0], l, width);                                                                          \
        half[1] = name(m, half[1], l, width);                                                                          \
        __builtin_memcpy(&v, half, 8);                                                                                 \
        return v;                                                                                                      \
    }
CONTIG_SHUFFLE(__shfl_sync, idx, int, 0x1f)
CONTIG_SHUFFLE(__shfl_xor_sync, bfly, int, 0x1f)
CONTIG_SHUFFLE(__shfl_down_sync, down, unsigned, 0x1f)
CONTIG_SHUFFLE(__shfl_up_sync, up, unsigned, 0)
#undef CONTIG_SHUFFLE

__device__ inline void __syncwarp(unsigned m = ~0u) { __nvvm_bar_warp_sync(m); }
__device__ inline unsigned __ballot_sync(unsigned m, int p) { return __nvvm_vote_ballot_sync(m, p != 0); }
__device__ inline int __any_sync(unsigned m, int p) { return __nvvm_vote_any_sync(m, p != 0); }
__device__ inline int __all_sync(unsigned m, int p) { return __nvvm_vote_all_sync(m, p != 0); }
__device__ inline void __threadfence() { __nvvm_membar_gl(); }
__device__ inline void __threadfence_block() { __nvvm_membar_cta(); }
__device__ inline void __nanosleep(unsigned ns) { asm volatile("nanosleep.u32 %0;" ::"r"(ns)); }
__device__ inline void __trap() { __builtin_trap(); }

// Atomics are of whole numbers only.
template <class T> struct contig_same { using type = T; };
#define CONTIG_ATOMIC(name, builtin)                                                                                   \
    template <class T> __device__ inline T name(T *p, typename contig_same<T>::type v) {                               \
        static_assert(T(1) / T(2) == T(0), "no floating-point atomics");                                               \
        return builtin(p, v, __ATOMIC_RELAXED);                                                                        \
    }
CONTIG_ATOMIC(atomicAdd, __atomic_fetch_add)
CONTIG_ATOMIC(atomicSub, __atomic_fetch_sub)
CONTIG_ATOMIC(atomicMax, __atomic_fetch_max)
CONTIG_ATOMIC(atomicMin, __atomic_fetch_min)
CONTIG_ATOMIC(atomicOr, __atomic_fetch_or)
CONTIG_ATOMIC(atomicAnd, __atomic_fetch_and)
CONTIG_ATOMIC(atomicExch, __atomic_exchange_n)
#undef CONTIG_ATOMIC
template <class T>
__device__ inline T atomicCAS(T *p, typename contig_same<T>::type expected, typename contig_same<T>::type v) {
    __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}

__device__ inline unsigned __float_as_uint(float v) { return __builtin_bit_cast(unsigned, v); }
__device__ inline float __uint_as_float(unsigned v) { return __builtin_bit_cast(float, v); }
__device__ inline int __float_as_int(float v) { return __builtin_bit_cast(int, v); }
__device__ inline float __int_as_float(int v) { return __builtin_bit_cast(float, v); }
__device__ inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((unsigned long long)a * b >> 32); }
__device__ inline int __popc(unsigned v) { return __builtin_popcount(v); }
__device__ inline int __clz(int v) { return v ? __builtin_clz(unsigned(v)) : 32; }
__device__ inline int __ffs(int v) { return __builtin_ffs(v); }
__device__ inline float sqrtf(float v) { return __builtin_sqrtf(v); }
__device__ inline double sqrt(double v) { return __builtin_sqrt(v); }
__device__ inline float rsqrtf(float v) { return __nvvm_rsqrt_approx_f(v); }
__device__ inline float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

#else
#include "simt.h"
#endif
