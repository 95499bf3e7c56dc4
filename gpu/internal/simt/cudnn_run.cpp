// The arithmetic of the fake cuDNN: every tensor as float32, one operation after the other. What stays inside a graph is
// rounded to the type it was declared with.
#include "../dnn/abi.h"
#include "cudnn.h"
#include "stream.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace dnn {

size_t Tensor::bytes() const { return size() * (type == CUDNN_DATA_FLOAT ? 4 : 2); }

namespace {

using Floats = std::vector<float>;
typedef float Vec __attribute__((vector_size(32), aligned(4)));

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

float from_half(uint16_t h) {
    uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 31)
        return number(sign | 0x7f800000 | fraction << 13);
    float v = exponent ? std::ldexp(float(fraction | 0x400), int(exponent) - 25) : std::ldexp(float(fraction), -24);
    return sign ? -v : v;
}

// to_half rounds to the nearest, ties to even; what is 65520 or more becomes infinity.
uint16_t to_half(float f) {
    uint32_t u = bits(f), sign = u >> 16 & 0x8000;
    float v = std::fabs(f);
    if (v != v)
        return uint16_t(sign | 0x7e00);
    if (v >= 65520)
        return uint16_t(sign | 0x7c00);
    int e = -14;
    if (v >= 6.103515625e-05f)
        e = std::ilogb(v);
    float steps = std::nearbyint(std::ldexp(v, 10 - e)); // 1024 to 2048, or fewer below the normal range
    return uint16_t(sign | uint32_t(int(steps) + ((e + 14) << 10)));
}

uint16_t to_bfloat(float f) {
    uint32_t u = bits(f);
    if (f != f)
        return uint16_t(u >> 16 | 0x40);
    return uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

float to_tf32(float f) {
    uint32_t u = bits(f);
    return std::isfinite(f) ? number((u + 0xfff + (u >> 13 & 1)) & ~0x1fffu) : f;
}

Floats load(const Tensor &t, const void *p) {
    Floats v(t.size());
    auto half = static_cast<const uint16_t *>(p);
    if (t.type == CUDNN_DATA_FLOAT)
        std::memcpy(v.data(), p, t.bytes());
    else
        for (size_t i = 0; i < v.size(); i++)
            v[i] = t.type == CUDNN_DATA_HALF ? from_half(half[i]) : number(uint32_t(half[i]) << 16);
    return v;
}

void store(const Tensor &t, void *p, const Floats &v) {
    auto half = static_cast<uint16_t *>(p);
    if (t.type == CUDNN_DATA_FLOAT)
        std::memcpy(p, v.data(), t.bytes());
    else
        for (size_t i = 0; i < v.size(); i++)
            half[i] = t.type == CUDNN_DATA_HALF ? to_half(v[i]) : to_bfloat(v[i]);
}

// add_scaled adds f x to y, n numbers.
inline void add_scaled(float *y, const float *x, float f, int64_t n) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        Vec a, b;
        std::memcpy(&a, y + i, sizeof a), std::memcpy(&b, x + i, sizeof b);
        a += b * f;
        std::memcpy(y + i, &a, sizeof a);
    }
    for (; i < n; i++)
        y[i] += f * x[i];
}

// each calls f(pixel of x, tap of w, pixel of y) for every term of a convolution.
template <class F> void each(const Tensor &x, const Tensor &w, const Tensor &y, const Operation &o, F f) {
    for (int64_t n = 0; n < y.n; n++)
        for (int64_t oh = 0; oh < y.h; oh++)
            for (int64_t ow = 0; ow < y.w; ow++)
                for (int64_t r = 0; r < w.h; r++)
                    for (int64_t s = 0; s < w.w; s++) {
                        int64_t h = oh * o.stride - o.pad + r, v = ow * o.stride - o.pad + s;
                        if (h >= 0 && h < x.h && v >= 0 && v < x.w)
                            f((n * x.h + h) * x.w + v, r * w.w + s, (n * y.h + oh) * y.w + ow);
                    }
}

// turned returns a matrix of rows x columns as columns x rows, square by square: a whole row of w at a time would touch
// a cache line for every number.
Floats turned(const Floats &m, int64_t rows, int64_t columns) {
    constexpr int64_t side = 16;
    Floats t(m.size());
    for (int64_t r0 = 0; r0 < rows; r0 += side)
        for (int64_t c0 = 0; c0 < columns; c0 += side)
            for (int64_t c = c0; c < std::min(c0 + side, columns); c++)
                for (int64_t r = r0; r < std::min(r0 + side, rows); r++)
                    t[c * rows + r] = m[r * columns + c];
    return t;
}

// forward sums over c innermost, with w turned to [R, S, C, K] so that the results of a pixel lie side by side.
Floats forward(const Tensor &x, const Tensor &w, const Tensor &y, const Operation &o, const Floats &xs, const Floats &ws) {
    int64_t taps = w.h * w.w, C = x.c, K = y.c;
    Floats kernels = turned(ws, K, taps * C), ys(y.size());
    Floats part(K); // like a GPU it sums in pieces, which loses less than one long sum
    each(x, w, y, o, [&](int64_t xi, int64_t tap, int64_t yi) {
        std::fill(part.begin(), part.end(), 0.0f);
        for (int64_t c = 0; c < C; c++)
            add_scaled(part.data(), &kernels[(tap * C + c) * K], xs[xi * C + c], K);
        add_scaled(&ys[yi * K], part.data(), 1, K);
    });
    return ys;
}

Floats backward_data(const Tensor &x, const Tensor &w, const Tensor &y, const Operation &o, const Floats &ys, const Floats &ws) {
    int64_t taps = w.h * w.w, C = x.c, K = y.c;
    Floats xs(x.size()), part(C);
    each(x, w, y, o, [&](int64_t xi, int64_t tap, int64_t yi) {
        std::fill(part.begin(), part.end(), 0.0f);
        for (int64_t k = 0; k < K; k++)
            add_scaled(part.data(), &ws[(k * taps + tap) * C], ys[yi * K + k], C);
        add_scaled(&xs[xi * C], part.data(), 1, C);
    });
    return xs;
}

Floats backward_weight(const Tensor &x, const Tensor &w, const Tensor &y, const Operation &o, const Floats &xs, const Floats &ys) {
    int64_t taps = w.h * w.w, C = x.c, K = y.c;
    Floats ws(w.size()), part(w.size()); // of an image
    int64_t image = 0;
    each(x, w, y, o, [&](int64_t xi, int64_t tap, int64_t yi) {
        if (yi / (y.h * y.w) != image) {
            image = yi / (y.h * y.w);
            add_scaled(ws.data(), part.data(), 1, ws.size());
            std::fill(part.begin(), part.end(), 0.0f);
        }
        for (int64_t k = 0; k < K; k++)
            add_scaled(&part[(k * taps + tap) * C], &xs[xi * C], ys[yi * K + k], C);
    });
    add_scaled(ws.data(), part.data(), 1, ws.size());
    return ws;
}

// Values holds the tensors of a run.
class Values {
  public:
    Values(const Graph &g, const std::map<int64_t, void *> &memory) : g(g), memory(memory), inside(g.tensors.size()) {}

    Floats read(int i) const { return g.tensors[i].inside ? inside[i] : load(g.tensors[i], memory.at(g.tensors[i].id)); }
    // factor reads an input of a convolution.
    Floats factor(int i) const {
        Floats v = read(i);
        if (g.tf32 && g.tensors[i].type == CUDNN_DATA_FLOAT)
            for (float &f : v)
                f = to_tf32(f);
        return v;
    }
    void write(int i, const Floats &v) {
        const Tensor &t = g.tensors[i];
        if (!t.inside)
            return store(t, memory.at(t.id), v);
        std::vector<char> rounded(t.bytes());
        store(t, rounded.data(), v);
        inside[i] = load(t, rounded.data());
    }

  private:
    const Graph &g;
    const std::map<int64_t, void *> &memory;
    std::vector<Floats> inside;
};

void convolve(const Graph &g, const Operation &o, Values &v) {
    const Tensor &a = g.tensors[o.a], &b = g.tensors[o.b], &out = g.tensors[o.out];
    Floats fa = v.factor(o.a), fb = v.factor(o.b);
    Floats sum = o.kind == Kind::forward ? forward(a, b, out, o, fa, fb)
                 : o.kind == Kind::data  ? backward_data(out, b, a, o, fa, fb)
                                         : backward_weight(a, out, b, o, fa, fb);
    Floats old = o.beta != 0 ? v.read(o.out) : Floats(); // beta 0: the memory may hold NaN
    for (size_t i = 0; i < sum.size(); i++)
        sum[i] = o.alpha * sum[i] + (o.beta != 0 ? o.beta * old[i] : 0);
    v.write(o.out, sum);
}

void point(const Graph &g, const Operation &o, Values &v) {
    Floats x = v.read(o.a), b = o.b < 0 ? Floats() : v.read(o.b);
    bool per_channel = o.b >= 0 && !g.tensors[o.b].same(g.tensors[o.a]);
    for (size_t i = 0; i < x.size(); i++) {
        float f = b.empty() ? 0 : b[per_channel ? i % g.tensors[o.a].c : i];
        switch (o.kind) {
        case Kind::add: x[i] += f; break;
        case Kind::subtract: x[i] -= f; break;
        case Kind::multiply: x[i] *= f; break;
        case Kind::relu_back: x[i] = f > 0 ? x[i] : 0; break;
        default: x[i] = x[i] > 0 || x[i] != x[i] ? x[i] : 0; // ReLU
        }
    }
    v.write(o.out, x);
}

// norm_back: the gradients of gamma and beta, and the line by d, x and 1 that the gradient of x is.
void norm_back(const Graph &g, const Operation &o, Values &v) {
    Floats d = v.read(o.a), x = v.read(o.b), mean = v.read(o.more[0]), rstd = v.read(o.more[1]), gamma = v.read(o.more[2]);
    size_t c = size_t(g.tensors[o.b].c);
    std::vector<double> dgamma(c), dbeta(c);
    for (size_t i = 0; i < x.size(); i++) {
        dgamma[i % c] += double(d[i]) * (double(x[i]) - mean[i % c]) * rstd[i % c];
        dbeta[i % c] += d[i];
    }
    Floats by_d(c), by_x(c), shift(c);
    double n = double(x.size()) / double(c);
    for (size_t j = 0; j < c; j++) {
        double slope = double(gamma[j]) * rstd[j], k = slope * rstd[j] * dgamma[j] / n;
        by_d[j] = float(slope), by_x[j] = float(-k), shift[j] = float(k * mean[j] - slope * dbeta[j] / n);
    }
    v.write(o.out, Floats(dgamma.begin(), dgamma.end()));
    v.write(o.out2, Floats(dbeta.begin(), dbeta.end()));
    v.write(o.more[3], by_d), v.write(o.more[4], by_x), v.write(o.more[5], shift);
}

void statistics(const Graph &g, const Operation &o, Values &v) {
    Floats x = v.read(o.a);
    std::vector<double> sum(g.tensors[o.a].c), square(sum.size());
    for (size_t i = 0; i < x.size(); i++)
        sum[i % sum.size()] += x[i], square[i % sum.size()] += double(x[i]) * x[i];
    v.write(o.out, Floats(sum.begin(), sum.end()));
    v.write(o.out2, Floats(square.begin(), square.end()));
}

} // namespace

std::string run(const Graph &g, const std::map<int64_t, void *> &memory) {
    for (const Tensor &t : g.tensors)
        if (!t.inside && !simt_device_range(memory.at(t.id), t.bytes()))
            return "the memory of tensor " + std::to_string(t.id) + " is not within an allocation";
    Values v(g, memory);
    for (const Operation &o : g.operations)
        switch (o.kind) {
        case Kind::statistics: statistics(g, o, v); break;
        case Kind::norm_back: norm_back(g, o, v); break;
        case Kind::forward:
        case Kind::data:
        case Kind::weight: convolve(g, o, v); break;
        default: point(g, o, v);
        }
    return "";
}

} // namespace dnn
