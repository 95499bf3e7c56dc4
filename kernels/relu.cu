// Rectified linear units (gpu.ReLU, gpu.ReLUBackward).
#include "elem.cuh"

// Relu: y = max(x, 0); NaN stays.
template <class T> struct Relu {
    T *y;
    const T *x;
    template <int N> __device__ inline void at(i64 i) const {
        float v[N];
        load_n<N>(v, x + i);
#pragma unroll
        for (int k = 0; k < N; k++) v[k] = v[k] < 0.0f ? 0.0f : v[k];
        store_n<N>(y + i, v);
    }
};

// ReluBackward: dx = dy where y > 0, else 0.
template <class T> struct ReluBackward {
    T *dx;
    const T *dy, *y;
    template <int N> __device__ inline void at(i64 i) const {
        float d[N], v[N];
        load_n<N>(d, dy + i);
        load_n<N>(v, y + i);
#pragma unroll
        for (int k = 0; k < N; k++) d[k] = v[k] > 0.0f ? d[k] : 0.0f;
        store_n<N>(dx + i, d);
    }
};

#define RELU(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) relu_forward_##S(T *y, const T *x, i64 n) {                      \
        for_elements<T>(n, aligned16(y) && aligned16(x), Relu<T>{y, x});                                               \
    }                                                                                                                  \
    EXPORT_KERNEL(relu_forward_##S)                                                                                    \
    extern "C" __global__ void __launch_bounds__(256) relu_backward_##S(T *dx, const T *dy, const T *y, i64 n) {       \
        for_elements<T>(n, aligned16(dx) && aligned16(dy) && aligned16(y), ReluBackward<T>{dx, dy, y});                \
    }                                                                                                                  \
    EXPORT_KERNEL(relu_backward_##S)
FOR_TYPES(RELU)
