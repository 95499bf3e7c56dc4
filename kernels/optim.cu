// One step of the optimisers over flat float32 parameters, each also writing a 16-bit copy of them where asked for. What
// changes from step to step is read from memory, so that a recorded step can be replayed. All are bound by memory:
// 16 bytes at a time where every array allows it, the rest one by one over the same threads.
#include "device.cuh"

// skipped reports that the gradient is not finite: ClipScale made its factor 0, and the step changes nothing.
__device__ inline bool skipped(const float *scale) { return scale != nullptr && scale[0] == 0.0f; }

// Adam has the constants of one step, as cpukern.AdamStep.
struct Adam {
    float scale, coupled, shrink, beta1, one_beta1, beta2, one_beta2, rate, inv_sqrt, eps;
};

__device__ inline void adam_one(float &p, float g, float &m, float &v, const Adam &k) {
    float d = g * k.scale + k.coupled * p;
    m = k.beta1 * m + k.one_beta1 * d;
    v = k.beta2 * v + k.one_beta2 * (d * d);
    p = k.shrink * p - k.rate * m / (sqrtf(v) * k.inv_sqrt + k.eps);
}

template <class T>
__device__ inline void adam_forward(float *p, T *half, const float *g, float *m, float *v, const Adam &k, i64 n) {
    i64 stride = (i64)gridDim.x * blockDim.x, t = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    bool wide = aligned16(p) && aligned16(g) && aligned16(m) && aligned16(v) && (half == nullptr || aligned16(half));
    i64 quads = wide ? n / 4 : 0;
    for (i64 i = t; i < quads; i += stride) {
        vec4 a = load4(p + 4 * i), b = load4(g + 4 * i), c = load4(m + 4 * i), d = load4(v + 4 * i);
        adam_one(a.x, b.x, c.x, d.x, k);
        adam_one(a.y, b.y, c.y, d.y, k);
        adam_one(a.z, b.z, c.z, d.z, k);
        adam_one(a.w, b.w, c.w, d.w, k);
        store4(p + 4 * i, a);
        store4(m + 4 * i, c);
        store4(v + 4 * i, d);
        if (half != nullptr) store4(half + 4 * i, a);
    }
    for (i64 i = 4 * quads + t; i < n; i += stride) {
        float a = p[i], c = m[i], d = v[i];
        adam_one(a, g[i], c, d, k);
        p[i] = a;
        m[i] = c;
        v[i] = d;
        if (half != nullptr) half[i] = from_float<T>(a);
    }
}

// adam_forward_<type of half>: rates [3] is AdamSpec.Rates; scale [1] multiplies g, 1 if left out; decay shrinks p if
// decoupled, else joins the gradient.
#define ADAM(T, S)                                                                                                     \
    extern "C" __global__ void adam_forward_##S(float *p, T *half, const float *g, float *m, float *v,                 \
                                                const float *rates, const float *scale, float beta1, float one_beta1,  \
                                                float beta2, float one_beta2, float eps, float decay, int decoupled,   \
                                                i64 n) {                                                               \
        if (skipped(scale)) return;                                                                                    \
        Adam k = {scale == nullptr ? 1.0f : scale[0], decoupled ? 0.0f : decay,                                        \
                  decoupled ? 1.0f - rates[0] * decay : 1.0f, beta1, one_beta1, beta2, one_beta2,                      \
                  rates[0] * rates[1], rates[2], eps};                                                                 \
        adam_forward(p, half, g, m, v, k, n);                                                                          \
    }                                                                                                                  \
    EXPORT_KERNEL(adam_forward_##S)
FOR_TYPES(ADAM)

// SGD has the constants of one step, as cpukern.SGDStep.
struct SGD {
    float scale, decay, momentum, rate, ahead, own;
};

__device__ inline void sgd_one(float &p, float g, float &buf, const SGD &k) {
    float d = g * k.scale + k.decay * p;
    buf = k.momentum * buf + d;
    p = p - k.rate * (k.own * d + k.ahead * buf);
}

template <class T> __device__ inline void sgd_forward(float *p, T *half, const float *g, float *buf, const SGD &k, i64 n) {
    i64 stride = (i64)gridDim.x * blockDim.x, t = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    bool wide = aligned16(p) && aligned16(g) && aligned16(buf) && (half == nullptr || aligned16(half));
    i64 quads = wide ? n / 4 : 0;
    for (i64 i = t; i < quads; i += stride) {
        vec4 a = load4(p + 4 * i), b = load4(g + 4 * i), c = load4(buf + 4 * i);
        sgd_one(a.x, b.x, c.x, k);
        sgd_one(a.y, b.y, c.y, k);
        sgd_one(a.z, b.z, c.z, k);
        sgd_one(a.w, b.w, c.w, k);
        store4(p + 4 * i, a);
        store4(buf + 4 * i, c);
        if (half != nullptr) store4(half + 4 * i, a);
    }
    for (i64 i = 4 * quads + t; i < n; i += stride) {
        float a = p[i], c = buf[i];
        sgd_one(a, g[i], c, k);
        p[i] = a;
        buf[i] = c;
        if (half != nullptr) half[i] = from_float<T>(a);
    }
}

// sgd_forward_<type of half>: rates [3] is SGDSpec.Rates; scale [1] multiplies g, 1 if left out.
#define SGD_STEP(T, S)                                                                                                 \
    extern "C" __global__ void sgd_forward_##S(float *p, T *half, const float *g, float *buf, const float *rates,      \
                                               const float *scale, float momentum, float decay, int nesterov,          \
                                               i64 n) {                                                                \
        if (skipped(scale)) return;                                                                                    \
        SGD k = {scale == nullptr ? 1.0f : scale[0], decay, momentum, rates[0], nesterov ? momentum : 1.0f,            \
                 nesterov ? 1.0f : 0.0f};                                                                              \
        sgd_forward(p, half, g, buf, k, n);                                                                            \
    }                                                                                                                  \
    EXPORT_KERNEL(sgd_forward_##S)
FOR_TYPES(SGD_STEP)

// ema_forward_f32 computes avg = decay avg + (1 - decay) p; decay [1] is read from memory.
extern "C" __global__ void ema_forward_f32(float *avg, const float *p, const float *decay, i64 n) {
    i64 stride = (i64)gridDim.x * blockDim.x, t = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    float a = decay[0], b = 1.0f - a;
    i64 quads = aligned16(avg) && aligned16(p) ? n / 4 : 0;
    for (i64 i = t; i < quads; i += stride) {
        vec4 x = load4(avg + 4 * i), y = load4(p + 4 * i);
        store4(avg + 4 * i, {a * x.x + b * y.x, a * x.y + b * y.y, a * x.z + b * y.z, a * x.w + b * y.w});
    }
    for (i64 i = 4 * quads + t; i < n; i += stride) avg[i] = a * avg[i] + b * p[i];
}
EXPORT_KERNEL(ema_forward_f32)
