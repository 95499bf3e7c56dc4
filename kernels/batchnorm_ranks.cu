// Batch normalisation of the rows of several GPUs that share a batch (gpu.Normed.Shared): what each of them computes beside what they
// exchange. Every rank does this for itself, with the same bytes.
#include "batchnorm.cuh"

// bn_rows is a number of rows, of which only matters whether it is below 2, as an int.
__device__ inline int bn_rows(double n) { return n < 2147483647.0 ? int(n) : 2147483647; }

// A rank's part of the moments of a batch is [1 + 2 c]: the number of its rows, their mean, their sum of squared deviations.

// batchnorm_own_f32 joins the moments of parts of the rows (batchnorm_statistics) to the rank's own. Blocks of 32 x 32 threads.
extern "C" __global__ void __launch_bounds__(1024, 1)
    batchnorm_own_f32(double *own, const int *count, const double *means, const float *m2, int parts, int c) {
    int col = int(blockIdx.x * total_side + threadIdx.x);
    double n, s, q;
    bn_join_parts(n, s, q, count, means, m2, parts, c, col);
    if (threadIdx.y != 0 || col >= c) return;
    if (col == 0) own[0] = n;
    own[1 + col] = s;
    own[1 + c + col] = q;
}
EXPORT_KERNEL(batchnorm_own_f32)

// batchnorm_ranks_f32 joins all [ranks, 1 + 2 c], what the ranks brought, in their order: as batchnorm_finish does for parts.
extern "C" __global__ void batchnorm_ranks_f32(float *mean, float *rstd, float *run_mean, float *run_var, int *rows,
                                               const double *all, int ranks, int c, double eps, double momentum) {
    int col = int(grid_thread());
    if (col >= c) return;
    i64 step = 1 + 2 * i64(c);
    double n = 0, s = 0, q = 0;
    for (int r = 0; r < ranks; r++) {
        n += all[r * step];
        s += all[r * step] * all[r * step + 1 + col];
    }
    s /= n < 1 ? 1 : n;
    for (int r = 0; r < ranks; r++) {
        double d = all[r * step + 1 + col] - s;
        q += all[r * step + 1 + c + col] + all[r * step] * d * d;
    }
    if (col == 0) *rows = bn_rows(n);
    bn_settle(mean + col, rstd + col, run_mean + col, run_var + col, n, s, q, eps, momentum);
}
EXPORT_KERNEL(batchnorm_ranks_f32)

// What a rank's rows add to the sums of a gradient is [2 c + 2]: the sums of d, those of d (x - mean) rstd, and the number of its rows
// in two numbers, above and below count_unit, whose sums over ranks are whole in float32.
constexpr int count_unit = 4096;

// batchnorm_sums_f32 writes the number of rows behind the sums, of count [parts] as batchnorm_reduce left it, and a second copy of all for
// the ranks to sum.
extern "C" __global__ void batchnorm_sums_f32(float *all, float *own, const int *count, int parts, int c) {
    i64 i = grid_thread();
    if (i < 2 * c) all[i] = own[i];
    if (i != 0) return;
    int n = 0;
    for (int p = 0; p < parts; p += parts_step(parts)) n += count[p];
    all[2 * c] = own[2 * c] = float(n / count_unit);
    all[2 * c + 1] = own[2 * c + 1] = float(n % count_unit);
}
EXPORT_KERNEL(batchnorm_sums_f32)

// batchnorm_slopes_f32 makes of the sums over all ranks what batchnorm_backward needs, of those of this rank's rows what they add to
// the gradient of the parameters; with fewer than 2 rows in all nothing but their number.
extern "C" __global__ void batchnorm_slopes_f32(float *dgamma, float *dbeta, float *scale, float *k1, float *k2, int *rows,
                                                const float *all, const float *own, const float *gamma, const float *rstd, int c) {
    i64 col = grid_thread();
    if (col >= c) return;
    double n = double(all[2 * c]) * count_unit + all[2 * c + 1], inv = rstd[col];
    if (col == 0) *rows = bn_rows(n);
    if (n < 2) return;
    if (dgamma != nullptr) dgamma[col] += own[c + col];
    if (dbeta != nullptr) dbeta[col] += own[col];
    scale[col] = float(gamma[col] * inv);
    k1[col] = float(all[col] / n);
    k2[col] = float(all[c + col] * inv / n);
}
EXPORT_KERNEL(batchnorm_slopes_f32)
