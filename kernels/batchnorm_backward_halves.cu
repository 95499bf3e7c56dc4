// Batch normalisation backward of a network of images in 16 bits, where batchnorm_halves.cu went forward: of all rows, whose
// columns come eight at a time and lie aligned.
#include "batchnorm.cuh"

// A Through says what is known of what the ReLU let through: there is none, the bits of it, or the line [2, c] that it took what is above
// 0 of: x line[0] + line[1].
enum Through { everything, by_bits, by_line };

template <class T> __device__ inline word4 load_eight(const T *x, i64 at) { return *reinterpret_cast<const word4 *>(x + at); }

// LetThrough is where a thread finds it, of its eight columns.
template <class T, int THROUGH> struct LetThrough {
    const u8 *mask;
    float scale[8], shift[8];

    __device__ inline LetThrough(const void *through, int col, int c) : mask(static_cast<const u8 *>(through)) {
        if (THROUGH != by_line || col >= c) return;
        unpack<T>(scale, load_eight(static_cast<const T *>(through), col));
        unpack<T>(shift, load_eight(static_cast<const T *>(through), i64(c) + col));
    }
};

// Eight are elements of dy, which become 0 where the ReLU let nothing through.
template <class T, int THROUGH> struct Eight {
    word4 dy;
    unsigned bits;

    __device__ inline void load(const T *from, const LetThrough<T, THROUGH> &p, i64 at) {
        dy = load_eight(from, at);
        if (THROUGH == by_bits) bits = p.mask[u64(at) / 8];
    }
    // rectified are they as numbers, beside the norm's input x. By a line dy itself stays.
    __device__ inline void rectified(float (&d)[8], const LetThrough<T, THROUGH> &p, const float (&x)[8]) {
        if (THROUGH == by_bits) let_through(dy, bits);
        unpack<T>(d, dy);
        if constexpr (THROUGH == by_line)
#pragma unroll
            for (int l = 0; l < 8; l++) d[l] = x[l] * p.scale[l] + p.shift[l] > 0.0f ? d[l] : 0.0f;
    }
};

// ThreadSums are a thread's, of eight columns: of d and of d (x - mean), for one norm or for two that share dy.
template <int NORMS> struct ThreadSums {
    float d[8], dot[NORMS][8], mean[NORMS][8];
};

// bn_sum_turn adds up to ROWS rows, `jump` elements apart, all or the first `left`.
template <class T, int ROWS, int THROUGH, int NORMS, bool END>
__device__ __forceinline__ void bn_sum_turn(ThreadSums<NORMS> &s, const T *dy, const LetThrough<T, THROUGH> &p, const T *x, const T *z, i64 at,
                                            i64 jump, unsigned left) {
    Eight<T, THROUGH> in[ROWS];
    word4 v[ROWS], w[ROWS];
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        if (END && unsigned(u) >= left) continue;
        in[u].load(dy, p, at + u * jump);
        v[u] = load_eight(x, at + u * jump);
        if (NORMS == 2) w[u] = load_eight(z, at + u * jump);
    }
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        if (END && unsigned(u) >= left) continue;
        float d[8], a[8];
        unpack<T>(a, v[u]);
        in[u].rectified(d, p, a);
#pragma unroll
        for (int k = 0; k < NORMS; k++) {
            if (k == 1) unpack<T>(a, w[u]);
#pragma unroll
            for (int l = 0; l < 8; l++) s.dot[k][l] += d[l] * (a[l] - s.mean[k][l]);
        }
#pragma unroll
        for (int l = 0; l < 8; l++) s.d[l] += d[l];
    }
}

// bn_sum_rows goes over the rows of the thread's columns.
template <class T, int ROWS, int THROUGH, int NORMS>
__device__ inline void bn_sum_rows(ThreadSums<NORMS> &s, const T *dy, const LetThrough<T, THROUGH> &p, const T *x, const T *z, const Columns &m) {
    unsigned r = unsigned(m.row), step = unsigned(m.step), rows = unsigned(m.rows);
    i64 at = m.row * m.c + m.col, jump = m.step * m.c;
    for (; r + (ROWS - 1) * step < rows; r += ROWS * step, at += ROWS * jump)
        bn_sum_turn<T, ROWS, THROUGH, NORMS, false>(s, dy, p, x, z, at, jump, 0);
    if (r < rows) bn_sum_turn<T, ROWS, THROUGH, NORMS, true>(s, dy, p, x, z, at, jump, (rows - r + step - 1) / step);
}

// bn_halves_finish makes slopes of what all blocks left in sums [1 + NORMS, parts, c].
template <int NORMS>
__device__ inline void bn_halves_finish(const Slopes &one, const Slopes &two, float *sums, unsigned *tickets, int rows, int c, int col) {
    if (last_of_parts<8>(sums, 1 + NORMS, nullptr, tickets, c, col)) {
#pragma unroll 1
        for (int k = 0; k < NORMS; k++) {
            bool first = k == 0;
            Slopes s = {first ? one.dgamma : two.dgamma, first ? one.dbeta : two.dbeta, first ? one.scale : two.scale,
                        first ? one.k1 : two.k1, first ? one.k2 : two.k2, one.rows, first ? one.gamma : two.gamma,
                        first ? one.rstd : two.rstd};
            bn_settle_slopes<8>(s, sums, sums + i64(1 + k) * gridDim.y * c, rows, c, column_start(8));
        }
    }
}

// batchnorm_halves_reduce is batchnorm_reduce of one norm, or of two whose sum went through the ReLU.
template <class T, int THROUGH, int NORMS>
__device__ inline void batchnorm_halves_reduce(const Slopes &one, const Slopes &two, float *sums, unsigned *tickets, const T *dy,
                                               const void *through, const T *x, const float *mean, const T *z, const float *z_mean,
                                               int rows, int c) {
    Columns m = columns(rows, c, column_start(8), 8);
    ThreadSums<NORMS> s;
    clear<8>(s.d);
#pragma unroll
    for (int k = 0; k < NORMS; k++) clear<8>(s.dot[k]);
    if (m.col < c) {
        load_column<8>(s.mean[0], mean, m.col);
        if constexpr (NORMS == 2) load_column<8>(s.mean[1], z_mean, m.col);
        LetThrough<T, THROUGH> p(through, m.col, c);
        bn_sum_rows<T, NORMS == 1 ? 2 : 1, THROUGH, NORMS>(s, dy, p, x, z, m);
    }
    add_up<8>(s.d);
    leave_part<8>(sums, 0, s.d, c, m.col);
#pragma unroll
    for (int k = 0; k < NORMS; k++) {
        add_up<8>(s.dot[k]);
        leave_part<8>(sums, 1 + k, s.dot[k], c, m.col);
    }
    bn_halves_finish<NORMS>(one, two, sums, tickets, rows, c, m.col);
}

// Slope is a norm's gradient as a line: dx = d scale + x by_x + shift, which is scale ((d - k1) - (x - mean) k2).
struct Slope {
    float scale[8], by_x[8], shift[8];
};

__device__ inline void bn_slope(Slope &s, const float *mean, const float *scale, const float *k1, const float *k2, int col) {
    float centre[8], b[8], e[8];
    load_column<8>(s.scale, scale, col);
    load_column<8>(centre, mean, col);
    load_column<8>(b, k1, col);
    load_column<8>(e, k2, col);
#pragma unroll
    for (int l = 0; l < 8; l++) {
        s.by_x[l] = -s.scale[l] * e[l];
        s.shift[l] = s.scale[l] * (centre[l] * e[l] - b[l]);
    }
}

template <class T> __device__ inline void bn_store_slope(T *dx, const float (&d)[8], float (&v)[8], const Slope &s) {
#pragma unroll
    for (int l = 0; l < 8; l++) v[l] = d[l] * s.scale[l] + (v[l] * s.by_x[l] + s.shift[l]);
    *reinterpret_cast<word4 *>(dx) = pack<T>(v);
}

// Gradients is where a turn writes: dx, with a residual d itself, and of a second norm dz.
template <class T> struct Gradients {
    T *dx, *dadd, *dz;
};

// bn_back_turn makes up to ROWS rows of the gradients.
template <class T, int ROWS, int THROUGH, bool ADD, int NORMS, bool END>
__device__ __forceinline__ void bn_back_turn(const Gradients<T> &g, const T *dy, const LetThrough<T, THROUGH> &p, const T *x, const T *z,
                                             const Slope (&s)[NORMS], i64 at, i64 jump, unsigned left) {
    Eight<T, THROUGH> in[ROWS];
    word4 v[ROWS], w[ROWS];
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        if (END && unsigned(u) >= left) continue;
        in[u].load(dy, p, at + u * jump);
        v[u] = load_eight(x, at + u * jump);
        if (NORMS == 2) w[u] = load_eight(z, at + u * jump);
    }
#pragma unroll
    for (int u = 0; u < ROWS; u++) {
        if (END && unsigned(u) >= left) continue;
        static_assert(!ADD || THROUGH != by_line, "dy is written as it is rectified");
        float d[8], a[8];
        unpack<T>(a, v[u]);
        in[u].rectified(d, p, a);
        if (ADD) *reinterpret_cast<word4 *>(g.dadd + (at + u * jump)) = in[u].dy;
        bn_store_slope(g.dx + (at + u * jump), d, a, s[0]);
        if (NORMS == 2) {
            unpack<T>(a, w[u]);
            bn_store_slope(g.dz + (at + u * jump), d, a, s[NORMS - 1]);
        }
    }
}

template <class T, int ROWS, int THROUGH, bool ADD, int NORMS>
__device__ inline void bn_back_rows_of(const Gradients<T> &g, const T *dy, const LetThrough<T, THROUGH> &p, const T *x, const T *z,
                                       const Slope (&s)[NORMS], const Columns &m) {
    unsigned r = unsigned(m.row), step = unsigned(m.step), rows = unsigned(m.rows);
    i64 at = m.row * m.c + m.col, jump = m.step * m.c;
    for (; r + (ROWS - 1) * step < rows; r += ROWS * step, at += ROWS * jump)
        bn_back_turn<T, ROWS, THROUGH, ADD, NORMS, false>(g, dy, p, x, z, s, at, jump, 0);
    if (r < rows) bn_back_turn<T, ROWS, THROUGH, ADD, NORMS, true>(g, dy, p, x, z, s, at, jump, (rows - r + step - 1) / step);
}

// batchnorm_halves_backward is batchnorm_backward: dx, and with a residual dadd. dx or dadd may be dy.
template <class T, int THROUGH, bool ADD>
__device__ inline void batchnorm_halves_backward(T *dx, T *dadd, const T *dy, const void *through, const T *x, const float *mean,
                                                 const float *scale, const float *k1, const float *k2, int rows, int c) {
    Columns m = columns(rows, c, column_start(8), 8);
    if (m.col >= c) return;
    Slope s[1];
    bn_slope(s[0], mean, scale, k1, k2, m.col);
    LetThrough<T, THROUGH> p(through, m.col, c);
    bn_back_rows_of<T, 2, THROUGH, ADD, 1>(Gradients<T>{dx, dadd, nullptr}, dy, p, x, nullptr, s, m);
}

// Summed is what a convolution's gradient left of a norm's: sums [2, c] over d (x - mean) rstd and over d, which are the gradients of gamma
// and beta. These are added to where they are not null.
struct Summed {
    float *dgamma, *dbeta;
    const float *sums, *mean, *rstd, *gamma;
};

// bn_summed_slope is the norm's line of the columns from col on. The blocks of the first rows add the gradients.
__device__ inline void bn_summed_slope(Slope &s, const Summed &g, int rows, int c, int col) {
    float centre[8], inv[8], dot[8], sum[8];
    load_column<8>(s.scale, g.gamma, col);
    load_column<8>(centre, g.mean, col);
    load_column<8>(inv, g.rstd, col);
    load_column<8>(dot, g.sums, col);
    load_column<8>(sum, g.sums + c, col);
#pragma unroll
    for (int l = 0; l < 8; l++) {
        s.scale[l] *= inv[l];
        float k = s.scale[l] * inv[l] * dot[l] / float(rows);
        s.by_x[l] = -k;
        s.shift[l] = k * centre[l] - s.scale[l] * sum[l] / float(rows);
    }
    if (blockIdx.y != 0 || threadIdx.y != 0) return;
#pragma unroll
    for (int l = 0; l < 8; l++) {
        if (g.dgamma != nullptr) g.dgamma[col + l] += dot[l];
        if (g.dbeta != nullptr) g.dbeta[col + l] += sum[l];
    }
}

#define BACKWARD_HALVES(T, S, NAME, P, THROUGH, ADDED)                                                                     \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_##NAME##_backward_##S(T *dx, T *dadd, const T *dy, const P *through, const T *x, const float *mean,  \
                                        const float *scale, const float *k1, const float *k2, int rows, int c) {       \
        batchnorm_halves_backward<T, THROUGH, ADDED>(dx, dadd, dy, through, x, mean, scale, k1, k2, rows, c);          \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_##NAME##_backward_##S)

#define REDUCE_HALVES(T, S, NAME, P, THROUGH)                                                                           \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_##NAME##_reduce_##S(float *dgamma, float *dbeta, float *scale, float *k1, float *k2, int *rows_out,  \
                                      float *sums, unsigned *tickets, const T *dy, const P *through, const T *x,       \
                                      const float *mean, const float *gamma, const float *rstd, int rows, int c) {     \
        Slopes s = {dgamma, dbeta, scale, k1, k2, rows_out, gamma, rstd};                                              \
        batchnorm_halves_reduce<T, THROUGH, 1>(s, s, sums, tickets, dy, through, x, mean, nullptr, nullptr, rows, c);  \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_##NAME##_reduce_##S)

#define BACKWARD_SUMMED(T, S)                                                                                          \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_summed_backward_##S(T *dx, float *dgamma, float *dbeta, const T *d, const T *x, const float *sums,   \
                                      const float *mean, const float *rstd, const float *gamma, int rows, int c) {     \
        Columns m = columns(rows, c, column_start(8), 8);                                                              \
        if (m.col >= c) return;                                                                                        \
        Slope s[1];                                                                                                    \
        bn_summed_slope(s[0], Summed{dgamma, dbeta, sums, mean, rstd, gamma}, rows, c, m.col);                         \
        LetThrough<T, everything> p(nullptr, m.col, c);                                                                    \
        bn_back_rows_of<T, 2, everything, false, 1>(Gradients<T>{dx, nullptr, nullptr}, d, p, x, nullptr, s, m);       \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_summed_backward_##S)

#define BACKWARD_BOTH(T, S)                                                                                            \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_both_reduce_##S(float *dgamma, float *dbeta, float *scale, float *k1, float *k2, float *z_dgamma,    \
                                  float *z_dbeta, float *z_scale, float *z_k1, float *z_k2, float *sums,               \
                                  unsigned *tickets, const T *dy, const u8 *mask, const T *x, const float *mean,       \
                                  const float *gamma, const float *rstd, const T *z, const float *z_mean,              \
                                  const float *z_gamma, const float *z_rstd, int *rows_out, int rows, int c) {         \
        Slopes one = {dgamma, dbeta, scale, k1, k2, rows_out, gamma, rstd};                                            \
        Slopes two = {z_dgamma, z_dbeta, z_scale, z_k1, z_k2, rows_out, z_gamma, z_rstd};                              \
        batchnorm_halves_reduce<T, by_bits, 2>(one, two, sums, tickets, dy, mask, x, mean, z, z_mean, rows, c);           \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_both_reduce_##S)                                                                           \
    extern "C" __global__ void __launch_bounds__(256, 3)                                                               \
        batchnorm_both_backward_##S(T *dx, T *dz, const T *dy, const u8 *mask, const T *x, const float *mean,          \
                                    const float *scale, const float *k1, const float *k2, const T *z,                  \
                                    const float *z_mean, const float *z_scale, const float *z_k1, const float *z_k2,   \
                                    int rows, int c) {                                                                 \
        Columns m = columns(rows, c, column_start(8), 8);                                                              \
        if (m.col >= c) return;                                                                                        \
        Slope s[2];                                                                                                    \
        bn_slope(s[0], mean, scale, k1, k2, m.col);                                                                    \
        bn_slope(s[1], z_mean, z_scale, z_k1, z_k2, m.col);                                                            \
        LetThrough<T, by_bits> p(mask, m.col, c);                                                                          \
        bn_back_rows_of<T, 1, by_bits, false, 2>(Gradients<T>{dx, nullptr, dz}, dy, p, x, z, s, m);                    \
    }                                                                                                                  \
    EXPORT_KERNEL(batchnorm_both_backward_##S)

#define ALL_BACKWARD_HALVES(T, S)                                                                                      \
    REDUCE_HALVES(T, S, plain, u8, everything)                                                                         \
    REDUCE_HALVES(T, S, relu, u8, by_bits)                                                                             \
    REDUCE_HALVES(T, S, line, T, by_line)                                                                              \
    BACKWARD_HALVES(T, S, plain, u8, everything, false)                                                                \
    BACKWARD_HALVES(T, S, relu, u8, by_bits, false)                                                                    \
    BACKWARD_HALVES(T, S, line, T, by_line, false)                                                                     \
    BACKWARD_HALVES(T, S, addrelu, u8, by_bits, true)                                                                  \
    BACKWARD_SUMMED(T, S)                                                                                              \
    BACKWARD_BOTH(T, S)
FOR_HALVES(ALL_BACKWARD_HALVES)
