// Batch normalisation forward (gpu.BatchNormTrain, gpu.BatchNormEval) of x [rows, c]: moments of the rows of each row of
// blocks, their union, and the result. Every kernel reads or writes an image once.
#include "columns.cuh"

constexpr int bn_rows = 4; // in flight

// Moments are the count, mean and sum of squared deviations of N columns. Where a column lies far from zero, numbers
// are taken relative to `origin`, one of them: so float32 keeps the digits that matter.
template <int N> struct Moments {
    int count;
    float origin[N], mean[N], m2[N];
};

// add_rows adds U rows, of which those count that are in; the others must be 0. The moments of U rows are exact to
// rounding by two passes over registers, and joined to the rest (Chan, Golub & LeVeque 1979, eq. 2.1).
template <int U, int N> __device__ inline void add_rows(Moments<N> &m, float (&v)[U][N], const bool (&in)[U]) {
    int k = 0;
#pragma unroll
    for (int u = U - 1; u >= 0; u--) {
        k += in[u];
        if (m.count == 0 && in[u])
#pragma unroll
            for (int l = 0; l < N; l++) m.origin[l] = v[u][l];
    }
    if (k == 0) return;
    float had = float(m.count);
    m.count += k;
    float inv = 1.0f / float(k), share = float(k) / float(m.count);
#pragma unroll
    for (int l = 0; l < N; l++) {
        float sum = 0.0f, dev = 0.0f;
#pragma unroll
        for (int u = 0; u < U; u++) {
            v[u][l] = in[u] ? v[u][l] - m.origin[l] : 0.0f;
            sum += v[u][l];
        }
        float mean = sum * inv;
#pragma unroll
        for (int u = 0; u < U; u++) {
            float d = in[u] ? v[u][l] - mean : 0.0f;
            dev += d * d;
        }
        float d = mean - m.mean[l];
        m.mean[l] += d * share;
        m.m2[l] += dev + d * d * (share * had);
    }
}

// join joins the moments of the block's rows, for the threads of its first: means in float64, origins included.
template <int N> __device__ inline void join(Moments<N> &m, double (&mean)[N]) {
    SHARED(double, means, column_threads);
    SHARED(float, devs, column_threads);
    SHARED(int, counts, column_threads);
    unsigned t = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
    for (int l = 0; l < N; l++) mean[l] = double(m.origin[l]) + m.mean[l];
    for (unsigned o = blockDim.y / 2; o > 0; o /= 2) {
        int count = m.count;
#pragma unroll
        for (int l = 0; l < N; l++) {
            __syncthreads();
            if (threadIdx.y >= o && threadIdx.y < 2 * o) {
                counts[t] = m.count;
                means[t] = mean[l];
                devs[t] = m.m2[l];
            }
            __syncthreads();
            if (threadIdx.y < o) {
                unsigned from = t + o * blockDim.x;
                int other = counts[from];
                double d = means[from] - mean[l], share = other ? double(other) / double(m.count + other) : 0.0;
                if (other) { // what nobody counted is no number
                    mean[l] += d * share;
                    m.m2[l] += devs[from] + float(d * d * share * m.count);
                }
                count = m.count + other;
            }
        }
        m.count = count;
    }
    __syncthreads();
}

// batchnorm_statistics: count [parts], mean [parts, c] and m2 [parts, c] of the rows of samples that are present, parts =
// gridDim.y.
template <class T, int N>
__device__ inline void batchnorm_statistics(int *count, double *mean, float *m2, const T *x, const Samples &who, int rows, int c) {
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns at = columns(rows, c, start, N);
        Moments<N> m = {};
        for (i64 r = at.row; at.col < c && r < rows; r += bn_rows * at.step) {
            Raw<T, N> raw[bn_rows] = {};
            float v[bn_rows][N];
            bool in[bn_rows];
#pragma unroll
            for (int u = 0; u < bn_rows; u++) in[u] = r + u * at.step < rows && is_here(who, r + u * at.step);
#pragma unroll
            for (int u = 0; u < bn_rows; u++)
                if (in[u]) load_raw(raw[u], x + (r + u * at.step) * c + at.col);
#pragma unroll
            for (int u = 0; u < bn_rows; u++) from_raw(v[u], raw[u]);
            add_rows(m, v, in);
        }
        double means[N];
        join(m, means);
        if (threadIdx.y != 0 || at.col >= c) continue;
        i64 to = i64(blockIdx.y) * c + at.col;
#pragma unroll
        for (int l = 0; l < N; l++) {
            mean[to + l] = means[l];
            m2[to + l] = m.m2[l];
        }
        if (at.col == 0) count[blockIdx.y] = m.count;
    }
}

// bn_settle writes what follows for a column from the number of rows, their mean s and their sum of squared deviations q.
__device__ inline void bn_settle(float *mean, float *rstd, float *run_mean, float *run_var, double n, double s, double q,
                                 double eps, double momentum) {
    *mean = n < 2 ? 0.0f : float(s);
    *rstd = n < 2 ? 0.0f : float(1 / sqrt(q / n + eps));
    if (n < 2) return;
    *run_mean = float((1 - momentum) * *run_mean + momentum * s);
    *run_var = float((1 - momentum) * *run_var + momentum * q / (n - 1));
}

// batchnorm_finish_f32 joins parts: mean and rstd [c] of all rows present, whose number goes to rows [1], and the running
// averages moved to them by momentum, the variance unbiased. With fewer than 2 rows mean and rstd are 0 and nothing moves.
// Blocks of 32 x 32 threads.
extern "C" __global__ void __launch_bounds__(1024)
    batchnorm_finish_f32(float *mean, float *rstd, float *run_mean, float *run_var, int *rows, const int *count,
                         const double *means, const float *m2, int parts, int c, double eps, double momentum) {
    int col = int(blockIdx.x * total_side + threadIdx.x);
    double n = 0, s = 0, q = 0;
    for (int p = threadIdx.y; p < parts; p += total_side) n += count[p];
    n = total(n);
    for (int p = threadIdx.y; p < parts && col < c; p += total_side)
        if (count[p]) s += count[p] * means[i64(p) * c + col];
    s = total(s) / (n < 1 ? 1 : n);
    for (int p = threadIdx.y; p < parts && col < c; p += total_side) {
        double d = means[i64(p) * c + col] - s;
        if (count[p]) q += m2[i64(p) * c + col] + count[p] * d * d;
    }
    q = total(q);
    if (threadIdx.y != 0 || col >= c) return;
    if (col == 0) *rows = int(n);
    bn_settle(mean + col, rstd + col, run_mean + col, run_var + col, n, s, q, eps, momentum);
}
EXPORT_KERNEL(batchnorm_finish_f32)

// batchnorm_moments_f32 does so from the sums over n rows of the elements, sums [c], and of their squares, sums [c, 2 c).
extern "C" __global__ void __launch_bounds__(256)
    batchnorm_moments_f32(float *mean, float *rstd, float *run_mean, float *run_var, int *rows, const float *sums, int n,
                          int c, double eps, double momentum) {
    for (i64 i = grid_thread(); i < c; i += grid_threads()) {
        double s = double(sums[i]) / (n < 1 ? 1 : n), q = double(sums[c + i]) - s * s * n;
        if (i == 0) *rows = n;
        bn_settle(mean + i, rstd + i, run_mean + i, run_var + i, n, s, q < 0 ? 0.0 : q, eps, momentum);
    }
}
EXPORT_KERNEL(batchnorm_moments_f32)

// batchnorm_rstd_f32: rstd = 1 / sqrt(var + eps), for [c].
extern "C" __global__ void __launch_bounds__(256) batchnorm_rstd_f32(float *rstd, const float *var, int c, double eps) {
    for (i64 i = grid_thread(); i < c; i += grid_threads()) rstd[i] = float(1 / sqrt(var[i] + eps));
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
        for (i64 r = m.row; r < rows; r += bn_rows * m.step) {
            Raw<T, N> v[bn_rows] = {}, w[bn_rows] = {};
            bool here[bn_rows];
#pragma unroll
            for (int u = 0; u < bn_rows; u++) here[u] = enough && r + u * m.step < rows && is_here(who, r + u * m.step);
#pragma unroll
            for (int u = 0; u < bn_rows; u++) {
                i64 from = (r + u * m.step) * c + m.col;
                if (here[u]) load_raw(v[u], x + from);
                if (here[u] && add != nullptr) load_raw(w[u], add + from);
            }
#pragma unroll
            for (int u = 0; u < bn_rows; u++) {
                i64 row = r + u * m.step;
                if (row < rows) bn_store<T, N>(y, mask, v[u], w[u], a, relu, here[u], row * c + m.col);
            }
        }
    }
}

#define BATCHNORM(T, S)                                                                                                \
    extern "C" __global__ void __launch_bounds__(256, 2)                                                               \
        batchnorm_statistics_##S(int *count, double *mean, float *m2, const T *x, const u8 *present, int per,          \
                                 int rows, int c) {                                                                    \
        Samples who = {present, per};                                                                                  \
        if (c % lanes<T> == 0 && aligned16(x))                                                                         \
            batchnorm_statistics<T, lanes<T>>(count, mean, m2, x, who, rows, c);                                       \
        else                                                                                                           \
            batchnorm_statistics<T, 1>(count, mean, m2, x, who, rows, c);                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_statistics_##S)                                                                            \
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
