// Batch normalisation forward of a network of images in 16 bits: of all rows, whose columns come eight at a time and lie
// aligned, with what follows the norm fixed. What a turn is for has no conditions but at the end of the rows.
//
// x has 8 or 11 bits, so that (x - mean) scale + beta may be x scale + (beta - mean scale) in float32.
#include "batchnorm.cuh"

// A Follows says what joins the norm before the ReLU.
enum Follows { nothing, a_residual, a_norm };

// Line is what becomes of eight elements: x scale + shift, and of those of another tensor.
template <int SECOND> struct Line {
    float scale[8], shift[8], other[SECOND == a_norm ? 8 : 1];
};

// bn_line is the norm's line of the columns from col on.
__device__ inline void bn_line(float (&scale)[8], float (&shift)[8], const Known &k, const Given &g, int col) {
    float mean[8], gamma[8];
    bn_given<8>(mean, scale, k, g, col);
    load_column<8>(gamma, g.gamma, col);
    load_column<8>(shift, g.beta, col);
#pragma unroll
    for (int l = 0; l < 8; l++) {
        scale[l] *= gamma[l];
        shift[l] -= mean[l] * scale[l];
    }
}

// bn_turn makes up to ROWS rows of y, `jump` elements apart, all or the first `left`.
template <class T, int ROWS, int SECOND, bool RELU, bool END>
__device__ __forceinline__ void bn_turn(T *y, u8 *mask, const T *x, const T *other, const Line<SECOND> &a, i64 at, i64 jump,
                                        unsigned left) {
    word4 v[ROWS], w[ROWS];
    u64 bits = u64(at) / 8, next = u64(jump) / 8; // unsigned and apart: a signed division a row is a tenth of the loop
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        if (END && unsigned(u) >= left) continue;
        v[u] = *reinterpret_cast<const word4 *>(x + (at + u * jump));
        if (SECOND != nothing) w[u] = *reinterpret_cast<const word4 *>(other + (at + u * jump));
    }
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        if (END && unsigned(u) >= left) continue;
        float s[8], t[8];
        unpack<T>(s, v[u]);
        if (SECOND != nothing) unpack<T>(t, w[u]);
#pragma unroll
        for (int l = 0; l < 8; l++) {
            s[l] = s[l] * a.scale[l] + a.shift[l];
            if (SECOND == a_residual) s[l] += t[l];
            if (SECOND == a_norm) s[l] += t[l] * a.other[l % (SECOND == a_norm ? 8 : 1)];
        }
        word4 q = pack<T>(s);
        if (RELU) mask[bits + u * next] = rectify<T>(q);
        *reinterpret_cast<word4 *>(y + (at + u * jump)) = q;
    }
}

// bn_rows goes over the rows of the thread's columns.
template <class T, int ROWS, int SECOND, bool RELU>
__device__ inline void bn_rows(T *y, u8 *mask, const T *x, const T *other, const Line<SECOND> &a, const Columns &m) {
    unsigned r = unsigned(m.row), step = unsigned(m.step), rows = unsigned(m.rows);
    i64 at = m.row * m.c + m.col, jump = m.step * m.c;
    for (; r + (ROWS - 1) * step < rows; r += ROWS * step, at += ROWS * jump)
        bn_turn<T, ROWS, SECOND, RELU, false>(y, mask, x, other, a, at, jump, 0);
    if (r < rows) bn_turn<T, ROWS, SECOND, RELU, true>(y, mask, x, other, a, at, jump, (rows - r + step - 1) / step);
}

// batchnorm_halves: y = [relu](norm of x [+ add]), and with the ReLU the mask.
template <class T, int SECOND, bool RELU>
__device__ inline void batchnorm_halves(T *y, u8 *mask, const T *x, const T *add, const Given &g) {
    SHARED(float, known, 2 * column_threads);
    Known k = {known, known + column_threads};
    Columns m = columns(g.rows, g.c, column_start(8), 8);
    bn_known<8>(k, g, column_start(8));
    if (m.col >= g.c) return;
    Line<SECOND> a;
    bn_line(a.scale, a.shift, k, g, m.col);
    bn_rows<T, norm_rows, SECOND, RELU>(y, mask, x, add, a, m);
}

// batchnorm_both: y = relu(norm of x + norm of z), and the mask.
template <class T> __device__ inline void batchnorm_both(T *y, u8 *mask, const T *x, const T *z, const Given &g, const Given &h) {
    SHARED(float, known, 4 * column_threads);
    Columns m = columns(g.rows, g.c, column_start(8), 8);
#pragma unroll 1
    for (int i = 0; i < 2; i++) { // once in the code: square roots are long
        bool first = i == 0;
        Given one = {first ? g.mean : h.mean, first ? g.rstd : h.rstd, nullptr, nullptr, first ? g.sums : h.sums,
                     first ? g.run_mean : h.run_mean, first ? g.run_var : h.run_var, g.eps, g.momentum, g.rows, g.c};
        bn_known<8>(Known{known + 2 * i * column_threads, known + (2 * i + 1) * column_threads}, one, column_start(8));
    }
    if (m.col >= g.c) return;
    Line<a_norm> a;
    float shift[8];
    bn_line(a.scale, a.shift, Known{known, known + column_threads}, g, m.col);
    bn_line(a.other, shift, Known{known + 2 * column_threads, known + 3 * column_threads}, h, m.col);
#pragma unroll
    for (int l = 0; l < 8; l++) a.shift[l] += shift[l];
    bn_rows<T, 2, a_norm, true>(y, mask, x, z, a, m);
}

// bn_write_line writes the norm's line of a column, [2, c], for who reads x and makes relu(x line[0] + line[1]) of it, and what
// bn_sums writes. The shift is that of the rounded slope: at the mean the line is beta, to rounding.
template <class T> __device__ inline void bn_write_line(T *line, const Given &g, int col) {
    float mean, rstd;
    if (g.sums != nullptr) {
        bn_sums(mean, rstd, g, col);
    } else {
        mean = g.mean[col];
        rstd = g.rstd[col];
    }
    T scale = from_float<T>(g.gamma[col] * rstd);
    line[col] = scale;
    line[g.c + col] = from_float<T>(g.beta[col] - mean * to_float(scale));
}

#define HALVES(T, S)                                                                                                   \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_plain_##S(T *y, const T *x, float *mean, float *rstd, const float *gamma, const float *beta,         \
                            const float *sums, float *run_mean, float *run_var, double eps, double momentum, int rows, \
                            int c) {                                                                                   \
        Given g = {mean, rstd, gamma, beta, sums, run_mean, run_var, eps, momentum, rows, c};                          \
        batchnorm_halves<T, nothing, false>(y, nullptr, x, nullptr, g);                                                \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_plain_##S)                                                                                 \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_relu_##S(T *y, u8 *mask, const T *x, float *mean, float *rstd, const float *gamma,                   \
                           const float *beta, const float *sums, float *run_mean, float *run_var, double eps,          \
                           double momentum, int rows, int c) {                                                         \
        Given g = {mean, rstd, gamma, beta, sums, run_mean, run_var, eps, momentum, rows, c};                          \
        batchnorm_halves<T, nothing, true>(y, mask, x, nullptr, g);                                                    \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_relu_##S)                                                                                  \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_addrelu_##S(T *y, u8 *mask, const T *x, const T *add, float *mean, float *rstd, const float *gamma,  \
                              const float *beta, const float *sums, float *run_mean, float *run_var, double eps,       \
                              double momentum, int rows, int c) {                                                      \
        Given g = {mean, rstd, gamma, beta, sums, run_mean, run_var, eps, momentum, rows, c};                          \
        batchnorm_halves<T, a_residual, true>(y, mask, x, add, g);                                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_addrelu_##S)                                                                               \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_both_##S(T *y, u8 *mask, const T *x, float *mean, float *rstd, const float *gamma,                   \
                           const float *beta, const float *sums, float *run_mean, float *run_var, const T *z,          \
                           float *z_mean, float *z_rstd, const float *z_gamma, const float *z_beta,                    \
                           const float *z_sums, float *z_run_mean, float *z_run_var, double eps, double momentum,      \
                           int rows, int c) {                                                                          \
        Given g = {mean, rstd, gamma, beta, sums, run_mean, run_var, eps, momentum, rows, c};                          \
        Given h = {z_mean, z_rstd, z_gamma, z_beta, z_sums, z_run_mean, z_run_var, eps, momentum, rows, c};            \
        batchnorm_both<T>(y, mask, x, z, g, h);                                                                        \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_both_##S)                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        batchnorm_line_##S(T *line, float *mean, float *rstd, const float *gamma, const float *beta,                   \
                           const float *sums, float *run_mean, float *run_var, double eps, double momentum, int rows,  \
                           int c) {                                                                                    \
        Given g = {mean, rstd, gamma, beta, sums, run_mean, run_var, eps, momentum, rows, c};                          \
        int col = int(blockIdx.x * blockDim.x + threadIdx.x);                                                          \
        if (col < c) bn_write_line(line, g, col);                                                                      \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_line_##S)
FOR_HALVES(HALVES)
