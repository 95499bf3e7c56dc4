// What both forms of the contrastive loss share: pairs, the sums of an anchor's softmax, tiles of logits.
//
// With s_ij = u_i.v_j / tau, an image i has the genetics j as candidates and the reverse; anchor is whichever row
// asks. Everything here treats the two alike: `own` are the anchors, `other` the candidates.
//
// A block has 256 threads. Thread t works on column t % 64 of a tile and on rows t / 64, t / 64 + 4, ...: the lanes of a
// warp share their row, which shared memory then sends to all of them at once, and read columns 132 floats apart,
// which lie in different banks 16 bytes at a time.
#pragma once
#include "numeric.cuh"

constexpr int nce_threads = 256;
constexpr int nce_tile = 64;                 // candidates of a tile
constexpr int nce_chunk = 128;               // features in shared memory at a time
constexpr int nce_stride = nce_chunk + 4;    // of a row in shared memory, floats
constexpr float nce_nothing = -1e30f;        // the top of no logits

// Pairs, as gpu.Pairs: what is done with other pairs of one group.
constexpr int nce_mask = 1, nce_positive = 2;

// Who says which rows take part, which belong together and which ask: the loss is of anchors [lo, hi), on both sides, whose
// candidates are all rows.
struct Who {
    const u8 *present; // [n]
    const int *group;  // [n]; read only where pairs is not 0
    int n, pairs, lo, hi;
};

enum Relation { nce_apart, nce_negative, nce_match }; // in no denominator; in the denominator; positive

// nce_relation is of two rows of whom both are present.
__device__ __forceinline__ Relation nce_relation(int i, int j, int group_i, int group_j, int pairs) {
    if (i == j) return nce_match;
    if (pairs == 0 || group_i != group_j) return nce_negative;
    return pairs == nce_mask ? nce_apart : nce_match;
}

__device__ __forceinline__ bool nce_here(const Who &w, int i) { return i < w.n && w.present[i] != 0; }
__device__ __forceinline__ bool nce_asks(const Who &w, int i) { return i >= w.lo && i < w.hi; }
__device__ __forceinline__ bool nce_any_asks(const Who &w, int row, int rows) { return row < w.hi && row + rows > w.lo; }
__device__ __forceinline__ int nce_group(const Who &w, int i) { return w.pairs != 0 && i < w.n ? w.group[i] : 0; }

// Sums are of an anchor's candidates, or of some of them.
struct Sums {
    float top;  // the largest logit
    float pos;  // sum of e^(s - top) over the positives
    float rest; // over the others in the denominator
    float line; // sum of the positives' logits
    float many; // number of positives
};

__device__ __forceinline__ Sums nce_none() { return {nce_nothing, 0.0f, 0.0f, 0.0f, 0.0f}; }

// nce_count adds a candidate whose logit is at most the top. A NaN stays.
__device__ __forceinline__ void nce_count(Sums &a, float s, Relation r) {
    float e = exp_of(s - a.top);
    if (r == nce_negative) a.rest += e;
    if (r == nce_match) {
        a.pos += e;
        a.line += s;
        a.many += 1.0f;
    }
}

// nce_merge adds the sums of further candidates.
__device__ __forceinline__ void nce_merge(Sums &a, const Sums &b) {
    float top = b.top > a.top ? b.top : a.top;
    float fa = exp_of(a.top - top), fb = exp_of(b.top - top);
    a = {top, a.pos * fa + b.pos * fb, a.rest * fa + b.rest * fb, a.line + b.line, a.many + b.many};
}

// nce_merge_lanes gives each of `lanes` neighbouring lanes, a power of two, the sums of all: the lower lane's first, so
// that all get the same.
__device__ __forceinline__ void nce_merge_lanes(Sums &a, int lanes) {
    for (int o = 1; o < lanes; o *= 2) {
        Sums b = {__shfl_xor_sync(~0u, a.top, o), __shfl_xor_sync(~0u, a.pos, o), __shfl_xor_sync(~0u, a.rest, o),
                  __shfl_xor_sync(~0u, a.line, o), __shfl_xor_sync(~0u, a.many, o)};
        Sums low = threadIdx.x & o ? b : a, high = threadIdx.x & o ? a : b;
        nce_merge(low, high);
        a = low;
    }
}

// nce_loss is the anchor's loss: log(sum of the denominator) - mean of the positives' logits. In float64, so that a loss far
// below the logits keeps its digits.
__device__ __forceinline__ float nce_loss(const Sums &a) {
    return float(log_of(double(a.pos) + a.rest) + (double(a.top) - double(a.line) / a.many));
}

// Soft is what the gradient needs of an anchor.
struct alignas(16) Soft {
    float top;
    float inv;   // 1 / (pos + rest)
    float rest;  // rest / (pos + rest)
    float share; // 1 / positives
};

__device__ __forceinline__ Soft nce_soft(const Sums &a) {
    float inv = 1.0f / (a.pos + a.rest);
    return {a.top, inv, a.rest * inv, 1.0f / a.many};
}

// nce_pull is softmax minus positives at logit s. For an only positive that is minus the others' share: taking the
// softmax from 1 would cancel where it is near 1.
__device__ __forceinline__ float nce_pull(float s, const Soft &a, Relation r) {
    if (r == nce_apart) return 0.0f;
    if (r == nce_match && a.share == 1.0f) return -a.rest;
    float e = exp_of(s - a.top) * a.inv;
    return r == nce_match ? e - a.share : e;
}

// nce_pulls is the gradient of logit s of rows i and j, both present: mine and theirs are the weights of their softmaxes.
__device__ __forceinline__ float nce_pulls(float s, const Who &w, int i, int j, const Soft &own, const Soft &other, Relation r,
                                           float mine, float theirs) {
    float g = nce_asks(w, i) ? mine * nce_pull(s, own, r) : 0.0f;
    return nce_asks(w, j) ? g + theirs * nce_pull(s, other, r) : g;
}

// nce_padded is where column c of row r lies in shared memory.
__device__ __forceinline__ int nce_padded(int r, int c) { return r * nce_stride + c; }

// nce_load copies rows [row, row + rows) and columns [k, k + 128) of x [n, d] to shared memory, where place says; rows that take
// no part and what lies outside become 0.
template <int (*place)(int, int) = nce_padded>
__device__ __forceinline__ void nce_load(float *dst, const float *x, const Who &w, int row, int rows, int k, int d) {
    bool wide = d % 4 == 0 && aligned16(x);
    int lane = threadIdx.x % 32;
    for (int r = threadIdx.x / 32; r < rows; r += nce_threads / 32) {
        bool here = nce_here(w, row + r);
        const float *from = x + (i64)(row + r) * d + k;
        int c = 4 * lane;
        vec4 v = {0.0f, 0.0f, 0.0f, 0.0f};
        if (here && wide && k + c < d) {
            v = *reinterpret_cast<const vec4 *>(from + c);
        } else if (here && !wide) {
            v.x = k + c < d ? from[c] : 0.0f;
            v.y = k + c + 1 < d ? from[c + 1] : 0.0f;
            v.z = k + c + 2 < d ? from[c + 2] : 0.0f;
            v.w = k + c + 3 < d ? from[c + 3] : 0.0f;
        }
        *reinterpret_cast<vec4 *>(dst + place(r, c)) = v;
    }
}

// nce_width is the number of columns from k on that a product goes through, a multiple of 4.
__device__ __forceinline__ int nce_width(int k, int d) { return d - k < nce_chunk ? (d - k + 3) / 4 * 4 : nce_chunk; }

// nce_product adds to s[m] the product of row t / 64 + 4 m of own with row t % 64 of other, over `width` columns.
template <int M> __device__ __forceinline__ void nce_product(float (&s)[M], const float *own, const float *other, int width) {
    const float *a = own + threadIdx.x / nce_tile * nce_stride, *b = other + threadIdx.x % nce_tile * nce_stride;
    for (int k = 0; k < width; k += 4) {
        vec4 y = *reinterpret_cast<const vec4 *>(b + k);
#pragma unroll
        for (int m = 0; m < M; m++) {
            vec4 x = *reinterpret_cast<const vec4 *>(a + 4 * m * nce_stride + k);
            s[m] += x.x * y.x;
            s[m] += x.y * y.y;
            s[m] += x.z * y.z;
            s[m] += x.w * y.w;
        }
    }
}

// nce_gather adds to g[h][m] the sum over the tile's candidates j of weight[row][j] * other[j][column], for row t / 64 + 4 m
// and column t % 64 + 64 h. A row of weights is `stride` floats, a multiple of 4.
template <int M>
__device__ __forceinline__ void nce_gather(float (&g)[2][M], const float *weight, int stride, const float *other) {
    const float *w = weight + threadIdx.x / nce_tile * stride, *x = other + threadIdx.x % nce_tile;
    for (int j = 0; j < nce_tile; j += 4) {
        float lo[4], hi[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            lo[i] = x[(j + i) * nce_stride];
            hi[i] = x[(j + i) * nce_stride + nce_tile];
        }
#pragma unroll
        for (int m = 0; m < M; m++) {
            vec4 a = *reinterpret_cast<const vec4 *>(w + 4 * m * stride + j);
            g[0][m] += a.x * lo[0];
            g[0][m] += a.y * lo[1];
            g[0][m] += a.z * lo[2];
            g[0][m] += a.w * lo[3];
            g[1][m] += a.x * hi[0];
            g[1][m] += a.y * hi[1];
            g[1][m] += a.z * hi[2];
            g[1][m] += a.w * hi[3];
        }
    }
}

// nce_store writes the block's gradients of columns [k, k + 128) of rows [row, row + 4 M); absent rows become 0.
template <int M>
__device__ __forceinline__ void nce_store(float *dst, float (&g)[2][M], const Who &w, int row, int k, int d) {
#pragma unroll
    for (int m = 0; m < M; m++) {
        int i = row + int(threadIdx.x) / nce_tile + 4 * m, c = k + int(threadIdx.x) % nce_tile;
        if (i >= w.n) continue;
        bool here = nce_here(w, i);
        float *to = dst + (i64)i * d;
        if (c < d) to[c] = here ? g[0][m] : 0.0f;
        if (c + nce_tile < d) to[c + nce_tile] = here ? g[1][m] : 0.0f;
    }
}

// nce_present counts the rows present in [lo, hi), for every thread of the block.
__device__ __forceinline__ int nce_present(const Who &w, int lo, int hi) {
    SHARED(int, part, nce_threads / 32);
    int c = 0;
    for (int i = lo + int(threadIdx.x); i < hi; i += nce_threads) c += nce_here(w, i);
    for (int o = 16; o > 0; o /= 2) c += __shfl_xor_sync(~0u, c, o);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = c;
    __syncthreads();
    c = 0;
    for (int i = 0; i < nce_threads / 32; i++) c += part[i];
    __syncthreads();
    return c;
}

// nce_total sums losses [n] in a fixed order, for every thread of the block.
__device__ __forceinline__ double nce_total(const float *losses, int n) {
    SHARED(double, part, nce_threads);
    int t = threadIdx.x;
    double s = 0;
    for (int i = t; i < n; i += nce_threads) s += losses[i];
    part[t] = s;
    __syncthreads();
    for (int o = nce_threads / 2; o > 0; o /= 2) {
        if (t < o) part[t] += part[t + o];
        __syncthreads();
    }
    s = part[0];
    __syncthreads();
    return s;
}

// nce_finish writes the loss's four numbers from the anchors' losses, images [n] then genetics [n], of whom count are
// present; the last number is of the anchors that ask.
__device__ __forceinline__ void nce_finish(float *loss, const float *losses, const Who &w, int count, float lambda) {
    double toGenetics = nce_total(losses, w.n), toImage = nce_total(losses + w.n, w.n);
    int asked = nce_present(w, w.lo, w.hi);
    if (threadIdx.x != 0) return;
    double share = count < 2 ? 0.0 : 1.0 / count;
    toGenetics = count < 2 ? 0.0 : toGenetics * share;
    toImage = count < 2 ? 0.0 : toImage * share;
    loss[0] = float(double(lambda) * toGenetics + (1 - double(lambda)) * toImage);
    loss[1] = float(toGenetics);
    loss[2] = float(toImage);
    loss[3] = float(asked);
}
