// Batch normalisation backward (gpu.BatchNormBackward) of x [rows, c]: two sums over the rows, what follows from them for
// each column, and the gradient. Where the statistics are fixed (gpu.BatchNormEvalBackward) the gradient needs no sums. These are
// the kernels for every case; those of networks of images in 16 bits are in batchnorm_backward_halves.cu.
#include "batchnorm.cuh"

constexpr int bn_back_rows = 2; // in flight, of two or three images each

// Passed says which elements the ReLU let through: those with y > 0, or with a bit in the mask; all where both are null.
template <class T> struct Passed {
    const T *y;
    const u8 *mask;
};

// Back is what backward reads of N elements, as it lies in memory; bits has a bit for each that the mask lets through.
template <class T, int N> struct Back {
    Raw<T, N> dy, y, x;
    unsigned bits;
};

template <class T, int N>
__device__ inline void bn_load(Back<T, N> &b, const T *dy, const Passed<T> &p, const T *x, i64 at) {
    load_raw(b.dy, dy + at);
    if (x != nullptr) load_raw(b.x, x + at);
    if (p.y != nullptr) load_raw(b.y, p.y + at);
    if (p.mask != nullptr) b.bits = unsigned(p.mask[at / 8]) >> (at % 8); // of one byte: N divides at, and 8
}

// bn_passed makes d of what was read, dy where the ReLU let through and else 0, and v, x.
template <class T, int N> __device__ inline void bn_passed(float (&d)[N], float (&v)[N], const Back<T, N> &b, const Passed<T> &p) {
    float y[N];
    from_raw(d, b.dy);
    from_raw(v, b.x);
    from_raw(y, b.y);
#pragma unroll
    for (int l = 0; l < N; l++) {
        if (p.y != nullptr) d[l] = y[l] > 0.0f ? d[l] : 0.0f;
        if (p.mask != nullptr) d[l] = b.bits >> l & 1 ? d[l] : 0.0f;
    }
}

// batchnorm_reduce: the sums over rows of d and of d * (x - mean), sums [2, parts, c], d being dy where the ReLU let through, and
// count [gridDim.x, parts] of the rows present; the last block makes slopes of them. Where x is null the second sum means nothing. The
// grid's blocks are as wide as the matrix.
template <class T, int N>
__device__ inline void batchnorm_reduce(const Slopes &slopes, float *sums, int *count, unsigned *tickets, const T *dy,
                                        const Passed<T> &p, const T *x, const float *mean, const Samples &who, int rows, int c) {
    SHARED(int, counts, column_threads);
    Columns m = columns(rows, c, column_start(N), N);
    float sum[N], dot[N], centre[N];
    clear<N>(sum);
    clear<N>(dot);
    clear<N>(centre);
    if (m.col < c) load_column<N>(centre, mean, m.col);
    int n = 0;
    for (i64 r = m.row; m.col < c && r < rows; r += bn_back_rows * m.step) {
        Back<T, N> in[bn_back_rows] = {};
        bool here[bn_back_rows];
#pragma unroll
        for (int u = 0; u < bn_back_rows; u++) here[u] = r + u * m.step < rows && is_here(who, r + u * m.step);
#pragma unroll
        for (int u = 0; u < bn_back_rows; u++)
            if (here[u]) bn_load(in[u], dy, p, x, (r + u * m.step) * c + m.col);
#pragma unroll
        for (int u = 0; u < bn_back_rows; u++) {
            float d[N], v[N];
            bn_passed(d, v, in[u], p); // of rows that are not here 0, as initialised
            n += here[u];
#pragma unroll
            for (int l = 0; l < N; l++) {
                sum[l] += d[l];
                dot[l] += d[l] * (v[l] - centre[l]);
            }
        }
    }
    counts[threadIdx.y * blockDim.x + threadIdx.x] = n;
    add_up<N>(sum);
    add_up<N>(dot);
    leave_part<N>(sums, 0, sum, c, m.col);
    leave_part<N>(sums, 1, dot, c, m.col);
    count += i64(blockIdx.x) * gridDim.y; // every column of blocks counts: none may read what another writes
    if (threadIdx.y == 0 && threadIdx.x == 0) {
        n = 0;
        for (unsigned i = 0; i < blockDim.y; i++) n += counts[i * blockDim.x];
        count[blockIdx.y] = n;
    }
    bn_finish<N>(slopes, sums, count, tickets, c, m.col);
}

// batchnorm_backward: dx = scale * ((d - k1) - (x - mean) * k2) and, if asked for, dadd = d; 0 for absent samples, and for
// all where *count is below 2. Where the statistics are fixed dx = scale * d, and x, mean, k1, k2 and count are null. dx or
// dadd may be dy: a thread reads what it needs before it writes.
template <class T, int N>
__device__ inline void batchnorm_backward(T *dx, T *dadd, const T *dy, const Passed<T> &p, const T *x, const float *mean,
                                          const float *scale, const float *k1, const float *k2, const Samples &who,
                                          const int *count, int rows, int c) {
    bool enough = count == nullptr || *count >= 2;
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns m = columns(rows, c, start, N);
        if (m.col >= c) continue;
        float centre[N], a[N], b[N], e[N];
        clear<N>(centre);
        clear<N>(b);
        clear<N>(e);
        load_column<N>(a, scale, m.col);
        if (x != nullptr) {
            load_column<N>(centre, mean, m.col);
            load_column<N>(b, k1, m.col);
            load_column<N>(e, k2, m.col);
        }
        for (i64 r = m.row; r < rows; r += bn_back_rows * m.step) {
            Back<T, N> in[bn_back_rows] = {};
            bool here[bn_back_rows];
#pragma unroll
            for (int u = 0; u < bn_back_rows; u++) here[u] = enough && r + u * m.step < rows && is_here(who, r + u * m.step);
#pragma unroll
            for (int u = 0; u < bn_back_rows; u++)
                if (here[u]) bn_load(in[u], dy, p, x, (r + u * m.step) * c + m.col);
#pragma unroll
            for (int u = 0; u < bn_back_rows; u++) {
                if (r + u * m.step >= rows) break;
                float d[N], v[N];
                bn_passed(d, v, in[u], p);
#pragma unroll
                for (int l = 0; l < N; l++) v[l] = here[u] ? a[l] * ((d[l] - b[l]) - (v[l] - centre[l]) * e[l]) : 0.0f;
                i64 to = (r + u * m.step) * c + m.col;
                if (dadd != nullptr) store_n<N>(dadd + to, d);
                store_n<N>(dx + to, v);
            }
        }
    }
}

#define BATCHNORM_BACKWARD(T, S)                                                                                       \
    extern "C" __global__ void __launch_bounds__(256, 2)                                                               \
        batchnorm_reduce_##S(float *dgamma, float *dbeta, float *scale, float *k1, float *k2, int *present_rows,       \
                             float *sums, int *count, unsigned *tickets, const T *dy, const T *y, const u8 *mask,      \
                             const T *x, const float *mean, const float *gamma, const float *rstd, const u8 *present,  \
                             int per, int rows, int c) {                                                               \
        Slopes slopes = {dgamma, dbeta, scale, k1, k2, present_rows, gamma, rstd};                                     \
        Samples who = {present, per};                                                                                  \
        Passed<T> p = {y, mask};                                                                                       \
        if (c % lanes<T> == 0 && aligned16(dy) && aligned16(y) && aligned16(x))                                        \
            batchnorm_reduce<T, lanes<T>>(slopes, sums, count, tickets, dy, p, x, mean, who, rows, c);                 \
        else                                                                                                           \
            batchnorm_reduce<T, 1>(slopes, sums, count, tickets, dy, p, x, mean, who, rows, c);                        \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_reduce_##S)                                                                                \
    extern "C" __global__ void __launch_bounds__(256, 2)                                                               \
        batchnorm_backward_##S(T *dx, T *dadd, const T *dy, const T *y, const u8 *mask, const T *x, const float *mean, \
                               const float *scale, const float *k1, const float *k2, const u8 *present,                \
                               const int *count, int per, int rows, int c) {                                           \
        Samples who = {present, per};                                                                                  \
        Passed<T> p = {y, mask};                                                                                       \
        if (c % lanes<T> == 0 && aligned16(dx) && aligned16(dadd) && aligned16(dy) && aligned16(y) && aligned16(x))    \
            batchnorm_backward<T, lanes<T>>(dx, dadd, dy, p, x, mean, scale, k1, k2, who, count, rows, c);             \
        else                                                                                                           \
            batchnorm_backward<T, 1>(dx, dadd, dy, p, x, mean, scale, k1, k2, who, count, rows, c);                    \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_backward_##S)
FOR_TYPES(BATCHNORM_BACKWARD)
