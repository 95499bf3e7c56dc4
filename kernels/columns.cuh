// Operations on matrices [rows, c] whose columns belong together: channels of an NHWC image, features of a batch.
//
// Blocks are blockDim.x groups of columns wide and blockDim.y rows high, both powers of two; a group is the 16 bytes
// that one thread reads at a time, or one column where rows are not whole numbers of those. A thread keeps its columns
// and walks down the rows, several of them in flight, so that what belongs to a column stays in registers. blockIdx.x
// says which columns a block begins with, blockIdx.y which rows.
#pragma once
#include "device.cuh"

constexpr int norm_rows = 4; // rows in flight of a thread that normalises

constexpr int column_threads = 256;

// Columns is the part of a matrix that a thread works on.
struct Columns {
    int rows, c;
    i64 row, step; // the thread's first row, and how far the next one is
    int col;       // the thread's first column, or beyond c
};

// column_start is the first column of the block, column_stride how much further the next one that it works on is; n is
// the width of a group.
__device__ inline int column_start(int n) { return int(blockIdx.x * blockDim.x) * n; }
__device__ inline int column_stride(int n) { return int(gridDim.x * blockDim.x) * n; }

__device__ inline Columns columns(int rows, int c, int start, int n) {
    return {rows, c, i64(blockIdx.y) * blockDim.y + threadIdx.y, i64(gridDim.y) * blockDim.y,
            start + int(threadIdx.x) * n};
}

// Samples says which rows take part: `per` neighbouring rows are a sample; present is null if all are.
struct Samples {
    const u8 *present;
    int per;
};
__device__ inline bool is_here(const Samples &s, i64 row) {
    return s.present == nullptr || s.present[unsigned(row) / unsigned(s.per)] != 0;
}

// load_column reads N values of a vector [c].
template <int N> __device__ inline void load_column(float (&v)[N], const float *x, int col) {
#pragma unroll
    for (int k = 0; k < N; k++) v[k] = x[col + k];
}

template <int N> __device__ inline void clear(float (&v)[N]) {
#pragma unroll
    for (int k = 0; k < N; k++) v[k] = 0.0f;
}

// add_up adds v over the block's rows, for the threads of its first; in one order. All threads call it.
template <int N, class V> __device__ inline void add_up(V (&v)[N]) {
    SHARED(V, part, N *column_threads);
    unsigned t = threadIdx.y * blockDim.x + threadIdx.x;
    for (unsigned o = blockDim.y / 2; o > 0; o /= 2) {
        __syncthreads();
        if (threadIdx.y >= o && threadIdx.y < 2 * o)
#pragma unroll
            for (int k = 0; k < N; k++) part[k * column_threads + t] = v[k];
        __syncthreads();
        if (threadIdx.y < o)
#pragma unroll
            for (int k = 0; k < N; k++) v[k] += part[k * column_threads + t + o * blockDim.x];
    }
    __syncthreads();
}

// last_of tells a block whether it is the last of so many to come to a ticket, a word that is 0 before and is 0 after; what the
// others wrote before they came is there for it. All threads call it.
__device__ inline bool last_of(unsigned blocks, unsigned *ticket) {
    SHARED(unsigned, came, 1);
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        came[0] = atomicAdd(ticket, 1u);
        if (came[0] == blocks - 1) atomicExch(ticket, 0u);
    }
    __syncthreads();
    bool last = came[0] == blocks - 1;
    __syncthreads();
    __threadfence();
    return last;
}

// What the blocks of a column of blocks leave of a sum over rows, [parts, c] with parts = gridDim.y, is added up by the last of
// them: first the last of every parts_a_time, then the last of those. So the order is fixed, whichever block comes last.
constexpr int parts_a_time = 16;

// add_parts gives the threads of the block's first row the sums of part [parts, c] over parts first, first + stride, ... below end.
// All threads call it.
template <int N>
__device__ inline void add_parts(double (&sum)[N], const float *part, int first, int end, int stride, int c, int col) {
#pragma unroll
    for (int l = 0; l < N; l++) sum[l] = 0;
    for (int p = first + int(threadIdx.y) * stride; col < c && p < end; p += int(blockDim.y) * stride) {
        float v[N];
        load_column<N>(v, part + i64(p) * c, col);
#pragma unroll
        for (int l = 0; l < N; l++) sum[l] += v[l];
    }
    add_up<N>(sum);
}

// last_of_parts tells a block whether all parts are there for it to add up: of each of `sums` [parts, c] behind each other, and of the
// column of blocks' own count [parts] unless it is null, those that part_stride tells apart. tickets has a word for each block of the first row of
// blocks, and, with more than parts_a_time rows of blocks, another for each parts_a_time. All threads call it.
template <int N> __device__ inline bool last_of_parts(float *parts, int sums, int *count, unsigned *tickets, int c, int col) {
    int many = int(gridDim.y), groups = (many + parts_a_time - 1) / parts_a_time;
    __syncthreads(); // what the block's own threads left
    if (many == 1) return true;
    if (groups == 1) return last_of(unsigned(many), tickets + blockIdx.x);
    unsigned *ticket = tickets + blockIdx.x * unsigned(groups + 1);
    int group = int(blockIdx.y) / parts_a_time, first = group * parts_a_time, end = first + parts_a_time < many ? first + parts_a_time : many;
    bool last = last_of(unsigned(end - first), ticket + 1 + group);
    if (last) {
        for (int q = 0; q < sums; q++) {
            float *part = parts + i64(q) * many * c;
            double sum[N];
            add_parts<N>(sum, part, first, end, 1, c, col);
            if (threadIdx.y == 0 && col < c)
#pragma unroll
                for (int l = 0; l < N; l++) part[i64(first) * c + col + l] = float(sum[l]);
        }
        if (count != nullptr && threadIdx.x == 0 && threadIdx.y == 0)
            for (int p = first + 1; p < end; p++) count[first] += count[p];
        last = last_of(unsigned(groups), ticket);
    }
    return last;
}

__device__ inline int parts_step(int parts) { return parts > parts_a_time ? parts_a_time : 1; }
__device__ inline int part_stride() { return parts_step(int(gridDim.y)); }

// leave_part writes the block's sum of the q-th of the sums, which the threads of its first row have.
template <int N> __device__ inline void leave_part(float *sums, int q, const float (&sum)[N], int c, int col) {
    if (threadIdx.y != 0 || col >= c) return;
    float *to = sums + (i64(q) * gridDim.y + blockIdx.y) * c + col;
#pragma unroll
    for (int l = 0; l < N; l++) to[l] = sum[l];
}

// Partial results [parts, c] that another launch adds up are added up by blocks of 32 columns and 32 threads for each.
constexpr int total_side = 32;

// total gives all threads of a column the sum of their values, in one order. All threads call it.
__device__ inline double total(double v) {
    SHARED(double, sums, total_side *(total_side + 1));
    __syncthreads();
    sums[threadIdx.y * (total_side + 1) + threadIdx.x] = v;
    __syncthreads();
    v = 0;
    for (int i = 0; i < total_side; i++) v += sums[i * (total_side + 1) + threadIdx.x];
    return v;
}
