// The portable subset: all that a kernel may use beyond the language and what compilers.cuh lists.
//
// A kernel is an `extern "C" __global__ void` function named <op>_<forward|backward|...>_<type> and registered by
// EXPORT_KERNEL(name) after it; where it exists for several types, a macro of its file makes one for each and
// FOR_TYPES calls that macro. package kernels/gen reads these signatures. Rules: no floating-point atomics; no return
// before a barrier; lengths that count elements of a tensor are i64; 16-byte accesses only where aligned16 says so.
#pragma once
#include "compilers.cuh"

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned u32;
typedef unsigned char u8;

// Storage types of 16 bits. Arithmetic is float32: to_float and from_float are all that is done with them.
struct bf16 {
    unsigned short bits;
};
struct f16 {
    unsigned short bits;
};

// FOR_TYPES calls M(type, suffix) for every element type of activations, FOR_HALVES for those of 16 bits.
#define FOR_TYPES(M) M(float, f32) M(bf16, bf16) M(f16, f16)
#define FOR_HALVES(M) M(bf16, bf16) M(f16, f16)

__device__ inline float not_a_number() { return __int_as_float(0x7fffffff); }
__device__ inline bool is_nan(float v) { return v != v; }

__device__ inline float to_float(float v) { return v; }
__device__ inline float to_float(bf16 v) { return __uint_as_float(unsigned(v.bits) << 16); }

// from_float rounds to the nearest, to even between two; NaN stays.
template <class T> __device__ inline T from_float(float v);
template <> __device__ inline float from_float<float>(float v) { return v; }

#if defined(__CUDA_ARCH__)

__device__ inline float to_float(f16 v) {
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(v.bits));
    return f;
}
template <> __device__ inline bf16 from_float<bf16>(float v) {
    bf16 h;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h.bits) : "f"(v));
    return h;
}
template <> __device__ inline f16 from_float<f16>(float v) {
    f16 h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(v));
    return h;
}
// two_from_float puts two rounded numbers into one word, lo in the low half.
template <class T> __device__ inline unsigned two_from_float(float lo, float hi);
template <> __device__ inline unsigned two_from_float<bf16>(float lo, float hi) {
    unsigned w;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(w) : "f"(hi), "f"(lo));
    return w;
}
template <> __device__ inline unsigned two_from_float<f16>(float lo, float hi) {
    unsigned w;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(w) : "f"(hi), "f"(lo));
    return w;
}
// two_rectified is the larger of 0 and each half of w; NaN becomes 0x7fff, and -0 becomes 0.
template <class T> __device__ inline unsigned two_rectified(unsigned w);
template <> __device__ inline unsigned two_rectified<bf16>(unsigned w) {
    asm("max.NaN.bf16x2 %0, %0, %1;" : "+r"(w) : "r"(0));
    return w;
}
template <> __device__ inline unsigned two_rectified<f16>(unsigned w) {
    asm("max.NaN.f16x2 %0, %0, %1;" : "+r"(w) : "r"(0));
    return w;
}
// two_signs is a word whose halves are 0xffff where the highest bits of bytes LO and HI of v are set, and 0 where not.
template <int LO, int HI> __device__ inline unsigned two_signs(unsigned v) {
    unsigned w;
    asm("prmt.b32 %0, %1, 0, %2;" : "=r"(w) : "r"(v), "n"((8 | LO) * 0x11 + (8 | HI) * 0x1100));
    return w;
}

// four_bytes picks four of the eight bytes of (lo, hi), by the digits of PICK, the lowest first.
template <unsigned PICK> __device__ inline unsigned four_bytes(unsigned lo, unsigned hi) {
    unsigned w;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(w) : "r"(lo), "r"(hi), "n"(PICK));
    return w;
}
// two_products is sum plus the products of the halves of a with the two low bytes of b, or its two high ones.
template <bool HIGH> __device__ inline unsigned two_products(unsigned a, unsigned b, unsigned sum) {
    unsigned w;
    if constexpr (HIGH) asm("dp2a.hi.u32.u32 %0, %1, %2, %3;" : "=r"(w) : "r"(a), "r"(b), "r"(sum));
    else asm("dp2a.lo.u32.u32 %0, %1, %2, %3;" : "=r"(w) : "r"(a), "r"(b), "r"(sum));
    return w;
}

#else // the same in whole numbers

__device__ inline float to_float(f16 v) {
    unsigned sign = unsigned(v.bits & 0x8000) << 16, e = v.bits >> 10 & 31, m = v.bits & 0x3ff;
    if (e == 31) return __uint_as_float(sign | 0x7f800000u | m << 13);
    if (e) return __uint_as_float(sign | (e + 112) << 23 | m << 13);
    float f = float(m) * 5.9604644775390625e-8f; // 2^-24
    return sign ? -f : f;
}
template <> __device__ inline bf16 from_float<bf16>(float v) {
    unsigned u = __float_as_uint(v);
    if (is_nan(v)) return {(unsigned short)(0x7fff)};
    return {(unsigned short)((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}
template <> __device__ inline f16 from_float<f16>(float v) {
    unsigned u = __float_as_uint(v), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000) return {(unsigned short)(0x7fff)};
    if (a >= 0x477ff000) return {(unsigned short)(sign | 0x7c00)}; // 65520, half way to 2^16
    if (a >= 0x38800000) return {(unsigned short)(sign | (a - 0x38000000 + 0xfff + (a >> 13 & 1)) >> 13)};
    float f = __uint_as_float(a) + 0.5f; // the unit in the last place is that of a subnormal half: 2^-24
    return {(unsigned short)(sign | (__float_as_uint(f) - 0x3f000000))};
}
template <class T> __device__ inline unsigned two_from_float(float lo, float hi) {
    return from_float<T>(lo).bits | unsigned(from_float<T>(hi).bits) << 16;
}
template <class T> __device__ inline unsigned rectified(unsigned short bits) {
    float v = to_float(T{bits});
    return is_nan(v) ? 0x7fffu : v > 0.0f ? bits : 0u;
}
template <class T> __device__ inline unsigned two_rectified(unsigned w) {
    return rectified<T>((unsigned short)(w)) | rectified<T>((unsigned short)(w >> 16)) << 16;
}
template <int LO, int HI> __device__ inline unsigned two_signs(unsigned v) {
    return (v >> (8 * LO + 7) & 1 ? 0xffffu : 0u) | (v >> (8 * HI + 7) & 1 ? 0xffff0000u : 0u);
}
template <unsigned PICK> __device__ inline unsigned four_bytes(unsigned lo, unsigned hi) {
    u64 both = u64(hi) << 32 | lo;
    unsigned w = 0;
    for (int i = 0; i < 4; i++) w |= unsigned(both >> 8 * (PICK >> 4 * i & 7) & 255) << 8 * i;
    return w;
}
template <bool HIGH> __device__ inline unsigned two_products(unsigned a, unsigned b, unsigned sum) {
    if (HIGH) b >>= 16;
    return sum + (a & 0xffff) * (b & 255) + (a >> 16) * (b >> 8 & 255);
}

#endif

__device__ inline float low_half(bf16, unsigned w) { return __uint_as_float(w << 16); }
__device__ inline float high_half(bf16, unsigned w) { return __uint_as_float(w & 0xffff0000u); }
__device__ inline float low_half(f16, unsigned w) { return to_float(f16{(unsigned short)(w)}); }
__device__ inline float high_half(f16, unsigned w) { return to_float(f16{(unsigned short)(w >> 16)}); }

// two_positive has the highest bit of each half of w set that is a number above 0. w is two_rectified's.
__device__ inline unsigned two_positive(unsigned w) { return (w + 0x7fff7fffu) & ~(w + 0x00010001u) & 0x80008000u; }

// Accesses of 8 and 16 bytes. The pointer must be aligned to as much.
struct alignas(16) word4 {
    unsigned w[4];
};
struct alignas(8) word2 {
    unsigned w[2];
};
struct alignas(16) vec4 {
    float x, y, z, w;
};

__device__ inline bool aligned16(const void *p) { return (reinterpret_cast<u64>(p) & 15) == 0; }

__device__ inline vec4 load4(const float *p) { return *reinterpret_cast<const vec4 *>(p); }
template <class T> __device__ inline vec4 load4(const T *p) {
    word2 q = *reinterpret_cast<const word2 *>(p);
    return {low_half(T(), q.w[0]), high_half(T(), q.w[0]), low_half(T(), q.w[1]), high_half(T(), q.w[1])};
}
__device__ inline void store4(float *p, vec4 v) { *reinterpret_cast<vec4 *>(p) = v; }
template <class T> __device__ inline void store4(T *p, vec4 v) {
    *reinterpret_cast<word2 *>(p) = {{two_from_float<T>(v.x, v.y), two_from_float<T>(v.z, v.w)}};
}

// lanes<T> is the number of elements in 16 bytes.
template <class T> constexpr int lanes = 16 / int(sizeof(T));

// unpack makes floats of 16 bytes, pack 16 bytes of floats.
template <class T> __device__ inline void unpack(float (&v)[lanes<T>], const word4 &q) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[2 * i] = low_half(T(), q.w[i]);
        v[2 * i + 1] = high_half(T(), q.w[i]);
    }
}
template <> __device__ inline void unpack<float>(float (&v)[4], const word4 &q) {
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = __uint_as_float(q.w[i]);
}
template <class T> __device__ inline word4 pack(const float (&v)[lanes<T>]) {
    return {{two_from_float<T>(v[0], v[1]), two_from_float<T>(v[2], v[3]), two_from_float<T>(v[4], v[5]),
             two_from_float<T>(v[6], v[7])}};
}
template <> __device__ inline word4 pack<float>(const float (&v)[4]) {
    return {{__float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), __float_as_uint(v[3])}};
}

// Raw is N elements as they lie in memory. Loads that are to be in flight together come first, each alone behind its
// condition, and unpacking after them.
template <class T, int N> struct Raw {
    word4 q;
};
template <class T> struct Raw<T, 1> {
    T q;
};
template <class T, int N> __device__ inline void load_raw(Raw<T, N> &r, const T *p) {
    static_assert(N == 1 || N == lanes<T>, "one element or 16 bytes");
    r.q = *reinterpret_cast<const decltype(r.q) *>(p);
}
template <class T, int N> __device__ inline void from_raw(float (&v)[N], const Raw<T, N> &r) {
    if constexpr (N == 1) v[0] = to_float(r.q);
    else unpack<T>(v, r.q);
}

// rectify makes 16 bytes of 16-bit numbers their ReLU, and returns a bit for each of the eight that is above 0.
template <class T> __device__ inline u8 rectify(word4 &q) {
    unsigned bits = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        q.w[i] = two_rectified<T>(q.w[i]);
        bits = bits >> 2 | two_positive(q.w[i]); // the four words' bits come to lie at 9, 11, 13, 15 and 16 further up
    }
    return u8(bits >> 9 | bits >> 24);
}

// let_through sets those of eight 16-bit numbers to 0 whose bit is not set.
__device__ inline void let_through(word4 &q, unsigned bits) {
    unsigned high = bits * 0x08040201u, low = high << 4; // bits 7, 6, 5, 4 are the highest of the four bytes; 3, 2, 1, 0
    q.w[0] &= two_signs<3, 2>(low);
    q.w[1] &= two_signs<1, 0>(low);
    q.w[2] &= two_signs<3, 2>(high);
    q.w[3] &= two_signs<1, 0>(high);
}

// load_n and store_n move N elements, 1 or lanes<T>, as floats.
template <int N, class T> __device__ inline void load_n(float (&v)[N], const T *p) {
    Raw<T, N> r;
    load_raw(r, p); // unpacked where they lie they would be loaded four bytes at a time
    from_raw(v, r);
}
template <int N, class T> __device__ inline void store_n(T *p, const float (&v)[N]) {
    static_assert(N == 1 || N == lanes<T>, "one element or 16 bytes");
    if constexpr (N == 1) *p = from_float<T>(v[0]);
    else *reinterpret_cast<word4 *>(p) = pack<T>(v);
}

// The thread's place in the whole grid, and the grid's size: a loop from the one by the other visits all of n.
__device__ inline i64 grid_thread() { return i64(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline i64 grid_threads() { return i64(gridDim.x) * blockDim.x; }

// warp_sum gives every lane of a full warp the sum of all, added in one order whatever the lane.
template <class T> __device__ inline T warp_sum(T v) {
    for (int o = 16; o > 0; o /= 2) v += __shfl_xor_sync(~0u, v, o);
    return v;
}

// block_sum gives every thread the sum over the block, a whole number of warps, in a fixed order. All threads call
// it; it may be called again.
template <class T> __device__ inline T block_sum(T v) {
    SHARED(T, part, 32);
    v = warp_sum(v);
    __syncthreads(); // the sums of a call before have been read
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    T s = T(0);
    for (unsigned i = 0; i < blockDim.x / 32; i++) s += part[i];
    return s;
}
