// Kernels that test the emulator itself: some right, most wrong in one way that it must find.
#include "simt.h"

#define KERNEL extern "C" __global__ void

template <bool all_barriers> void sum_rows(float *out, const float *in, int rows, int cols) {
    SHARED(float, part, 8);
    for (int r = 0; r < rows; r++) {
        float s = 0;
        for (int c = int(threadIdx.x); c < cols; c += int(blockDim.x))
            s += in[r * cols + c];
        for (int o = 16; o; o /= 2)
            s += __shfl_xor_sync(~0u, s, o);
        if (threadIdx.x % 32 == 0)
            part[threadIdx.x / 32] = s;
        __syncthreads();
        s = 0;
        for (unsigned w = 0; w < blockDim.x / 32; w++)
            s += part[w];
        if (threadIdx.x == blockDim.x - 1)
            out[r] = s;
        if (all_barriers)
            __syncthreads(); // or a fast warp writes its part of the next row while others still read
    }
}
KERNEL row_sums(float *out, const float *in, int rows, int cols) { sum_rows<true>(out, in, rows, cols); }
EXPORT_KERNEL(row_sums)
KERNEL row_sums_race(float *out, const float *in, int rows, int cols) { sum_rows<false>(out, in, rows, cols); }
EXPORT_KERNEL(row_sums_race)

KERNEL write_beyond(float *p, int n) {
    int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i <= n)
        p[i] = 1;
}
EXPORT_KERNEL(write_beyond)
KERNEL write_before(float *p) { p[-1] = 1; }
EXPORT_KERNEL(write_before)
KERNEL read_beyond(float *out, const float *p, int n) { out[0] = p[n]; }
EXPORT_KERNEL(read_beyond)

KERNEL divergent(int *out) {
    if (threadIdx.x < 16)
        __syncthreads();
    else
        __syncthreads();
    out[threadIdx.x] = 1;
}
EXPORT_KERNEL(divergent)
KERNEL exited(int *out) {
    if (threadIdx.x >= 16)
        return;
    __syncthreads();
    out[threadIdx.x] = 1;
}
EXPORT_KERNEL(exited)
KERNEL lane_missing(int *out) {
    if (threadIdx.x < 8)
        out[threadIdx.x] = __shfl_sync(0xffffu, int(threadIdx.x), 0);
    else
        __syncthreads();
}
EXPORT_KERNEL(lane_missing)
KERNEL left_out(int *out) { out[threadIdx.x] = int(__ballot_sync(0xffffu, 1)); }
EXPORT_KERNEL(left_out)
KERNEL trapped(int *out) {
    if (blockIdx.x == 1 && threadIdx.x == 5)
        __trap();
    out[threadIdx.x] = 1;
}
EXPORT_KERNEL(trapped)
KERNEL for_ever(unsigned *flag) {
    while (atomicAdd(flag, 0) == 0)
        __nanosleep(10);
}
EXPORT_KERNEL(for_ever)

KERNEL shared_fresh(unsigned *out) {
    SHARED(unsigned, fixed, 64);
    SHARED_DYNAMIC(unsigned, dynamic);
    out[threadIdx.x] = fixed[threadIdx.x];
    out[64 + threadIdx.x] = dynamic[threadIdx.x];
    __syncthreads();
    fixed[threadIdx.x] = dynamic[threadIdx.x] = threadIdx.x;
}
EXPORT_KERNEL(shared_fresh)
KERNEL shared_beyond(int by) {
    SHARED(int, a, 16);
    int *p = a;
    if (threadIdx.x == 3)
        p[15 + by] = 1;
}
EXPORT_KERNEL(shared_beyond)
KERNEL shared_too_much(int *out) {
    SHARED(char, a, 49 << 10);
    a[0] = 1;
    out[0] = a[0];
}
EXPORT_KERNEL(shared_too_much)

// mma_whole computes d [16, 8] = c + a [16, 8] b [8, 8] in one warp, by the fragments of the manual: "Matrix fragments for
// mma.m16n8k8", of .tf32.
KERNEL mma_whole(float *d, const float *a, const float *b, const float *c) {
    unsigned lane = threadIdx.x, group = lane >> 2, in_group = lane % 4, row[4] = {group, group + 8, group, group + 8};
    unsigned left[4], right[2];
    float sum[4];
    for (unsigned i = 0; i < 4; i++) {
        left[i] = __float_as_uint(a[row[i] * 8 + (i < 2 ? in_group : in_group + 4)]);
        sum[i] = c[(i < 2 ? group : group + 8) * 8 + in_group * 2 + (i & 1)];
    }
    for (unsigned i = 0; i < 2; i++)
        right[i] = __float_as_uint(b[(i < 1 ? in_group : in_group + 4) * 8 + group]);
    simt::mma_tf32(sum, left, right);
    for (unsigned i = 0; i < 4; i++)
        d[(i < 2 ? group : group + 8) * 8 + in_group * 2 + (i & 1)] = sum[i];
}
EXPORT_KERNEL(mma_whole)
// mma_parted leaves the last lane out.
KERNEL mma_parted(float *d) {
    unsigned left[4] = {}, right[2] = {};
    float sum[4] = {};
    if (threadIdx.x % 32 < 31)
        simt::mma_tf32(sum, left, right);
    d[threadIdx.x] = sum[0];
}
EXPORT_KERNEL(mma_parted)

// grid_sum is a barrier of the whole grid: every block adds up what all of them wrote before it.
KERNEL grid_sum(unsigned *out, unsigned *partial, unsigned *arrived) {
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = blockIdx.x + 1;
        __threadfence();
        atomicAdd(arrived, 1);
        while (atomicAdd(arrived, 0) < gridDim.x)
            __nanosleep(100);
    }
    __syncthreads();
    unsigned s = 0;
    for (unsigned b = 0; b < gridDim.x; b++)
        s += partial[b];
    out[blockIdx.x * blockDim.x + threadIdx.x] = s;
}
EXPORT_KERNEL(grid_sum)

// arrival writes the order in which the threads of the grid came.
KERNEL arrival(int *out, int *ticket) {
    int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    out[i] = atomicAdd(ticket, 1);
}
EXPORT_KERNEL(arrival)

// warp_ops writes ten results for every thread; the test has the table.
KERNEL warp_ops(int *out) {
    int t = int(threadIdx.x), *o = out + 10 * t;
    o[0] = __shfl_sync(~0u, t, 3);
    o[1] = __shfl_sync(~0u, t, 5, 8);
    o[2] = __shfl_xor_sync(~0u, t, 9);
    o[3] = __shfl_down_sync(~0u, t, 4u);
    o[4] = __shfl_up_sync(~0u, t, 4u, 16);
    o[5] = int(__ballot_sync(~0u, t % 3 == 0));
    o[6] = __any_sync(~0u, t == 40);
    o[7] = __all_sync(~0u, t < 32);
    o[8] = t % 32 < 16 ? __shfl_sync(0xffffu, t, 1) : -2; // half a warp
    __syncwarp();
    o[9] = int(__shfl_xor_sync(~0u, (long long)t << 32, 1) >> 32);
}
EXPORT_KERNEL(warp_ops)
// absent_lane reads from a lane that has ended.
KERNEL absent_lane(unsigned *out) {
    if (threadIdx.x >= 16)
        return;
    out[threadIdx.x] = __shfl_sync(0xffffffffu, threadIdx.x, 20);
}
EXPORT_KERNEL(absent_lane)

KERNEL atomics(int *p, unsigned long long *wide) {
    int t = int(threadIdx.x);
    atomicAdd(&p[0], t);
    atomicMax(&p[1], t);
    atomicMin(&p[2], -t);
    atomicOr(&p[3], 1 << t % 32);
    atomicExch(&p[4], 7);
    for (int seen = p[5];;) {
        int was = atomicCAS(&p[5], seen, seen + 2);
        if (was == seen)
            break;
        seen = was;
    }
    atomicAdd(wide, 1ull << 33);
}
EXPORT_KERNEL(atomics)

struct Pair {
    char a;
    double b;
};
KERNEL arguments(double *out, char c, short s, Pair p, int i) { out[0] = c + 10 * s + 100 * p.a + 1000 * p.b + 10000 * i; }
EXPORT_KERNEL(arguments)

KERNEL coordinates(int *out) {
    unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1;
}
EXPORT_KERNEL(coordinates)

KERNEL add_one(int *p, int n) {
    int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n)
        p[i] += 1;
}
EXPORT_KERNEL(add_one)
