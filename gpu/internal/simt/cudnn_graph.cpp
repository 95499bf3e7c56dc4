// What the fake cuDNN's descriptors mean: their attributes, graphs of operations, and engines. As in the real library
// a 16-bit convolution's gradient is added to float32 weights by no engine with beta, but by an addition in the graph,
// where channels come in pairs; what is fused to a float32 convolution runs on tensor cores, in TF32, alone; and a gradient of weights
// has a prologue by vectors of float16 alone, as a convolution forward has that writes what its prologue makes, of windows of 1x1.
#include "cudnn_desc.h"
#include <algorithm>
#include <set>

namespace dnn {

namespace {

constexpr unsigned DESC = CUDNN_TYPE_BACKEND_DESCRIPTOR, I64 = CUDNN_TYPE_INT64, DATA = CUDNN_TYPE_DATA_TYPE, F32 = CUDNN_TYPE_FLOAT;
constexpr unsigned TENSOR = CUDNN_BACKEND_TENSOR_DESCRIPTOR, CONV = CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR;
constexpr int64_t many = 1 << 20;

Attribute needs(unsigned name, unsigned type, int64_t least = 1, int64_t most = 1) { return {name, type, least, most, true, false, any_kind}; }
Attribute may(unsigned name, unsigned type, int64_t least = 1, int64_t most = 1) { return {name, type, least, most, false, false, any_kind}; }
Attribute holds(unsigned name, unsigned kind, int64_t most = 1) { return {name, DESC, 1, most, true, false, kind}; }
// optional is a tensor that some operations of a kind have.
Attribute optional(unsigned name) { return {name, DESC, 1, 1, false, false, TENSOR}; }
// described is the attribute for a GPU that is described and need not be there.
Attribute described(unsigned name) { return {name, DESC, 1, 1, false, false, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR}; }
Attribute tells(unsigned name, unsigned type) { return {name, type, 0, many, false, true, any_kind}; }

// convolution returns the attributes of one of the three, which follow each other: alpha, beta, window, three tensors.
std::vector<Attribute> convolution(unsigned first) {
    return {needs(first, F32), needs(first + 1, F32), holds(first + 2, CONV), holds(first + 3, TENSOR), holds(first + 4, TENSOR), holds(first + 5, TENSOR)};
}

using Kinds = std::map<unsigned, std::vector<Attribute>>;

const Kinds kinds = {
    {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, {needs(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE), needs(CUDNN_ATTR_POINTWISE_MATH_PREC, DATA)}},
    {CONV,
     {needs(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, DATA), needs(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE),
      needs(CUDNN_ATTR_CONVOLUTION_DILATIONS, I64, 2, 2), needs(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, I64, 2, 2),
      needs(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, I64, 2, 2), needs(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, I64, 2, 2),
      needs(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, I64)}},
    {CUDNN_BACKEND_ENGINE_DESCRIPTOR,
     {holds(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR), needs(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, I64),
      described(CUDNN_ATTR_ENGINE_DEVICEPROP),
      tells(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE), tells(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE)}},
    {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
     {holds(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR),
      {CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, DESC, 1, 64, false, false, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR}}},
    {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
     {holds(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR), needs(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE),
      described(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP),
      tells(CUDNN_ATTR_ENGINEHEUR_RESULTS, DESC)}},
    {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
     {may(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE), described(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP),
      {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, DESC, 1, 1, false, false, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR},
      may(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 1, many),
      tells(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, I64)}},
    {CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, {may(CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE), may(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 1, 4096)}},
    {CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, {needs(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE), needs(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, I64)}},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, convolution(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA)},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, convolution(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA)},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, convolution(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA)},
    {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
     {holds(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_BACKEND_POINTWISE_DESCRIPTOR), holds(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, TENSOR),
      optional(CUDNN_ATTR_OPERATION_POINTWISE_BDESC), optional(CUDNN_ATTR_OPERATION_POINTWISE_YDESC),
      optional(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC), optional(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC)}},
    {CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR,
     {needs(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC, DATA), holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC, TENSOR),
      holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC, TENSOR), holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC, TENSOR),
      holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC, TENSOR), holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC, TENSOR),
      holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC, TENSOR), holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC, TENSOR),
      holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC, TENSOR), holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC, TENSOR),
      holds(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS, TENSOR)}},
    {CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR,
     {needs(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_TYPE_GENSTATS_MODE), needs(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, DATA),
      holds(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, TENSOR), holds(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, TENSOR),
      holds(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, TENSOR)}},
    {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, {may(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE), holds(CUDNN_ATTR_OPERATIONGRAPH_OPS, any_kind, 16)}},
    {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
     {needs(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, I64, 1, 64), needs(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 1, 64),
      may(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR)}},
    {TENSOR,
     {needs(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, I64), needs(CUDNN_ATTR_TENSOR_DATA_TYPE, DATA), needs(CUDNN_ATTR_TENSOR_DIMENSIONS, I64, 4, 4),
      needs(CUDNN_ATTR_TENSOR_STRIDES, I64, 4, 4), needs(CUDNN_ATTR_TENSOR_UNIQUE_ID, I64), may(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN)}},
};

Tensor tensor(const Desc &d) {
    auto e = d.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), s = d.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    Tensor t;
    t.id = d.number(CUDNN_ATTR_TENSOR_UNIQUE_ID), t.n = e[0], t.c = e[1], t.h = e[2], t.w = e[3];
    t.alignment = d.number(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT), t.type = d.choice(CUDNN_ATTR_TENSOR_DATA_TYPE);
    t.inside = d.one<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
    want(*std::min_element(e.begin(), e.end()) > 0, "a tensor's extents are positive");
    want(t.type == CUDNN_DATA_FLOAT || t.type == CUDNN_DATA_HALF || t.type == CUDNN_DATA_BFLOAT16, "the fake cuDNN has float, half and bfloat16", CUDNN_STATUS_NOT_SUPPORTED);
    want(t.alignment > 0 && !(t.alignment & (t.alignment - 1)), "an alignment is a power of 2");
    want(s == std::vector<int64_t>{t.c * t.h * t.w, 1, t.w * t.c, t.c}, "the fake cuDNN has dense tensors with channels innermost", CUDNN_STATUS_NOT_SUPPORTED);
    return t;
}

void check_window(const Desc &d) {
    want(d.number(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) == 2 && d.choice(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION &&
             d.choice(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT,
         "the fake cuDNN has cross-correlation in two dimensions with float sums", CUDNN_STATUS_NOT_SUPPORTED);
    auto p = d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS), s = d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
    want(p == d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS) && p[0] == p[1] && s[0] == s[1] &&
             d.all<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS) == std::vector<int64_t>{1, 1},
         "the fake cuDNN has the same stride and padding on every side and no dilation", CUDNN_STATUS_NOT_SUPPORTED);
    want(p[0] >= 0 && s[0] > 0, "padding is 0 or more, a stride 1 or more");
}

// Reader turns the operations of a graph into its own form.
class Reader {
  public:
    Graph g;

    void read(const Desc &d) {
        switch (d.kind) {
        case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: return convolution(d, Kind::forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA);
        case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR: return convolution(d, Kind::data, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA);
        case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR: return convolution(d, Kind::weight, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA);
        case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: return point(d);
        case CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR: return statistics(d);
        case CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR: return norm_back(d);
        }
        want(false, "a graph consists of operations");
    }

  private:
    std::set<int> made; // tensors that an operation has written

    int place(const Desc *d) {
        Tensor t = tensor(*d);
        for (size_t i = 0; i < g.tensors.size(); i++)
            if (g.tensors[i].id == t.id) {
                want(g.tensors[i].same(t) && g.tensors[i].type == t.type && g.tensors[i].inside == t.inside, "two tensors have the id " + std::to_string(t.id));
                return int(i);
            }
        g.tensors.push_back(t);
        return int(g.tensors.size() - 1);
    }
    int input(const Desc *d) {
        int i = place(d);
        want(!g.tensors[i].inside || made.count(i), "virtual tensor " + std::to_string(g.tensors[i].id) + " is read before it is written");
        return i;
    }
    int output(const Desc *d) {
        int i = place(d);
        want(made.insert(i).second, "tensor " + std::to_string(g.tensors[i].id) + " is written twice");
        return i;
    }

    // The tensors come in the order of the attributes: w x y, w dx dy, dw x dy.
    void convolution(const Desc &d, Kind kind, unsigned first) {
        const Desc *w = d.child(first + 3), *x = d.child(first + 4), *y = d.child(first + 5), *window = d.child(first + 2);
        Operation o;
        o.kind = kind, o.alpha = d.one<float>(first), o.beta = d.one<float>(first + 1);
        o.stride = window->number(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES), o.pad = window->number(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
        if (kind == Kind::forward)
            o.a = input(x), o.b = input(w), o.out = output(y);
        else if (kind == Kind::data)
            o.a = input(y), o.b = input(w), o.out = output(x);
        else
            o.a = input(x), o.b = input(y), o.out = output(w);
        Tensor tx = tensor(*x), tw = tensor(*w), ty = tensor(*y);
        want(tx.c == tw.c && ty.c == tw.n && ty.n == tx.n && ty.h == (tx.h + 2 * o.pad - tw.h) / o.stride + 1 && ty.w == (tx.w + 2 * o.pad - tw.w) / o.stride + 1,
             "the tensors of a convolution do not fit together");
        want(g.tensors[o.a].type == g.tensors[o.b].type, "a convolution's inputs are of one type", CUDNN_STATUS_NOT_SUPPORTED);
        g.operations.push_back(o);
    }

    void point(const Desc &d) {
        unsigned mode = d.child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)->choice(CUDNN_ATTR_POINTWISE_MODE);
        const Desc *b = d.child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC), *y = d.child(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
        if (mode == CUDNN_POINTWISE_RELU_BWD)
            return relu_back(d);
        static const std::map<unsigned, Kind> modes = {{CUDNN_POINTWISE_ADD, Kind::add}, {CUDNN_POINTWISE_MUL, Kind::multiply},
                                                       {CUDNN_POINTWISE_SUB, Kind::subtract}, {CUDNN_POINTWISE_RELU_FWD, Kind::relu}};
        auto is = modes.find(mode);
        want(is != modes.end(), "the fake cuDNN adds, subtracts, multiplies and has ReLU", CUDNN_STATUS_NOT_SUPPORTED);
        want((mode == CUDNN_POINTWISE_RELU_FWD) == !b && y, "addition, subtraction and multiplication have two inputs, ReLU has one; all have a result");
        Operation o;
        o.kind = is->second;
        o.a = input(d.child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC)), o.b = b ? input(b) : -1, o.out = output(y);
        const Tensor &x = g.tensors[o.a];
        want(x.same(g.tensors[o.out]), "an element-wise operation keeps the shape");
        if (b) {
            const Tensor &t = g.tensors[o.b];
            want(t.same(x) || (t.n == 1 && t.h == 1 && t.w == 1 && t.c == x.c), "the second input is not broadcast to the first");
        }
        g.operations.push_back(o);
    }

    void relu_back(const Desc &d) {
        const Desc *dy = d.child(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC), *dx = d.child(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC);
        want(dy && dx, "a ReLU's gradient is of dy and x, and goes to dx");
        Operation o;
        o.kind = Kind::relu_back;
        o.a = input(dy), o.b = input(d.child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC)), o.out = output(dx);
        want(g.tensors[o.a].same(g.tensors[o.b]) && g.tensors[o.a].same(g.tensors[o.out]), "a ReLU's gradient keeps the shape");
        g.operations.push_back(o);
    }

    // per_channel is one float a channel of x.
    bool per_channel(int i, const Tensor &x) {
        const Tensor &t = g.tensors[i];
        return t.n == 1 && t.h == 1 && t.w == 1 && t.c == x.c && t.type == CUDNN_DATA_FLOAT;
    }

    // The attributes follow each other: mean, rstd, gamma, x, dy, then what is written.
    void norm_back(const Desc &d) {
        constexpr unsigned first = CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC;
        Operation o;
        o.kind = Kind::norm_back;
        o.b = input(d.child(first + 3)), o.a = input(d.child(first + 4));
        for (int i = 0; i < 3; i++)
            o.more[i] = input(d.child(first + i));
        o.out = output(d.child(first + 5)), o.out2 = output(d.child(first + 6));
        for (int i = 3; i < 6; i++)
            o.more[i] = output(d.child(first + 4 + i));
        const Tensor &x = g.tensors[o.b];
        want(x.same(g.tensors[o.a]), "a norm's gradient is like its input");
        for (int i : {o.out, o.out2, o.more[0], o.more[1], o.more[2], o.more[3], o.more[4], o.more[5]})
            want(per_channel(i, x), "what a norm has of a channel is a float");
        g.operations.push_back(o);
    }

    void statistics(const Desc &d) {
        Operation o;
        o.kind = Kind::statistics;
        o.a = input(d.child(CUDNN_ATTR_OPERATION_GENSTATS_XDESC));
        o.out = output(d.child(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC)), o.out2 = output(d.child(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC));
        for (int i : {o.out, o.out2})
            want(per_channel(i, g.tensors[o.a]), "statistics are float, one number per channel");
        g.operations.push_back(o);
    }
};

// Engines. All but one give the same bits every time; the one on tensor cores rounds float32 to TF32.
enum { direct, random_order, tensor_core, engines };
constexpr unsigned knob_tile = 2; // CUDNN_KNOB_TYPE_TILE_SIZE
constexpr int64_t tiles = 2;

// halves tells a prologue by vectors of float16.
bool halves(const Graph &g, const Operation &o) { return o.kind == Kind::multiply && g.tensors[o.b].type == CUDNN_DATA_HALF; }

// applies tells a prologue that is also written.
bool applies(const Graph &g, size_t convolution) { return convolution > 0 && !g.tensors[g.operations[convolution].a].inside; }

// serves_norm_back: as in the real library all that is as large as an image is float16, and with more than a norm the stride is 1.
bool serves_norm_back(const Graph &g) {
    constexpr size_t plain = 7; // a gradient, the four steps of a norm, the ReLU and the norm's own
    for (const Tensor &t : g.tensors)
        if (t.type != CUDNN_DATA_HALF && (t.h > 1 || t.w > 1))
            return false;
    return g.operations[0].kind == Kind::data && (g.operations[0].stride == 1 || g.operations.size() == plain);
}

// serves says whether an engine has plans for a graph.
bool serves(const Graph &g, int64_t engine) {
    bool statistics = g.operations.back().kind == Kind::statistics;
    if (g.operations.back().kind == Kind::norm_back)
        return serves_norm_back(g);
    for (size_t i = 0; i < g.operations.size(); i++) {
        const Operation &o = g.operations[i];
        if (o.kind != Kind::forward && o.kind != Kind::data && o.kind != Kind::weight)
            continue;
        const Tensor &a = g.tensors[o.a], &out = g.tensors[o.out];
        bool wide = a.type == CUDNN_DATA_FLOAT, prologue = i > 0, accumulates = o.kind == Kind::weight && i + 1 < g.operations.size();
        if (!wide && ((out.type == CUDNN_DATA_FLOAT && !out.inside) || ((prologue || accumulates) && a.c % 2)))
            return false;
        if (wide && (prologue || statistics))
            return engine == tensor_core;
        if (applies(g, i) && (!halves(g, g.operations[0]) || g.tensors[o.b].h != 1 || o.stride != 1))
            return false;
        if (o.kind == Kind::weight && prologue && !halves(g, g.operations[0]))
            return false;
    }
    return true;
}

int64_t workspace(const Graph &g, int64_t engine, int64_t tile) {
    return tile ? 0 : 256 * (engine + 1) + 4 * int64_t(g.tensors[g.operations[0].out].c);
}

void finalize_engine(Desc &d) {
    int64_t engine = d.number(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    const Graph &g = d.child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->graph;
    want(engine >= 0 && engine < engines && serves(g, engine), "engine " + std::to_string(engine) + " does not serve this graph", CUDNN_STATUS_NOT_SUPPORTED);
    std::vector<int> notes;
    if (engine == random_order)
        notes = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
    if (engine == tensor_core)
        notes = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
    d.put(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, notes);
    // What is fused to a convolution in 16 bits counts as compiled at run time, as most of that is in the real library, but for prologues
    // with vectors of float16 and for norms' gradients.
    bool compiled = g.operations.size() > 1 && g.tensors[g.operations[0].a].type != CUDNN_DATA_FLOAT && !halves(g, g.operations[0]) &&
                    g.operations.back().kind != Kind::norm_back;
    d.put(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, compiled ? std::vector<int>{CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION} : std::vector<int>());
}

int64_t tile_of(const Desc &config) {
    auto it = config.values.find(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES);
    if (it == config.values.end())
        return 0;
    want(it->second.count == 1, "the fake's engines have one knob");
    const Desc &k = *it->second.children[0];
    int64_t tile = k.number(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
    want(k.choice(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE) == knob_tile && tile >= 0 && tile < tiles, "a knob is unknown or out of range", CUDNN_STATUS_NOT_SUPPORTED);
    return tile;
}

void finalize_plan(Desc &d) {
    const Desc *config = d.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    if (!config) {
        want(d.values.count(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION), "a plan is made of a configuration or of a text");
        return read_plan(d);
    }
    const Desc *engine = config->child(CUDNN_ATTR_ENGINECFG_ENGINE);
    int64_t index = engine->number(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    d.graph = engine->child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->graph;
    d.graph.tf32 = index == tensor_core;
    int64_t space = workspace(d.graph, index, tile_of(*config));
    std::string text = written(d, space);
    d.put(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, std::vector<int64_t>{space});
    d.put(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, std::vector<char>(text.c_str(), text.c_str() + text.size() + 1));
}

Ref made(unsigned kind) { return std::make_shared<Desc>(kind); }

Ref configuration(const Ref &graph, int64_t engine, int64_t tile) {
    Ref e = made(CUDNN_BACKEND_ENGINE_DESCRIPTOR), k = made(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR), c = made(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    e->put(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, std::vector<Ref>{graph});
    e->put(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, std::vector<int64_t>{engine});
    finalize(*e);
    k->put(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, std::vector<int>{int(knob_tile)});
    k->put(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, std::vector<int64_t>{tile});
    c->put(CUDNN_ATTR_ENGINECFG_ENGINE, std::vector<Ref>{e});
    c->put(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, std::vector<Ref>{k});
    for (Ref r : {e, k, c})
        r->finalized = true;
    return c;
}

void finalize_heuristic(Desc &d) {
    unsigned mode = d.choice(CUDNN_ATTR_ENGINEHEUR_MODE);
    want(mode == CUDNN_HEUR_MODE_A || mode == CUDNN_HEUR_MODE_FALLBACK, "the fake's heuristic has modes A and fallback", CUDNN_STATUS_NOT_SUPPORTED);
    const Ref &graph = d.values[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH].children[0];
    std::vector<Ref> found;
    for (int64_t engine : {random_order, tensor_core, direct})
        for (int64_t tile = 0; tile < tiles; tile++)
            if (serves(graph->graph, engine) && (mode == CUDNN_HEUR_MODE_A || engine == direct))
                found.push_back(configuration(graph, engine, tile));
    d.put(CUDNN_ATTR_ENGINEHEUR_RESULTS, found);
}

void finalize_graph(Desc &d) {
    Reader r;
    for (const Ref &op : d.values[CUDNN_ATTR_OPERATIONGRAPH_OPS].children)
        r.read(*op);
    d.graph = r.g;
}

} // namespace

const std::vector<Attribute> &attributes_of(unsigned kind) {
    auto it = kinds.find(kind);
    want(it != kinds.end(), "the fake cuDNN has no descriptor of kind " + std::to_string(kind), CUDNN_STATUS_NOT_SUPPORTED);
    return it->second;
}

void finalize(Desc &d) {
    switch (d.kind) {
    case CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR: return finalize_gpu(d);
    case TENSOR: tensor(d); return;
    case CONV: check_window(d); return;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: return finalize_graph(d);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR: return finalize_engine(d);
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR: tile_of(d); return;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: return finalize_heuristic(d);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: return finalize_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
        want(d.values[CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS].count == d.values[CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS].count, "ids and pointers come in pairs");
    }
}

} // namespace dnn
