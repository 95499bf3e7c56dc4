// What the kernels of a batch normalisation share: what a batch is normalised with.
#pragma once
#include "columns.cuh"

// Given is what x [rows, c] is normalised with: mean and rstd [c] or, where sums [2, c] of the elements and their squares are
// there, what follows from those. Then mean and rstd are written, and the running averages moved to them by momentum.
struct Given {
    float *mean, *rstd;
    const float *gamma, *beta, *sums;
    float *run_mean, *run_var;
    double eps, momentum;
    int rows, c;
};

// bn_settle writes what follows for a column from the number of rows, their mean s and their sum of squared deviations q.
__device__ inline void bn_settle(float *mean, float *rstd, float *run_mean, float *run_var, double n, double s, double q,
                                 double eps, double momentum) {
    *mean = n < 2 ? 0.0f : float(s);
    *rstd = n < 2 ? 0.0f : float(1 / sqrt(q / n + eps));
    if (n < 2) return;
    *run_mean = float((1 - momentum) * *run_mean + momentum * s);
    *run_var = float((1 - momentum) * *run_var + momentum * q / (n - 1));
}

// bn_join_parts gives the threads of a column the number of rows, their mean s and their sum of squared deviations q, of the moments of
// parts of them: count [parts], means [parts, c] and m2 [parts, c]. Blocks are of 32 x 32 threads, all of which call it.
__device__ inline void bn_join_parts(double &n, double &s, double &q, const int *count, const double *means, const float *m2,
                                     int parts, int c, int col) {
    n = s = q = 0;
    for (int p = threadIdx.y; p < parts; p += total_side) n += count[p];
    n = total(n);
    for (int p = threadIdx.y; p < parts && col < c; p += total_side)
        if (count[p]) s += count[p] * means[i64(p) * c + col];
    s = total(s) / (n < 1 ? 1 : n);
    for (int p = threadIdx.y; p < parts && col < c; p += total_side) {
        double d = means[i64(p) * c + col] - s;
        if (count[p]) q += m2[i64(p) * c + col] + count[p] * d * d;
    }
    q = total(q);
}

// bn_sums gives mean and rstd of a column by the sums; the blocks of the first rows also write them.
__device__ inline void bn_sums(float &mean, float &rstd, const Given &g, int col) {
    double n = g.rows, s = double(g.sums[col]) / (g.rows < 1 ? 1 : g.rows), q = double(g.sums[g.c + col]) - s * s * n;
    q = q < 0 ? 0.0 : q;
    if (blockIdx.y == 0) {
        bn_settle(g.mean + col, g.rstd + col, g.run_mean + col, g.run_var + col, n, s, q, g.eps, g.momentum);
        mean = g.mean[col];
        rstd = g.rstd[col];
    } else {
        mean = g.rows < 2 ? 0.0f : float(s);
        rstd = g.rows < 2 ? 0.0f : float(1 / sqrt(q / n + g.eps));
    }
}

// Known is where a block keeps mean and rstd of its columns.
struct Known {
    float *mean, *rstd; // in shared memory
};

// bn_known makes those that follow from sums, each of the block's threads one column's, from start on. All threads call it.
template <int N> __device__ inline void bn_known(const Known &k, const Given &g, int start) {
    int t = int(threadIdx.y * blockDim.x + threadIdx.x);
    if (g.sums != nullptr && t < int(blockDim.x) * N && start + t < g.c) bn_sums(k.mean[t], k.rstd[t], g, start + t);
    __syncthreads();
}

// bn_given reads mean and rstd of the N columns of a thread, from col on.
template <int N> __device__ inline void bn_given(float (&mean)[N], float (&rstd)[N], const Known &k, const Given &g, int col) {
    load_column<N>(mean, g.sums == nullptr ? g.mean + col : k.mean + threadIdx.x * N, 0);
    load_column<N>(rstd, g.sums == nullptr ? g.rstd + col : k.rstd + threadIdx.x * N, 0);
}

// Slopes is where the gradient of the parameters goes, and what the gradient of x needs: scale = gamma rstd, k1 = mean of d, k2 =
// mean of d (x - mean) rstd^2. Parameters that are null get none. rows [1] gets the number of rows present; with fewer than 2
// nothing is written. Where the statistics are fixed rows is null: any number counts, and there is no scale, k1 and k2.
struct Slopes {
    float *dgamma, *dbeta, *scale, *k1, *k2;
    int *rows;
    const float *gamma, *rstd;
};

// bn_slopes writes a column's, from n rows, the sum of d and that of d (x - mean).
__device__ inline void bn_slopes(const Slopes &s, int col, double n, double sum, double dot) {
    if (s.rows != nullptr && n < 2) return;
    double inv = s.rstd[col];
    if (s.dgamma != nullptr) s.dgamma[col] += float(dot * inv);
    if (s.dbeta != nullptr) s.dbeta[col] += float(sum);
    if (s.rows == nullptr) return;
    s.scale[col] = float(s.gamma[col] * inv);
    s.k1[col] = float(sum / n);
    s.k2[col] = float(dot * inv * inv / n);
}

// bn_settle_slopes makes slopes of the totals of one sum of d and one of d (x - mean), from n rows: of all the block's columns, a
// thread's each. All threads call it.
template <int N>
__device__ inline void bn_settle_slopes(const Slopes &s, const float *sums, const float *dots, double n, int c, int start) {
    SHARED(double, totals, 2 * column_threads);
    int col = start + int(threadIdx.x) * N, t = int(threadIdx.y * blockDim.x + threadIdx.x);
#pragma unroll 1
    for (int q = 0; q < 2; q++) {
        double sum[N];
        add_parts<N>(sum, q == 0 ? sums : dots, 0, int(gridDim.y), part_stride(), c, col);
        if (threadIdx.y == 0)
#pragma unroll
            for (int l = 0; l < N; l++) totals[q * column_threads + int(threadIdx.x) * N + l] = sum[l];
    }
    __syncthreads();
    if (t < int(blockDim.x) * N && start + t < c) bn_slopes(s, start + t, n, totals[t], totals[column_threads + t]);
    __syncthreads();
}

// bn_finish makes slopes of the sums of d and of d (x - mean) that all blocks left; count [parts] is the column of blocks' own, of
// the rows present. All threads call it.
template <int N>
__device__ inline void bn_finish(const Slopes &s, float *sums, int *count, unsigned *tickets, int c, int col) {
    int parts = int(gridDim.y);
    if (last_of_parts<N>(sums, 2, count, tickets, c, col)) {
        double n = 0;
        for (int p = 0; p < parts; p += part_stride()) n += count[p];
        if (s.rows != nullptr && col == 0 && threadIdx.y == 0) *s.rows = int(n);
        bn_settle_slopes<N>(s, sums, sums + i64(parts) * c, n, c, column_start(N));
    }
}
