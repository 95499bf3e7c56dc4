// Descriptors of the fake cuDNN.
#pragma once
#include "../dnn/abi.h"
#include "cudnn.h"
#include <cstring>

namespace dnn {

// Refusal is thrown where the library returns a status, with its explanation.
struct Refusal {
    cudnnStatus_t status;
    std::string why;
};

// want refuses what is not ok.
inline void want(bool ok, const std::string &why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM) {
    if (!ok)
        throw Refusal{status, why};
}

constexpr unsigned any_kind = ~0u;

// Attribute says what a descriptor of some kind may hold: least to most elements of a type; for descriptors, of a kind.
struct Attribute {
    unsigned name, type;
    int64_t least = 1, most = 1;
    bool required = true, read_only = false;
    unsigned kind = any_kind;
};

// attributes_of returns the attributes of a kind of descriptor, and refuses kinds that the fake does not have.
const std::vector<Attribute> &attributes_of(unsigned kind);

struct Desc;
using Ref = std::shared_ptr<Desc>;

struct Value {
    int64_t count = 0;
    std::vector<char> bytes;
    std::vector<Ref> children;
};

struct Desc {
    explicit Desc(unsigned kind) : kind(kind) {}
    unsigned kind;
    bool finalized = false;
    std::map<unsigned, Value> values;
    Graph graph; // of an operation graph, and of plans for it

    // all returns the elements of an attribute, none where it is not set.
    template <class T> std::vector<T> all(unsigned name) const {
        auto it = values.find(name);
        if (it == values.end())
            return {};
        std::vector<T> v(it->second.count);
        if (!v.empty())
            std::memcpy(v.data(), it->second.bytes.data(), v.size() * sizeof(T));
        return v;
    }
    template <class T> T one(unsigned name, T otherwise = {}) const {
        auto v = all<T>(name);
        return v.empty() ? otherwise : v[0];
    }
    int64_t number(unsigned name) const { return one<int64_t>(name); }
    unsigned choice(unsigned name) const { return one<unsigned>(name); }
    const Desc *child(unsigned name) const {
        auto it = values.find(name);
        return it == values.end() ? nullptr : it->second.children[0].get();
    }
    // put sets an attribute that the library fills in.
    template <class T> void put(unsigned name, const std::vector<T> &v) {
        auto p = reinterpret_cast<const char *>(v.data());
        values[name] = {int64_t(v.size()), std::vector<char>(p, p + v.size() * sizeof(T)), {}};
    }
    void put(unsigned name, const std::vector<Ref> &v) { values[name] = {int64_t(v.size()), {}, v}; }
};

// written returns a plan, whose graph is set, as text; read_plan makes a plan of such a text. Plans are for GPUs of one capability,
// number of multiprocessors and driver.
std::string written(const Desc &plan, int64_t workspace);
void read_plan(Desc &d);

// finalize_gpu describes the emulated GPU, unless the caller described another.
void finalize_gpu(Desc &d);

// finalize checks a descriptor whose required attributes are set, and fills in what the library adds.
void finalize(Desc &d);

} // namespace dnn
