// Conversions between float32 and 16 bits (gpu.Cast), and what gpu.ConvBackwardWeight adds up.
#include "elem.cuh"

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
