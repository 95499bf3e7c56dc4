// Pooling of NHWC images (gpu.MaxPool, gpu.GlobalAvgPool and their gradients). Blocks are blockDim.x groups of channels wide
// and blockDim.y pixels high, as in columns.cuh: a matrix's rows are the pixels that are written, or summed.
#include "columns.cuh"

// PoolWindow is gpu.MaxPool's: x [n, h, w, c], y [n, oh, ow, c], windows of k x k.
struct PoolWindow {
    int h, w, c, oh, ow, k, stride, pad;
};

constexpr int pool_rows = 4; // of an image to average, in flight
constexpr int pool_taps = 3; // of a window's line, in flight
__device__ inline bool tap_inside(int s, int ix, const PoolWindow &g) { return s < g.k && ix >= 0 && ix < g.w; }

// store_bytes writes N small numbers as bytes; with N above 1 to an address that N divides.
template <int N> __device__ inline void store_bytes(u8 *p, const unsigned (&v)[N]) {
    if constexpr (N == 1) {
        *p = u8(v[0]);
    } else {
        unsigned *to = reinterpret_cast<unsigned *>(p);
#pragma unroll
        for (int i = 0; i < N / 4; i++) to[i] = v[4 * i] | v[4 * i + 1] << 8 | v[4 * i + 2] << 16 | v[4 * i + 3] << 24;
    }
}
template <int N> __device__ inline void load_bytes(unsigned (&v)[N], const u8 *p) {
    if constexpr (N == 1) {
        v[0] = *p;
    } else {
        const unsigned *from = reinterpret_cast<const unsigned *>(p);
#pragma unroll
        for (int l = 0; l < N; l++) v[l] = from[l / 4] >> (8 * (l % 4)) & 255;
    }
}

// maxpool_forward: y and argmax [pixels, c] of every window: the largest element and its place r * k + s; the first of
// equals, a NaN if there is one.
template <class T, int N> __device__ inline void maxpool_forward(T *y, u8 *argmax, const T *x, int pixels, const PoolWindow &g) {
    for (int start = column_start(N); start < g.c; start += column_stride(N)) {
        Columns m = columns(pixels, g.c, start, N);
        if (m.col >= g.c) continue;
        for (i64 q = m.row; q < pixels; q += m.step) {
            unsigned row = unsigned(q) / unsigned(g.ow), n = row / unsigned(g.oh);
            int ox = int(unsigned(q) - row * unsigned(g.ow)), oy = int(row - n * unsigned(g.oh));
            float top[N];
            unsigned at[N];
#pragma unroll
            for (int l = 0; l < N; l++) {
                top[l] = -__int_as_float(0x7f800000);
                at[l] = 0;
            }
            for (int r = 0; r < g.k; r++) {
                int iy = oy * g.stride - g.pad + r;
                if (iy < 0 || iy >= g.h) continue;
                const T *line = x + (i64(n) * g.h + iy) * g.w * g.c + m.col;
                for (int s = 0; s < g.k; s += pool_taps) {
                    Raw<T, N> in[pool_taps];
                    int ix = ox * g.stride - g.pad + s;
#pragma unroll
                    for (int u = 0; u < pool_taps; u++)
                        if (tap_inside(s + u, ix + u, g)) load_raw(in[u], line + i64(ix + u) * g.c);
#pragma unroll
                    for (int u = 0; u < pool_taps; u++) {
                        if (!tap_inside(s + u, ix + u, g)) continue;
                        float v[N];
                        from_raw(v, in[u]);
#pragma unroll
                        for (int l = 0; l < N; l++) {
                            bool more = v[l] > top[l] || is_nan(v[l]);
                            top[l] = more ? v[l] : top[l];
                            at[l] = more ? unsigned(r * g.k + s + u) : at[l];
                        }
                    }
                }
            }
            store_n<N>(y + q * g.c + m.col, top);
            store_bytes<N>(argmax + q * g.c + m.col, at);
        }
    }
}

// add_where adds to sum the elements of d whose place is own.
template <class T, int N> __device__ inline void add_where(float (&sum)[N], const Raw<T, N> &d, const unsigned (&at)[N], int own) {
    float v[N];
    from_raw(v, d);
#pragma unroll
    for (int l = 0; l < N; l++) sum[l] += int(at[l]) == own ? v[l] : 0.0f;
}

// maxpool_backward: dx [pixels, c], each element the sum of dy of the windows whose largest it was, in the order of the windows.
template <class T, int N> __device__ inline void maxpool_backward(T *dx, const T *dy, const u8 *argmax, int pixels, const PoolWindow &g) {
    for (int start = column_start(N); start < g.c; start += column_stride(N)) {
        Columns m = columns(pixels, g.c, start, N);
        if (m.col >= g.c) continue;
        for (i64 q = m.row; q < pixels; q += m.step) {
            unsigned row = unsigned(q) / unsigned(g.w), n = row / unsigned(g.h);
            int x = int(unsigned(q) - row * unsigned(g.w)) + g.pad, y = int(row - n * unsigned(g.h)) + g.pad;
            int y0 = y < g.k ? 0 : (y - g.k) / g.stride + 1, x0 = x < g.k ? 0 : (x - g.k) / g.stride + 1;
            float sum[N];
            clear<N>(sum);
            for (int oy = y0; oy < g.oh && oy * g.stride <= y; oy++) {
                for (int ox = x0; ox < g.ow && ox * g.stride <= x; ox += 2) {
                    i64 from = ((i64(n) * g.oh + oy) * g.ow + ox) * g.c + m.col;
                    int own = (y - oy * g.stride) * g.k + x - ox * g.stride;
                    bool two = ox + 1 < g.ow && (ox + 1) * g.stride <= x;
                    Raw<T, N> d0, d1 = {};
                    unsigned at0[N], at1[N] = {};
                    load_raw(d0, dy + from);
                    load_bytes<N>(at0, argmax + from);
                    if (two) load_raw(d1, dy + from + g.c);
                    if (two) load_bytes<N>(at1, argmax + from + g.c);
                    add_where<T, N>(sum, d0, at0, own);
                    add_where<T, N>(sum, d1, at1, two ? own - g.stride : -1);
                }
            }
            store_n<N>(dx + q * g.c + m.col, sum);
        }
    }
}

// globalavgpool_forward: y [gridDim.y, c], the mean over the pixels of x [gridDim.y, pixels, c].
template <class T, int N> __device__ inline void globalavgpool_forward(T *y, const T *x, int pixels, int c) {
    const T *image = x + i64(blockIdx.y) * pixels * c;
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        int col = start + int(threadIdx.x) * N;
        float sum[N];
        clear<N>(sum);
        for (int q = int(threadIdx.y); q < pixels && col < c; q += pool_rows * int(blockDim.y)) {
            Raw<T, N> in[pool_rows] = {};
#pragma unroll
            for (int u = 0; u < pool_rows; u++)
                if (q + u * int(blockDim.y) < pixels) load_raw(in[u], image + i64(q + u * int(blockDim.y)) * c + col);
#pragma unroll
            for (int u = 0; u < pool_rows; u++) {
                float v[N];
                from_raw(v, in[u]);
#pragma unroll
                for (int l = 0; l < N; l++) sum[l] += v[l];
            }
        }
        add_up<N>(sum);
#pragma unroll
        for (int l = 0; l < N; l++) sum[l] /= float(pixels);
        if (threadIdx.y == 0 && col < c) store_n<N>(y + i64(blockIdx.y) * c + col, sum);
    }
}

// globalavgpool_backward: dx [rows, c] = dy [rows / pixels, c] / pixels.
template <class T, int N> __device__ inline void globalavgpool_backward(T *dx, const T *dy, int rows, int pixels, int c) {
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns m = columns(rows, c, start, N);
        if (m.col >= c) continue;
        for (i64 r = m.row; r < rows; r += m.step) {
            float v[N];
            load_n<N>(v, dy + i64(unsigned(r) / unsigned(pixels)) * c + m.col);
#pragma unroll
            for (int l = 0; l < N; l++) v[l] /= float(pixels);
            store_n<N>(dx + r * c + m.col, v);
        }
    }
}

#define POOL(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256, 4)                                                               \
        maxpool_forward_##S(T *y, u8 *argmax, const T *x, int pixels, int h, int w, int c, int oh, int ow, int k,      \
                            int stride, int pad) {                                                                     \
        PoolWindow g = {h, w, c, oh, ow, k, stride, pad};                                                              \
        if (c % lanes<T> == 0 && aligned16(y) && aligned16(argmax) && aligned16(x))                                    \
            maxpool_forward<T, lanes<T>>(y, argmax, x, pixels, g);                                                     \
        else                                                                                                           \
            maxpool_forward<T, 1>(y, argmax, x, pixels, g);                                                            \
    }                                                                                                                  \
    EXPORT_KERNEL(maxpool_forward_##S)                                                                                 \
    extern "C" __global__ void __launch_bounds__(256, 4)                                                               \
        maxpool_backward_##S(T *dx, const T *dy, const u8 *argmax, int pixels, int h, int w, int c, int oh, int ow,    \
                             int k, int stride, int pad) {                                                             \
        PoolWindow g = {h, w, c, oh, ow, k, stride, pad};                                                              \
        if (c % lanes<T> == 0 && aligned16(dx) && aligned16(dy) && aligned16(argmax))                                  \
            maxpool_backward<T, lanes<T>>(dx, dy, argmax, pixels, g);                                                  \
        else                                                                                                           \
            maxpool_backward<T, 1>(dx, dy, argmax, pixels, g);                                                         \
    }                                                                                                                  \
    EXPORT_KERNEL(maxpool_backward_##S)                                                                                \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        globalavgpool_forward_##S(T *y, const T *x, int pixels, int c) {                                               \
        if (c % lanes<T> == 0 && aligned16(y) && aligned16(x))                                                         \
            globalavgpool_forward<T, lanes<T>>(y, x, pixels, c);                                                       \
        else                                                                                                           \
            globalavgpool_forward<T, 1>(y, x, pixels, c);                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(globalavgpool_forward_##S)                                                                           \
    extern "C" __global__ void __launch_bounds__(256)                                                                  \
        globalavgpool_backward_##S(T *dx, const T *dy, int rows, int pixels, int c) {                                  \
        if (c % lanes<T> == 0 && aligned16(dx) && aligned16(dy))                                                       \
            globalavgpool_backward<T, lanes<T>>(dx, dy, rows, pixels, c);                                              \
        else                                                                                                           \
            globalavgpool_backward<T, 1>(dx, dy, rows, pixels, c);                                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(globalavgpool_backward_##S)
FOR_TYPES(POOL)
