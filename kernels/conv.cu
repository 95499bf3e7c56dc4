// Convolutions as products without a vendor's library: the reference that cuDNN is held to, and what
// gpu.Options.Portable runs. Images are NHWC; a row of the column matrix is an output pixel, its columns are [r][s][c].
#include "device.cuh"

// Window has the shape of a convolution of n images.
struct Window {
    int h, w, c, oh, ow, r, s, stride, pad;
};

// im2col writes col [n oh ow, r s c]: what each output pixel sees of x [n, h, w, c], 0 for padding.
template <class T> __device__ inline void im2col(T *col, const T *x, i64 n, const Window &g) {
    i64 width = (i64)g.r * g.s * g.c, total = n * g.oh * g.ow * width;
    for (i64 i = grid_thread(); i < total; i += grid_threads()) {
        i64 row = i / width;
        int at = int(i % width), ch = at % g.c, s = at / g.c % g.s, r = at / g.c / g.s;
        int ox = int(row % g.ow), oy = int(row / g.ow % g.oh), y = oy * g.stride - g.pad + r, xx = ox * g.stride - g.pad + s;
        i64 image = row / ((i64)g.oh * g.ow);
        bool inside = y >= 0 && y < g.h && xx >= 0 && xx < g.w;
        col[i] = inside ? x[((image * g.h + y) * g.w + xx) * g.c + ch] : from_float<T>(0.0f);
    }
}

// col2im writes dx [n, h, w, c] = beta dx + the sum, in a fixed order, of what of col [n oh ow, r s c] came from it.
template <class T> __device__ inline void col2im(T *dx, const float *col, i64 n, const Window &g, float beta) {
    i64 width = (i64)g.r * g.s * g.c, total = n * g.h * g.w * g.c;
    for (i64 i = grid_thread(); i < total; i += grid_threads()) {
        int ch = int(i % g.c), xx = int(i / g.c % g.w), y = int(i / g.c / g.w % g.h);
        i64 image = i / ((i64)g.h * g.w * g.c);
        float sum = beta == 0.0f ? 0.0f : beta * to_float(dx[i]);
        for (int r = 0; r < g.r; r++)
            for (int s = 0; s < g.s; s++) {
                int v = y + g.pad - r, u = xx + g.pad - s;
                if (v < 0 || u < 0 || v % g.stride || u % g.stride || v / g.stride >= g.oh || u / g.stride >= g.ow) continue;
                i64 row = (image * g.oh + v / g.stride) * g.ow + u / g.stride;
                sum += col[row * width + ((i64)r * g.s + s) * g.c + ch];
            }
        dx[i] = from_float<T>(sum);
    }
}

#define IM2COL(T, S)                                                                                                   \
    extern "C" __global__ void im2col_forward_##S(T *col, const T *x, i64 n, int h, int w, int c, int oh, int ow,      \
                                                  int r, int s, int stride, int pad) {                                 \
        im2col(col, x, n, {h, w, c, oh, ow, r, s, stride, pad});                                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(im2col_forward_##S)                                                                                  \
    extern "C" __global__ void im2col_backward_##S(T *dx, const float *col, i64 n, int h, int w, int c, int oh,        \
                                                   int ow, int r, int s, int stride, int pad, float beta) {            \
        col2im(dx, col, n, {h, w, c, oh, ow, r, s, stride, pad}, beta);                                                \
    }                                                                                                                  \
    EXPORT_KERNEL(im2col_backward_##S)
FOR_TYPES(IM2COL)
