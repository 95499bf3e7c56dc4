// The sum of two tensors (gpu.Add).
#include "elem.cuh"

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

#define ADD(T, S)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(256) add_forward_##S(T *y, const T *a, const T *b, i64 n) {           \
        for_elements<T>(n, aligned16(y) && aligned16(a) && aligned16(b), Add<T>{y, a, b});                             \
    }                                                                                                                  \
    EXPORT_KERNEL(add_forward_##S)
FOR_TYPES(ADD)
