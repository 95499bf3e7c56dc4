// A fake of cuDNN 9's backend API: descriptors with the types and sizes of their attributes, and checks as strict as the
// real library's. What the graphs mean is read in cudnn_graph.cpp, what they compute in cudnn_run.cpp.
#include "cudnn_desc.h"
#include "stream.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

using namespace dnn;

thread_local std::string dnn::last_error;

struct cudnnContext {
    void *stream = nullptr;
};

namespace {

constexpr int illegal_address = 700; // CUresult

std::mutex lock;
std::set<void *> descriptors; // that are alive: each a Ref *
std::set<cudnnHandle_t> handles;

struct Type {
    unsigned type;
    size_t size;
};

const Type types[] = {
    {CUDNN_TYPE_HANDLE, 8}, {CUDNN_TYPE_DATA_TYPE, 4}, {CUDNN_TYPE_BOOLEAN, 1}, {CUDNN_TYPE_INT64, 8},
    {CUDNN_TYPE_FLOAT, 4}, {CUDNN_TYPE_VOID_PTR, 8}, {CUDNN_TYPE_CONVOLUTION_MODE, 4}, {CUDNN_TYPE_HEUR_MODE, 4},
    {CUDNN_TYPE_KNOB_TYPE, 4}, {CUDNN_TYPE_NUMERICAL_NOTE, 4}, {CUDNN_TYPE_POINTWISE_MODE, 4},
    {CUDNN_TYPE_BACKEND_DESCRIPTOR, 8}, {CUDNN_TYPE_GENSTATS_MODE, 4}, {CUDNN_TYPE_BEHAVIOR_NOTE, 4},
    {CUDNN_TYPE_CHAR, 1},
};

size_t size_of(unsigned type) {
    for (const Type &t : types)
        if (t.type == type)
            return t.size;
    return 0;
}

cudnnStatus_t said(const Refusal &r) {
    last_error = r.why;
    return r.status;
}

// guarded runs a call under the lock and turns what it throws into its status.
template <class F> cudnnStatus_t guarded(F f) {
    std::lock_guard<std::mutex> hold(lock);
    try {
        f();
        return CUDNN_STATUS_SUCCESS;
    } catch (const Refusal &r) {
        return said(r);
    }
}

Ref &open(cudnnBackendDescriptor_t d) {
    if (!d)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the descriptor is null"};
    if (!descriptors.count(d))
        throw Refusal{CUDNN_STATUS_BAD_PARAM, "the descriptor is not alive"};
    return *static_cast<Ref *>(d);
}

const Attribute &attribute(const Desc &d, unsigned name) {
    for (const Attribute &a : attributes_of(d.kind))
        if (a.name == name)
            return a;
    throw Refusal{CUDNN_STATUS_NOT_SUPPORTED, "descriptor " + std::to_string(d.kind) + " has no attribute " + std::to_string(name)};
}

void check_type(const Attribute &a, unsigned type) {
    if (a.type != type)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "attribute " + std::to_string(a.name) + " is of type " + std::to_string(a.type)};
}

// child returns a descriptor to be kept in an attribute: alive, finalized, of the kind wanted.
Ref child(const Attribute &a, cudnnBackendDescriptor_t p) {
    Ref d = open(p);
    if (!d->finalized)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "attribute " + std::to_string(a.name) + ": the descriptor is not finalized"};
    if (a.kind != any_kind && d->kind != a.kind)
        throw Refusal{CUDNN_STATUS_BAD_PARAM, "attribute " + std::to_string(a.name) + " wants a descriptor of kind " + std::to_string(a.kind)};
    return d;
}

void set(Ref &d, unsigned name, unsigned type, int64_t count, const void *values) {
    const Attribute &a = attribute(*d, name);
    check_type(a, type);
    if (d->finalized || a.read_only)
        throw Refusal{CUDNN_STATUS_BAD_PARAM, "attribute " + std::to_string(name) + " cannot be set any more"};
    if (count < a.least || count > a.most)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, "attribute " + std::to_string(name) + " has " + std::to_string(a.least) + " to " + std::to_string(a.most) + " elements"};
    if (!values)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "there are no values"};
    Value v;
    v.count = count;
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        for (int64_t i = 0; i < count; i++)
            v.children.push_back(child(a, static_cast<const cudnnBackendDescriptor_t *>(values)[i]));
    else
        v.bytes.assign(static_cast<const char *>(values), static_cast<const char *>(values) + count * size_of(type));
    d->values[name] = v;
}

// give copies children into descriptors that the caller has made.
void give(const Value &v, const Attribute &a, int64_t n, void *to) {
    for (int64_t i = 0; i < n; i++) {
        Ref &into = open(static_cast<cudnnBackendDescriptor_t *>(to)[i]);
        if (into->finalized || into->kind != v.children[i]->kind)
            throw Refusal{CUDNN_STATUS_BAD_PARAM, "attribute " + std::to_string(a.name) + " is read into fresh descriptors of kind " + std::to_string(v.children[i]->kind)};
        into = v.children[i];
    }
}

void get(const Ref &d, unsigned name, unsigned type, int64_t room, int64_t *count, void *to) {
    const Attribute &a = attribute(*d, name);
    check_type(a, type);
    if (!d->finalized)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalized"};
    auto it = d->values.find(name);
    static const Value nothing;
    const Value &v = it == d->values.end() ? nothing : it->second;
    int64_t n = std::min(room, v.count);
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR && to)
        give(v, a, n, to);
    else if (to && n)
        std::memcpy(to, v.bytes.data(), n * size_of(type));
    // Like the real library, which tells the number of knobs only to who has room for them.
    if (count)
        *count = name == CUDNN_ATTR_ENGINECFG_KNOB_CHOICES ? n : to ? n : v.count;
}

cudnnHandle_t open_handle(cudnnHandle_t h) {
    if (!handles.count(h))
        throw Refusal{CUDNN_STATUS_NOT_INITIALIZED, "the handle is not alive"};
    return h;
}

// Job is a plan with its memory: what is queued owns all that it reads.
struct Job {
    Graph graph;
    std::map<int64_t, void *> memory;
    void *workspace;
    size_t bytes;
};

void run_job(const Job &j) {
    if (j.bytes && !simt_device_range(j.workspace, j.bytes))
        return simt_fault(illegal_address, "cuDNN: the workspace is not within an allocation");
    auto scribble = [&] {
        if (j.bytes)
            std::memset(j.workspace, 0xEE, j.bytes);
    };
    scribble();
    std::string wrong = run(j.graph, j.memory);
    scribble(); // what is written into the workspace is lost
    if (!wrong.empty())
        simt_fault(illegal_address, ("cuDNN: " + wrong).c_str());
}

// refused reports whether a graph has an operation that SIMT_CUDNN_REFUSE names: a plan of it is made, as by the real library, and cannot be run.
bool refused(const Graph &g) {
    const char *e = getenv("SIMT_CUDNN_REFUSE");
    static const std::map<std::string, Kind> kinds = {{"forward", Kind::forward}, {"data", Kind::data}, {"weight", Kind::weight},
                                                      {"statistics", Kind::statistics}, {"norm_back", Kind::norm_back}};
    auto is = kinds.find(e ? e : "");
    return is != kinds.end() &&
           std::any_of(g.operations.begin(), g.operations.end(), [&](const Operation &o) { return o.kind == is->second; });
}

Job job(const Desc &plan, const Desc &pack) {
    if (refused(plan.graph))
        throw Refusal{CUDNN_STATUS_NOT_SUPPORTED, "the plan was told to be refused"};
    Job j = {plan.graph, {}, nullptr, size_t(plan.number(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE))};
    auto ids = pack.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    auto pointers = pack.all<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    for (size_t i = 0; i < ids.size(); i++)
        j.memory[ids[i]] = pointers[i];
    for (const Tensor &t : j.graph.tensors) {
        if (t.inside)
            continue;
        auto it = j.memory.find(t.id);
        if (it == j.memory.end() || !it->second)
            throw Refusal{CUDNN_STATUS_BAD_PARAM, "tensor " + std::to_string(t.id) + " has no memory"};
        if (uintptr_t(it->second) % t.alignment)
            throw Refusal{CUDNN_STATUS_BAD_PARAM, "tensor " + std::to_string(t.id) + " is not aligned to " + std::to_string(t.alignment) + " bytes"};
    }
    auto workspace = pack.all<void *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    j.workspace = workspace.empty() ? nullptr : workspace[0];
    if (j.bytes && !j.workspace)
        throw Refusal{CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the plan wants a workspace"};
    return j;
}

} // namespace

SIMT_API size_t cudnnGetVersion(void) { return 92600; }

SIMT_API void cudnnGetLastErrorString(char *text, size_t room) {
    if (room)
        snprintf(text, room, "%s", last_error.c_str());
}

SIMT_API const char *cudnnGetErrorString(cudnnStatus_t s) {
    switch (s) {
    case CUDNN_STATUS_SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED: return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND: return "CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND";
    case CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE: return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case CUDNN_STATUS_NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    }
    return "CUDNN_STATUS_INTERNAL_ERROR";
}

SIMT_API cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
    return guarded([&] { handles.insert(*handle = new cudnnContext); });
}

// Unlike the real library, the fake complains of descriptors that nobody gave back before the last handle.
SIMT_API cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    return guarded([&] {
        handles.erase(open_handle(handle));
        delete handle;
        if (handles.empty() && !descriptors.empty())
            throw Refusal{CUDNN_STATUS_INTERNAL_ERROR, std::to_string(descriptors.size()) + " descriptors are still alive"};
    });
}

SIMT_API cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    return guarded([&] { open_handle(handle)->stream = stream; });
}

SIMT_API cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *desc) {
    return guarded([&] {
        attributes_of(type); // refuses a kind that it does not know
        auto d = new Ref(std::make_shared<Desc>(type));
        descriptors.insert(d);
        *desc = d;
    });
}

SIMT_API cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t desc) {
    return guarded([&] {
        Ref *d = &open(desc);
        descriptors.erase(desc);
        delete d;
    });
}

SIMT_API cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t desc, cudnnBackendAttributeName_t name,
                                                cudnnBackendAttributeType_t type, int64_t count, const void *values) {
    return guarded([&] { set(open(desc), name, type, count, values); });
}

SIMT_API cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const desc, cudnnBackendAttributeName_t name,
                                                cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *values) {
    return guarded([&] { get(open(desc), name, type, room, count, values); });
}

SIMT_API cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t desc) {
    return guarded([&] {
        Ref &d = open(desc);
        for (const Attribute &a : attributes_of(d->kind))
            if (a.required && !d->values.count(a.name))
                throw Refusal{CUDNN_STATUS_BAD_PARAM, "attribute " + std::to_string(a.name) + " is not set"};
        for (unsigned name : {CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_ATTR_EXECUTION_PLAN_HANDLE})
            for (cudnnHandle_t h : d->all<cudnnHandle_t>(name))
                open_handle(h);
        finalize(*d);
        d->finalized = true;
    });
}

SIMT_API cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
    Job j;
    void *stream = nullptr;
    cudnnStatus_t s = guarded([&] {
        stream = open_handle(handle)->stream;
        Ref p = open(plan), v = open(pack);
        if (!p->finalized || !v->finalized)
            throw Refusal{CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the plan and the variant pack must be finalized"};
        if (p->kind != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR || v->kind != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
            throw Refusal{CUDNN_STATUS_BAD_PARAM, "want a plan and a variant pack"};
        j = job(*p, *v);
    });
    if (s == CUDNN_STATUS_SUCCESS)
        simt_queue(stream, [j] { run_job(j); });
    return s;
}
