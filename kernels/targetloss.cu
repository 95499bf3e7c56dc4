// Losses of predictions against what is known of their targets (gpu.TargetLoss). Kinds are those of gpu.TargetKind.
#include "numeric.cuh"

// targetloss_count_f32 writes counts [k]: how many of known [n, k] are 1, a block of 256 to a column.
extern "C" __global__ void targetloss_count_f32(float *counts, const u8 *known, int n, int k) {
    SHARED(int, many, 256);
    int t = threadIdx.x, count = 0;
    for (int r = t; r < n; r += 256) count += known[(i64)r * k + blockIdx.x];
    many[t] = count;
    __syncthreads();
    for (int o = 128; o > 0; o /= 2) {
        if (t < o) many[t] += many[t + o];
        __syncthreads();
    }
    if (t == 0) counts[blockIdx.x] = float(many[0]);
}
EXPORT_KERNEL(targetloss_count_f32)

// targetloss_class is a row of softmax cross-entropy against the first column whose y is not 0, of `rows` that count. It
// returns the loss times rows.
template <class T>
__device__ inline float targetloss_class(T *dz, const T *z, const float *y, bool known, float share, int k) {
    int lane = threadIdx.x % 32, label = k;
    float top = -3.0e38f, own = 0, rest = 0, at = 0;
    for (int c = lane; c < k; c += 32) {
        float v = to_float(z[c]);
        top = v > top ? v : top;
        if (y[c] != 0.0f && c < label) label = c;
    }
    for (int o = 16; o > 0; o /= 2) {
        float other = __shfl_xor_sync(~0u, top, o);
        int first = __shfl_xor_sync(~0u, label, o);
        top = other > top ? other : top;
        label = first < label ? first : label;
    }
    known = known && label < k;
    for (int c = lane; c < k; c += 32) {
        float v = to_float(z[c]), e = exp_of(v - top);
        own += c == label ? e : 0.0f;
        at += c == label ? v : 0.0f;
        rest += c == label ? 0.0f : e;
    }
    own = warp_sum(own);
    at = warp_sum(at);
    rest = warp_sum(rest);
    float inv = 1.0f / (own + rest);
    if (dz)
        for (int c = lane; c < k; c += 32) {
            float g = c == label ? -rest * inv : exp_of(to_float(z[c]) - top) * inv;
            dz[c] = from_float<T>(known ? share * g : 0.0f);
        }
    return known ? float(log_of(double(rest) + own) + (double(top) - at)) : 0.0f;
}

// targetloss_label is one logit's binary cross-entropy, and its derivative.
__device__ inline float targetloss_label(float *slope, float z, float y) {
    float e = exp_of(z < 0.0f ? z : -z), more = 1.0f / (1.0f + e), less = e * more;
    float above = z < 0.0f ? less : more, below = z < 0.0f ? more : less;
    *slope = (1.0f - y) * above - y * below;
    return (z > 0.0f ? z : 0.0f) - y * z + float(log_of(1.0 + e));
}

// targetloss_rows writes losses [n], a warp to a row, and dz [n, k] where it is not null. counts [k] are those of
// targetloss_count. Losses of classes and labels are not yet divided by how many count.
template <class T>
__device__ inline void targetloss_rows(double *losses, T *dz, const T *z, const float *y, const u8 *known, const float *counts,
                                       const float *scale, int n, int k, int kind) {
    int lane = threadIdx.x % 32, step = gridDim.x * (blockDim.x / 32);
    float all = 0, by = dz ? scale[0] : 0.0f;
    for (int c = lane; c < k; c += 32) all += counts[c];
    all = kind == 0 ? counts[0] : warp_sum(all);
    float share = all > 0.0f ? by / all : 0.0f;
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < n; r += step) {
        i64 from = (i64)r * k;
        float sum = 0;
        if (kind == 0) {
            sum = targetloss_class<T>(dz ? dz + from : dz, z + from, y + from, known[from] != 0, share, k);
        } else {
            for (int c = lane; c < k; c += 32) {
                i64 i = from + c;
                float slope = 0, v = to_float(z[i]);
                if (known[i]) {
                    if (kind == 1) {
                        sum += targetloss_label(&slope, v, y[i]);
                        slope *= share;
                    } else {
                        float d = v - y[i];
                        sum += d * d / counts[c];
                        slope = 2.0f * d / counts[c] * by;
                    }
                }
                if (dz) dz[i] = from_float<T>(slope);
            }
            sum = warp_sum(sum);
        }
        if (lane == 0) losses[r] = sum;
    }
}

#define TARGETLOSS(T, S)                                                                                               \
    extern "C" __global__ void targetloss_rows_##S(double *losses, T *dz, const T *z, const float *y, const u8 *known, \
                                                   const float *counts, const float *scale, int n, int k, int kind) {  \
        targetloss_rows(losses, dz, z, y, known, counts, scale, n, k, kind);                                           \
    }                                                                                                                  \
    EXPORT_KERNEL(targetloss_rows_##S)
FOR_TYPES(TARGETLOSS)

// targetloss_finish_f32 writes loss [4] = {loss, 0, 0, values counted}. One block of 256.
extern "C" __global__ void targetloss_finish_f32(float *loss, const double *losses, const float *counts, int n, int k, int kind) {
    SHARED(double, part, 256);
    SHARED(double, many, 256);
    int t = threadIdx.x;
    double sum = 0, count = 0;
    for (int i = t; i < n; i += 256) sum += losses[i];
    for (int c = t; c < k; c += 256) count += kind == 0 && c > 0 ? 0.0 : double(counts[c]);
    part[t] = sum;
    many[t] = count;
    __syncthreads();
    for (int o = 128; o > 0; o /= 2) {
        if (t < o) {
            part[t] += part[t + o];
            many[t] += many[t + o];
        }
        __syncthreads();
    }
    if (t != 0) return;
    double by = kind == 2 || many[0] == 0 ? 1.0 : many[0];
    loss[0] = float(part[0] / by);
    loss[1] = 0;
    loss[2] = 0;
    loss[3] = float(many[0]);
}
EXPORT_KERNEL(targetloss_finish_f32)
