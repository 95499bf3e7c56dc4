// The rescale rule of a ReLU (gpu.ReLURescale): each element by itself.
#include "device.cuh"

// relu_rescale_f32 computes dx of dy for rows x [rows, cols] and b [bases, cols]: row r goes with row r % bases.
extern "C" __global__ void __launch_bounds__(256) relu_rescale_f32(float *dx, const float *dy, const float *x, const float *b, i64 n, i64 period,
                                                                   float least) {
    for (i64 i = grid_thread(); i < n; i += grid_threads()) {
        float v = x[i], w = b[i % period], gap = v - w;
        float slope = v > 0.0f ? 1.0f : 0.0f;
        if (!(gap < least && gap > -least)) slope = ((v < 0.0f ? 0.0f : v) - (w < 0.0f ? 0.0f : w)) / gap;
        dx[i] = dy[i] * slope;
    }
}
EXPORT_KERNEL(relu_rescale_f32)
