// Rows scaled to unit length (gpu.L2Norm): one warp to a row.
#include "l2norm.cuh"

// l2norm_forward computes norm [rows] = max(|x|, eps) and y = x / norm for rows x [rows, cols].
template <class T>
__device__ inline void l2norm_forward(float *y, float *norm, const T *x, int rows, int cols, double eps) {
    int step = gridDim.x * (blockDim.x / 32);
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < rows; r += step) {
        float n = unit_row(y + (i64)r * cols, x + (i64)r * cols, cols, eps);
        if (threadIdx.x % 32 == 0) norm[r] = n;
    }
}

// l2norm_backward computes dx of dy. Rows that are absent become 0, whatever they hold, and all of them where *count is below
// 2; present and count are null if all take part.
template <class T>
__device__ inline void l2norm_backward(T *dx, const float *dy, const float *y, const float *norm, const u8 *present,
                                       const float *count, int rows, int cols, float eps) {
    int step = gridDim.x * (blockDim.x / 32);
    bool live = count == nullptr || *count >= 2.0f;
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < rows; r += step) {
        i64 at = (i64)r * cols;
        if (live && (present == nullptr || present[r] != 0)) unit_row_backward(dx + at, dy + at, y + at, norm[r], cols, eps);
        else zero_row(dx + at, cols);
    }
}

#define L2NORM(T, S)                                                                                                   \
    extern "C" __global__ void l2norm_forward_##S(float *y, float *norm, const T *x, int rows, int cols, double eps) { \
        l2norm_forward(y, norm, x, rows, cols, eps);                                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(l2norm_forward_##S)                                                                                  \
    extern "C" __global__ void l2norm_backward_##S(T *dx, const float *dy, const float *y, const float *norm,          \
                                                   const u8 *present, const float *count, int rows, int cols,          \
                                                   float eps) {                                                        \
        l2norm_backward(dx, dy, y, norm, present, count, rows, cols, eps);                                             \
    }                                                                                                                  \
    EXPORT_KERNEL(l2norm_backward_##S)
FOR_TYPES(L2NORM)
