// A fake cuBLASLt for tests: it computes on the emulator's memory what the descriptors say, in float32, and refuses
// whatever the real one refuses or leaves undefined: attributes that are unknown or of another size, operands that do
// not fit together, addresses less aligned than the heuristic was told, too little workspace, a result over an operand.
// Columns first throughout, as in the real one: element (i, j) of a matrix lies at i + j ld.
#include "../blas/abi.h"
#include "cublaslt_product.h"
#include "stream.h"
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <type_traits>

namespace {

constexpr uint64_t alive = 0x1b1a5feedULL; // in every descriptor until it is destroyed

template <class T> bool valid(const T *p) { return p && p->magic == alive; }

template <class T> cublasStatus_t create(T **p, const T &value) {
    if (!p) return CUBLAS_STATUS_INVALID_VALUE;
    *p = new T(value);
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> cublasStatus_t destroy(T *p) {
    if (!valid(p)) return CUBLAS_STATUS_INVALID_VALUE;
    p->magic = 0;
    delete p;
    return CUBLAS_STATUS_SUCCESS;
}

// set stores an attribute of exactly the field's size that ok accepts.
template <class T, class F> cublasStatus_t set(T &field, const void *value, size_t size, F ok) {
    T v;
    if (!value || size != sizeof v) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&v, value, sizeof v);
    if (!ok(v)) return CUBLAS_STATUS_INVALID_VALUE;
    field = v;
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> cublasStatus_t get(const T &field, void *value, size_t size, size_t *written) {
    if (!value || size != sizeof field) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(value, &field, sizeof field);
    if (written) *written = sizeof field;
    return CUBLAS_STATUS_SUCCESS;
}

bool anything(const void *) { return true; }
bool operation(int32_t v) { return v == CUBLAS_OP_N || v == CUBLAS_OP_T; }
bool type(int32_t v) { return v == CUDA_R_32F || v == CUDA_R_16F || v == CUDA_R_16BF; }
bool epilogue(uint32_t v) { return v == CUBLASLT_EPILOGUE_DEFAULT || (v && !(v & ~CUBLASLT_EPILOGUE_RELU_BIAS)); }
bool schemes(uint32_t v) { return v <= 7; }
bool power(uint32_t v) { return v && !(v & (v - 1)); }

} // namespace

struct cublasLtContext {
    uint64_t magic = alive;
};

struct contig_lt_desc {
    uint64_t magic = alive;
    int32_t compute = 0, scale = 0, pointers = CUBLASLT_POINTER_MODE_HOST, transa = 0, transb = 0, bias_type = -1;
    uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void *bias = nullptr;
};

struct contig_lt_layout {
    uint64_t magic = alive;
    uint32_t type = 0;
    int32_t order = CUBLASLT_ORDER_COL;
    uint64_t rows = 0, cols = 0;
    int64_t ld = 0;

    bool sound() const {
        return magic == alive && order == CUBLASLT_ORDER_COL && ::type(int32_t(type)) && rows && cols && ld >= int64_t(rows) &&
               std::max(rows, cols) <= INT32_MAX;
    }
    bool operator==(const contig_lt_layout &o) const {
        return type == o.type && order == o.order && rows == o.rows && cols == o.cols && ld == o.ld;
    }
    lt::Matrix matrix() const { return {lt::Type(type), int64_t(rows), int64_t(cols), ld}; }
};

struct contig_lt_preference {
    uint64_t magic = alive, workspace = 0;
    uint32_t schemes = 7, a = 256, b = 256, c = 256, d = 256;
};

namespace {

// An Algorithm is what we keep in the library's opaque one.
struct Algorithm {
    uint64_t magic;
    uint64_t problem; // hash of what it was proposed for
    uint64_t workspace;
    uint32_t scheme, parts;
    uint16_t a, b, c, d, bias; // bytes of alignment it was promised
};
static_assert(sizeof(Algorithm) <= sizeof(contig_lt_algo), "it fits");

Algorithm open(const contig_lt_algo *algo) {
    Algorithm a{};
    if (algo) std::memcpy(&a, algo, sizeof a);
    return a;
}

uint64_t hash(std::initializer_list<uint64_t> values) {
    uint64_t h = 14695981039346656037ULL;
    for (uint64_t v : values) h = (h ^ v) * 1099511628211ULL;
    return h;
}

uint16_t alignment(const void *p) {
    auto v = reinterpret_cast<uintptr_t>(p);
    return p ? uint16_t(std::min<uintptr_t>(256, v & -v)) : 256;
}

// problem checks that the descriptors fit together and collects them.
cublasStatus_t problem(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                       cublasLtMatrixLayout_t d, lt::Product &p, uint64_t &id) {
    if (!valid(desc) || !a || !b || !c || !d || !a->sound() || !b->sound() || !c->sound() || !(*c == *d))
        return CUBLAS_STATUS_INVALID_VALUE;
    p.a = a->matrix(), p.b = b->matrix(), p.d = d->matrix();
    p.transa = desc->transa == CUBLAS_OP_T, p.transb = desc->transb == CUBLAS_OP_T;
    p.m = p.transa ? p.a.cols : p.a.rows, p.k = p.transa ? p.a.rows : p.a.cols, p.n = p.transb ? p.b.rows : p.b.cols;
    if ((p.transb ? p.b.cols : p.b.rows) != p.k || p.d.rows != p.m || p.d.cols != p.n) return CUBLAS_STATUS_INVALID_VALUE;
    p.tf32 = desc->compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    p.relu = desc->epilogue & CUBLASLT_EPILOGUE_RELU;
    p.hasBias = desc->epilogue & CUBLASLT_EPILOGUE_BIAS;
    bool types = a->type == b->type && (d->type == a->type || d->type == CUDA_R_32F) && (!p.tf32 || a->type == CUDA_R_32F);
    bool bias = !p.hasBias || desc->bias_type == -1 || uint32_t(desc->bias_type) == d->type;
    id = hash({uint64_t(p.m), uint64_t(p.n), uint64_t(p.k), p.transa, p.transb, p.tf32, a->type, d->type, desc->epilogue,
               uint64_t(a->ld), uint64_t(b->ld), uint64_t(d->ld)});
    return types && bias ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

bool overlap(const void *p, size_t n, const void *q, size_t m) {
    auto a = static_cast<const char *>(p), b = static_cast<const char *>(q);
    return a < b + m && b < a + n;
}

// runnable checks everything about a product's addresses that can be told when it is queued.
bool runnable(const Algorithm &algo, const lt::Product &p, size_t bytes) {
    bool aligned = alignment(p.at) >= algo.a && alignment(p.bt) >= algo.b && alignment(p.ct) >= algo.c && alignment(p.dt) >= algo.d &&
                   (!p.hasBias || alignment(p.bias) >= algo.bias) && (!algo.workspace || alignment(p.workspace) >= 16);
    bool there = p.at && p.bt && p.ct && p.dt && (!p.hasBias || p.bias) && (!algo.workspace || p.workspace) && bytes >= algo.workspace;
    bool apart = !overlap(p.dt, p.d.bytes(), p.at, p.a.bytes()) && !overlap(p.dt, p.d.bytes(), p.bt, p.b.bytes()) &&
                 (!p.hasBias || !overlap(p.dt, p.d.bytes(), p.bias, p.biasBytes()));
    return aligned && there && apart && p.ct == p.dt; // C and D in two places is nothing that the binding does
}

// memory faults the device if a product reaches outside its allocations.
bool memory(const lt::Product &p, size_t workspace) {
    bool ok = simt_device_range(p.at, p.a.bytes()) && simt_device_range(p.bt, p.b.bytes()) && simt_device_range(p.dt, p.d.bytes()) &&
              (!p.hasBias || simt_device_range(p.bias, p.biasBytes())) && (!workspace || simt_device_range(p.workspace, workspace));
    if (!ok) simt_fault(700, "cublasLtMatmul reached outside device memory"); // CUDA_ERROR_ILLEGAL_ADDRESS
    return ok;
}

} // namespace

SIMT_API cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) { return create(handle, cublasLtContext()); }
SIMT_API cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy(handle); }
SIMT_API size_t cublasLtGetVersion(void) { return 130000; }

SIMT_API const char *cublasLtGetStatusName(cublasStatus_t status) {
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "CUBLAS_STATUS_UNKNOWN";
}

SIMT_API const char *cublasLtGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "the fake cuBLASLt refuses this";
}

SIMT_API cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType scale) {
    if ((compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32) || scale != CUDA_R_32F) return CUBLAS_STATUS_INVALID_VALUE;
    contig_lt_desc d;
    d.compute = int32_t(compute), d.scale = int32_t(scale);
    return create(desc, d);
}

SIMT_API cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return destroy(desc); }

SIMT_API cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attr, const void *value,
                                                       size_t size) {
    if (!valid(desc)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return set(desc->transa, value, size, operation);
    case CUBLASLT_MATMUL_DESC_TRANSB: return set(desc->transb, value, size, operation);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return set(desc->epilogue, value, size, epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return set(desc->bias, value, size, anything);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return set(desc->bias_type, value, size, type);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

SIMT_API cublasStatus_t cublasLtMatmulDescGetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attr, void *value,
                                                       size_t size, size_t *written) {
    if (!valid(desc)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
    case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE: return get(desc->compute, value, size, written);
    case CUBLASLT_MATMUL_DESC_SCALE_TYPE: return get(desc->scale, value, size, written);
    case CUBLASLT_MATMUL_DESC_POINTER_MODE: return get(desc->pointers, value, size, written);
    case CUBLASLT_MATMUL_DESC_TRANSA: return get(desc->transa, value, size, written);
    case CUBLASLT_MATMUL_DESC_TRANSB: return get(desc->transb, value, size, written);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return get(desc->epilogue, value, size, written);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return get(desc->bias, value, size, written);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return get(desc->bias_type, value, size, written);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

SIMT_API cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows, uint64_t cols, int64_t ld) {
    contig_lt_layout l;
    l.type = type, l.rows = rows, l.cols = cols, l.ld = ld;
    return l.sound() ? create(layout, l) : cublasStatus_t(CUBLAS_STATUS_INVALID_VALUE);
}

SIMT_API cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy(layout); }

// No attribute of a layout needs setting: its creation says everything.
SIMT_API cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t, cublasLtMatrixLayoutAttribute_t, const void *, size_t) {
    return CUBLAS_STATUS_INVALID_VALUE;
}

SIMT_API cublasStatus_t cublasLtMatrixLayoutGetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t attr, void *value,
                                                         size_t size, size_t *written) {
    if (!valid(layout)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
    case CUBLASLT_MATRIX_LAYOUT_TYPE: return get(layout->type, value, size, written);
    case CUBLASLT_MATRIX_LAYOUT_ORDER: return get(layout->order, value, size, written);
    case CUBLASLT_MATRIX_LAYOUT_ROWS: return get(layout->rows, value, size, written);
    case CUBLASLT_MATRIX_LAYOUT_COLS: return get(layout->cols, value, size, written);
    case CUBLASLT_MATRIX_LAYOUT_LD: return get(layout->ld, value, size, written);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

SIMT_API cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *pref) { return create(pref, contig_lt_preference()); }
SIMT_API cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t pref) { return destroy(pref); }

SIMT_API cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t pref, cublasLtMatmulPreferenceAttributes_t attr,
                                                             const void *value, size_t size) {
    if (!valid(pref)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return set(pref->workspace, value, size, [](uint64_t) { return true; });
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: return set(pref->schemes, value, size, schemes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return set(pref->a, value, size, power);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return set(pref->b, value, size, power);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return set(pref->c, value, size, power);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return set(pref->d, value, size, power);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

SIMT_API cublasStatus_t cublasLtMatmulPreferenceGetAttribute(cublasLtMatmulPreference_t pref, cublasLtMatmulPreferenceAttributes_t attr,
                                                             void *value, size_t size, size_t *written) {
    if (!valid(pref)) return CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return get(pref->workspace, value, size, written);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: return get(pref->schemes, value, size, written);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return get(pref->a, value, size, written);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return get(pref->b, value, size, written);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return get(pref->c, value, size, written);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return get(pref->d, value, size, written);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

// The heuristic proposes, where they are allowed and fit: for long sums first one that adds parts in place, as the real
// one may, then one that keeps parts in the workspace; and always the plain one.
SIMT_API cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                                       cublasLtMatmulPreference_t pref, int wanted,
                                                       cublasLtMatmulHeuristicResult_t *results, int *found) {
    if (!valid(handle) || !valid(pref) || wanted <= 0 || !results || !found) return CUBLAS_STATUS_INVALID_VALUE;
    lt::Product p;
    Algorithm algo{};
    if (cublasStatus_t s = problem(desc, a, b, c, d, p, algo.problem)) return s;
    algo.magic = alive;
    algo.a = uint16_t(pref->a), algo.b = uint16_t(pref->b), algo.c = uint16_t(pref->c), algo.d = uint16_t(pref->d);
    algo.bias = alignment(desc->bias);
    *found = 0;
    auto propose = [&](uint32_t scheme, uint32_t parts) {
        algo.scheme = scheme, algo.parts = parts, algo.workspace = parts > 1 ? uint64_t(4) * parts * p.m * p.n : 0;
        if (*found == wanted || algo.workspace > pref->workspace || (scheme & ~pref->schemes)) return;
        cublasLtMatmulHeuristicResult_t &r = results[(*found)++];
        r = {};
        std::memcpy(&r.algo, &algo, sizeof algo);
        r.workspaceSize = algo.workspace;
    };
    uint32_t many = std::min({pref->a, pref->b, pref->d}) >= 16 ? 3 : 4; // less aligned, it wants more workspace, as the real one may
    if (p.k >= 2 * std::max(p.m, p.n)) propose(CUBLASLT_REDUCTION_SCHEME_INPLACE, 2), propose(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, many);
    propose(CUBLASLT_REDUCTION_SCHEME_NONE, 1);
    if (p.k >= 8) propose(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 2);
    return CUBLAS_STATUS_SUCCESS;
}

SIMT_API cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algo, cublasLtMatmulAlgoConfigAttributes_t attr,
                                                             void *value, size_t size, size_t *written) {
    Algorithm a = open(algo);
    if (a.magic != alive || attr != CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME) return CUBLAS_STATUS_INVALID_VALUE;
    return get(a.scheme, value, size, written);
}

SIMT_API cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a,
                                       cublasLtMatrixLayout_t alayout, const void *b, cublasLtMatrixLayout_t blayout, const void *beta,
                                       const void *c, cublasLtMatrixLayout_t clayout, void *d, cublasLtMatrixLayout_t dlayout,
                                       const cublasLtMatmulAlgo_t *algo, void *workspace, size_t bytes, cudaStream_t stream) {
    if (!valid(handle) || !alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
    lt::Product p;
    uint64_t id;
    if (cublasStatus_t s = problem(desc, alayout, blayout, clayout, dlayout, p, id)) return s;
    Algorithm chosen = open(algo);
    std::memcpy(&p.alpha, alpha, 4), std::memcpy(&p.beta, beta, 4);
    p.at = a, p.bt = b, p.ct = c, p.dt = d, p.bias = static_cast<const float *>(desc->bias);
    p.workspace = static_cast<float *>(workspace), p.parts = int(chosen.parts);
    p.inPlace = chosen.scheme == CUBLASLT_REDUCTION_SCHEME_INPLACE;
    if (chosen.magic != alive || chosen.problem != id || !runnable(chosen, p, bytes)) return CUBLAS_STATUS_INVALID_VALUE;
    simt_queue(stream, [p, need = size_t(chosen.workspace)] {
        if (memory(p, need)) lt::multiply(p);
    });
    return CUBLAS_STATUS_SUCCESS;
}

// The binding looks these functions up by name and calls them as abi.h declares them.
#define SAME(sym, params, args) static_assert(std::is_same<decltype(&sym), cublasStatus_t(*) params>::value, #sym " is declared otherwise");
CONTIG_LT_FUNCTIONS(SAME)
#undef SAME
#define SAME(sym, result, params, args) static_assert(std::is_same<decltype(&sym), result(*) params>::value, #sym " is declared otherwise");
CONTIG_LT_OTHERS(SAME)
