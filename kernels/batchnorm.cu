// Batch normalisation forward (gpu.BatchNormTrain, gpu.BatchNormEval) of x [rows, c], which is read once; what it is
// normalised with is in batchnorm_statistics.cu.
#include "columns.cuh"

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

// batchnorm_forward: y = [relu]((x - mean) * gamma * rstd + beta [+ add]); 0 for absent samples, and for all where *rows
// is below 2. mask (with groups of 8 columns only) gets a bit for each element above 0.
template <class T, int N>
__device__ inline void batchnorm_forward(T *y, u8 *mask, const T *x, const T *add, const float *mean, const float *rstd,
                                         const float *gamma, const float *beta, const Samples &who, const int *count,
                                         int rows, int c, int relu) {
    bool enough = count == nullptr || *count >= 2;
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns m = columns(rows, c, start, N);
        if (m.col >= c) continue;
        Affine<N> a;
        float inv[N];
        load_column<N>(a.mean, mean, m.col);
        load_column<N>(a.scale, gamma, m.col);
        load_column<N>(a.shift, beta, m.col);
        load_column<N>(inv, rstd, m.col);
#pragma unroll
        for (int l = 0; l < N; l++) a.scale[l] *= inv[l];
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
        batchnorm_forward_##S(T *y, u8 *mask, const T *x, const T *add, const float *mean, const float *rstd,          \
                              const float *gamma, const float *beta, const u8 *present, const int *count, int per,     \
                              int rows, int c, int relu) {                                                             \
        Samples who = {present, per};                                                                                  \
        if (c % lanes<T> == 0 && aligned16(y) && aligned16(x) && aligned16(add))                                       \
            batchnorm_forward<T, lanes<T>>(y, mask, x, add, mean, rstd, gamma, beta, who, count, rows, c, relu);       \
        else                                                                                                           \
            batchnorm_forward<T, 1>(y, mask, x, add, mean, rstd, gamma, beta, who, count, rows, c, relu);              \
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
