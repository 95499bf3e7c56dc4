// Matrix products without a vendor's library: the reference that cuBLASLt is held to, and what gpu.Options.Portable runs.
// Plain tiles through shared memory, sums in float32 and in one order; no tensor cores.
#include "device.cuh"

// A block of 16 x 16 threads makes a tile of 64 x 64, each thread 4 x 4 of it, 16 terms of the sum at a time.
constexpr int gemm_tile = 64, gemm_depth = 16, gemm_threads = 16, gemm_each = 4;

// gemm_load puts rows [row, row + 64) and terms [k, k + 16) of op(x) into tile [16][64], 0 beyond the edges. op(x) is
// [rows, depth]: x itself or, if turned, the transpose of x [depth, rows].
template <class T>
__device__ inline void gemm_load(float *tile, const T *x, i64 row, i64 rows, i64 k, i64 depth, bool turned) {
    for (int i = int(threadIdx.y * gemm_threads + threadIdx.x); i < gemm_tile * gemm_depth; i += gemm_threads * gemm_threads) {
        int r = turned ? i % gemm_tile : i / gemm_depth, t = turned ? i / gemm_tile : i % gemm_depth;
        i64 at = turned ? (k + t) * rows + row + r : (row + r) * depth + k + t;
        tile[t * gemm_tile + r] = row + r < rows && k + t < depth ? to_float(x[at]) : 0.0f;
    }
}

// gemm computes c [m, n] = op(a) [m, k] op(b) [k, n] + beta c, + bias [n] and a ReLU if given; all row-major. Grid: tiles of
// m, which may be very many, and tiles of n.
template <class T, class TC>
__device__ inline void gemm(TC *c, const T *a, const T *b, const float *bias, i64 m, i64 n, i64 k, bool trans_a, bool trans_b,
                            float beta, bool relu) {
    SHARED(vec4, left4, gemm_tile * gemm_depth / 4);
    SHARED(vec4, right4, gemm_tile * gemm_depth / 4);
    float *left = &left4[0].x, *right = &right4[0].x;
    i64 row = (i64)blockIdx.x * gemm_tile, col = (i64)blockIdx.y * gemm_tile;
    int ty = int(threadIdx.y) * gemm_each, tx = int(threadIdx.x) * gemm_each;
    float sum[gemm_each][gemm_each] = {};
    for (i64 at = 0; at < k; at += gemm_depth) {
        gemm_load(left, a, row, m, at, k, trans_a);
        gemm_load(right, b, col, n, at, k, !trans_b);
        __syncthreads();
        float part[gemm_each][gemm_each] = {}; // sums of sums lose less than one long sum
        for (int t = 0; t < gemm_depth; t++) {
            vec4 x = load4(left + t * gemm_tile + ty), y = load4(right + t * gemm_tile + tx);
            float u[gemm_each] = {x.x, x.y, x.z, x.w}, v[gemm_each] = {y.x, y.y, y.z, y.w};
#pragma unroll
            for (int i = 0; i < gemm_each; i++)
#pragma unroll
                for (int j = 0; j < gemm_each; j++) part[i][j] += u[i] * v[j];
        }
#pragma unroll
        for (int i = 0; i < gemm_each; i++)
#pragma unroll
            for (int j = 0; j < gemm_each; j++) sum[i][j] += part[i][j];
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < gemm_each; i++)
#pragma unroll
        for (int j = 0; j < gemm_each; j++) {
            i64 r = row + ty + i, s = col + tx + j;
            if (r < m && s < n) {
                float v = sum[i][j];
                if (beta != 0.0f) v += beta * to_float(c[r * n + s]);
                if (bias != nullptr) v += bias[s];
                c[r * n + s] = from_float<TC>(relu && v < 0.0f ? 0.0f : v);
            }
        }
}

// gemm_same_<type> has c in the type of a and b; gemm_wide_<type>, of 16 bits, in float32.
#define GEMM(NAME, T, TC, S)                                                                                           \
    extern "C" __global__ void NAME##_##S(TC *c, const T *a, const T *b, const float *bias, i64 m, i64 n, i64 k,       \
                                          int trans_a, int trans_b, float beta, int relu) {                            \
        gemm<T, TC>(c, a, b, bias, m, n, k, trans_a != 0, trans_b != 0, beta, relu != 0);                              \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME##_##S)
#define GEMM_SAME(T, S) GEMM(gemm_same, T, T, S)
#define GEMM_WIDE(T, S) GEMM(gemm_wide, T, float, S)
FOR_TYPES(GEMM_SAME)
FOR_HALVES(GEMM_WIDE)
