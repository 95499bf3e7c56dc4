// The fake cuDNN's convolutions and what is fused to them, as the fake backend API understands them.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dnn {

// A Tensor has extents in the order batch, channels, height, width, and strides of a dense tensor with channels innermost.
struct Tensor {
    int64_t id = 0, n = 0, c = 0, h = 0, w = 0, alignment = 0;
    unsigned type = 0; // cudnnDataType_t
    bool inside = false;
    size_t size() const { return size_t(n) * c * h * w; }
    size_t bytes() const;
    bool same(const Tensor &o) const { return n == o.n && c == o.c && h == o.h && w == o.w; }
};

enum class Kind { forward, data, weight, add, multiply, relu, statistics, subtract, relu_back, norm_back };

// An Operation reads and writes tensors by their place in Graph::tensors; -1 is none.
//   forward: a x, b w, out y    data: a dy, b w, out dx    weight: a x, b dy, out dw
//   add, multiply, subtract: out = a op b, b broadcast    relu: out of a    statistics: of a, sums to out, sums of squares to out2
//   relu_back: out = a where b is above 0    norm_back: a d, b x, and in more mean, rstd, gamma; out dgamma, out2 dbeta, and in more the line
struct Operation {
    Kind kind;
    int a = -1, b = -1, out = -1, out2 = -1;
    std::array<int, 6> more = {-1, -1, -1, -1, -1, -1}; // of norm_back: mean, rstd, gamma; by d, by x, shift
    int64_t stride = 1, pad = 0;
    float alpha = 1, beta = 0;
};

struct Graph {
    std::vector<Tensor> tensors;
    std::vector<Operation> operations;
    bool tf32 = false; // round float32 inputs of convolutions to TF32
};

// run computes a graph on the memory of its tensors, by id. Sums are float32, in a fixed order. It returns what is wrong
// with the memory, or an empty string.
std::string run(const Graph &g, const std::map<int64_t, void *> &memory);

// last_error explains the last refusal on this thread, of either API.
extern thread_local std::string last_error;

} // namespace dnn
