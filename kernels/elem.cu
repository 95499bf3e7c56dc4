// Operations on each element by itself: sums, ReLU, conversions (gpu.Add, gpu.ReLU, gpu.ReLUBackward, gpu.Cast, and what gpu.ConvBackwardWeight adds up). Results may be
// written over inputs: a thread reads an element of every input before it writes that element.
#include "device.cuh"

// for_elements calls op.at<N>(i) for elements [i, i + N) of n in all: 16 bytes of T at a time where wide, then one by one
// over the same threads.
template <class T, class Op> __device__ inline void for_elements(i64 n, bool wide, const Op &op) {
    i64 packs = wide ? n / lanes<T> : 0;
    for (i64 i = grid_thread(); i < packs; i += grid_threads()) op.template at<lanes<T>>(i * lanes<T>);
    for (i64 i = packs * lanes<T> + grid_thread(); i < n; i += grid_threads()) op.template at<1>(i);
}

// Add: y = a + b.
template <class T> struct Add {
    T *y;
    const T *a, *b;
    template <int N> __device__ inline void at(i64 i) const {
        float u[N], v[N];
        load_n<N>(u, a + i);
        load_n<N>(v, b + i);
#pragma unroll
        for (int k = 0; k < N; k++) u[k] += v[k];
        store_n<N>(y + i, u);
    }
};

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

// Narrow: y = x rounded to T; Widen: y = x. Eight elements at a time are 16 bytes of T.
template <class T> struct Narrow {
    T *y;
    const float *x;
    template <int N> __device__ inline void at(i64 i) const {
        float v[N];
        if constexpr (N == 1) {
            v[0] = x[i];
        } else {
            vec4 a = load4(x + i), b = load4(x + i + 4);
            v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
        }
        store_n<N>(y + i, v);
    }
};
template <class T> struct Widen {
    float *y;
    const T *x;
    template <int N> __device__ inline void at(i64 i) const {
        float v[N];
        load_n<N>(v, x + i);
        if constexpr (N == 1) {
            y[i] = v[0];
        } else {
            store4(y + i, {v[0], v[1], v[2], v[3]});
            store4(y + i + 4, {v[4], v[5], v[6], v[7]});
        }
    }
};

// Accumulate: y += x.
template <class T> struct Accumulate {
    float *y;
    const T *x;
    template <int N> __device__ inline void at(i64 i) const {
        float v[N];
        load_n<N>(v, x + i);
        if constexpr (N == 1) {
            y[i] += v[0];
        } else {
            vec4 a = load4(y + i), b = load4(y + i + 4);
            store4(y + i, {a.x + v[0], a.y + v[1], a.z + v[2], a.w + v[3]});
            store4(y + i + 4, {b.x + v[4], b.y + v[5], b.z + v[6], b.w + v[7]});
        }
    }
};

#define ELEM(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) add_forward_##S(T *y, const T *a, const T *b, i64 n) {           \
        for_elements<T>(n, aligned16(y) && aligned16(a) && aligned16(b), Add<T>{y, a, b});                             \
    }                                                                                                                  \
    EXPORT_KERNEL(add_forward_##S)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) relu_forward_##S(T *y, const T *x, i64 n) {                      \
        for_elements<T>(n, aligned16(y) && aligned16(x), Relu<T>{y, x});                                               \
    }                                                                                                                  \
    EXPORT_KERNEL(relu_forward_##S)                                                                                    \
    extern "C" __global__ void __launch_bounds__(256) relu_backward_##S(T *dx, const T *dy, const T *y, i64 n) {       \
        for_elements<T>(n, aligned16(dx) && aligned16(dy) && aligned16(y), ReluBackward<T>{dx, dy, y});                \
    }                                                                                                                  \
    EXPORT_KERNEL(relu_backward_##S)
FOR_TYPES(ELEM)

#define CAST(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) cast_narrow_##S(T *y, const float *x, i64 n) {                   \
        for_elements<T>(n, aligned16(y) && aligned16(x), Narrow<T>{y, x});                                             \
    }                                                                                                                  \
    EXPORT_KERNEL(cast_narrow_##S)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) cast_widen_##S(float *y, const T *x, i64 n) {                    \
        for_elements<T>(n, aligned16(y) && aligned16(x), Widen<T>{y, x});                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(cast_widen_##S)                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) cast_add_##S(float *y, const T *x, i64 n) {                      \
        for_elements<T>(n, aligned16(y) && aligned16(x), Accumulate<T>{y, x});                                         \
    }                                                                                                                  \
    EXPORT_KERNEL(cast_add_##S)
CAST(bf16, bf16)
CAST(f16, f16)
