// The contrastive loss in tiles: memory O(n d). The matrix of logits is cut into parts^2 areas, one to a block, which
// sums its tiles by row and by column; the sums of a row's or column's areas are merged in their order. Gradients
// compute the tiles anew.
#include "infonce.cuh"
#include "tensorcore.cuh"

constexpr int nce_rows = nce_tile / 4; // of a tile, to one thread outside of products

// Rows of 64 or 128 floats lie in shared memory without gaps. Their units of 16 bytes change places within eight, row by row, so that
// all accesses of a warp below find their numbers in different banks: a unit of each of 8 rows and of 4 neighbours in 2 rows;
// a float of 8 neighbours in rows r, r + 4, r + 8 and r + 12, or in 4 neighbouring rows.
__device__ __forceinline__ int nce_unit(int row, int unit) {
    int far = row >> 2 & 3;
    return unit ^ (row & 1) << 2 ^ (row & 2) ^ far << 1 ^ (far & 1);
}
__device__ __forceinline__ int nce_at(int r, int c) { return r * nce_chunk + 4 * nce_unit(r, c / 4) + c % 4; }
__device__ __forceinline__ int nce_logit_at(int r, int c) { return r * nce_tile + 4 * nce_unit(r, c / 4) + c % 4; }

// Tiles are what a block works on: its own rows, and the other side's.
struct Tiles {
    const float *own, *other;
    Who who;
    int d;
    float sharpness;   // 1 / tau
    bool turned;       // own are genetics
    float *x, *y, *s;  // shared: own rows [64, 128], other rows [64, 128], logits [64, 64]
};

__device__ __forceinline__ Tiles nce_tiles(const float *u, const float *v, const Who &w, int d, float sharpness, bool turned, float *shared) {
    float *y = shared + nce_tile * nce_chunk;
    return {turned ? v : u, turned ? u : v, w, d, sharpness, turned, shared, y, y + nce_tile * nce_chunk};
}

// nce_multiply adds to s [16, 32] the products of the warp's rows of u and v [64, 128] over `width` columns: 16 (w % 4) and the next 16
// of u, 32 (w / 4) and the next 32 of v, of warp w.
__device__ __forceinline__ void nce_multiply(float (&s)[4][4], const float *u, const float *v, int width) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, row = warp % 4 * 16 + lane / 4, column = warp / 4 * 32 + lane / 4;
#pragma unroll 1
    for (int k = 4 * (lane % 4); k < width; k += 16) {
        Parts top = parts_of(load4(u + nce_at(row, k))), bottom = parts_of(load4(u + nce_at(row + 8, k)));
#pragma unroll
        for (int n = 0; n < 4; n++) tensor_product(s[n], top, bottom, parts_of(load4(v + nce_at(column + 8 * n, k))));
    }
}

// nce_area_logits leaves the logits of own rows from i0, lines, and other rows from j0, columns, in s. The own rows stay in x from
// one tile to the next where all features fit. Images are on the left of the product whoever asks, so that a logit has the
// same bytes wherever it is computed anew.
__device__ __forceinline__ void nce_area_logits(const Tiles &a, int i0, int j0, bool same_rows) {
    float s[4][4] = {};
    for (int k = 0; k < a.d; k += nce_chunk) {
        __syncthreads();
        if (!same_rows || a.d > nce_chunk) nce_load<nce_at>(a.x, a.own, a.who, i0, nce_tile, k, a.d);
        nce_load<nce_at>(a.y, a.other, a.who, j0, nce_tile, k, a.d);
        __syncthreads();
        nce_multiply(s, a.turned ? a.y : a.x, a.turned ? a.x : a.y, (nce_width(k, a.d) + 15) / 16 * 16);
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int n = 0; n < 4; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int r = warp % 4 * 16 + lane / 4 + i / 2 * 8, c = warp / 4 * 32 + n * 8 + lane % 4 * 2 + i % 2;
            a.s[a.turned ? nce_logit_at(c, r) : nce_logit_at(r, c)] = s[n][i] * a.sharpness;
        }
    __syncthreads();
}

// nce_quarter sums 16 of the 64 logits of anchor i, which is line `at` of s, or column `at`: of candidates j0 + t % 4 + 0, 4, 8, ...
template <bool line> __device__ __forceinline__ Sums nce_quarter(const float *s, int at, const Who &w, int i, int j0) {
    Sums a = nce_none();
    if (!nce_here(w, i)) return a;
    int quarter = threadIdx.x % 4, group = nce_group(w, i);
    for (int c = quarter; c < nce_tile; c += 4) {
        int j = j0 + c;
        if (!nce_here(w, j)) continue;
        float v = s[line ? nce_logit_at(at, c) : nce_logit_at(c, at)];
        if (v > a.top && nce_relation(i, j, group, nce_group(w, j), w.pairs) != nce_apart) a.top = v;
    }
    for (int c = quarter; c < nce_tile; c += 4) {
        int j = j0 + c;
        if (nce_here(w, j)) nce_count(a, s[line ? nce_logit_at(at, c) : nce_logit_at(c, at)], nce_relation(i, j, group, nce_group(w, j), w.pairs));
    }
    return a;
}

// Partial sums lie in memory as [5] planes of [2 sides, parts, n].
__device__ __forceinline__ void nce_put(float *p, i64 plane, const Sums &a) {
    p[0] = a.top;
    p[plane] = a.pos;
    p[2 * plane] = a.rest;
    p[3 * plane] = a.line;
    p[4 * plane] = a.many;
}

__device__ __forceinline__ Sums nce_get(const float *p, i64 plane) {
    return {p[0], p[plane], p[2 * plane], p[3 * plane], p[4 * plane]};
}

// infonce_partial_f32 sums one area: tiles [per bx, per (bx + 1)) of columns, and by of rows. Tiles of which nobody asks leave
// nothing. Dynamic shared memory:
// (2 * 64 * 128 + 64 * 64) floats, as infonce_backward_f32.
extern "C" __global__ void __launch_bounds__(256, 2)
infonce_partial_f32(float *partial, const float *u, const float *v, const u8 *present, const int *group, int n, int d, int lo, int hi,
                    int pairs, int per, float sharpness) {
    SHARED_DYNAMIC(float, shared);
    Tiles a = nce_tiles(u, v, {present, group, n, pairs, lo, hi}, d, sharpness, false, shared);
    int parts = gridDim.x, line = threadIdx.x / 4;
    i64 plane = 2LL * parts * n;
    float *rows = partial + (i64)blockIdx.x * n, *columns = partial + (i64)(parts + blockIdx.y) * n;
    for (int ti = 0; ti < per; ti++) {
        int i0 = (int(blockIdx.y) * per + ti) * nce_tile;
        if (i0 >= n) break;
        Sums row = nce_none();
        bool rows_ask = nce_any_asks(a.who, i0, nce_tile), loaded = false;
        for (int tj = 0; tj < per; tj++) {
            int j0 = (int(blockIdx.x) * per + tj) * nce_tile;
            if (j0 >= n) break;
            bool columns_ask = nce_any_asks(a.who, j0, nce_tile);
            if (!rows_ask && !columns_ask) continue;
            nce_area_logits(a, i0, j0, loaded);
            loaded = true;
            if (rows_ask) nce_merge(row, nce_quarter<true>(a.s, line, a.who, i0 + line, j0));
            if (!columns_ask) continue;
            Sums column = nce_quarter<false>(a.s, line, a.who, j0 + line, i0);
            nce_merge_lanes(column, 4);
            if (threadIdx.x % 4 != 0 || j0 + line >= n) continue;
            if (ti > 0) { // what this same thread left there
                Sums before = nce_get(columns + j0 + line, plane);
                nce_merge(before, column);
                column = before;
            }
            nce_put(columns + j0 + line, plane, column);
        }
        if (!rows_ask) continue;
        nce_merge_lanes(row, 4);
        if (threadIdx.x % 4 == 0 && i0 + line < n) nce_put(rows + i0 + line, plane, row);
    }
}
EXPORT_KERNEL(infonce_partial_f32)

// infonce_merge_f32 merges the parts' sums of every anchor: soft [2, n] and losses [2, n] in work, 0 of those not in [lo, hi).
extern "C" __global__ void infonce_merge_f32(float *work, const float *partial, const u8 *present, int n, int lo, int hi, int parts) {
    Soft *soft = reinterpret_cast<Soft *>(work);
    float *losses = work + 8LL * n;
    i64 plane = 2LL * parts * n;
    for (int k = blockIdx.x * blockDim.x + threadIdx.x; k < 2 * n; k += gridDim.x * blockDim.x) {
        int side = k >= n, i = k - side * n;
        Soft own = {0.0f, 0.0f, 0.0f, 0.0f};
        float loss = 0;
        if (present[i] != 0 && i >= lo && i < hi) {
            Sums a = nce_none();
            for (int p = 0; p < parts; p++) nce_merge(a, nce_get(partial + (i64)(side * parts + p) * n + i, plane));
            own = nce_soft(a);
            loss = nce_loss(a);
        }
        soft[k] = own;
        losses[k] = loss;
    }
}
EXPORT_KERNEL(infonce_merge_f32)

// infonce_finish_f32 is one block: loss [4] from the anchors' losses, and in count [1] the number of all rows present.
extern "C" __global__ void infonce_finish_f32(float *loss, float *count, const float *work, const u8 *present, int n, int lo, int hi,
                                              float lambda) {
    Who w = {present, nullptr, n, 0, lo, hi};
    int all = nce_present(w, 0, n);
    if (threadIdx.x == 0) *count = float(all);
    nce_finish(loss, work + 8LL * n, w, all, lambda);
}
EXPORT_KERNEL(infonce_finish_f32)

// nce_area_pull replaces the logits by their gradient; mine and theirs are the weights of the two directions.
__device__ __forceinline__ void nce_area_pull(const Tiles &a, const Soft *own, const Soft *other, int i0, int j0, float mine, float theirs) {
    const Who &w = a.who;
    int j = j0 + int(threadIdx.x) % nce_tile, group = nce_group(w, j);
    bool here = nce_here(w, j);
    Soft soft = here ? other[j] : Soft{0.0f, 0.0f, 0.0f, 0.0f};
    for (int m = 0; m < nce_rows; m++) {
        int r = int(threadIdx.x) / nce_tile + 4 * m, i = i0 + r;
        float *at = a.s + nce_logit_at(r, int(threadIdx.x) % nce_tile), s = *at;
        *at = 0.0f;
        if (!here || !nce_here(w, i)) continue;
        Relation q = nce_relation(i, j, nce_group(w, i), group, w.pairs);
        *at = nce_pulls(s, w, i, j, own[i], soft, q, mine, theirs);
    }
    __syncthreads();
}

// nce_spread adds to g [16, 64] the products of the warp's 16 lines of weights [64, 64] with its 64 columns of rows [64, 128]: lines
// 16 (w % 4), columns 64 (w / 4) of warp w.
__device__ __forceinline__ void nce_spread(float (&g)[8][4], const float *weights, const float *rows) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, line = warp % 4 * 16 + lane / 4, column = warp / 4 * 64 + lane / 4;
    int at[4]; // of the first column; 8 n columns on it is at ^ 8 n, and 16 rows on it is as much further
#pragma unroll
    for (int i = 0; i < 4; i++) at[i] = nce_at(4 * (lane % 4) + i, column);
#pragma unroll 1
    for (int j = 4 * (lane % 4); j < nce_tile; j += 16, rows += 16 * nce_chunk) {
        Parts top = parts_of(load4(weights + nce_logit_at(line, j))), bottom = parts_of(load4(weights + nce_logit_at(line + 8, j)));
#pragma unroll
        for (int n = 0; n < 8; n++) {
            float v[4];
#pragma unroll
            for (int i = 0; i < 4; i++) v[i] = rows[at[i] ^ 8 * n];
            tensor_product(g[n], top, bottom, parts_of(v));
        }
    }
}

// nce_spread_store writes the block's gradients of columns [k, k + 128) of rows [row, row + 64), which lie as nce_spread's; absent
// rows become 0.
__device__ __forceinline__ void nce_spread_store(float *dst, float (&g)[8][4], const Who &w, int row, int k, int d) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int i = row + warp % 4 * 16 + lane / 4 + 8 * h, c = k + warp / 4 * 64 + lane % 4 * 2;
        if (i >= w.n) continue;
        bool here = nce_here(w, i);
#pragma unroll
        for (int n = 0; n < 16; n++)
            if (c + n / 2 * 8 + n % 2 < d) dst[(i64)i * d + c + n / 2 * 8 + n % 2] = here ? g[n / 2][2 * h + n % 2] : 0.0f;
    }
}

// infonce_backward_f32 writes the gradients of 64 rows (x) and 128 columns (y) of one side (z: 0 images, 1 genetics).
extern "C" __global__ void __launch_bounds__(256, 2)
infonce_backward_f32(float *du, float *dv, const float *u, const float *v, const u8 *present, const int *group, const float *scale,
                     const float *count, const float *work, int n, int d, int lo, int hi, int pairs, float sharpness, float lambda) {
    SHARED_DYNAMIC(float, shared);
    int side = blockIdx.z, i0 = blockIdx.x * nce_tile, k0 = blockIdx.y * nce_chunk;
    Tiles a = nce_tiles(u, v, {present, group, n, pairs, lo, hi}, d, sharpness, side, shared);
    const Soft *soft = reinterpret_cast<const Soft *>(work), *own = soft + (i64)side * n, *other = soft + (i64)(1 - side) * n;
    bool live = count[0] >= 2.0f, loaded = false, rows_ask = nce_any_asks(a.who, i0, nce_tile);
    float k = live ? scale[0] * sharpness / count[0] : 0.0f, part = side ? 1 - lambda : lambda;
    float g[8][4] = {};
    for (int j0 = 0; live && j0 < n; j0 += nce_tile) {
        if (!rows_ask && !nce_any_asks(a.who, j0, nce_tile)) continue;
        nce_area_logits(a, i0, j0, loaded);
        loaded = true;
        nce_area_pull(a, own, other, i0, j0, k * part, k * (1 - part));
        if (d > nce_chunk) {
            nce_load<nce_at>(a.y, a.other, a.who, j0, nce_tile, k0, d);
            __syncthreads();
        }
        nce_spread(g, a.s, a.y);
    }
    nce_spread_store(side ? dv : du, g, a.who, i0, k0, d);
}
EXPORT_KERNEL(infonce_backward_f32)
