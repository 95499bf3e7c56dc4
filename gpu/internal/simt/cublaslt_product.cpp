// The arithmetic of the fake cuBLASLt, in float32 and in one order: both operands are packed as float32, and blocks of 16 by 4
// results are summed in registers.
#include "cublaslt_product.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace lt {
namespace {

constexpr int height = 16, width = 4; // of a block of results
typedef float Vec __attribute__((vector_size(16), aligned(4)));

uint32_t bits(float f) {
    uint32_t u;
    std::memcpy(&u, &f, 4);
    return u;
}

float number(uint32_t u) {
    float f;
    std::memcpy(&f, &u, 4);
    return f;
}

float fromHalf(uint16_t h) {
    uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff;
    if (exponent == 31) return number(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) return number(bits(std::ldexp(float(mantissa), -24)) | sign);
    return number(sign | (exponent + 112) << 23 | mantissa << 13);
}

// toHalf rounds to the nearest, ties to even, and to infinity beyond 65504.
uint16_t toHalf(float f) {
    uint32_t u = bits(f), sign = (u >> 16) & 0x8000;
    u &= 0x7fffffff;
    if (u > 0x7f800000) return uint16_t(sign | 0x7e00);
    if (u >= 0x477ff000) return uint16_t(sign | 0x7c00);
    if (u < 0x38800000) return uint16_t(sign | uint32_t(std::nearbyint(std::ldexp(number(u), 24)))); // subnormal: a multiple of 2^-24
    u += 0xfff + ((u >> 13) & 1);
    return uint16_t(sign | (u - 0x38000000) >> 13);
}

uint16_t toBFloat(float f) {
    uint32_t u = bits(f);
    if ((u & 0x7fffffff) > 0x7f800000) return uint16_t((u >> 16) | 0x40);
    return uint16_t((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

} // namespace

float load(Type type, const void *p, int64_t i) {
    if (type == Type::f32) return static_cast<const float *>(p)[i];
    uint16_t h = static_cast<const uint16_t *>(p)[i];
    return type == Type::f16 ? fromHalf(h) : number(uint32_t(h) << 16);
}

void store(Type type, void *p, int64_t i, float v) {
    if (type == Type::f32) static_cast<float *>(p)[i] = v;
    else static_cast<uint16_t *>(p)[i] = type == Type::f16 ? toHalf(v) : toBFloat(v);
}

namespace {

float rounded(Type type, float v) {
    if (type == Type::f16) return fromHalf(toHalf(v));
    return type == Type::bf16 ? number(uint32_t(toBFloat(v)) << 16) : v;
}

// toTF32 keeps 10 bits of the mantissa, as the tensor cores' inputs do.
float toTF32(float f) {
    uint32_t u = bits(f);
    return (u & 0x7f800000) == 0x7f800000 ? f : number((u + 0x1000) & ~0x1fffu);
}

// element returns an operand's element as it enters the sum.
float element(const Product &p, const Matrix &a, const void *at, int64_t row, int64_t col) {
    float v = load(a.type, at, row + col * a.ld);
    return p.tf32 ? toTF32(v) : v;
}

// panels packs an operand in panels of size rows of its outer index: element (o, l) lies at panel o / size, then l, then
// o % size. What is missing in the last one is zero. inner tells that the operand's rows are the sum's index.
std::vector<float> panels(const Product &p, const Matrix &a, const void *at, bool inner, int64_t outer, int size) {
    std::vector<float> packed(size_t((outer + size - 1) / size * size * p.k));
    for (int64_t o = 0; o < outer; o++)
        for (int64_t l = 0; l < p.k; l++)
            packed[size_t((o / size * p.k + l) * size + o % size)] = inner ? element(p, a, at, l, o) : element(p, a, at, o, l);
    return packed;
}

// block sums count terms of 16 by 4 results: sum[j] holds column j. Like a GPU it sums in pieces, which loses less than
// one long sum.
void block(const float *a, const float *b, int64_t count, float sum[width][height]) {
    const int64_t piece = 32;
    Vec acc[width][height / 4] = {};
    for (int64_t l = 0; l < count;) {
        Vec own[width][height / 4] = {};
        for (int64_t end = std::min(count, l + piece); l < end; l++, a += height, b += width) {
            Vec x[height / 4];
            std::memcpy(x, a, sizeof x);
#pragma GCC unroll 4
            for (int j = 0; j < width; j++)
#pragma GCC unroll 4
                for (int i = 0; i < height / 4; i++) own[j][i] += x[i] * b[j];
        }
        for (int j = 0; j < width; j++)
            for (int i = 0; i < height / 4; i++) acc[j][i] += own[j][i];
    }
    std::memcpy(sum, acc, sizeof acc);
}

// part writes the sums over [from, to) to out, [m, n] columns first.
void part(const Product &p, const std::vector<float> &a, const std::vector<float> &b, int64_t from, int64_t to, float *out) {
    float sum[width][height];
    for (int64_t j = 0; j < p.n; j += width)
        for (int64_t i = 0; i < p.m; i += height) {
            block(&a[size_t(i * p.k + from * height)], &b[size_t(j * p.k + from * width)], to - from, sum);
            for (int64_t y = j; y < std::min(p.n, j + width); y++)
                std::memcpy(out + y * p.m + i, sum[y - j], size_t(std::min<int64_t>(height, p.m - i)) * 4);
        }
}

// result makes one element of D from the sums.
float result(const Product &p, const float *sums, int64_t i, int64_t j) {
    float v = sums[j * p.m + i];
    for (int s = 1; s < p.parts; s++) {
        float next = sums[(s * p.n + j) * p.m + i];
        v = p.inPlace ? rounded(p.d.type, rounded(p.d.type, v) + next) : v + next;
    }
    v *= p.alpha;
    if (p.beta != 0) v += p.beta * load(p.d.type, p.ct, i + j * p.d.ld); // with 0, C is not read
    if (p.hasBias) v += p.bias[i];
    return p.relu && !(v > 0) ? 0 : v;
}

} // namespace

void multiply(const Product &p) {
    auto a = panels(p, p.a, p.at, p.transa, p.m, height), b = panels(p, p.b, p.bt, !p.transb, p.n, width);
    std::vector<float> one(p.parts == 1 ? size_t(p.m * p.n) : 0);
    float *sums = p.parts == 1 ? one.data() : p.workspace;
    for (int s = 0; s < p.parts; s++) part(p, a, b, p.k * s / p.parts, p.k * (s + 1) / p.parts, sums + s * p.m * p.n);
    for (int64_t j = 0; j < p.n; j++)
        for (int64_t i = 0; i < p.m; i++) store(p.d.type, p.dt, i + j * p.d.ld, result(p, sums, i, j));
}

} // namespace lt
