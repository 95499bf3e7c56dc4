// What a batch is normalised with (gpu.BatchNormTrain), of x [rows, c]: moments of the rows of each row of blocks, and their
// union. x is read once.
#include "batchnorm.cuh"

// Moments are the count, mean and sum of squared deviations of N columns. Where a column lies far from zero, numbers
// are taken relative to `origin`, one of them: so float32 keeps the digits that matter.
template <int N> struct Moments {
    int count;
    float origin[N], mean[N], m2[N];
};

// add_rows adds U rows, of which those count that are in; the others must be 0. The moments of U rows are exact to
// rounding by two passes over registers, and joined to the rest (Chan, Golub & LeVeque 1979, eq. 2.1). With ALL each is in.
template <bool ALL, int U, int N> __device__ inline void add_rows(Moments<N> &m, float (&v)[U][N], const bool *in = nullptr) {
    int k = ALL ? U : 0;
#pragma unroll
    for (int u = U - 1; u >= 0; u--) {
        if (!ALL) k += in[u];
        if (m.count == 0 && (ALL ? u == 0 : in[u]))
#pragma unroll
            for (int l = 0; l < N; l++) m.origin[l] = v[u][l];
    }
    if (k == 0) return;
    float had = float(m.count);
    m.count += k;
    float inv = 1.0f / float(k), share = float(k) / float(m.count), whole = share * had;
#pragma unroll
    for (int l = 0; l < N; l++) {
        float sum = 0.0f, dev = 0.0f;
#pragma unroll
        for (int u = 0; u < U; u++) {
            v[u][l] = ALL || in[u] ? v[u][l] - m.origin[l] : 0.0f;
            sum += v[u][l];
        }
        float mean = sum * inv;
#pragma unroll
        for (int u = 0; u < U; u++) {
            float d = ALL || in[u] ? v[u][l] - mean : 0.0f;
            dev += d * d;
        }
        float d = mean - m.mean[l];
        m.mean[l] += d * share;
        m.m2[l] += dev + d * d * whole;
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

constexpr int few_rows = 2; // in flight where it is asked which count

// batchnorm_statistics: count [parts], mean [parts, c] and m2 [parts, c] of the rows of samples that are present, parts =
// gridDim.y.
template <class T, int N>
__device__ inline void batchnorm_statistics(int *count, double *mean, float *m2, const T *x, const Samples &who, int rows, int c) {
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns at = columns(rows, c, start, N);
        Moments<N> m = {};
        i64 r = at.row;
        if (!who.present && at.col < c)
            for (; r + (norm_rows - 1) * at.step < rows; r += norm_rows * at.step) {
                Raw<T, N> raw[norm_rows];
                float v[norm_rows][N];
#pragma unroll
                for (int u = 0; u < norm_rows; u++) load_raw(raw[u], x + (r + u * at.step) * c + at.col);
#pragma unroll
                for (int u = 0; u < norm_rows; u++) from_raw(v[u], raw[u]);
                add_rows<true>(m, v);
            }
        for (; at.col < c && r < rows; r += few_rows * at.step) {
            Raw<T, N> raw[few_rows] = {};
            float v[few_rows][N];
            bool in[few_rows];
#pragma unroll
            for (int u = 0; u < few_rows; u++) in[u] = r + u * at.step < rows && is_here(who, r + u * at.step);
#pragma unroll
            for (int u = 0; u < few_rows; u++)
                if (in[u]) load_raw(raw[u], x + (r + u * at.step) * c + at.col);
#pragma unroll
            for (int u = 0; u < few_rows; u++) from_raw(v[u], raw[u]);
            add_rows<false>(m, v, in);
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

// batchnorm_finish_f32 joins parts: mean and rstd [c] of all rows present, whose number goes to rows [1], and the running
// averages moved to them by momentum, the variance unbiased. With fewer than 2 rows mean and rstd are 0 and nothing moves.
// Blocks of 32 x 32 threads.
extern "C" __global__ void __launch_bounds__(1024, 1)
    batchnorm_finish_f32(float *mean, float *rstd, float *run_mean, float *run_var, int *rows, const int *count,
                         const double *means, const float *m2, int parts, int c, double eps, double momentum) {
    int col = int(blockIdx.x * total_side + threadIdx.x);
    double n, s, q;
    bn_join_parts(n, s, q, count, means, m2, parts, c, col);
    if (threadIdx.y != 0 || col >= c) return;
    if (col == 0) *rows = int(n);
    bn_settle(mean + col, rstd + col, run_mean + col, run_var + col, n, s, q, eps, momentum);
}
EXPORT_KERNEL(batchnorm_finish_f32)

constexpr int statistics_blocks = 3; // to a multiprocessor; on Blackwell the third would spill
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
#define STATISTICS_SPILL 1
#else
#define STATISTICS_SPILL 0
#endif

#define STATISTICS(T, S)                                                                                               \
    extern "C" __global__ void __launch_bounds__(256, statistics_blocks - STATISTICS_SPILL)                            \
        batchnorm_statistics_##S(int *count, double *mean, float *m2, const T *x, const u8 *present, int per,          \
                                 int rows, int c) {                                                                    \
        Samples who = {present, per};                                                                                  \
        if (c % lanes<T> == 0 && aligned16(x))                                                                         \
            batchnorm_statistics<T, lanes<T>>(count, mean, m2, x, who, rows, c);                                       \
        else                                                                                                           \
            batchnorm_statistics<T, 1>(count, mean, m2, x, who, rows, c);                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_statistics_##S)
FOR_TYPES(STATISTICS)
