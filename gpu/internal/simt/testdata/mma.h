// What simt::mma_tf32 is held to.
#pragma once
#include "gpu.h"

// product returns c + a b of [16, 8], [16, 8] and [8, 8].
inline std::vector<float> product(Gpu &g, const std::vector<float> &a, const std::vector<float> &b, const std::vector<float> &c) {
    struct {
        float *d, *a, *b, *c;
    } p{g.memory<float>(128), g.memory(a), g.memory(b), g.memory(c)};
    IS(g.launch("mma_whole", 1, 32, p), 0);
    return g.read(p.d, 128);
}

// first returns the first number of a product whose first row and column are as given.
inline float first(Gpu &g, std::vector<float> row, std::vector<float> column, float c) {
    row.resize(8);
    column.resize(8);
    std::vector<float> a(128), b(64), sum(128);
    for (size_t k = 0; k < 8; k++) {
        a[k] = row[k];
        b[8 * k] = column[k];
    }
    sum[0] = c;
    return product(g, a, b, sum)[0];
}

// test_mma: whole numbers come out exactly, each from its own row and column; then what is cut where.
inline void test_mma(Gpu &g) {
    std::vector<float> a(128), b(64), c(128);
    for (size_t i = 0; i < 128; i++) {
        a[i] = float(i * 37 % 101);
        c[i] = float(i);
    }
    for (size_t i = 0; i < 64; i++)
        b[i] = float(i * 53 % 97);
    std::vector<float> d = product(g, a, b, c);
    for (size_t i = 0; i < 16; i++)
        for (size_t j = 0; j < 8; j++) {
            float want = c[8 * i + j];
            for (size_t k = 0; k < 8; k++)
                want += a[8 * i + k] * b[8 * k + j];
            CHECK(d[8 * i + j] == want);
        }
    float bit = 1.0f / (1 << 24), nan = first(g, {__builtin_nanf("")}, {1}, 0);
    CHECK(nan != nan);
    CHECK(first(g, {bit}, {1}, 1) == 1);                            // cut, where float32 would be just as far from 1 + 2 bit
    CHECK(first(g, {bit, bit}, {1, 1}, 1) == 1 + 2 * bit);          // one bit more than float32's is kept between four products
    CHECK(first(g, {bit, 0, 0, 0, bit}, {1, 0, 0, 0, 1}, 1) == 1);  // but not for the other four
    CHECK(first(g, {bit, bit, bit}, {1, 1, 1}, 1) == 1 + 2 * bit);  // toward 0
    CHECK(first(g, {bit, bit, bit}, {-1, -1, -1}, -1) == -1 - 2 * bit);
    CHECK(first(g, {bit / 2, bit / 2}, {1, 1}, 1) == 1);            // each is cut before it is added
    CHECK(first(g, {3e-40f}, {1}, 0) > 2.9e-40f);                   // subnormal numbers count
    CHECK(first(g, {1 + 32766 * bit}, {1}, 0) == 1 + 16384 * bit);  // of an input the first 11 bits count
}
