// Biases and their gradient (gpu.AddBias, gpu.AddBiasReLU, gpu.SumRows).
#include "columns.cuh"

constexpr int bias_rows = 4; // in flight

template <class T, int N> __device__ inline void bias_rows_of(T *y, const T *x, const float *bias, int relu, const Columns &m) {
    float b[N];
    load_column<N>(b, bias, m.col);
    for (i64 r = m.row; r < m.rows; r += bias_rows * m.step) {
        Raw<T, N> in[bias_rows] = {};
#pragma unroll
        for (int u = 0; u < bias_rows; u++)
            if (r + u * m.step < m.rows) load_raw(in[u], x + (r + u * m.step) * m.c + m.col);
#pragma unroll
        for (int u = 0; u < bias_rows; u++) {
            if (r + u * m.step >= m.rows) break;
            float v[N];
            from_raw(v, in[u]);
#pragma unroll
            for (int k = 0; k < N; k++) {
                float s = v[k] + b[k];
                v[k] = relu && s < 0.0f ? 0.0f : s;
            }
            store_n<N>(y + (r + u * m.step) * m.c + m.col, v);
        }
    }
}

// bias_forward: y = x + bias, and its ReLU if asked for; y may be x.
template <class T, int N> __device__ inline void bias_forward(T *y, const T *x, const float *bias, int rows, int c, int relu) {
    for (int start = column_start(N); start < c; start += column_stride(N)) {
        Columns m = columns(rows, c, start, N);
        if (m.col < c) bias_rows_of<T, N>(y, x, bias, relu, m);
    }
}

// sumrows_forward: db [c] += the sums of dy [rows, c] over the rows; part [gridDim.y, c] and tickets are for the blocks to add up.
// The grid's blocks are as wide as the matrix.
template <class T, int N> __device__ inline void sumrows_forward(float *db, float *part, unsigned *tickets, const T *dy, int rows, int c) {
    Columns m = columns(rows, c, column_start(N), N);
    float sum[N];
    clear<N>(sum);
    for (i64 r = m.row; m.col < c && r < rows; r += bias_rows * m.step) {
        Raw<T, N> in[bias_rows] = {};
        float v[bias_rows][N];
#pragma unroll
        for (int u = 0; u < bias_rows; u++)
            if (r + u * m.step < rows) load_raw(in[u], dy + (r + u * m.step) * c + m.col);
#pragma unroll
        for (int u = 0; u < bias_rows; u++) from_raw(v[u], in[u]);
#pragma unroll
        for (int k = 0; k < N; k++) sum[k] += (v[0][k] + v[1][k]) + (v[2][k] + v[3][k]);
    }
    add_up<N>(sum);
    leave_part<N>(part, 0, sum, c, m.col);
    if (last_of_parts<N>(part, 1, nullptr, tickets, c, m.col)) {
        double all[N];
        add_parts<N>(all, part, 0, int(gridDim.y), part_stride(), c, m.col);
        if (threadIdx.y == 0 && m.col < c)
#pragma unroll
            for (int k = 0; k < N; k++) db[m.col + k] += float(all[k]);
    }
}

#define BIAS(T, S)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) bias_forward_##S(T *y, const T *x, const float *bias, int rows,  \
                                                                       int c, int relu) {                              \
        if (c % lanes<T> == 0 && aligned16(y) && aligned16(x))                                                         \
            bias_forward<T, lanes<T>>(y, x, bias, rows, c, relu);                                                      \
        else                                                                                                           \
            bias_forward<T, 1>(y, x, bias, rows, c, relu);                                                             \
    }                                                                                                                  \
    EXPORT_KERNEL(bias_forward_##S)                                                                                    \
    extern "C" __global__ void __launch_bounds__(256, 4)                                                               \
        sumrows_forward_##S(float *db, float *part, unsigned *tickets, const T *dy, int rows, int c) {                 \
        if (c % lanes<T> == 0 && aligned16(dy))                                                                        \
            sumrows_forward<T, lanes<T>>(db, part, tickets, dy, rows, c);                                              \
        else                                                                                                           \
            sumrows_forward<T, 1>(db, part, tickets, dy, rows, c);                                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(sumrows_forward_##S)
FOR_TYPES(BIAS)
