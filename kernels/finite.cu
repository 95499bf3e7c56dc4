// A search for NaN and infinity (gpu.Finite).
#include "device.cuh"

// finite_forward sets flag [1] to 1 if an element of x [n] is NaN or infinite. All writers write the same.
template <class T> __device__ inline void finite_forward(int *flag, const T *x, i64 n) {
    i64 stride = (i64)gridDim.x * blockDim.x;
    bool bad = false;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        float v = to_float(x[i]);
        bad = bad || !(v - v == 0.0f);
    }
    if (bad) flag[0] = 1;
}

#define FINITE(T, S)                                                                                                   \
    extern "C" __global__ void finite_forward_##S(int *flag, const T *x, i64 n) { finite_forward(flag, x, n); } \
    EXPORT_KERNEL(finite_forward_##S)
FOR_TYPES(FINITE)
