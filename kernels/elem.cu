// Operations on each element by itself: sums, ReLU, conversions (gpu.Add, gpu.ReLU, gpu.ReLUBackward, gpu.Cast). Results may be
// written over inputs: a thread reads an element of every input before it writes that element.
#include "device.cuh"

// width says how many elements a step handles, at compile time.
template <int N> struct width {
    static constexpr int n = N;
};

// for_elements calls f(i, width<N>) for elements [i, i + N) of n in all: 16 bytes of T at a time where wide, then one by
// one over the same threads.
template <class T, class F> __device__ inline void for_elements(i64 n, bool wide, F f) {
    i64 packs = wide ? n / lanes<T> : 0;
    for (i64 i = grid_thread(); i < packs; i += grid_threads()) f(i * lanes<T>, width<lanes<T>>());
    for (i64 i = packs * lanes<T> + grid_thread(); i < n; i += grid_threads()) f(i, width<1>());
}

// add_forward: y = a + b.
template <class T> __device__ inline void add_forward(T *y, const T *a, const T *b, i64 n) {
    for_elements<T>(n, aligned16(y) && aligned16(a) && aligned16(b), [=](i64 i, auto w) {
        constexpr int N = decltype(w)::n;
        float u[N], v[N];
        load_n<N>(u, a + i);
        load_n<N>(v, b + i);
#pragma unroll
        for (int k = 0; k < N; k++) u[k] += v[k];
        store_n<N>(y + i, u);
    });
}

// relu_forward: y = max(x, 0); NaN stays.
template <class T> __device__ inline void relu_forward(T *y, const T *x, i64 n) {
    for_elements<T>(n, aligned16(y) && aligned16(x), [=](i64 i, auto w) {
        constexpr int N = decltype(w)::n;
        float v[N];
        load_n<N>(v, x + i);
#pragma unroll
        for (int k = 0; k < N; k++) v[k] = v[k] < 0.0f ? 0.0f : v[k];
        store_n<N>(y + i, v);
    });
}

// relu_backward: dx = dy where y > 0, else 0.
template <class T> __device__ inline void relu_backward(T *dx, const T *dy, const T *y, i64 n) {
    for_elements<T>(n, aligned16(dx) && aligned16(dy) && aligned16(y), [=](i64 i, auto w) {
        constexpr int N = decltype(w)::n;
        float d[N], v[N];
        load_n<N>(d, dy + i);
        load_n<N>(v, y + i);
#pragma unroll
        for (int k = 0; k < N; k++) d[k] = v[k] > 0.0f ? d[k] : 0.0f;
        store_n<N>(dx + i, d);
    });
}

// cast_narrow: y = x rounded to T; cast_widen: y = x. Eight elements at a time are 16 bytes of T.
template <class T> __device__ inline void cast_narrow(T *y, const float *x, i64 n) {
    for_elements<T>(n, aligned16(y) && aligned16(x), [=](i64 i, auto w) {
        if constexpr (decltype(w)::n == 1) {
            y[i] = from_float<T>(x[i]);
        } else {
            vec4 a = load4(x + i), b = load4(x + i + 4);
            store_n<8>(y + i, {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w});
        }
    });
}
template <class T> __device__ inline void cast_widen(float *y, const T *x, i64 n) {
    for_elements<T>(n, aligned16(y) && aligned16(x), [=](i64 i, auto w) {
        constexpr int N = decltype(w)::n;
        float v[N];
        load_n<N>(v, x + i);
        if constexpr (N == 1) {
            y[i] = v[0];
        } else {
            store4(y + i, {v[0], v[1], v[2], v[3]});
            store4(y + i + 4, {v[4], v[5], v[6], v[7]});
        }
    });
}

#define ELEM(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) add_forward_##S(T *y, const T *a, const T *b, i64 n) {           \
        add_forward(y, a, b, n);                                                                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(add_forward_##S)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) relu_forward_##S(T *y, const T *x, i64 n) {                      \
        relu_forward(y, x, n);                                                                                         \
    }                                                                                                                  \
    EXPORT_KERNEL(relu_forward_##S)                                                                                    \
    extern "C" __global__ void __launch_bounds__(256) relu_backward_##S(T *dx, const T *dy, const T *y, i64 n) {       \
        relu_backward(dx, dy, y, n);                                                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(relu_backward_##S)
FOR_TYPES(ELEM)

#define CAST(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) cast_narrow_##S(T *y, const float *x, i64 n) {                   \
        cast_narrow(y, x, n);                                                                                          \
    }                                                                                                                  \
    EXPORT_KERNEL(cast_narrow_##S)                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) cast_widen_##S(float *y, const T *x, i64 n) {                    \
        cast_widen(y, x, n);                                                                                           \
    }                                                                                                                  \
    EXPORT_KERNEL(cast_widen_##S)
CAST(bf16, bf16)
CAST(f16, f16)
