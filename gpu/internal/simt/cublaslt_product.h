// What the fake cuBLASLt computes: D = epilogue(alpha op(A) op(B) + beta C), columns first.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lt {

// Element types, by cudaDataType.
enum class Type { f32 = 0, f16 = 2, bf16 = 14 };

// load reads element i of p, store writes it, rounded to the nearest, ties to even.
float load(Type type, const void *p, int64_t i);
void store(Type type, void *p, int64_t i, float v);

struct Matrix {
    Type type = Type::f32;
    int64_t rows = 0, cols = 0, ld = 0;

    size_t bytes() const { return size_t(ld * (cols - 1) + rows) * (type == Type::f32 ? 4 : 2); }
};

struct Product {
    Matrix a, b, d; // C is as D
    bool transa, transb, tf32, relu, hasBias;
    int64_t m, n, k;
    float alpha, beta;
    const void *at, *bt, *ct; // where A, B and C lie
    void *dt;
    const float *bias;
    // The sum over k is made in so many parts. More than one are kept in the workspace, each [m, n]; they are added in
    // order, in float32 or, in place, rounded to D's type after each.
    int parts;
    bool inPlace;
    float *workspace;

    size_t biasBytes() const { return size_t(m) * 4; }
};

void multiply(const Product &p);

} // namespace lt
