// Channels of zeros beside an image's or a filter's own (gpu.PadChannels), and gradients without them.
#include "device.cuh"

// pad_channels: y [rows, wide] = x [rows, c] and zeros. A thread makes N channels of a row, N dividing wide.
template <class T, class S, int N> __device__ inline void pad_channels(T *y, const S *x, i64 rows, int c, int wide) {
    int packs = wide / N;
    for (i64 i = grid_thread(); i < rows * packs; i += grid_threads()) {
        i64 row = i / packs;
        int first = int(i - row * packs) * N;
        float v[N];
#pragma unroll
        for (int k = 0; k < N; k++) v[k] = first + k < c ? to_float(x[row * c + first + k]) : 0.0f;
        if constexpr (N == 4) {
            store4(y + i * N, {v[0], v[1], v[2], v[3]});
        } else {
            y[i] = from_float<T>(v[0]);
        }
    }
}

template <class T, class S> __device__ inline void pad_channels(T *y, const S *x, i64 rows, int c, int wide) {
    if (wide % 4 == 0 && aligned16(y))
        pad_channels<T, S, 4>(y, x, rows, c, wide);
    else
        pad_channels<T, S, 1>(y, x, rows, c, wide);
}

#define PAD(T, S)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) padchannels_forward_##S(T *y, const T *x, i64 rows, int c,       \
                                                                              int wide) {                              \
        pad_channels<T, T>(y, x, rows, c, wide);                                                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(padchannels_forward_##S)
FOR_TYPES(PAD)

#define PAD_NARROW(T, S)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256) padchannels_narrow_##S(T *y, const float *x, i64 rows, int c,    \
                                                                             int wide) {                               \
        pad_channels<T, float>(y, x, rows, c, wide);                                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(padchannels_narrow_##S)
PAD_NARROW(bf16, bf16)
PAD_NARROW(f16, f16)

// padchannels_backward_f32: dx [rows, c] += the first c channels of dy [rows, wide].
extern "C" __global__ void __launch_bounds__(256) padchannels_backward_f32(float *dx, const float *dy, i64 rows, int c,
                                                                           int wide) {
    for (i64 i = grid_thread(); i < rows * c; i += grid_threads()) {
        i64 row = i / c;
        dx[i] += dy[row * wide + (i - row * c)];
    }
}
EXPORT_KERNEL(padchannels_backward_f32)
