// The contrastive loss of z, w [n, d], whose rows are scaled to unit length, and its gradients (gpu.InfoNCE): in one launch
// where everything fits on the GPU at once, else in tiles with O(n d) memory, logits computed anew for the gradients.
// No order of arrival enters a sum: the same input gives the same bytes.
#include "infonce_strip.cuh"

// nce_gate waits until all blocks of the grid have come for the round-th time, and makes what they wrote before visible.
// gate [2] is 0 before the launch and after it.
__device__ __forceinline__ void nce_gate(unsigned *gate, unsigned round) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(gate, 1u);
        while (atomicAdd(gate, 0u) < round * gridDim.x) {}
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

template <int M, class T>
__device__ __forceinline__ void nce_single(const Nce &a, T *dz, T *dw, const T *z, const T *w, unsigned *gate) {
    SHARED_DYNAMIC(float, shared);
    Strip p = nce_strip<M>(a, shared);
    nce_strip_unit<M>(a, p, p.side ? w : z);
    int count = nce_present(a.who, 0, a.who.n);
    nce_gate(gate, 1);
    nce_strip_logits<M>(a, p);
    nce_strip_sums<M>(a, p);
    nce_gate(gate, 2);
    if (blockIdx.x == 0) nce_finish(a.loss, a.desk.losses, a.who, count, a.lambda);
    if (dz != nullptr) {
        nce_strip_pull<M>(a, p, count);
        nce_strip_gradient<M>(a, p, count >= 2);
        nce_strip_out<M>(a, p, p.side ? dw : dz, count >= 2);
    }
    nce_leave(gate);
}

// infonce_single is the whole loss in one cooperative launch of 2 ceil(n / rows) blocks, rows in {4, 8, 16, 32} anchors
// to each. dz, dw and scale may be left out together. work holds (4 d + 12) n floats.
template <class T>
__device__ __forceinline__ void infonce_single(const Nce &a, T *dz, T *dw, const T *z, const T *w, unsigned *gate, int rows) {
    if (rows == 4) nce_single<1>(a, dz, dw, z, w, gate);
    else if (rows == 8) nce_single<2>(a, dz, dw, z, w, gate);
    else if (rows == 16) nce_single<4>(a, dz, dw, z, w, gate);
    else nce_single<8>(a, dz, dw, z, w, gate);
}

#define INFONCE(T, S)                                                                                                  \
    extern "C" __global__ void infonce_single_##S(float *loss, T *dz, T *dw, const T *z, const T *w,                   \
                                                  const u8 *present, const int *group, const float *scale,             \
                                                  float *work, unsigned *gate, int n, int d, int lo, int hi,           \
                                                  int pairs, int rows, float sharpness, float lambda, double least) {  \
        Nce a = {loss, scale, {present, group, n, pairs, lo, hi}, d, sharpness, lambda, least, nce_desk(work, n, d)};          \
        infonce_single(a, dz, dw, z, w, gate, rows);                                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(infonce_single_##S)
FOR_TYPES(INFONCE)
