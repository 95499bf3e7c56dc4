// The manual leaves open how tensor cores sum. This does as those of sm_80 were found to (Fasi et al. 2021, "Numerical behavior of
// NVIDIA tensor cores"; Khattak and Mikaitis 2025, "Accurate models of NVIDIA tensor cores"), which lose most of all that the kernels
// are for: four products and the sum so far are exact, are cut to the bit 2^-24 of the largest, added, and cut to float32;
// then the other four. sm_90 and sm_100 keep a bit more, and take all eight together.
#include "mma.h"
#include "simt.h"

namespace simt {

namespace {

constexpr int rows = 16, columns = 8, depth = 8, half = 4;

struct Fragments {
    float *d;
    const unsigned *a, *b;
};

double tf32(unsigned bits) { return double(__uint_as_float(bits & 0xffffe000u)); }

// power returns 2^e.
double power(int e) {
    uint64_t bits = uint64_t(e + 1023) << 52;
    double v;
    std::memcpy(&v, &bits, 8);
    return v;
}

// exponent returns e of v in [2^e, 2^(e + 1)), and the least of a normal float32 where v is smaller.
int exponent(double v) {
    uint64_t bits;
    std::memcpy(&bits, &v, 8);
    int e = int(bits >> 52 & 0x7ff) - 1023;
    return e < -126 ? -126 : e;
}

// toward_zero returns v as float32, without what does not fit.
float toward_zero(double v) {
    float f = float(v);
    return std::fabs(double(f)) > std::fabs(v) ? __uint_as_float(__float_as_uint(f) - 1) : f;
}

// add returns c and the products of `half` numbers, `step` apart in b.
float add(float c, const double *a, const double *b, int step) {
    double v[half + 1], most = 0, all = 0;
    v[half] = c;
    for (int k = 0; k < half; k++)
        v[k] = a[k] * b[k * step];
    for (double x : v) {
        most = std::fabs(x) > most ? std::fabs(x) : most;
        all += x;
    }
    if (!std::isfinite(all))
        return float(all);
    int e = exponent(most) - 24;
    double up = power(-e);
    int64_t sum = 0;
    for (double x : v)
        sum += int64_t(x * up);
    return toward_zero(double(sum) * power(e));
}

// whole computes the product for all lanes.
void whole(void *const *brought) {
    double a[rows][depth], b[depth][columns];
    for (int l = 0; l < 32; l++) {
        auto *f = static_cast<const Fragments *>(brought[l]);
        if (!f)
            fail("mma.sync without lane %d", l);
        int group = l / 4, in_group = l % 4;
        for (int i = 0; i < 4; i++)
            a[group + (i == 1 || i == 3 ? 8 : 0)][in_group + (i >= 2 ? 4 : 0)] = tf32(f->a[i]);
        for (int i = 0; i < 2; i++)
            b[in_group + (i == 1 ? 4 : 0)][group] = tf32(f->b[i]);
    }
    for (int l = 0; l < 32; l++)
        for (int i = 0; i < 4; i++) {
            int r = l / 4 + (i >= 2 ? 8 : 0), c = l % 4 * 2 + (i & 1);
            float &d = static_cast<const Fragments *>(brought[l])->d[i];
            for (int k = 0; k < depth; k += half)
                d = add(d, &a[r][k], &b[k][c], columns);
        }
}

} // namespace

void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    Fragments mine{d, a, b};
    together(whole, &mine);
}

} // namespace simt
