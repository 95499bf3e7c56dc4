// The contrastive loss of unit rows u, v [n, d] and its gradients (gpu.InfoNCE): in one launch where everything fits on the
// card at once, else in tiles with O(n d) memory, logits computed anew for the gradients. No order of arrival enters
// a sum: the same input gives the same bytes.
#include "infonce.cuh"

struct Nce {
    float *loss, *du, *dv;
    const float *u, *v;
    const float *scale;
    Who who;
    int d;
    float sharpness, lambda; // 1 / tau
    Soft *soft;              // [2, n]: of images, of genetics
    float *losses;           // [2, n]
};

// nce_gate waits until all blocks of the grid have come, and makes what they wrote before visible. gate [2] is 0 before the
// launch and after it.
__device__ __forceinline__ void nce_gate(unsigned *gate) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(gate, 1u);
        while (atomicAdd(gate, 0u) < gridDim.x) {}
        __threadfence();
    }
    __syncthreads();
}

// nce_leave: the last block to come puts the gate back to 0. All have passed it by then.
__device__ __forceinline__ void nce_leave(unsigned *gate) {
    if (threadIdx.x == 0 && atomicAdd(gate + 1, 1u) == gridDim.x - 1) {
        atomicExch(gate + 1, 0u);
        atomicExch(gate, 0u);
    }
}

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
    p.own = p.side ? a.v : a.u;
    p.other = p.side ? a.u : a.v;
    p.grad = p.side ? a.dv : a.du;
    p.tiles = (a.who.n + nce_tile - 1) / nce_tile;
    p.chunks = (a.d + nce_chunk - 1) / nce_chunk;
    p.line = p.tiles * nce_tile;
    p.x = shared;
    p.y = p.x + 4 * M * nce_stride;
    p.s = p.y + nce_tile * nce_stride;
    return p;
}

template <int M> __device__ __forceinline__ void nce_strip_logits(const Nce &a, const Strip &p) {
    for (int tile = 0; tile < p.tiles; tile++) {
        float s[M] = {};
        for (int k = 0; k < a.d; k += nce_chunk) {
            __syncthreads();
            if (tile == 0 || p.chunks > 1) nce_load(p.x, p.own, a.who, p.row, 4 * M, k, a.d);
            nce_load(p.y, p.other, a.who, tile * nce_tile, nce_tile, k, a.d);
            __syncthreads();
            nce_product(s, p.x, p.y, nce_width(k, a.d));
        }
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
        if (nce_here(a.who, i)) {
            Sums sums = nce_anchor(p.s + r * p.line, a.who, i);
            soft = nce_soft(sums);
            loss = nce_loss(sums);
        }
        if (threadIdx.x % 32 != 0) continue;
        a.soft[p.side * a.who.n + i] = soft;
        a.losses[p.side * a.who.n + i] = loss;
    }
}

// nce_strip_pull replaces the logits by their gradient times scale.
template <int M> __device__ __forceinline__ void nce_strip_pull(const Nce &a, const Strip &p, int count) {
    const Who &w = a.who;
    float k = count < 2 ? 0.0f : a.scale[0] * a.sharpness / float(count);
    float mine = k * (p.side ? 1 - a.lambda : a.lambda), theirs = k * (p.side ? a.lambda : 1 - a.lambda);
    for (int j = threadIdx.x % nce_tile; j < p.line; j += nce_tile) {
        bool here = count >= 2 && nce_here(w, j);
        Soft other = here ? a.soft[(1 - p.side) * w.n + j] : Soft{0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int m = 0; m < M; m++) {
            int r = int(threadIdx.x) / nce_tile + 4 * m, i = p.row + r;
            float *at = p.s + r * p.line + j, s = *at;
            *at = 0.0f;
            if (!here || !nce_here(w, i)) continue;
            Relation q = nce_relation(i, j, nce_group(w, i), nce_group(w, j), w.pairs);
            *at = mine * nce_pull(s, a.soft[p.side * w.n + i], q) + theirs * nce_pull(s, other, q);
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

template <int M> __device__ __forceinline__ void nce_single(const Nce &a, unsigned *gate) {
    SHARED_DYNAMIC(float, shared);
    Strip p = nce_strip<M>(a, shared);
    int count = nce_present(a.who);
    nce_strip_logits<M>(a, p);
    nce_strip_sums<M>(a, p);
    nce_gate(gate);
    if (blockIdx.x == 0) nce_finish(a.loss, a.losses, a.who.n, count, a.lambda);
    if (a.du != nullptr) {
        nce_strip_pull<M>(a, p, count);
        nce_strip_gradient<M>(a, p, count >= 2);
    }
    nce_leave(gate);
}

// infonce_single_f32 is the whole loss in one cooperative launch of 2 ceil(n / rows) blocks, rows in {4, 8, 16, 32}
// anchors to each. du, dv and scale may be left out together. work holds 10 n floats.
extern "C" __global__ void infonce_single_f32(float *loss, float *du, float *dv, const float *u, const float *v,
                                              const u8 *present, const int *group, const float *scale,
                                              float *work, unsigned *gate, int n, int d, int pairs, int rows,
                                              float sharpness, float lambda) {
    Nce a = {loss, du, dv, u, v, scale, {present, group, n, pairs}, d, sharpness, lambda, reinterpret_cast<Soft *>(work), work + 8 * n};
    if (rows == 4) nce_single<1>(a, gate);
    else if (rows == 8) nce_single<2>(a, gate);
    else if (rows == 16) nce_single<4>(a, gate);
    else nce_single<8>(a, gate);
}
EXPORT_KERNEL(infonce_single_f32)
