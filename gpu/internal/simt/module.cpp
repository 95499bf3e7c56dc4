// Modules, functions and launches of the fake driver.
#include "driver.h"
#include <cstdio>
#include <cstdlib>
#include <set>

using namespace simt;

namespace {

unsigned seed() {
    const char *e = getenv("SIMT_SEED");
    return e ? unsigned(strtoul(e, nullptr, 10)) : 0;
}

// tell writes why an image was refused into the caller's log buffer, if it gave one.
void tell(const std::string &why, unsigned count, CUjit_option *options, void **values) {
    report("%s", why.c_str());
    char *log = nullptr;
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
            log = static_cast<char *>(values[i]);
        if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
            size = reinterpret_cast<uintptr_t>(values[i]);
    }
    if (log && size)
        snprintf(log, size, "%s", why.c_str());
}

Function *function_of(void *f) {
    for (Module *m : driver().modules)
        for (auto &[name, function] : m->functions)
            if (&function == f)
                return &function;
    return nullptr;
}

// packed returns the arguments as one buffer, from pointers to each, or from the buffer that `extra` names. Its size is
// that of the arguments to the end of the last one: a driver refuses a struct's padding behind it, and so does this one.
Result packed(const Kernel &k, void **params, void **extra, std::string &out) {
    if (params) {
        out.assign(k.bytes, 0);
        for (size_t i = 0; i < k.count; i++)
            memcpy(&out[k.offset[i]], params[i], k.size[i]);
        return success;
    }
    const void *buffer = nullptr;
    size_t bytes = 0;
    for (; extra && *extra; extra += 2) {
        uintptr_t key = reinterpret_cast<uintptr_t>(*extra);
        if (key == CONTIG_PARAM_BUFFER_POINTER)
            buffer = extra[1];
        else if (key == CONTIG_PARAM_BUFFER_SIZE)
            bytes = *static_cast<size_t *>(extra[1]);
        else
            return invalid_value;
    }
    if (bytes != k.bytes || (bytes && !buffer)) {
        report("kernel %s takes %zu bytes of arguments, not %zu", k.name, k.bytes, bytes);
        return launch_out_of_resources;
    }
    out.assign(static_cast<const char *>(buffer), bytes);
    return success;
}

Result check_limits(const Function &f, const Launch &l) {
    dim3 g = l.grid, b = l.block;
    bool fits = g.size() && g.x <= 0x7fffffff && g.y <= 65535 && g.z <= 65535 && b.size() && b.size() <= threads_per_block && b.z <= 64;
    if (!fits) {
        report("kernel %s: grid (%u,%u,%u) of blocks (%u,%u,%u) is not possible", f.kernel->name, g.x, g.y, g.z, b.x, b.y, b.z);
        return invalid_value;
    }
    if (l.shared > f.dynamic_limit) {
        report("kernel %s: %zu bytes of dynamic shared memory; its limit is %zu", f.kernel->name, l.shared, f.dynamic_limit);
        return invalid_value;
    }
    size_t resident = threads_per_multiprocessor / b.size();
    if (l.shared)
        resident = std::min(resident, (shared_limit + 1024) / (l.shared + 1024));
    if (l.cooperative && g.size() > resident * size_t(multiprocessors())) {
        report("kernel %s: %zu blocks are not resident together", f.kernel->name, g.size());
        return cooperative_launch_too_large;
    }
    return success;
}

// trace adds a kernel's name to the file that SIMT_TRACE names, when it first runs.
void trace(const Kernel &k) {
    static std::set<const Kernel *> seen;
    const char *path = getenv("SIMT_TRACE");
    if (!path || !*path || !seen.insert(&k).second)
        return;
    FILE *f = fopen(path, "a");
    if (!f || fprintf(f, "%s\n", k.name) < 0 || fclose(f))
        report("SIMT_TRACE: %s cannot be written", path);
}

void execute(Launch l, const std::string &args) {
    l.args = args.data();
    trace(*l.kernel);
    std::string error = run(l, seed());
    if (error.empty())
        return;
    report("%s", error.c_str());
    if (!driver().failed)
        driver().failed = launch_failed;
}

Result launch(Function *f, Launch l, void *stream, void **params, void **extra) {
    if (!f)
        return invalid_handle;
    l.kernel = f->kernel;
    std::string args;
    if (Result r = check_limits(*f, l))
        return r;
    if (Result r = packed(*f->kernel, params, extra, args))
        return r;
    return queue(resolve(stream), std::string("kernel ") + f->kernel->name, [l, args] { execute(l, args); });
}

} // namespace

SIMT_API CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
    SIMT_ENTER
    std::string why;
    if (Result r = verify(image, why)) {
        tell(why, count, options, values);
        return r;
    }
    Module *m = new Module;
    for (const Kernel *k = Kernel::first(); k; k = k->next)
        m->functions[k->name].kernel = k;
    driver().modules.insert(m);
    *module = reinterpret_cast<CUmodule>(m);
    return success;
}

SIMT_API CUresult cuModuleUnload(CUmodule module) {
    SIMT_ENTER
    Module *m = reinterpret_cast<Module *>(module);
    if (!driver().modules.count(m))
        return invalid_handle;
    drain_all();
    driver().modules.erase(m);
    delete m;
    return success;
}

SIMT_API CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    SIMT_ENTER
    Module *m = reinterpret_cast<Module *>(module);
    if (!driver().modules.count(m))
        return invalid_handle;
    auto it = m->functions.find(name);
    if (it == m->functions.end())
        return not_found;
    *function = reinterpret_cast<CUfunction>(&it->second);
    return success;
}

SIMT_API CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t *offset, size_t *size) {
    SIMT_ENTER
    Function *f = function_of(function);
    if (!f)
        return invalid_handle;
    if (index >= f->kernel->count || !offset)
        return invalid_value;
    *offset = f->kernel->offset[index];
    if (size)
        *size = f->kernel->size[index];
    return success;
}

SIMT_API CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute which, int value) {
    SIMT_ENTER
    Function *f = function_of(function);
    if (!f)
        return invalid_handle;
    if (which != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || size_t(value) > shared_limit)
        return invalid_value;
    f->dynamic_limit = size_t(value);
    return success;
}

SIMT_API CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                                 unsigned shared, CUstream stream, void **params, void **extra) {
    SIMT_ENTER
    Launch l{nullptr, dim3(gx, gy, gz), dim3(bx, by, bz), shared, false, nullptr};
    return launch(function_of(function), l, stream, params, extra);
}

SIMT_API CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction function, void **params, void **extra) {
    SIMT_ENTER
    Launch l{nullptr, dim3(c->gridDimX, c->gridDimY, c->gridDimZ), dim3(c->blockDimX, c->blockDimY, c->blockDimZ), c->sharedMemBytes,
             false, nullptr};
    for (unsigned i = 0; i < c->numAttrs; i++) {
        if (c->attrs[i].id != CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
            return invalid_value;
        l.cooperative = c->attrs[i].value.cooperative != 0;
    }
    return launch(function_of(function), l, c->hStream, params, extra);
}
