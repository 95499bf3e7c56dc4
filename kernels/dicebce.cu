// The loss of masks (gpu.DiceBCE): cross-entropy of each element, and Dice over all.
#include "columns.cuh"
#include "numeric.cuh"

// What is summed over elements: their cross-entropy, p t, p, t, and how many are known.
constexpr int dice_sums = 5;

// sigmoid_of makes p and q = 1 - p of a logit, each with all its digits; e is e^-|x|.
__device__ inline void sigmoid_of(float x, float &p, float &q, float &e) {
    e = exp_of(x < 0.0f ? x : -x);
    float large = 1.0f / (1.0f + e), small = e * large;
    p = x < 0.0f ? small : large;
    q = x < 0.0f ? large : small;
}

// dicebce_forward: out [4], and the sums [5], which every block leaves of its share at sums + 5 (1 + block) and the last one adds up. 256 threads.
template <class T>
__device__ inline void dicebce_forward(float *out, double *sums, unsigned *tickets, const T *x, const float *t, const u8 *known, i64 n, int rows, double bce, double dice, double smooth) {
    double s[dice_sums] = {0, 0, 0, 0, 0};
    for (i64 i = grid_thread(); i < n; i += grid_threads()) {
        if (known[i] == 0) continue;
        float v = to_float(x[i]), truth = t[i], p, q, e;
        sigmoid_of(v, p, q, e);
        s[0] += double((v > 0.0f ? v : 0.0f) - v * truth) + log_of(1.0 + e);
        s[1] += p * truth;
        s[2] += p;
        s[3] += truth;
        s[4] += 1.0;
    }
#pragma unroll
    for (int k = 0; k < dice_sums; k++) {
        double all = block_sum(s[k]);
        if (threadIdx.x == 0) sums[dice_sums * (1 + blockIdx.x) + k] = all;
    }
    if (!last_of(gridDim.x, tickets)) return;
#pragma unroll
    for (int k = 0; k < dice_sums; k++) {
        s[k] = 0;
        for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) s[k] += sums[dice_sums * (1 + b) + k];
        s[k] = block_sum(s[k]);
    }
    if (threadIdx.x != 0) return;
#pragma unroll
    for (int k = 0; k < dice_sums; k++) sums[k] = s[k];
    double mean = s[4] > 0 ? s[0] / s[4] : 0.0, rest = s[4] > 0 ? 1.0 - (2.0 * s[1] + smooth) / (s[2] + s[3] + smooth) : 0.0;
    out[0] = float(bce * mean + dice * rest);
    out[1] = float(mean);
    out[2] = float(rest);
    out[3] = n > 0 ? float(s[4] / double(n) * rows) : 0.0f;
}

// dicebce_backward: dx of what forward left in sums.
template <class T>
__device__ inline void dicebce_backward(T *dx, const T *x, const float *t, const u8 *known, const double *sums, const float *scale, i64 n, double bce, double dice, double smooth) {
    double below = sums[2] + sums[3] + smooth, k = sums[4] > 0 ? double(scale[0]) : 0.0;
    float each = sums[4] > 0 ? float(k * bce / sums[4]) : 0.0f;
    float all = float(k * dice * (2.0 * sums[1] + smooth) / (below * below)), own = float(k * dice * 2.0 / below);
    for (i64 i = grid_thread(); i < n; i += grid_threads()) {
        float p, q, e, g = 0.0f;
        if (known[i] != 0) {
            float truth = t[i];
            sigmoid_of(to_float(x[i]), p, q, e);
            g = (all - own * truth) * (p * q) + each * ((1.0f - truth) * p - truth * q); // p - t, with its digits where p is near t
        }
        dx[i] = from_float<T>(g);
    }
}

#define DICEBCE(T, S)                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256) dicebce_forward_##S(float *out, double *sums, unsigned *tickets, const T *x, const float *t, const u8 *known, i64 n, int rows, double bce,   \
                                                                          double dice, double smooth) {                \
        dicebce_forward(out, sums, tickets, x, t, known, n, rows, bce, dice, smooth);                                      \
    }                                                                                                                  \
    EXPORT_KERNEL(dicebce_forward_##S)                                                                                 \
    extern "C" __global__ void __launch_bounds__(256) dicebce_backward_##S(T *dx, const T *x, const float *t, const u8 *known, const double *sums, const float *scale, i64 n, double bce,          \
                                                                           double dice, double smooth) {               \
        dicebce_backward(dx, x, t, known, sums, scale, n, bce, dice, smooth);                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(dicebce_backward_##S)
FOR_TYPES(DICEBCE)
