// The fake cuDNN's plans as text, and descriptions of GPUs: both JSON, as the real library's are.
#include "cudnn_desc.h"
#include "driver.h"
#include <cstdlib>
#include <sstream>

namespace dnn {

namespace {

constexpr int64_t emulated_capability = 900, emulated_driver = 13000;

// Gpu is what must be the same of two GPUs so that a plan for the one serves the other.
struct Gpu {
    int64_t capability, multiprocessors, driver;
};

// figure returns a number of a description, 0 where it has none.
int64_t figure(const std::string &text, const char *name) {
    size_t at = text.find(std::string("\"") + name + "\":");
    return at == std::string::npos ? 0 : std::atoll(text.c_str() + text.find(':', at) + 1);
}

// gpu_of returns the GPU that a plan is for: the one that is described, or else the emulated one.
Gpu gpu_of(const Desc &plan) {
    const Desc *d = plan.child(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    if (!d) {
        want(plan.values.count(CUDNN_ATTR_EXECUTION_PLAN_HANDLE), "a plan is for a handle or for a GPU that is described");
        return {emulated_capability, simt::multiprocessors(), emulated_driver};
    }
    auto text = d->all<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION);
    std::string s(text.begin(), text.end());
    return {figure(s, "deviceVer"), figure(s, "multiProcessorCount"), figure(s, "driverVer")};
}

const std::string plan_head = "{\"fake plan\": [";

// A Scanner reads the numbers of such a text.
struct Scanner {
    std::istringstream in;
    template <class T = int64_t> T next() {
        T v;
        char between;
        want(bool(in >> v >> between) && (between == ',' || between == ']'), "the text is no plan of the fake cuDNN", CUDNN_STATUS_NOT_SUPPORTED);
        return v;
    }
};

} // namespace

std::string written(const Desc &plan, int64_t workspace) {
    const Gpu c = gpu_of(plan);
    const Graph &g = plan.graph;
    std::ostringstream t;
    t.precision(9);
    t << plan_head << c.capability << ", " << c.multiprocessors << ", " << c.driver << ", " << workspace << ", " << g.tf32 << ", " << g.tensors.size()
      << ", " << g.operations.size();
    for (const Tensor &x : g.tensors)
        for (int64_t v : {x.id, x.n, x.c, x.h, x.w, x.alignment, int64_t(x.type), int64_t(x.inside)})
            t << ", " << v;
    for (const dnn::Operation &o : g.operations) {
        for (int64_t v : {int64_t(o.kind), int64_t(o.a), int64_t(o.b), int64_t(o.out), int64_t(o.out2)})
            t << ", " << v;
        for (int v : o.more)
            t << ", " << v;
        t << ", " << o.stride << ", " << o.pad;
        t << ", " << o.alpha << ", " << o.beta;
    }
    t << "], \"kernelName\": \"fake_kernel\"}";
    return t.str();
}

void read_plan(Desc &d) {
    auto text = d.all<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
    std::string s(text.begin(), text.end());
    want(s.compare(0, plan_head.size(), plan_head) == 0, "the text is no plan of the fake cuDNN", CUDNN_STATUS_NOT_SUPPORTED);
    Scanner in{std::istringstream(s.substr(plan_head.size()))};
    Gpu c = gpu_of(d);
    for (int64_t v : {c.capability, c.multiprocessors, c.driver})
        want(in.next() == v, "the plan was made for another kind of GPU or another driver", CUDNN_STATUS_NOT_SUPPORTED);
    int64_t space = in.next();
    d.graph.tf32 = in.next();
    int64_t tensors = in.next(), operations = in.next();
    want(tensors > 0 && tensors < 100 && operations > 0 && operations < 100, "the plan has too many parts");
    for (int64_t i = 0; i < tensors; i++) {
        Tensor t;
        for (int64_t *v : {&t.id, &t.n, &t.c, &t.h, &t.w, &t.alignment})
            *v = in.next();
        t.type = unsigned(in.next()), t.inside = in.next();
        d.graph.tensors.push_back(t);
    }
    for (int64_t i = 0; i < operations; i++) {
        Operation o;
        o.kind = Kind(in.next());
        for (int *v : {&o.a, &o.b, &o.out, &o.out2, &o.more[0], &o.more[1], &o.more[2], &o.more[3], &o.more[4], &o.more[5]}) {
            *v = int(in.next());
            want(*v >= -1 && *v < tensors, "the plan names a tensor that it lacks");
        }
        o.stride = in.next(), o.pad = in.next(), o.alpha = in.next<float>(), o.beta = in.next<float>();
        d.graph.operations.push_back(o);
    }
    d.put(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, std::vector<int64_t>{space});
}

void finalize_gpu(Desc &d) {
    if (d.values.count(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION))
        return;
    want(d.values.count(CUDNN_ATTR_DEVICEPROP_HANDLE), "a GPU is that of a handle, or it is described");
    std::string text = "{\"deviceName\": \"SIMT emulator\", \"deviceVer\": " + std::to_string(emulated_capability) + ", \"driverVer\": " + std::to_string(emulated_driver) +
                       ", \"multiProcessorCount\": " + std::to_string(simt::multiprocessors()) + "}";
    d.put(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::vector<char>(text.c_str(), text.c_str() + text.size() + 1));
}

} // namespace dnn
