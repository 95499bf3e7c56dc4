// Rows that are absent become zero (gpu.MaskRows).
#include "device.cuh"

// maskrows_forward: row r of y [rows, c] is that of x if present[r], else 0. Blocks take rows by y, elements of a row by x.
template <class T, int N> __device__ inline void maskrows_forward(T *y, const T *x, const u8 *present, int rows, i64 c) {
    for (i64 r = blockIdx.y; r < rows; r += gridDim.y) {
        bool here = present[r] != 0;
        for (i64 i = grid_thread() * N; i < c; i += grid_threads() * N) {
            float v[N] = {};
            if (here) load_n<N>(v, x + r * c + i);
            store_n<N>(y + r * c + i, v);
        }
    }
}

#define MASK(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) maskrows_forward_##S(T *y, const T *x, const u8 *present,        \
                                                                           int rows, i64 c) {                          \
        if (c % lanes<T> == 0 && aligned16(y) && aligned16(x))                                                         \
            maskrows_forward<T, lanes<T>>(y, x, present, rows, c);                                                     \
        else                                                                                                           \
            maskrows_forward<T, 1>(y, x, present, rows, c);                                                            \
    }                                                                                                                  \
    EXPORT_KERNEL(maskrows_forward_##S)
FOR_TYPES(MASK)
