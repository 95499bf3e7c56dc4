// Products of float32 numbers on tensor cores, with float32's accuracy.
//
// A TF32 number has 11 of float32's 24 significant bits. So a number is taken as two, x = hi + lo, and three products are
// summed, hi hi + hi lo + lo hi (Ootomo and Yokota 2022, "Recovering single precision accuracy from tensor cores"). Tensor
// cores cut off where float32 rounds, so what they sum begins at 0 for every 16 products, and these sums are added
// in float32.
//
// The sum of d products x y is wrong by at most (36 + d / 16) 2^-24 sum |x y|: of each 16 products by 28 units 2^-24 where
// tensor cores cut (those of sm_80, which cut off most), by 4 where lo has lost its last bit, by 4 for lo lo; and by one for each
// addition. Fused multiply-adds one after another are wrong by up to d 2^-24 sum |x y|.
#pragma once
#include "device.cuh"

#if defined(__CUDA_ARCH__)

// mma_tf32 adds to d [16, 8] the product of a [16, 8] and b [8, 8], of TF32. Of lane 4 g + t, a full warp's: a has rows g and g + 8
// of column t, then of t + 4; b rows t and t + 4 of column g; d columns 2 t and 2 t + 1 of row g, then of g + 8.
__device__ __forceinline__ void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#else // the emulator plays it

__device__ inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { simt::mma_tf32(d, a, b); }

#endif

// Parts are four numbers as hi + lo. hi is rounded to the nearest, away from 0 between two, as cvt.rna.tf32.f32 does, which takes twice
// the instructions for keeping a NaN: here lo is one then.
struct Parts {
    unsigned hi[4], lo[4];
};

__device__ __forceinline__ Parts parts_of(const float (&v)[4]) {
    Parts p;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        p.hi[i] = (__float_as_uint(v[i]) + 0x1000u) & 0xffffe000u;
        p.lo[i] = __float_as_uint(v[i] - __uint_as_float(p.hi[i])) & 0xffffe000u;
    }
    return p;
}
__device__ __forceinline__ Parts parts_of(vec4 v) {
    float list[4] = {v.x, v.y, v.z, v.w};
    return parts_of(list);
}

// tensor_step adds to d the products of 8 of 16 columns: of each lane's four numbers those at 2 h and 2 h + 1. Which
// columns these are is all the same, as long as left and right agree.
__device__ __forceinline__ void tensor_step(float (&d)[4], const unsigned (&top)[4], const unsigned (&bottom)[4], const unsigned (&right)[4], int h) {
    mma_tf32(d, {top[2 * h], bottom[2 * h], top[2 * h + 1], bottom[2 * h + 1]}, {right[2 * h], right[2 * h + 1]});
}

// tensor_product adds to s [16, 8], which lies as mma_tf32's d, the products of 16 columns: of lane 4 g + t, top and bottom have
// columns 4 t to 4 t + 3 of rows g and g + 8 on the left, right has those of row g on the right.
__device__ __forceinline__ void tensor_product(float (&s)[4], const Parts &top, const Parts &bottom, const Parts &right) {
    float d[4] = {};
#pragma unroll
    for (int h = 0; h < 2; h++) tensor_step(d, top.lo, bottom.lo, right.hi, h); // the small ones first
#pragma unroll
    for (int h = 0; h < 2; h++) tensor_step(d, top.hi, bottom.hi, right.lo, h);
#pragma unroll
    for (int h = 0; h < 2; h++) tensor_step(d, top.hi, bottom.hi, right.hi, h);
#pragma unroll
    for (int i = 0; i < 4; i++) s[i] += d[i];
}
