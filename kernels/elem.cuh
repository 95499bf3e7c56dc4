// What operations on each element by itself have in common: gpu.Add, gpu.ReLU, gpu.Cast. Results may be written over inputs: a
// thread reads an element of every input before it writes that element.
#pragma once
#include "device.cuh"

// for_elements calls op.at<N>(i) for elements [i, i + N) of n in all: 16 bytes of T at a time where wide, then one by one
// over the same threads.
template <class T, class Op> __device__ inline void for_elements(i64 n, bool wide, const Op &op) {
    i64 packs = wide ? n / lanes<T> : 0;
    for (i64 i = grid_thread(); i < packs; i += grid_threads()) op.template at<lanes<T>>(i * lanes<T>);
    for (i64 i = packs * lanes<T> + grid_thread(); i < n; i += grid_threads()) op.template at<1>(i);
}
