// Rows of a table that stays on the GPU, gathered by person and turned into values (gpu.DecodeGenotypes, gpu.DecodeBits,
// gpu.DecodeBytes, gpu.GatherRows). An index of -1 is a person without the data: zeros. Any other index outside the table gives NaN.
#include "device.cuh"

constexpr int gather_rows = 8; // of the batch, to one thread: they share what is read per feature

// gather_missing is what a row without a person is filled with.
__device__ inline float gather_missing(int person) { return person == -1 ? 0.0f : not_a_number(); }

// gather_put writes features [f, f + 4) of a row of y.
template <class T> __device__ inline void gather_put(T *y, const float (&v)[4], int f, int features, bool wide) {
    if (wide) {
        store4(y + f, {v[0], v[1], v[2], v[3]});
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (f + i < features) y[f + i] = from_float<T>(v[i]);
}

// decode turns codes of BITS bits, low bits first, into lut [features, 2^BITS]. A thread has 4 features (x) and 8 rows (y).
template <class T, int BITS>
__device__ inline void decode(T *y, const u8 *packed, const int *index, const float *lut, int batch, int features, int persons) {
    constexpr int codes = 1 << BITS;
    int f = 4 * (blockIdx.x * blockDim.x + threadIdx.x), bytes = (features * BITS + 7) / 8;
    if (f >= features) return;
    bool wide = features % 4 == 0 && aligned16(y);
    float table[4][codes];
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int c = 0; c < codes; c++) table[i][c] = f + i < features ? lut[(i64)(f + i) * codes + c] : 0.0f;
    for (int b = blockIdx.y * gather_rows; b < batch && b < int(blockIdx.y + 1) * gather_rows; b++) {
        int person = index[b];
        bool there = person >= 0 && person < persons;
        unsigned code = there ? packed[(i64)person * bytes + f * BITS / 8] >> (f * BITS % 8) : 0;
        float v[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            unsigned c = code >> (i * BITS) & (codes - 1);
            float at = table[i][0];
#pragma unroll
            for (int k = 1; k < codes; k++) at = c == unsigned(k) ? table[i][k] : at; // no indexed registers
            v[i] = there ? at : gather_missing(person);
        }
        gather_put(y + (i64)b * features, v, f, features, wide);
    }
}

// decode_bytes turns codes of a byte into lut [features, 256]. A row of it is a kilobyte, of which a batch uses little: it is read where it lies.
template <class T>
__device__ inline void decode_bytes(T *y, const u8 *packed, const int *index, const float *lut, int batch, int features, int persons) {
    int f = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (f >= features) return;
    bool wide = features % 4 == 0 && aligned16(y);
    for (int b = blockIdx.y * gather_rows; b < batch && b < int(blockIdx.y + 1) * gather_rows; b++) {
        int person = index[b];
        bool there = person >= 0 && person < persons;
        float v[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
            v[i] = there && f + i < features ? lut[(i64)(f + i) * 256 + packed[(i64)person * features + f + i]] : gather_missing(person);
        gather_put(y + (i64)b * features, v, f, features, wide);
    }
}

#define DECODE(T, S)                                                                                                   \
    extern "C" __global__ void genotypes_forward_##S(T *y, const u8 *packed, const int *index,              \
                                                     const float *lut, int batch, int features, int persons) {         \
        decode<T, 2>(y, packed, index, lut, batch, features, persons);                                                 \
    }                                                                                                                  \
    EXPORT_KERNEL(genotypes_forward_##S)                                                                               \
    extern "C" __global__ void bits_forward_##S(T *y, const u8 *packed, const int *index, const float *lut, \
                                                int batch, int features, int persons) {                                \
        decode<T, 1>(y, packed, index, lut, batch, features, persons);                                                 \
    }                                                                                                                  \
    EXPORT_KERNEL(bits_forward_##S)                                                                                    \
    extern "C" __global__ void bytes_forward_##S(T *y, const u8 *packed, const int *index, const float *lut,           \
                                                 int batch, int features, int persons) {                               \
        decode_bytes(y, packed, index, lut, batch, features, persons);                                                 \
    }                                                                                                                  \
    EXPORT_KERNEL(bytes_forward_##S)
FOR_TYPES(DECODE)

// gather writes scale * x + shift of the rows of x [persons, features]; scale and shift [features] may be left out.
template <class T, class X>
__device__ inline void gather(T *y, const X *x, const int *index, const float *scale, const float *shift, int batch, int features, int persons) {
    int f = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (f >= features) return;
    bool wide = features % 4 == 0 && aligned16(y);
    float k[4], o[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        k[i] = scale != nullptr && f + i < features ? scale[f + i] : 1.0f;
        o[i] = shift != nullptr && f + i < features ? shift[f + i] : 0.0f;
    }
    for (int b = blockIdx.y * gather_rows; b < batch && b < int(blockIdx.y + 1) * gather_rows; b++) {
        int person = index[b];
        bool there = person >= 0 && person < persons;
        float v[4];
#pragma unroll
        for (int i = 0; i < 4; i++)
            v[i] = there && f + i < features ? float(x[(i64)person * features + f + i]) * k[i] + o[i] : gather_missing(person);
        gather_put(y + (i64)b * features, v, f, features, wide);
    }
}

#define GATHER(T, S)                                                                                                   \
    extern "C" __global__ void gatherrows_forward_##S(T *y, const float *x, const int *index, const float *scale,      \
                                                      const float *shift, int batch, int features, int persons) {      \
        gather(y, x, index, scale, shift, batch, features, persons);                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(gatherrows_forward_##S)                                                                              \
    extern "C" __global__ void gatherbytes_forward_##S(T *y, const u8 *x, const int *index,                 \
                                                       const float *scale, const float *shift, int batch,              \
                                                       int features, int persons) {                                    \
        gather(y, x, index, scale, shift, batch, features, persons);                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(gatherbytes_forward_##S)
FOR_TYPES(GATHER)
