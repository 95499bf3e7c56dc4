// Fakes of what gorgonia.org/cu/blas and cu/dnn call: cuBLAS's float32 product and cuDNN's descriptors, convolutions,
// bias and ReLU, with the libraries' own enums. Everything runs on the null stream. Sums are float32, in a fixed
// order. As in the real library, a convolution rounds its inputs to TF32 unless its descriptor says FMA.
#include "cudnn.h"
#include "stream.h"
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

// Statuses of both libraries.
enum { ok = 0, blas_invalid = 7, blas_no_handle = 1, dnn_no_handle = 1001, dnn_bad_param = 2000, dnn_unsupported = 3000 };

constexpr int illegal_address = 700; // CUresult

int refuse(int code, const std::string &why) {
    dnn::last_error = why;
    return code;
}

struct Blas {
    bool alive = true;
};

// readable makes the device fail if [p, p + n floats) is not device memory, as a kernel that reads there would.
bool readable(const void *p, size_t n, const char *what) {
    if (simt_device_range(p, n * sizeof(float)))
        return true;
    simt_fault(illegal_address, (std::string(what) + " reads or writes beyond device memory").c_str());
    return false;
}

struct Product {
    bool ta, tb;
    int m, n, k, lda, ldb, ldc;
    float alpha, beta;
    const float *a, *b;
    float *c;
};

// sgemm is column-major C [m, n] = alpha op(A) op(B) + beta C.
void sgemm(const Product &p) {
    if (!readable(p.a, size_t(p.lda) * ((p.ta ? p.m : p.k) - 1) + (p.ta ? p.k : p.m), "cublasSgemm: A") ||
        !readable(p.b, size_t(p.ldb) * ((p.tb ? p.k : p.n) - 1) + (p.tb ? p.n : p.k), "cublasSgemm: B") ||
        !readable(p.c, size_t(p.ldc) * (p.n - 1) + p.m, "cublasSgemm: C"))
        return;
    for (int j = 0; j < p.n; j++)
        for (int i = 0; i < p.m; i++) {
            float sum = 0;
            for (int l = 0; l < p.k; l++) {
                float a = p.ta ? p.a[l + size_t(i) * p.lda] : p.a[i + size_t(l) * p.lda];
                float b = p.tb ? p.b[j + size_t(l) * p.ldb] : p.b[l + size_t(j) * p.ldb];
                sum += a * b;
            }
            float &c = p.c[i + size_t(j) * p.ldc];
            c = p.alpha * sum + (p.beta == 0 ? 0 : p.beta * c); // beta 0: C may hold NaN
        }
}

} // namespace

SIMT_API int cublasCreate_v2(Blas **handle) {
    *handle = new Blas;
    return ok;
}

SIMT_API int cublasDestroy_v2(Blas *handle) {
    delete handle;
    return handle ? ok : blas_no_handle;
}

SIMT_API int cublasGetVersion_v2(Blas *handle, int *version) {
    *version = 130000;
    return handle ? ok : blas_no_handle;
}

SIMT_API int cublasSgemm_v2(Blas *handle, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                            const float *b, int ldb, const float *beta, float *c, int ldc) {
    if (!handle)
        return blas_no_handle;
    if (m < 0 || n < 0 || k < 0 || lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m)
        return blas_invalid;
    Product p = {ta != 0, tb != 0, m, n, k, lda, ldb, ldc, *alpha, *beta, a, b, c};
    if (m && n)
        simt_queue(nullptr, [p] { sgemm(p); });
    return ok;
}

namespace {

enum { nchw = 0, nhwc = 1 };        // cudnnTensorFormat_t
enum { type_float = 0 };            // cudnnDataType_t
enum { cross_correlation = 1 };     // cudnnConvolutionMode_t
enum { fma_math = 3 };              // cudnnMathType_t; the others allow TF32
enum { relu = 1 };                  // cudnnActivationMode_t

struct Tensor { // also of filters: n is K, h and w are R and S
    int format = -1, n = 0, c = 0, h = 0, w = 0;
    size_t size() const { return size_t(n) * c * h * w; }
};

struct Convolution {
    int math = 0, groups = 1, pad_h = 0, pad_w = 0, stride_h = 1, stride_w = 1;
};

struct Activation {
    int mode = -1;
};

int set(Tensor *t, int format, int type, int n, int c, int h, int w) {
    if (type != type_float || (format != nchw && format != nhwc))
        return refuse(dnn_unsupported, "the fake cuDNN has float32, NCHW and NHWC only");
    if (n <= 0 || c <= 0 || h <= 0 || w <= 0)
        return refuse(dnn_bad_param, "(n <= 0) || (c <= 0) || (h <= 0) || (w <= 0)");
    t->format = format, t->n = n, t->c = c, t->h = h, t->w = w;
    return ok;
}

// Shape is a convolution whose descriptors fit together.
struct Shape {
    Tensor x, w, y;
    Convolution c;
};

int check(const Shape &s) {
    if (s.x.format != nhwc || s.w.format != nhwc || s.y.format != nhwc || s.c.groups != 1)
        return refuse(dnn_unsupported, "the fake cuDNN convolves NHWC, in one group");
    int oh = (s.x.h + 2 * s.c.pad_h - s.w.h) / s.c.stride_h + 1, ow = (s.x.w + 2 * s.c.pad_w - s.w.w) / s.c.stride_w + 1;
    if (s.x.c != s.w.c || s.y.n != s.x.n || s.y.c != s.w.n || s.y.h != oh || s.y.w != ow)
        return refuse(dnn_bad_param, "the descriptors of x, w and y do not fit together");
    return ok;
}

float tf32(float v) {
    uint32_t b;
    memcpy(&b, &v, 4);
    if (std::isfinite(v))
        b = (b + 0xfff + (b >> 13 & 1)) & ~0x1fffu;
    memcpy(&v, &b, 4);
    return v;
}

// inputs returns a copy of a tensor as the convolution reads it.
std::vector<float> inputs(const Shape &s, const Tensor &t, const float *p) {
    std::vector<float> v(p, p + t.size());
    if (s.c.math != fma_math)
        for (float &x : v)
            x = tf32(x);
    return v;
}

// each calls f(offset in x, offset in w, offset in y) for the channel 0 of every term of the convolution: the output
// pixel (n, oh, ow), and the tap (r, s) where it lies inside x.
template <class F> void each(const Shape &s, F f) {
    for (int n = 0; n < s.y.n; n++)
        for (int oh = 0; oh < s.y.h; oh++)
            for (int ow = 0; ow < s.y.w; ow++)
                for (int r = 0; r < s.w.h; r++)
                    for (int q = 0; q < s.w.w; q++) {
                        int h = oh * s.c.stride_h - s.c.pad_h + r, w = ow * s.c.stride_w - s.c.pad_w + q;
                        if (h < 0 || h >= s.x.h || w < 0 || w >= s.x.w)
                            continue;
                        f(((size_t(n) * s.x.h + h) * s.x.w + w) * s.x.c, (size_t(r) * s.w.w + q) * s.w.c,
                          ((size_t(n) * s.y.h + oh) * s.y.w + ow) * s.y.c);
                    }
}

// blend writes out = alpha sum + beta out; beta 0 does not read out.
void blend(float *out, const std::vector<float> &sum, float alpha, float beta) {
    for (size_t i = 0; i < sum.size(); i++)
        out[i] = alpha * sum[i] + (beta == 0 ? 0 : beta * out[i]);
}

void forward(const Shape &s, const float *x, const float *w, float *y, float alpha, float beta) {
    std::vector<float> xs = inputs(s, s.x, x), ws = inputs(s, s.w, w), sum(s.y.size());
    size_t filter = size_t(s.w.h) * s.w.w * s.w.c;
    each(s, [&](size_t xi, size_t wi, size_t yi) {
        for (int k = 0; k < s.y.c; k++)
            for (int c = 0; c < s.x.c; c++)
                sum[yi + k] += xs[xi + c] * ws[k * filter + wi + c];
    });
    blend(y, sum, alpha, beta);
}

void backward_data(const Shape &s, const float *w, const float *dy, float *dx, float alpha, float beta) {
    std::vector<float> ds = inputs(s, s.y, dy), ws = inputs(s, s.w, w), sum(s.x.size());
    size_t filter = size_t(s.w.h) * s.w.w * s.w.c;
    each(s, [&](size_t xi, size_t wi, size_t yi) {
        for (int k = 0; k < s.y.c; k++)
            for (int c = 0; c < s.x.c; c++)
                sum[xi + c] += ds[yi + k] * ws[k * filter + wi + c];
    });
    blend(dx, sum, alpha, beta);
}

void backward_filter(const Shape &s, const float *x, const float *dy, float *dw, float alpha, float beta) {
    std::vector<float> ds = inputs(s, s.y, dy), xs = inputs(s, s.x, x), sum(s.w.size());
    size_t filter = size_t(s.w.h) * s.w.w * s.w.c;
    each(s, [&](size_t xi, size_t wi, size_t yi) {
        for (int k = 0; k < s.y.c; k++)
            for (int c = 0; c < s.x.c; c++)
                sum[k * filter + wi + c] += ds[yi + k] * xs[xi + c];
    });
    blend(dw, sum, alpha, beta);
}

// workspace is what a pass asks for: something odd, so that memory that is too small or another's shows.
size_t workspace(const Shape &s, int pass) { return pass == 0 ? 0 : 4 * s.w.size() + 40; }

// algorithms that the fake has: those that give the same bits every time.
bool known(int pass, int algorithm) { return pass == 0 ? algorithm == 0 || algorithm == 1 : algorithm == 1; }

int query(const Shape &s, int pass, int algorithm, size_t *bytes) {
    if (int r = check(s))
        return r;
    if (!known(pass, algorithm))
        return refuse(dnn_unsupported, "the fake cuDNN has deterministic algorithms only");
    *bytes = workspace(s, pass);
    return ok;
}

// start checks a pass and writes all over its workspace.
int start(const Shape &s, int pass, int algorithm, void *space, size_t bytes) {
    size_t need = 0;
    if (int r = query(s, pass, algorithm, &need))
        return r;
    if (bytes < need)
        return refuse(dnn_bad_param, "the workspace is too small");
    if (!need)
        return ok;
    simt_queue(nullptr, [space, need] {
        if (simt_device_range(space, need))
            memset(space, 0xEE, need);
        else
            simt_fault(illegal_address, "cuDNN: the workspace is not device memory");
    });
    return ok;
}

bool all_readable(const Shape &s, const void *x, const void *w, const void *y) {
    return readable(x, s.x.size(), "cuDNN: x") && readable(w, s.w.size(), "cuDNN: w") && readable(y, s.y.size(), "cuDNN: y");
}

template <class T> int make(T **p) {
    *p = new T;
    return ok;
}

template <class T> int destroy(T *p) {
    delete p;
    return ok;
}

} // namespace

SIMT_API int cudnnCreateTensorDescriptor(Tensor **t) { return make(t); }
SIMT_API int cudnnDestroyTensorDescriptor(Tensor *t) { return destroy(t); }
SIMT_API int cudnnCreateFilterDescriptor(Tensor **t) { return make(t); }
SIMT_API int cudnnDestroyFilterDescriptor(Tensor *t) { return destroy(t); }
SIMT_API int cudnnCreateConvolutionDescriptor(Convolution **c) { return make(c); }
SIMT_API int cudnnDestroyConvolutionDescriptor(Convolution *c) { return destroy(c); }
SIMT_API int cudnnCreateActivationDescriptor(Activation **a) { return make(a); }
SIMT_API int cudnnDestroyActivationDescriptor(Activation *a) { return destroy(a); }

SIMT_API int cudnnSetTensor4dDescriptor(Tensor *t, int format, int type, int n, int c, int h, int w) {
    return set(t, format, type, n, c, h, w);
}

SIMT_API int cudnnSetFilter4dDescriptor(Tensor *t, int type, int format, int k, int c, int h, int w) {
    return set(t, format, type, k, c, h, w);
}

SIMT_API int cudnnSetConvolutionMathType(Convolution *c, int math) {
    c->math = math;
    return ok;
}

SIMT_API int cudnnSetConvolutionGroupCount(Convolution *c, int groups) {
    c->groups = groups;
    return ok;
}

SIMT_API int cudnnSetConvolution2dDescriptor(Convolution *c, int pad_h, int pad_w, int stride_h, int stride_w, int dilation_h,
                                             int dilation_w, int mode, int type) {
    if (dilation_h != 1 || dilation_w != 1 || mode != cross_correlation || type != type_float)
        return refuse(dnn_unsupported, "the fake cuDNN has cross-correlation in float32 without dilation");
    if (pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1)
        return refuse(dnn_bad_param, "padding is 0 or more, stride 1 or more");
    c->pad_h = pad_h, c->pad_w = pad_w, c->stride_h = stride_h, c->stride_w = stride_w;
    return ok;
}

SIMT_API int cudnnGetConvolutionForwardWorkspaceSize(void *, Tensor *x, Tensor *w, Convolution *c, Tensor *y, int algorithm, size_t *bytes) {
    return query({*x, *w, *y, *c}, 0, algorithm, bytes);
}

SIMT_API int cudnnGetConvolutionBackwardDataWorkspaceSize(void *, Tensor *w, Tensor *dy, Convolution *c, Tensor *dx, int algorithm,
                                                          size_t *bytes) {
    return query({*dx, *w, *dy, *c}, 1, algorithm, bytes);
}

SIMT_API int cudnnGetConvolutionBackwardFilterWorkspaceSize(void *, Tensor *x, Tensor *dy, Convolution *c, Tensor *dw, int algorithm,
                                                            size_t *bytes) {
    return query({*x, *dw, *dy, *c}, 2, algorithm, bytes);
}

SIMT_API int cudnnConvolutionForward(void *, const float *alpha, Tensor *xd, const float *x, Tensor *wd, const float *w, Convolution *c,
                                     int algorithm, void *space, size_t bytes, const float *beta, Tensor *yd, float *y) {
    Shape s = {*xd, *wd, *yd, *c};
    if (int r = start(s, 0, algorithm, space, bytes))
        return r;
    simt_queue(nullptr, [=, a = *alpha, b = *beta] {
        if (all_readable(s, x, w, y))
            forward(s, x, w, y, a, b);
    });
    return ok;
}

SIMT_API int cudnnConvolutionBackwardData(void *, const float *alpha, Tensor *wd, const float *w, Tensor *dyd, const float *dy,
                                          Convolution *c, int algorithm, void *space, size_t bytes, const float *beta, Tensor *dxd, float *dx) {
    Shape s = {*dxd, *wd, *dyd, *c};
    if (int r = start(s, 1, algorithm, space, bytes))
        return r;
    simt_queue(nullptr, [=, a = *alpha, b = *beta] {
        if (all_readable(s, dx, w, dy))
            backward_data(s, w, dy, dx, a, b);
    });
    return ok;
}

SIMT_API int cudnnConvolutionBackwardFilter(void *, const float *alpha, Tensor *xd, const float *x, Tensor *dyd, const float *dy,
                                            Convolution *c, int algorithm, void *space, size_t bytes, const float *beta, Tensor *dwd,
                                            float *dw) {
    Shape s = {*xd, *dwd, *dyd, *c};
    if (int r = start(s, 2, algorithm, space, bytes))
        return r;
    simt_queue(nullptr, [=, a = *alpha, b = *beta] {
        if (all_readable(s, x, dw, dy))
            backward_filter(s, x, dy, dw, a, b);
    });
    return ok;
}

// cudnnAddTensor adds a [1, C, 1, 1] to every row of c [N, C, 1, 1].
SIMT_API int cudnnAddTensor(void *, const float *alpha, Tensor *ad, const float *a, const float *beta, Tensor *cd, float *c) {
    if (ad->size() != size_t(ad->c) || cd->h != 1 || cd->w != 1 || ad->c != cd->c)
        return refuse(dnn_unsupported, "the fake cuDNN adds a vector to the rows of a matrix");
    simt_queue(nullptr, [=, rows = cd->n, n = cd->c, p = *alpha, q = *beta] {
        if (!readable(a, n, "cudnnAddTensor: A") || !readable(c, size_t(rows) * n, "cudnnAddTensor: C"))
            return;
        for (size_t i = 0; i < size_t(rows) * n; i++)
            c[i] = p * a[i % n] + q * c[i];
    });
    return ok;
}

SIMT_API int cudnnSetActivationDescriptor(Activation *a, int mode, int, double) {
    a->mode = mode;
    return mode == relu ? ok : refuse(dnn_unsupported, "the fake cuDNN has ReLU only");
}

SIMT_API int cudnnActivationForward(void *, Activation *a, const float *alpha, Tensor *xd, const float *x, const float *beta, Tensor *yd,
                                    float *y) {
    if (a->mode != relu || xd->size() != yd->size() || *alpha != 1 || *beta != 0)
        return refuse(dnn_unsupported, "the fake cuDNN has y = ReLU(x) only");
    simt_queue(nullptr, [=, n = xd->size()] {
        if (!readable(x, n, "cudnnActivationForward: x") || !readable(y, n, "cudnnActivationForward: y"))
            return;
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] > 0 || std::isnan(x[i]) ? x[i] : 0;
    });
    return ok;
}
