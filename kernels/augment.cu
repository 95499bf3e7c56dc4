// Variation of a batch of images (gpu.Augment): uint8 [n, h, w, 3] to normalised values [n, side, side, c]. What varies was
// drawn on the host, by the one code that also serves the CPU, and comes as numbers per image: fixed-point geometry and
// three factors. The device draws nothing, so that no second implementation has to agree with the first, and the numbers
// of a batch are 52 bytes an image.
//
// Contrast turns about the mean grey of the varied image, so that its pixels are sampled twice: once for sums, which are
// whole numbers and thus the same in every order, once for the result; nothing in between is stored. Where a crop
// would be shrunk, the image goes through an antialiased filter first.
#include "device.cuh"

constexpr int aug_fixed = 16;    // fraction bits of source coordinates
constexpr int aug_fields = 10;   // of an image's geometry
constexpr int aug_pixels = 1024; // of one block
constexpr int aug_taps = 16;     // of the filter, at most: images are shrunk by less than 7
constexpr int aug_shrink = 7;
constexpr int aug_across = 32, aug_down = 8; // pixels of one block of the filter

// Geometry is what gpu.Augment says of a row of geometry.
struct Geometry {
    int x0, y0, dxx, dxy, dyx, dyy, w, h, bits_w, bits_h;
    bool sane, small; // the numbers make sense; the image is shrunk first
};

__device__ inline Geometry aug_geometry(const int *g, int w, int h) {
    Geometry a = {g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], false, false};
    a.sane = a.w > 0 && a.h > 0 && a.w <= w && a.h <= h && w < aug_shrink * a.w && h < aug_shrink * a.h && a.bits_w >= 0 &&
             a.bits_h >= 0 && a.bits_w <= 22 && a.bits_h <= 22;
    a.small = a.w < w || a.h < h;
    return a;
}

// aug_weights computes the taps of output pixel i of in -> out pixels: PyTorch's upsample_bilinear2d_aa, in whole numbers
// of 2^-bits as data/fundus. It returns the first input pixel.
__device__ inline int aug_weights(int *weight, int &count, int i, int in, int out, int bits) {
    double scale = double(in) / out, support = scale > 1 ? scale : 1, center = scale * (i + 0.5);
    int lo = int(center - support + 0.5), hi = int(center + support + 0.5);
    lo = lo < 0 ? 0 : lo;
    hi = hi > in ? in : hi;
    double sum = 0;
    for (int j = lo; j < hi; j++) {
        double d = (j - center + 0.5) / support;
        sum += 1 - (d < 0 ? -d : d) > 0 ? 1 - (d < 0 ? -d : d) : 0;
    }
    for (int j = lo; j < hi; j++) {
        double d = (j - center + 0.5) / support, v = 1 - (d < 0 ? -d : d);
        weight[j - lo] = int((v > 0 ? v : 0) / sum * double(1 << bits) + 0.5);
    }
    count = hi - lo;
    return lo;
}

__device__ inline int aug_clamp(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

// augment_shrink_u8 writes the images that are to be shrunk to small [n, h, w, 3], each as [its h, its w, 3] from the start of
// its part. Blocks of 256 threads: 32 x 8 pixels (x, y) of an image (z).
extern "C" __global__ void augment_shrink_u8(u8 *small, const u8 *src, const int *geometry, int w, int h) {
    SHARED(int, wx, aug_across *aug_taps);
    SHARED(int, wy, aug_down *aug_taps);
    SHARED(int, first, aug_across + aug_down);
    SHARED(int, count, aug_across + aug_down);
    Geometry g = aug_geometry(geometry + blockIdx.z * aug_fields, w, h);
    int t = threadIdx.x, x = blockIdx.x * aug_across + t % aug_across, y = blockIdx.y * aug_down + t / aug_across;
    bool work = g.sane && g.small;
    if (work && t < aug_across && x < g.w) first[t] = aug_weights(wx + t * aug_taps, count[t], x, w, g.w, g.bits_w);
    int row = int(blockIdx.y) * aug_down + t - aug_across;
    if (work && t >= aug_across && t < aug_across + aug_down && row < g.h)
        first[t] = aug_weights(wy + (t - aug_across) * aug_taps, count[t], row, h, g.h, g.bits_h);
    __syncthreads();
    if (!work || x >= g.w || y >= g.h) return;
    const u8 *from = src + (i64)blockIdx.z * w * h * 3;
    int c = t % aug_across, r = t / aug_across, half_x = (1 << g.bits_w) >> 1, half_y = (1 << g.bits_h) >> 1;
    int sum[3] = {half_y, half_y, half_y};
    for (int j = 0; j < count[aug_across + r]; j++) {
        const u8 *p = from + ((i64)(first[aug_across + r] + j) * w + first[c]) * 3;
        int mid[3] = {half_x, half_x, half_x};
        for (int i = 0; i < count[c]; i++)
            for (int k = 0; k < 3; k++) mid[k] += wx[c * aug_taps + i] * p[3 * i + k];
        for (int k = 0; k < 3; k++) sum[k] += wy[r * aug_taps + j] * aug_clamp(mid[k] >> g.bits_w);
    }
    u8 *to = small + ((i64)blockIdx.z * w * h + (i64)y * g.w + x) * 3;
    for (int k = 0; k < 3; k++) to[k] = (u8)aug_clamp(sum[k] >> g.bits_h);
}
EXPORT_KERNEL(augment_shrink_u8)

// Pixel is a sampled colour times 2^16.
struct Pixel {
    int c[3];
};

// aug_sample samples the image at output pixel (x, y), at 1/256 of a source pixel. Within half a pixel of the border the
// outermost pixels go on; beyond all is black.
__device__ inline Pixel aug_sample(const u8 *src, const Geometry &g, int x, int y) {
    const i64 half = 1 << (aug_fixed - 1), one = 1 << aug_fixed;
    i64 sx = g.x0 + (i64)x * g.dxx + (i64)y * g.dyx, sy = g.y0 + (i64)x * g.dxy + (i64)y * g.dyy;
    Pixel p = {{0, 0, 0}};
    if (sx < -half || sy < -half || sx > g.w * one - half || sy > g.h * one - half) return p;
    sx = sx < 0 ? 0 : sx > (g.w - 1) * one ? (g.w - 1) * one : sx;
    sy = sy < 0 ? 0 : sy > (g.h - 1) * one ? (g.h - 1) * one : sy;
    int x0 = int(sx >> aug_fixed), y0 = int(sy >> aug_fixed), fx = int(sx >> (aug_fixed - 8)) & 255, fy = int(sy >> (aug_fixed - 8)) & 255;
    int x1 = x0 + 1 < g.w ? x0 + 1 : x0, y1 = y0 + 1 < g.h ? y0 + 1 : y0;
    const u8 *top = src + (i64)y0 * g.w * 3, *low = src + (i64)y1 * g.w * 3;
#pragma unroll
    for (int k = 0; k < 3; k++) {
        int a = top[3 * x0 + k] * (256 - fx) + top[3 * x1 + k] * fx, b = low[3 * x0 + k] * (256 - fx) + low[3 * x1 + k] * fx;
        p.c[k] = a * (256 - fy) + b * fy;
    }
    return p;
}

__device__ inline const u8 *aug_source(const u8 *src, const u8 *small, const Geometry &g, int w, int h) {
    return (g.small ? small : src) + (i64)blockIdx.y * w * h * 3;
}

// augment_sums_u8 sums the channels of 1,024 pixels (x) of an image (y): sums [n, blocks, 3], times 2^16. 256 threads.
extern "C" __global__ void augment_sums_u8(i64 *sums, const u8 *src, const u8 *small,
                                           const int *geometry, int w, int h, int side) {
    SHARED(i64, part, 3 * 8);
    Geometry g = aug_geometry(geometry + blockIdx.y * aug_fields, w, h);
    const u8 *from = aug_source(src, small, g, w, h);
    i64 sum[3] = {0, 0, 0};
    for (int i = threadIdx.x; g.sane && i < aug_pixels; i += blockDim.x) {
        i64 at = (i64)blockIdx.x * aug_pixels + i;
        if (at >= (i64)side * side) break;
        Pixel p = aug_sample(from, g, int(at % side), int(at / side));
        for (int k = 0; k < 3; k++) sum[k] += p.c[k];
    }
    for (int k = 0; k < 3; k++) {
        for (int o = 16; o > 0; o /= 2) sum[k] += __shfl_xor_sync(~0u, sum[k], o);
        if (threadIdx.x % 32 == 0) part[3 * (threadIdx.x / 32) + k] = sum[k];
    }
    __syncthreads();
    if (threadIdx.x >= 3) return;
    i64 all = 0;
    for (int i = 0; i < 8; i++) all += part[3 * i + threadIdx.x];
    sums[((i64)blockIdx.y * gridDim.x + blockIdx.x) * 3 + threadIdx.x] = all;
}
EXPORT_KERNEL(augment_sums_u8)

// Colour is v -> scale clip(own v + mix grey(v) + shift) + offset of grey levels v, as data/fundus.
struct Colour {
    float own, shift, mix[3], scale[3], offset[3];
};

// aug_grey sums the parts' sums into the mean grey of the image, ITU-R BT.601, for every thread of the block.
__device__ inline double aug_grey(const i64 *sums, int parts, int side) {
    SHARED(i64, part, 3 * 256);
    int t = threadIdx.x;
    for (int k = 0; k < 3; k++) {
        i64 s = 0;
        for (int i = t; i < parts; i += 256) s += sums[3 * i + k];
        part[256 * k + t] = s;
    }
    __syncthreads();
    for (int o = 128; o > 0; o /= 2) {
        for (int k = 0; k < 3; k++)
            if (t < o) part[256 * k + t] += part[256 * k + t + o];
        __syncthreads();
    }
    return (0.299 * double(part[0]) + 0.587 * double(part[256]) + 0.114 * double(part[512])) / (double(side) * side * (1 << aug_fixed));
}

__device__ inline Colour aug_colour(const float *factors, const float *norm, double grey) {
    double brightness = factors[0], contrast = factors[1], saturation = factors[2], gain = brightness * contrast, mix = gain * (1 - saturation);
    Colour c = {float(gain * saturation), float((1 - contrast) * brightness * grey), {float(mix * 0.299), float(mix * 0.587), float(mix * 0.114)}, {}, {}};
    for (int k = 0; k < 3; k++) {
        c.scale[k] = norm[k];
        c.offset[k] = norm[3 + k];
    }
    return c;
}

// augment_forward writes 1,024 pixels (x) of an image (y). Channels from the fourth on are 0. Numbers that make no sense
// give NaN.
template <class T>
__device__ inline void augment_forward(T *out, const u8 *src, const u8 *small, const int *geometry, const float *factors,
                                       const float *norm, const i64 *sums, int w, int h, int side, int channels) {
    Geometry g = aug_geometry(geometry + blockIdx.y * aug_fields, w, h);
    double grey = aug_grey(sums + (i64)blockIdx.y * gridDim.x * 3, gridDim.x, side);
    Colour c = aug_colour(factors + 3 * blockIdx.y, norm, grey);
    const u8 *from = aug_source(src, small, g, w, h);
    for (int i = threadIdx.x; i < aug_pixels; i += blockDim.x) {
        i64 at = (i64)blockIdx.x * aug_pixels + i;
        if (at >= (i64)side * side) break;
        T *to = out + ((i64)blockIdx.y * side * side + at) * channels;
        float v[3] = {0.0f, 0.0f, 0.0f};
        if (g.sane) {
            Pixel p = aug_sample(from, g, int(at % side), int(at / side));
            for (int k = 0; k < 3; k++) v[k] = float(p.c[k]) * (1.0f / 65536);
        }
        float common = c.mix[0] * v[0] + c.mix[1] * v[1] + c.mix[2] * v[2] + c.shift;
        for (int k = 0; k < 3; k++) {
            float s = c.own * v[k] + common;
            s = s < 0 ? 0 : s > 255 ? 255 : s;
            v[k] = g.sane ? c.scale[k] * s + c.offset[k] : not_a_number();
        }
        if (channels == 4 && aligned16(out)) {
            store4(to, {v[0], v[1], v[2], 0.0f});
            continue;
        }
        for (int k = 0; k < channels; k++) to[k] = from_float<T>(k == 0 ? v[0] : k == 1 ? v[1] : k == 2 ? v[2] : 0.0f);
    }
}

// norm [6] is the factor and the offset of every channel.
#define AUGMENT(T, S)                                                                                                  \
    extern "C" __global__ void augment_forward_##S(T *out, const u8 *src, const u8 *small,       \
                                                   const int *geometry, const float *factors, const float *norm,       \
                                                   const i64 *sums, int w, int h, int side, int channels) {      \
        augment_forward(out, src, small, geometry, factors, norm, sums, w, h, side, channels);                         \
    }                                                                                                                  \
    EXPORT_KERNEL(augment_forward_##S)
FOR_TYPES(AUGMENT)
