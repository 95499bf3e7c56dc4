// The length of a gradient and what follows from it: sum of squares and clipping (gpu.SumSquares, gpu.ClipScale).
#include "columns.cuh"

__device__ inline double square4(vec4 v) {
    return double(v.x) * v.x + double(v.y) * v.y + (double(v.z) * v.z + double(v.w) * v.w);
}

// sumsquares_forward_f32 adds the squares of x [n] to out [1]: every block those of its share, into partial [gridDim.x], and the
// last one what all left. 256 threads.
extern "C" __global__ void sumsquares_forward_f32(double *out, double *partial, unsigned *tickets, const float *x, i64 n) {
    i64 stride = (i64)gridDim.x * blockDim.x, t = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    i64 quads = aligned16(x) ? n / 4 : 0, i = t;
    const vec4 *q = reinterpret_cast<const vec4 *>(x);
    double sum = 0;
    for (; i + 3 * stride < quads; i += 4 * stride) { // four loads in flight
        vec4 a = q[i], b = q[i + stride], c = q[i + 2 * stride], d = q[i + 3 * stride];
        sum += square4(a) + square4(b) + (square4(c) + square4(d));
    }
    for (; i < quads; i += stride) sum += square4(q[i]);
    for (i64 k = 4 * quads + t; k < n; k += stride) sum += double(x[k]) * x[k];
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
    if (last_of(gridDim.x, tickets)) {
        sum = 0;
        for (unsigned p = threadIdx.x; p < gridDim.x; p += blockDim.x) sum += partial[p];
        sum = block_sum(sum);
        if (threadIdx.x == 0) out[0] += sum;
    }
}
EXPORT_KERNEL(sumsquares_forward_f32)

// clipscale_forward_f32 computes scale [1] = gain * min(1, limit / (gain * sqrt(sumsq))); limit 0 does not clip; 0
// where sumsq is not finite. One thread.
extern "C" __global__ void clipscale_forward_f32(float *scale, const double *sumsq, double limit, double gain) {
    double n = gain * sqrt(sumsq[0]);
    double s = limit > 0 && !(n <= limit) ? gain * (limit / n) : gain;
    scale[0] = n - n == 0.0 ? float(s) : 0.0f;
}
EXPORT_KERNEL(clipscale_forward_f32)
