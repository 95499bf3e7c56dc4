// Rows scaled to unit length (gpu.L2Norm): one warp to a row, sums in float64, which costs less than the memory it waits for.
#include "device.cuh"

// l2norm_forward_f32 computes norm [rows] = max(|x|, eps) and y = x / norm for rows x [rows, cols].
extern "C" __global__ void l2norm_forward_f32(float *y, float *norm, const float *x, int rows, int cols, double eps) {
    int lane = threadIdx.x % 32, step = gridDim.x * (blockDim.x / 32);
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < rows; r += step) {
        const float *from = x + (i64)r * cols;
        float *to = y + (i64)r * cols;
        double sum = 0;
        for (int c = lane; c < cols; c += 32) sum += double(from[c]) * from[c];
        for (int o = 16; o > 0; o /= 2) sum += __shfl_xor_sync(~0u, sum, o);
        double n = sqrt(sum);
        n = n < eps ? eps : n; // a NaN stays
        double inv = 1 / n;
        if (lane == 0) norm[r] = float(n);
        for (int c = lane; c < cols; c += 32) to[c] = float(from[c] * inv);
    }
}
EXPORT_KERNEL(l2norm_forward_f32)

// l2norm_backward_f32 computes dx = (dy - (dy.y) y) / norm, without the projection where norm is eps: there forward is
// linear. dx may be dy.
extern "C" __global__ void l2norm_backward_f32(float *dx, const float *dy, const float *y, const float *norm, int rows, int cols, float eps) {
    int lane = threadIdx.x % 32, step = gridDim.x * (blockDim.x / 32);
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < rows; r += step) {
        const float *d = dy + (i64)r * cols, *v = y + (i64)r * cols;
        float *to = dx + (i64)r * cols, n = norm[r];
        double along = 0;
        for (int c = lane; c < cols; c += 32) along += double(d[c]) * v[c];
        for (int o = 16; o > 0; o /= 2) along += __shfl_xor_sync(~0u, along, o);
        along = n > eps ? along : 0.0;
        double inv = 1 / double(n);
        for (int c = lane; c < cols; c += 32) to[c] = float((d[c] - along * v[c]) * inv);
    }
}
EXPORT_KERNEL(l2norm_backward_f32)
