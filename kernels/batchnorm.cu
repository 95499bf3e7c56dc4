// Batch normalisation forward (gpu.BatchNormTrain, gpu.BatchNormEval) of x [rows, c], which is read once; where nobody counts
// what it is normalised with, that is in batchnorm_statistics.cu. These are the kernels for every case; those of networks of
// images in 16 bits are in batchnorm_halves.cu.
#include "batchnorm.cuh"

// batchnorm_rstd_f32: rstd = 1 / sqrt(var + eps), for [c], and scale = gamma * rstd unless scale is null.
extern "C" __global__ void __launch_bounds__(256)
    batchnorm_rstd_f32(float *rstd, float *scale, const float *var, const float *gamma, int c, double eps) {
    for (i64 i = grid_thread(); i < c; i += grid_threads()) {
        rstd[i] = float(1 / sqrt(var[i] + eps));
        if (scale != nullptr) scale[i] = float(double(gamma[i]) * rstd[i]);
    }
}
EXPORT_KERNEL(batchnorm_rstd_f32)

// Affine is what happens to an element: (v - mean) * scale + shift.
template <int N> struct Affine {
    float mean[N], scale[N], shift[N];
};

// bn_store computes and writes N elements from `at` on, and their bits of the mask.
template <class T, int N>
__device__ inline void bn_store(T *y, u8 *mask, const Raw<T, N> &x, const Raw<T, N> &more, const Affine<N> &a, int relu,
                                bool here, i64 at) {
    float v[N], add[N];
    from_raw(v, x);
    from_raw(add, more);
    unsigned bits = 0;
#pragma unroll
    for (int l = 0; l < N; l++) {
        float s = (v[l] - a.mean[l]) * a.scale[l] + a.shift[l] + add[l];
        s = relu && s < 0.0f ? 0.0f : s;
        v[l] = here ? s : 0.0f;
        bits |= unsigned(to_float(from_float<T>(v[l])) > 0.0f) << l;
    }
    store_n<N>(y + at, v);
    if constexpr (N == 8)
        if (mask != nullptr) mask[at / 8] = u8(bits);
}

// batchnorm_forward: y = [relu]((x - mean) * gamma * rstd + beta [+ add]); 0 for absent samples, and for all where *count,
// or with sums their number, is below 2. mask (with groups of 8 columns only) gets a bit for each element above 0.
template <class T, int N>
__device__ inline void batchnorm_forward(T *y, u8 *mask, const T *x, const T *add, const Given &g, const Samples &who,
                                         const int *count, int relu) {
    int rows = g.rows, c = g.c;
    SHARED(float, known, 2 * column_threads);
    Known k = {known, known + column_threads};
    bool enough = count != nullptr ? *count >= 2 : g.sums == nullptr || rows >= 2;
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns m = columns(rows, c, start, N);
        __syncthreads(); // what was known of other columns has been read
        bn_known<N>(k, g, start);
        if (m.col >= c) continue;
        Affine<N> a;
        float gamma[N];
        bn_given<N>(a.mean, a.scale, k, g, m.col);
        load_column<N>(gamma, g.gamma, m.col);
        load_column<N>(a.shift, g.beta, m.col);
#pragma unroll
        for (int l = 0; l < N; l++) a.scale[l] *= gamma[l];
        for (i64 r = m.row; r < rows; r += norm_rows * m.step) {
            Raw<T, N> v[norm_rows] = {}, w[norm_rows] = {};
            bool here[norm_rows];
#pragma unroll
            for (int u = 0; u < norm_rows; u++) here[u] = enough && r + u * m.step < rows && is_here(who, r + u * m.step);
#pragma unroll
            for (int u = 0; u < norm_rows; u++) {
                i64 from = (r + u * m.step) * c + m.col;
                if (here[u]) load_raw(v[u], x + from);
                if (here[u] && add != nullptr) load_raw(w[u], add + from);
            }
#pragma unroll
            for (int u = 0; u < norm_rows; u++) {
                i64 row = r + u * m.step;
                if (row < rows) bn_store<T, N>(y, mask, v[u], w[u], a, relu, here[u], row * c + m.col);
            }
        }
    }
}

#define BATCHNORM(T, S)                                                                                                \
    extern "C" __global__ void __launch_bounds__(256, 2)                                                               \
        batchnorm_forward_##S(T *y, u8 *mask, const T *x, const T *add, float *mean, float *rstd, const float *gamma,  \
                              const float *beta, const float *sums, float *run_mean, float *run_var,                   \
                              const u8 *present, const int *count, double eps, double momentum, int per, int rows,     \
                              int c, int relu) {                                                                       \
        Samples who = {present, per};                                                                                  \
        Given g = {mean, rstd, gamma, beta, sums, run_mean, run_var, eps, momentum, rows, c};                          \
        if (c % lanes<T> == 0 && aligned16(y) && aligned16(x) && aligned16(add))                                       \
            batchnorm_forward<T, lanes<T>>(y, mask, x, add, g, who, count, relu);                                      \
        else                                                                                                           \
            batchnorm_forward<T, 1>(y, mask, x, add, g, who, count, relu);                                             \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_forward_##S)                                                                               \
    extern "C" __global__ void __launch_bounds__(256) batchnorm_mask_##S(u8 *mask, const T *y, i64 n, i64 bytes,       \
                                                                         i64 first) {                                  \
        batchnorm_mask(mask, y, n, bytes, first);                                                                      \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_mask_##S)

// batchnorm_mask writes bytes [first, bytes) of the mask of y [n], a byte to a thread; bits beyond n are 0.
template <class T> __device__ inline void batchnorm_mask(u8 *mask, const T *y, i64 n, i64 bytes, i64 first) {
    for (i64 i = first + grid_thread(); i < bytes; i += grid_threads()) {
        unsigned bits = 0;
        for (int l = 0; l < 8; l++)
            if (8 * i + l < n) bits |= unsigned(to_float(y[8 * i + l]) > 0.0f) << l;
        mask[i] = u8(bits);
    }
}

FOR_TYPES(BATCHNORM)
