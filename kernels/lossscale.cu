// The scale of a loss in device memory (gpu.ScaleLoss, gpu.AdaptScale), so that no step waits for the host to look at the one
// before. state [3]: the scale, steps since it changed, steps that were skipped.
#include "device.cuh"

// lossscale_forward_f32: y [n] = x times the scale.
extern "C" __global__ void __launch_bounds__(256) lossscale_forward_f32(float *y, const float *x, const double *state, int n) {
    float s = float(state[0]);
    for (i64 i = grid_thread(); i < n; i += grid_threads()) y[i] = x[i] * s;
}
EXPORT_KERNEL(lossscale_forward_f32)

// lossscale_adapt_f32: scale [1] = min(1, limit / n) over the scale of the loss, n being the gradient's length by sumsq, and 0 where
// that is not finite; limit 0 does not clip. Then state follows, and rates [3] are those of choice [7] for as many skipped steps as
// there were. One thread.
extern "C" __global__ void lossscale_adapt_f32(float *scale, float *rates, double *state, const float *choice, const double *sumsq,
                                               double limit, double least, int grow) {
    int from = state[2] == double(choice[6]) ? 0 : 3;
    for (int i = 0; i < 3; i++) rates[i] = choice[from + i];
    double gain = 1 / state[0], n = gain * sqrt(sumsq[0]), good = state[1] + 1;
    bool finite = n - n == 0.0;
    double s = limit > 0 && !(n <= limit) ? gain * (limit / n) : gain;
    scale[0] = finite ? float(s) : 0.0f;
    if (!finite && state[0] > least) {
        state[0] = state[0] / 2;
        state[2] = state[2] + 1;
        good = 0;
    } else if (finite && good >= grow) {
        state[0] = state[0] * 2;
        good = 0;
    }
    state[1] = good;
}
EXPORT_KERNEL(lossscale_adapt_f32)
