// Softmax cross-entropy of rows of logits (gpu.SoftmaxCrossEntropy): one warp to a row.
#include "numeric.cuh"

// What the gradient needs of a row: e^(x - top) * inv is the softmax, rest the share of all but the label.
struct alignas(16) Row {
    float top, inv, rest;
    int label; // -1: the row does not count
};

// softmaxce_forward sums each row's exponentials: rows [n], and losses [n], which is 0 where the label is -1 and NaN where
// it is no column.
template <class T>
__device__ inline void softmaxce_forward(Row *rows, float *losses, const T *x, const int *labels, int n, int k) {
    int lane = threadIdx.x % 32, step = gridDim.x * (blockDim.x / 32);
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < n; r += step) {
        const T *from = x + (i64)r * k;
        int label = labels[r];
        float top = -3.0e38f, own = 0, rest = 0;
        for (int c = lane; c < k; c += 32) {
            float v = to_float(from[c]);
            top = v > top ? v : top;
        }
        for (int o = 16; o > 0; o /= 2) {
            float other = __shfl_xor_sync(~0u, top, o);
            top = other > top ? other : top;
        }
        for (int c = lane; c < k; c += 32) {
            float e = exp_of(to_float(from[c]) - top);
            own += c == label ? e : 0.0f;
            rest += c == label ? 0.0f : e;
        }
        own = warp_sum(own);
        rest = warp_sum(rest);
        if (lane != 0) continue;
        bool sane = label >= 0 && label < k;
        float inv = 1.0f / (own + rest), loss = label == -1 ? 0.0f : not_a_number();
        if (sane) loss = float(log_of(double(rest) + own) + (double(top) - to_float(from[label])));
        rows[r] = {top, inv, rest * inv, sane ? label : -1};
        losses[r] = loss;
    }
}

// softmaxce_backward writes dx = (softmax - [column is label]) scale / rows counted; loss [2] is the finished one.
template <class T>
__device__ inline void softmaxce_backward(T *dx, const T *x, const Row *rows, const float *loss, const float *scale, int n, int k) {
    int lane = threadIdx.x % 32, step = gridDim.x * (blockDim.x / 32);
    float share = loss[1] > 0.0f ? scale[0] / loss[1] : 0.0f;
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < n; r += step) {
        Row row = rows[r];
        for (int c = lane; c < k; c += 32) {
            i64 i = (i64)r * k + c;
            float g = c == row.label ? -row.rest : exp_of(to_float(x[i]) - row.top) * row.inv;
            dx[i] = from_float<T>(row.label < 0 ? 0.0f : share * g);
        }
    }
}

#define SOFTMAXCE(T, S)                                                                                                \
    extern "C" __global__ void softmaxce_forward_##S(void *rows, float *losses, const T *x, const int *labels, int n,  \
                                                     int k) {                                                          \
        softmaxce_forward(static_cast<Row *>(rows), losses, x, labels, n, k);                                          \
    }                                                                                                                  \
    EXPORT_KERNEL(softmaxce_forward_##S)                                                                               \
    extern "C" __global__ void softmaxce_backward_##S(T *dx, const T *x, const void *rows, const float *loss,          \
                                                      const float *scale, int n, int k) {                              \
        softmaxce_backward(dx, x, static_cast<const Row *>(rows), loss, scale, n, k);                                  \
    }                                                                                                                  \
    EXPORT_KERNEL(softmaxce_backward_##S)
FOR_TYPES(SOFTMAXCE)

// softmaxce_finish_f32 writes loss [2] = {mean over the rows whose label is not -1, their number}. One block of 256.
extern "C" __global__ void softmaxce_finish_f32(float *loss, const float *losses, const int *labels, int n) {
    SHARED(double, part, 256);
    SHARED(int, many, 256);
    int t = threadIdx.x, count = 0;
    double sum = 0;
    for (int i = t; i < n; i += 256) {
        count += labels[i] != -1;
        sum += losses[i];
    }
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
    loss[0] = many[0] > 0 ? float(part[0] / many[0]) : 0.0f;
    loss[1] = float(many[0]);
}
EXPORT_KERNEL(softmaxce_finish_f32)
