// What a block of the one-launch form of the contrastive loss does: the anchors of its strip against all candidates.
#pragma once
#include "infonce.cuh"
#include "l2norm.cuh"

// A Desk is memory for what the blocks tell each other: of images, then of genetics.
struct Desk {
    float *unit, *pull;    // [2, n, d]: rows of unit length, and the gradient of these
    Soft *soft;            // [2, n]
    float *losses, *norms; // [2, n]
};

// nce_desk deals it out of (4 d + 12) n floats.
__device__ __forceinline__ Desk nce_desk(float *work, i64 n, int d) {
    float *soft = work + 4 * n * d, *losses = soft + 8 * n;
    return {work, work + 2 * n * d, reinterpret_cast<Soft *>(soft), losses, losses + 2 * n};
}

struct Nce {
    float *loss;
    const float *scale;
    Who who;
    int d;
    float sharpness, lambda; // 1 / tau
    double least;            // that a row is divided by
    Desk desk;
};

// A strip is what one block of the one-launch form works on: 4 M anchors of one side and all candidates.
struct Strip {
    const float *own, *other;
    float *grad;
    int side, row; // 0 images, 1 genetics; first anchor
    float *x, *y;  // shared: anchors [4 M, 132], candidates [64, 132]
    float *s;      // shared: logits, later their gradient [4 M, line]
    int tiles, chunks, line;
};

template <int M> __device__ __forceinline__ Strip nce_strip(const Nce &a, float *shared) {
    Strip p;
    int strips = (a.who.n + 4 * M - 1) / (4 * M);
    p.side = int(blockIdx.x) / strips;
    p.row = int(blockIdx.x) % strips * 4 * M;
    i64 side = (i64)a.who.n * a.d;
    p.own = a.desk.unit + p.side * side;
    p.other = a.desk.unit + (1 - p.side) * side;
    p.grad = a.desk.pull + p.side * side;
    p.tiles = (a.who.n + nce_tile - 1) / nce_tile;
    p.chunks = (a.d + nce_chunk - 1) / nce_chunk;
    p.line = p.tiles * nce_tile;
    p.x = shared;
    p.y = p.x + 4 * M * nce_stride;
    p.s = p.y + nce_tile * nce_stride;
    return p;
}

// nce_strip_unit scales the anchors that are present to unit length, a warp to a row.
template <int M, class T> __device__ __forceinline__ void nce_strip_unit(const Nce &a, const Strip &p, const T *x) {
    for (int r = threadIdx.x / 32; r < 4 * M; r += nce_threads / 32) {
        int i = p.row + r;
        if (!nce_here(a.who, i)) continue;
        float norm = unit_row(a.desk.unit + ((i64)p.side * a.who.n + i) * a.d, x + (i64)i * a.d, a.d, a.least);
        if (threadIdx.x % 32 == 0) a.desk.norms[p.side * a.who.n + i] = norm;
    }
}

// nce_strip_out makes of the gradient of unit rows that of the rows: 0 where absent, and where too few are present.
template <int M, class T> __device__ __forceinline__ void nce_strip_out(const Nce &a, const Strip &p, T *dx, bool live) {
    __syncthreads();
    for (int r = threadIdx.x / 32; r < 4 * M; r += nce_threads / 32) {
        int i = p.row + r;
        if (i >= a.who.n) continue;
        i64 at = (i64)i * a.d;
        if (live && nce_here(a.who, i)) unit_row_backward(dx + at, p.grad + at, p.own + at, a.desk.norms[p.side * a.who.n + i], a.d, float(a.least));
        else zero_row(dx + at, a.d);
    }
}

// nce_strip_skips says whether nobody asks about a tile's logits, neither of the strip nor of the tile.
template <int M> __device__ __forceinline__ bool nce_strip_skips(const Who &w, const Strip &p, int tile) {
    return !nce_any_asks(w, p.row, 4 * M) && !nce_any_asks(w, tile * nce_tile, nce_tile);
}

template <int M> __device__ __forceinline__ void nce_strip_logits(const Nce &a, const Strip &p) {
    bool loaded = false;
    for (int tile = 0; tile < p.tiles; tile++) {
        if (nce_strip_skips<M>(a.who, p, tile)) continue;
        float s[M] = {};
        for (int k = 0; k < a.d; k += nce_chunk) {
            __syncthreads();
            if (!loaded || p.chunks > 1) nce_load(p.x, p.own, a.who, p.row, 4 * M, k, a.d);
            nce_load(p.y, p.other, a.who, tile * nce_tile, nce_tile, k, a.d);
            __syncthreads();
            nce_product(s, p.x, p.y, nce_width(k, a.d));
        }
        loaded = true;
        float *to = p.s + threadIdx.x / nce_tile * p.line + tile * nce_tile + threadIdx.x % nce_tile;
#pragma unroll
        for (int m = 0; m < M; m++) to[4 * m * p.line] = s[m] * a.sharpness;
    }
    __syncthreads();
}

// nce_anchor sums the logits s [n] of anchor i, one warp together.
__device__ __forceinline__ Sums nce_anchor(const float *s, const Who &w, int i) {
    int lane = threadIdx.x % 32, group = nce_group(w, i);
    Sums a = nce_none();
    for (int j = lane; j < w.n; j += 32)
        if (nce_here(w, j) && nce_relation(i, j, group, nce_group(w, j), w.pairs) != nce_apart && s[j] > a.top) a.top = s[j];
    for (int o = 16; o > 0; o /= 2) {
        float top = __shfl_xor_sync(~0u, a.top, o);
        a.top = top > a.top ? top : a.top;
    }
    for (int j = lane; j < w.n; j += 32)
        if (nce_here(w, j)) nce_count(a, s[j], nce_relation(i, j, group, nce_group(w, j), w.pairs));
    a.pos = warp_sum(a.pos);
    a.rest = warp_sum(a.rest);
    a.line = warp_sum(a.line);
    a.many = warp_sum(a.many);
    return a;
}

template <int M> __device__ __forceinline__ void nce_strip_sums(const Nce &a, const Strip &p) {
    for (int r = threadIdx.x / 32; r < 4 * M; r += nce_threads / 32) {
        int i = p.row + r;
        if (i >= a.who.n) continue;
        Soft soft = {0.0f, 0.0f, 0.0f, 0.0f};
        float loss = 0;
        if (nce_here(a.who, i) && nce_asks(a.who, i)) {
            Sums sums = nce_anchor(p.s + r * p.line, a.who, i);
            soft = nce_soft(sums);
            loss = nce_loss(sums);
        }
        if (threadIdx.x % 32 != 0) continue;
        a.desk.soft[p.side * a.who.n + i] = soft;
        a.desk.losses[p.side * a.who.n + i] = loss;
    }
}

// nce_strip_pull replaces the logits by their gradient times scale.
template <int M> __device__ __forceinline__ void nce_strip_pull(const Nce &a, const Strip &p, int count) {
    const Who &w = a.who;
    float k = count < 2 ? 0.0f : a.scale[0] * a.sharpness / float(count);
    float mine = k * (p.side ? 1 - a.lambda : a.lambda), theirs = k * (p.side ? a.lambda : 1 - a.lambda);
    for (int j = threadIdx.x % nce_tile; j < p.line; j += nce_tile) {
        bool here = count >= 2 && nce_here(w, j);
        Soft other = here ? a.desk.soft[(1 - p.side) * w.n + j] : Soft{0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int m = 0; m < M; m++) {
            int r = int(threadIdx.x) / nce_tile + 4 * m, i = p.row + r;
            float *at = p.s + r * p.line + j, s = *at;
            *at = 0.0f;
            if (!here || !nce_here(w, i)) continue;
            Relation q = nce_relation(i, j, nce_group(w, i), nce_group(w, j), w.pairs);
            *at = nce_pulls(s, w, i, j, a.desk.soft[p.side * w.n + i], other, q, mine, theirs);
        }
    }
    __syncthreads();
}

// nce_strip_gradient writes zeros where fewer than two rows are present, whatever these hold.
template <int M> __device__ __forceinline__ void nce_strip_gradient(const Nce &a, const Strip &p, bool live) {
    bool loaded = p.tiles == 1 && p.chunks == 1;
    for (int k = 0; k < a.d; k += nce_chunk) {
        float g[2][M] = {};
        for (int tile = 0; live && tile < p.tiles; tile++) {
            if (nce_strip_skips<M>(a.who, p, tile)) continue;
            if (!loaded) {
                __syncthreads();
                nce_load(p.y, p.other, a.who, tile * nce_tile, nce_tile, k, a.d);
                __syncthreads();
            }
            nce_gather(g, p.s + tile * nce_tile, p.line, p.y);
        }
        nce_store(p.grad, g, a.who, p.row, k, a.d);
    }
}
