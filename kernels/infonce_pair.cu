// One pair beside a reference batch (gpu.InfoNCEPair): one warp to a row.
#include "numeric.cuh"

// PairWeights are what the parts of f are multiplied by.
struct PairWeights {
    double asked, asks, own, base;
};

// sigmoid_of returns 1 / (1 + e^-x), and softplus_of log(1 + e^x).
__device__ inline double sigmoid_of(double x) {
    double z = exp_of(float(x < 0 ? x : -x));
    return x < 0 ? z / (1 + z) : 1 / (1 + z);
}
__device__ inline double softplus_of(double x) { return (x > 0 ? x : 0.0) + log_of(1 + double(exp_of(float(x < 0 ? x : -x)))); }

// A row's logits against each other: e^(logit - top) / sum is the softmax over all, rest the sum without the own one.
struct PairSums {
    double own, top, rest, sum;
};

// pair_sums makes them, in every lane.
__device__ inline PairSums pair_sums(const float *across, const float *unit, const float *partner, int n, int d) {
    int lane = threadIdx.x % 32;
    double own = 0, rest = 0;
    for (int c = lane; c < d; c += 32) own += double(unit[c]) * partner[c];
    own = warp_sum(own);
    float most = -3.0e38f;
    for (int i = lane; i < n; i += 32) most = across[i] > most ? across[i] : most;
    for (int o = 16; o > 0; o /= 2) {
        float other = __shfl_xor_sync(~0u, most, o);
        most = other > most ? other : most;
    }
    double top = own > most ? own : double(most);
    for (int i = lane; i < n; i += 32) rest += double(exp_of(float(across[i] - top)));
    rest = warp_sum(rest);
    return {own, top, rest, rest + exp_of(float(own - top))};
}

// pair_value writes a row of value.
__device__ inline void pair_value(double *value, const float *across, const double *lse, const double *fixed, const PairSums &s, int n,
                                  const PairWeights &w) {
    double asked = 0;
    for (int i = threadIdx.x % 32; i < n; i += 32) asked += softplus_of(across[i] - lse[i]);
    asked = (warp_sum(asked) + w.base + softplus_of(fixed[0] - s.own)) / (n + 1);
    double asks = (fixed[1] + log_of(s.sum) + (s.top - s.own)) / (n + 1);
    if (threadIdx.x % 32 != 0) return;
    value[0] = w.asked * asked + w.asks * asks + w.own * s.own;
    value[1] = asked;
    value[2] = asks;
    value[3] = s.own;
}

// infonce_pair_f32 computes value [rows, 4] where it is not null, and where dunit [rows, d] is not null the gradients: of
// unit through the own logit alone there, and of across in its place. Row r is that of pair r % pairs.
extern "C" __global__ void infonce_pair_f32(double *value, float *dunit, float *across, const float *unit, const float *partner, const double *lse,
                                            const double *fixed, int rows, int n, int d, int pairs, double asked, double asks, double own,
                                            double base) {
    int lane = threadIdx.x % 32, step = gridDim.x * (blockDim.x / 32);
    PairWeights w = {asked, asks, own, base};
    for (int r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; r < rows; r += step) {
        const float *mate = partner + (i64)(r % pairs) * d;
        const double *kept = fixed + 2 * (r % pairs);
        float *line = across + (i64)r * n;
        PairSums s = pair_sums(line, unit + (i64)r * d, mate, n, d);
        if (value != nullptr) pair_value(value + (i64)r * 4, line, lse, kept, s, n, w);
        if (dunit == nullptr) continue;
        double pull = own - (asked * sigmoid_of(kept[0] - s.own) + asks * (s.rest / s.sum)) / (n + 1);
        for (int c = lane; c < d; c += 32) dunit[(i64)r * d + c] = float(pull * mate[c]);
        for (int i = lane; i < n; i += 32) {
            double p = double(exp_of(float(line[i] - s.top))) / s.sum;
            line[i] = float((asked * sigmoid_of(line[i] - lse[i]) + asks * p) / (n + 1));
        }
    }
}
EXPORT_KERNEL(infonce_pair_f32)
