// Channels of two tensors behind each other (gpu.Concat), and apart again (gpu.Split).
#include "device.cuh"

// joined_units moves units of U between y [rows, ca + cb] and a [rows, ca], b [rows, cb]; ca and cb count units. A thread moves one: into y, or out of it.
template <class U, bool INTO> __device__ inline void joined_units(U *y, U *a, U *b, i64 rows, int ca, int cb) {
    int wide = ca + cb;
    for (i64 i = grid_thread(); i < rows * wide; i += grid_threads()) {
        i64 row = i / wide;
        int col = int(i - row * wide);
        U *from = col < ca ? a + row * ca + col : b + row * cb + (col - ca);
        if constexpr (INTO) y[i] = *from;
        else *from = y[i];
    }
}

// joined moves as many bytes at a time as both numbers of channels and all addresses allow.
template <class T, bool INTO> __device__ inline void joined(T *y, T *a, T *b, i64 rows, int ca, int cb) {
    u64 bits = reinterpret_cast<u64>(y) | reinterpret_cast<u64>(a) | reinterpret_cast<u64>(b) | u64(ca * sizeof(T)) | u64(cb * sizeof(T));
    if (bits % 16 == 0) {
        int n = 16 / int(sizeof(T));
        joined_units<word4, INTO>(reinterpret_cast<word4 *>(y), reinterpret_cast<word4 *>(a), reinterpret_cast<word4 *>(b), rows, ca / n, cb / n);
    } else if (bits % 8 == 0) {
        int n = 8 / int(sizeof(T));
        joined_units<word2, INTO>(reinterpret_cast<word2 *>(y), reinterpret_cast<word2 *>(a), reinterpret_cast<word2 *>(b), rows, ca / n, cb / n);
    } else {
        joined_units<T, INTO>(y, a, b, rows, ca, cb);
    }
}

#define CONCAT(T, S)                                                                                                   \
    extern "C" __global__ void __launch_bounds__(256) concat_forward_##S(T *y, T *a, T *b, i64 rows, int ca, int cb) { \
        joined<T, true>(y, a, b, rows, ca, cb);                                                                        \
    }                                                                                                                  \
    EXPORT_KERNEL(concat_forward_##S)                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) concat_backward_##S(T *a, T *b, T *y, i64 rows, int ca,          \
                                                                          int cb) {                                    \
        joined<T, false>(y, a, b, rows, ca, cb);                                                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(concat_backward_##S)
FOR_TYPES(CONCAT)
