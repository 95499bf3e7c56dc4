// A row scaled to unit length, and the gradient of that, by one warp together. Sums are in float64, which costs less than
// the memory they wait for.
#pragma once
#include "device.cuh"

// unit_row writes y = x / norm and returns norm = max(|x|, least), for rows of n elements.
template <class T> __device__ inline float unit_row(float *y, const T *x, int n, double least) {
    int lane = threadIdx.x % 32;
    double sum = 0;
    for (int c = lane; c < n; c += 32) sum += double(to_float(x[c])) * to_float(x[c]);
    double norm = sqrt(warp_sum(sum));
    norm = norm < least ? least : norm; // a NaN stays
    double inv = 1 / norm;
    for (int c = lane; c < n; c += 32) y[c] = float(to_float(x[c]) * inv);
    return float(norm);
}

// unit_row_backward writes dx = (dy - (dy.y) y) / norm, without the projection where norm is least: there the row was
// divided by a constant. dx may be dy.
template <class T>
__device__ inline void unit_row_backward(T *dx, const float *dy, const float *y, float norm, int n, float least) {
    int lane = threadIdx.x % 32;
    double along = 0;
    for (int c = lane; c < n; c += 32) along += double(dy[c]) * y[c];
    along = warp_sum(along);
    along = norm > least ? along : 0.0;
    double inv = 1 / double(norm);
    for (int c = lane; c < n; c += 32) dx[c] = from_float<T>(float((dy[c] - along * y[c]) * inv));
}

// zero_row writes zeros.
template <class T> __device__ inline void zero_row(T *x, int n) {
    for (int c = threadIdx.x % 32; c < n; c += 32) x[c] = from_float<T>(0.0f);
}
