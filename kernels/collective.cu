// What GPUs compute of what they have exchanged (gpu.AllMean): every rank for itself, with the same bytes.
#include "device.cuh"

// allmean_forward_f32 divides x [n], which ranks have summed, by their number.
extern "C" __global__ void allmean_forward_f32(float *x, float ranks, i64 n) {
    for (i64 i = grid_thread(); i < n; i += grid_threads()) x[i] /= ranks;
}
EXPORT_KERNEL(allmean_forward_f32)
