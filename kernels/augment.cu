// Variation of a batch of images (gpu.Augment): uint8 [n, h, w, 3] to normalised values [n, side, side, c]. What varies was
// drawn on the host, by the one code that also serves the CPU, and comes as numbers per image: fixed-point geometry and
// three factors. The device draws nothing, so that no second implementation has to agree with the first, and the numbers
// of a batch are 52 bytes an image.
//
// Contrast turns about the mean grey of the varied image, so that its pixels are sampled twice: once for sums, which are
// whole numbers and thus the same in every order, once for the result; nothing in between is stored. Where a crop
// would be shrunk, the image goes through an antialiased filter first.
//
// Rows of w x 3 bytes begin anywhere, so that pixels are cut out of aligned words. A word is read only where one of its bytes is
// the image's own; memory comes in whole words.
#include "device.cuh"

constexpr int aug_fixed = 16;  // fraction bits of source coordinates
constexpr int aug_fields = 10; // of an image's geometry
constexpr int aug_shrink = 7;  // images are shrunk by less
constexpr int aug_quads = 4;   // of the filter's taps, at most: fewer than 2 x 7 + 2
constexpr int aug_side = 32;   // of a block's square of pixels
constexpr int aug_top = 65535; // a weight, at most

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
// of 2^-bits as data/fundus, of 16 bits. Tap j is weight[j / 4 * stride + j % 4]; those that make the last four whole are 0. It
// returns the first input pixel.
__device__ inline int aug_weights(unsigned short *weight, int stride, int &count, int i, int in, int out, int bits) {
    double scale = double(in) / out, support = scale > 1 ? scale : 1, center = scale * (i + 0.5);
    int lo = int(center - support + 0.5), hi = int(center + support + 0.5);
    lo = lo < 0 ? 0 : lo;
    hi = hi > in ? in : hi;
    double sum = 0;
    for (int j = lo; j < hi; j++) {
        double d = (j - center + 0.5) / support;
        sum += 1 - (d < 0 ? -d : d) > 0 ? 1 - (d < 0 ? -d : d) : 0;
    }
    count = hi - lo;
    for (int j = 0; j < (count + 3) / 4 * 4; j++) {
        double d = (lo + j - center + 0.5) / support, v = 1 - (d < 0 ? -d : d);
        int rounded = j < count ? int((v > 0 ? v : 0) / sum * double(1 << bits) + 0.5) : 0;
        weight[j / 4 * stride + j % 4] = (unsigned short)(rounded < aug_top ? rounded : aug_top);
    }
    return lo;
}

// cut returns the four bytes that lie `bytes` into (lo, hi), of 0 to 3.
__device__ inline unsigned cut(unsigned lo, unsigned hi, unsigned bytes) { return unsigned((u64(hi) << 32 | lo) >> (8 * bytes & 31)); }

// Filtered are sums of products of weights and colours, and half of what they are divided by.
struct Filtered {
    unsigned r, g, b;
};

// add_two adds two pixels times the halves of weight. rg has the two pixels' red and then their green, and blue theirs among others.
template <bool HIGH> __device__ inline void add_two(Filtered &s, unsigned weight, unsigned rg, unsigned blue) {
    s.r = two_products<false>(weight, rg, s.r);
    s.g = two_products<true>(weight, rg, s.g);
    s.b = two_products<HIGH>(weight, blue, s.b);
}

__device__ inline unsigned aug_byte(unsigned sum, int bits) { return sum >> bits < 255 ? sum >> bits : 255; }

// aug_across filters pixels of a row that begin at p, and returns a pixel as a word. weight has four taps each aug_side.
__device__ inline unsigned aug_across(const u8 *p, int count, const word2 *weight, int bits) {
    unsigned over = unsigned(reinterpret_cast<u64>(p) & 3), half = (1u << bits) >> 1;
    const unsigned *word = reinterpret_cast<const unsigned *>(p - over);
    int last = (int(over) + 3 * count - 1) / 4;
    Filtered s = {half, half, half};
    unsigned w = word[0];
    for (int q = 0; 4 * q < count; q++) {
        unsigned next[3];
#pragma unroll
        for (int k = 0; k < 3; k++) next[k] = word[3 * q + 1 + k < last ? 3 * q + 1 + k : last];
        unsigned a = cut(w, next[0], over), b = cut(next[0], next[1], over), c = cut(next[1], next[2], over); // rgbr gbrg brgb
        unsigned blue = four_bytes<0x7410>(four_bytes<0x5252>(a, b), c);
        word2 two = weight[q * aug_side];
        add_two<false>(s, two.w[0], four_bytes<0x4130>(a, b), blue);
        add_two<true>(s, two.w[1], four_bytes<0x6352>(b, c), blue);
        w = next[2];
    }
    return aug_byte(s.r, bits) | aug_byte(s.g, bits) << 8 | aug_byte(s.b, bits) << 16;
}

// aug_down filters pixels, words of which aug_side are a row, of a column.
__device__ inline Filtered aug_down(const unsigned *pixel, int count, const word2 *weight, int bits) {
    unsigned half = (1u << bits) >> 1;
    Filtered s = {half, half, half};
    for (int q = 0; 4 * q < count; q++, pixel += 4 * aug_side) {
        unsigned a = pixel[0], b = pixel[aug_side], c = pixel[2 * aug_side], d = pixel[3 * aug_side];
        word2 two = weight[q * aug_side];
        add_two<false>(s, two.w[0], four_bytes<0x5140>(a, b), four_bytes<0x6262>(a, b));
        add_two<false>(s, two.w[1], four_bytes<0x5140>(c, d), four_bytes<0x6262>(c, d));
    }
    return {aug_byte(s.r, bits), aug_byte(s.g, bits), aug_byte(s.b, bits)};
}

// augment_shrink_u8 writes the images that are to be shrunk to small [n, h, w, 3], each as [its h, its w, 3] from the start of
// its part, and sets sums [n, 3] to 0. Blocks of 256 threads: 32 x 32 pixels (x, y) of an image (z), along rows first.
extern "C" __global__ void __launch_bounds__(256) augment_shrink_u8(u8 *small, u64 *sums, const u8 *src, const int *geometry, int w, int h) {
    SHARED(word2, weights, 2 * aug_quads *aug_side);
    SHARED(int, first, 2 * aug_side);
    SHARED(int, count, 2 * aug_side);
    SHARED(unsigned, lines, ((aug_side + 1) * aug_shrink + 4) * aug_side); // as many as are less than 33 x 7 + 1, and three to make four whole
    Geometry g = aug_geometry(geometry + blockIdx.z * aug_fields, w, h);
    int t = threadIdx.x, x0 = blockIdx.x * aug_side, y0 = blockIdx.y * aug_side;
    if (x0 == 0 && y0 == 0 && t < 3) sums[blockIdx.z * 3 + t] = 0;
    bool work = g.sane && g.small && x0 < g.w && y0 < g.h;
    int across = !work ? 0 : g.w - x0 < aug_side ? g.w - x0 : aug_side, down = !work ? 0 : g.h - y0 < aug_side ? g.h - y0 : aug_side;
    unsigned short *own = reinterpret_cast<unsigned short *>(weights + t % aug_side);
    if (t < across) first[t] = aug_weights(own, 4 * aug_side, count[t], x0 + t, w, g.w, g.bits_w);
    if (t >= aug_side && t < aug_side + down)
        first[t] = aug_weights(own + 4 * aug_quads * aug_side, 4 * aug_side, count[t], y0 + t - aug_side, h, g.h, g.bits_h);
    __syncthreads();
    int c = t % aug_side, top = work ? first[aug_side] : 0, rows = work ? first[aug_side + down - 1] + count[aug_side + down - 1] - top : 0;
    const u8 *from = src + ((i64)blockIdx.z * h + top) * w * 3;
    for (int r = t / aug_side; c < across && r < rows; r += 256 / aug_side)
        lines[r * aug_side + c] = aug_across(from + ((i64)r * w + first[c]) * 3, count[c], weights + c, g.bits_w);
    __syncthreads();
    u8 *to = small + ((i64)blockIdx.z * w * h + (i64)y0 * g.w + x0 + c) * 3;
    for (int r = t / aug_side; c < across && r < down; r += 256 / aug_side) {
        Filtered p = aug_down(lines + (first[aug_side + r] - top) * aug_side + c, count[aug_side + r],
                              weights + aug_quads * aug_side + r, g.bits_h);
        u8 *pixel = to + (i64)r * g.w * 3;
        pixel[0] = (u8)p.r, pixel[1] = (u8)p.g, pixel[2] = (u8)p.b;
    }
}
EXPORT_KERNEL(augment_shrink_u8)

// Pair is two neighbouring pixels: six bytes.
struct Pair {
    unsigned lo, hi;
};

// aug_pair reads the pixel at p and, if there is one, the next.
__device__ inline Pair aug_pair(const u8 *p, bool next) {
    unsigned over = unsigned(reinterpret_cast<u64>(p)) & 3;
    const unsigned *word = reinterpret_cast<const unsigned *>(p - over);
    unsigned a = word[0], b = 0, c = 0;
    if (next || over > 1) b = word[1];
    if (next && over == 3) c = word[2];
    return {cut(a, b, over), cut(b, c, over)};
}

// Pixel is a sampled colour times 2^16.
struct Pixel {
    unsigned c[3];
};

// aug_blend adds up the pixels of a pair; weight has 256 minus the second's share, and that.
__device__ inline Pixel aug_blend(const Pair &p, unsigned weight) {
    unsigned rg = four_bytes<0x4130>(p.lo, p.hi);
    return {{two_products<false>(weight, rg, 0), two_products<true>(weight, rg, 0), two_products<false>(weight, four_bytes<0x5252>(p.lo, p.hi), 0)}};
}

// Place is a coordinate of a sampled pixel: the pixel at or before it, the share of the next in 256, and whether there is one.
struct Place {
    int at;
    unsigned share;
    bool next;
};
__device__ inline Place aug_place(i64 s, int size) {
    int at = int(s >> aug_fixed);
    bool next = unsigned(at) < unsigned(size - 1);
    unsigned share = next ? unsigned(s) >> (aug_fixed - 8) & 255 : 0;
    return {at < 0 ? 0 : at < size ? at : size - 1, share, next};
}

// Spot is where an output pixel lies in the source, times 2^16.
struct Spot {
    i64 x, y;
};

// aug_sample samples the image at a spot, at 1/256 of a source pixel. Within half a pixel of the border the outermost pixels go
// on; beyond all is black.
__device__ inline Pixel aug_sample(const u8 *src, const Geometry &g, Spot s) {
    const i64 half = 1 << (aug_fixed - 1);
    bool black = u64(s.x + half) > u64(g.w) << aug_fixed || u64(s.y + half) > u64(g.h) << aug_fixed;
    Place x = aug_place(s.x, g.w), y = aug_place(s.y, g.h);
    unsigned weight = black ? 0 : 256 + 65535 * x.share; // 256 - share, and share from bit 16 on
    int pitch = 3 * g.w;
    const u8 *p = src + (i64)y.at * pitch + 3 * x.at;
    Pixel top = aug_blend(aug_pair(p, x.next), weight), low = aug_blend(aug_pair(p + (y.next ? pitch : 0), x.next), weight);
#pragma unroll
    for (int k = 0; k < 3; k++) top.c[k] = top.c[k] * (256 - y.share) + low.c[k] * y.share;
    return top;
}

__device__ inline const u8 *aug_source(const u8 *src, const u8 *small, const Geometry &g, int w, int h) {
    return (g.small ? small : src) + (i64)blockIdx.z * w * h * 3;
}

// Walk is a thread's way down a block's square: its pixel, the end, where the pixel lies and how far the next one. A warp has
// 16 x 2 pixels at a time: turned, they lie in few rows of the source.
struct Walk {
    int x, y, end;
    Spot at, step;
};
constexpr int aug_step = 8; // rows

__device__ inline Walk aug_walk(const Geometry &g, int side) {
    int t = threadIdx.x, x = blockIdx.x * aug_side + t % 16 + t / 32 % 2 * 16, y = blockIdx.y * aug_side + t / 16 % 2 + t / 64 * 2;
    int end = int(blockIdx.y + 1) * aug_side;
    return {x, y, x >= side ? 0 : end < side ? end : side,
            {g.x0 + (i64)x * g.dxx + (i64)y * g.dyx, g.y0 + (i64)x * g.dxy + (i64)y * g.dyy},
            {(i64)g.dyx * aug_step, (i64)g.dyy * aug_step}};
}
__device__ inline void aug_next(Walk &k) {
    k.y += aug_step;
    k.at.x += k.step.x;
    k.at.y += k.step.y;
}

// augment_sums_u8 adds the channels of 32 x 32 pixels (x, y) of an image (z), times 2^16, to sums [n, 3]. 256 threads.
extern "C" __global__ void __launch_bounds__(256) augment_sums_u8(u64 *sums, const u8 *src, const u8 *small,
                                                                  const int *geometry, int w, int h, int side) {
    SHARED(unsigned, part, 3 * 8);
    Geometry g = aug_geometry(geometry + blockIdx.z * aug_fields, w, h);
    const u8 *from = aug_source(src, small, g, w, h);
    unsigned own[3] = {0, 0, 0};
#pragma unroll 1
    for (Walk k = aug_walk(g, g.sane ? side : 0); k.y < k.end; aug_next(k)) {
        Pixel p = aug_sample(from, g, k.at);
#pragma unroll
        for (int c = 0; c < 3; c++) own[c] += p.c[c];
    }
    for (int k = 0; k < 3; k++) {
        unsigned sum = warp_sum(own[k]); // of 128 pixels: below 2^31
        if (threadIdx.x % 32 == 0) part[3 * (threadIdx.x / 32) + k] = sum;
    }
    __syncthreads();
    if (threadIdx.x >= 3) return;
    u64 all = 0;
    for (int i = 0; i < 8; i++) all += part[3 * i + threadIdx.x];
    atomicAdd(sums + blockIdx.z * 3 + threadIdx.x, all); // whole numbers: the same in any order
}
EXPORT_KERNEL(augment_sums_u8)

// Colour is v -> scale clip(own v + mix grey(v) + shift) + offset of grey levels v, as data/fundus.
struct Colour {
    float own, shift, mix[3], scale[3], offset[3];
};

// aug_grey is the mean grey of an image of so many pixels, ITU-R BT.601, of its channels' sums.
__device__ inline double aug_grey(const u64 *sums, double pixels) {
    return (0.299 * double(i64(sums[0])) + 0.587 * double(i64(sums[1])) + 0.114 * double(i64(sums[2]))) / (pixels * (1 << aug_fixed));
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

// augment_forward writes 32 x 32 pixels (x, y) of an image (z). Channels from the fourth on are 0. Numbers that make no sense
// give NaN.
template <class T>
__device__ inline void augment_forward(T *out, const u8 *src, const u8 *small, const int *geometry, const float *factors,
                                       const float *norm, const u64 *sums, int w, int h, int side, int channels) {
    SHARED(Colour, colour, 1);
    if (threadIdx.x == 0) colour[0] = aug_colour(factors + 3 * blockIdx.z, norm, aug_grey(sums + 3 * blockIdx.z, double(side) * side));
    __syncthreads();
    Geometry g = aug_geometry(geometry + blockIdx.z * aug_fields, w, h);
    Colour c = colour[0];
    bool packed = channels == 4 && aligned16(out);
    const u8 *from = aug_source(src, small, g, w, h);
    Walk at = aug_walk(g, side);
    T *to = out + (((i64)blockIdx.z * side + at.y) * side + at.x) * channels;
#pragma unroll 1
    for (; at.y < at.end; aug_next(at), to += (i64)aug_step * side * channels) {
        float v[3] = {0.0f, 0.0f, 0.0f};
        if (g.sane) {
            Pixel p = aug_sample(from, g, at.at);
            for (int k = 0; k < 3; k++) v[k] = float(p.c[k]) * (1.0f / 65536);
        }
        float common = c.mix[0] * v[0] + c.mix[1] * v[1] + c.mix[2] * v[2] + c.shift;
        for (int k = 0; k < 3; k++) {
            float s = c.own * v[k] + common;
            s = s < 0 ? 0 : s > 255 ? 255 : s;
            v[k] = g.sane ? c.scale[k] * s + c.offset[k] : not_a_number();
        }
        if (packed) {
            store4(to, {v[0], v[1], v[2], 0.0f});
            continue;
        }
#pragma unroll 1
        for (int k = 0; k < channels; k++) to[k] = from_float<T>(k == 0 ? v[0] : k == 1 ? v[1] : k == 2 ? v[2] : 0.0f);
    }
}

// norm [6] is the factor and the offset of every channel.
#define AUGMENT(T, S)                                                                                                  \
    extern "C" __global__ void augment_forward_##S(T *out, const u8 *src, const u8 *small,       \
                                                   const int *geometry, const float *factors, const float *norm,       \
                                                   const u64 *sums, int w, int h, int side, int channels) {      \
        augment_forward(out, src, small, geometry, factors, norm, sums, w, h, side, channels);                         \
    }                                                                                                                  \
    EXPORT_KERNEL(augment_forward_##S)
FOR_TYPES(AUGMENT)
