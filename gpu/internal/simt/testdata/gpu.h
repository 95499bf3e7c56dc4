// The emulated GPU as the tests of the emulator use it: opened with dlopen, through the functions of abi.h.
#pragma once
#include "../../cuda/abi.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

// CHECK ends the program with a message if a condition does not hold.
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                             \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
// IS compares a CUresult.
#define IS(call, wanted)                                                                                               \
    do {                                                                                                               \
        int got_ = (call);                                                                                             \
        if (got_ != (wanted)) {                                                                                        \
            printf("%s:%d: %s returned %d, not %d\n", __FILE__, __LINE__, #call, got_, int(wanted));                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define POINTER(symbol, parameters, arguments) static int(*symbol) parameters;
CONTIG_DRIVER_FUNCTIONS(POINTER)
CONTIG_NVRTC_FUNCTIONS(POINTER)
static int (*simt_leaks)();
static const char *(*simt_message)();

inline void bind(const char *library) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (!handle)
        puts(dlerror());
    CHECK(handle);
#define BIND(symbol, parameters, arguments)                                                                            \
    symbol = reinterpret_cast<decltype(symbol)>(dlsym(handle, #symbol));                                               \
    CHECK(symbol);
    CONTIG_DRIVER_FUNCTIONS(BIND)
    CONTIG_NVRTC_FUNCTIONS(BIND)
    BIND(simt_leaks, , )
    BIND(simt_message, , )
}

inline std::string slurp(const std::string &path) {
    std::string text;
    FILE *f = fopen(path.c_str(), "rb");
    CHECK(f);
    for (int c; (c = fgetc(f)) != EOF;)
        text += char(c);
    fclose(f);
    return text;
}

// compile returns the image of a program, or "" with the compiler's log.
inline std::string compile(const std::string &text, std::string &log) {
    nvrtcProgram p;
    IS(nvrtcCreateProgram(&p, text.c_str(), "kernels.cu", 0, nullptr, nullptr), 0);
    int r = nvrtcCompileProgram(p, 0, nullptr);
    size_t n;
    IS(nvrtcGetProgramLogSize(p, &n), 0);
    std::vector<char> b(n);
    IS(nvrtcGetProgramLog(p, b.data()), 0);
    log = b.data();
    std::string image;
    if (r == 0) {
        IS(nvrtcGetCUBINSize(p, &n), 0);
        b.resize(n);
        IS(nvrtcGetCUBIN(p, b.data()), 0);
        image.assign(b.data(), n);
    }
    IS(nvrtcDestroyProgram(&p), 0);
    return image;
}

// Gpu is an open context with a module and a stream.
struct Gpu {
    CUcontext context;
    CUmodule module;
    CUstream stream;

    explicit Gpu(const std::string &folder) {
        std::string log, image = compile(slurp(folder + "/kernels.cu"), log);
        if (image.empty())
            puts(log.c_str());
        IS(cuInit(0), 0);
        IS(cuDevicePrimaryCtxRetain(&context, 0), 0);
        IS(cuCtxSetCurrent(context), 0);
        IS(cuModuleLoadDataEx(&module, image.data(), 0, nullptr, nullptr), 0);
        IS(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), 0);
    }

    // memory returns device memory with n elements of a value.
    template <class T> T *memory(size_t n, T value = T()) {
        CUdeviceptr p;
        IS(cuMemAlloc_v2(&p, n * sizeof(T)), 0);
        std::vector<T> v(n, value);
        IS(cuMemcpyHtoDAsync_v2(p, v.data(), n * sizeof(T), stream), 0);
        return reinterpret_cast<T *>(p);
    }
    template <class T> T *memory(const std::vector<T> &v) {
        T *p = memory<T>(v.size());
        IS(cuMemcpyHtoDAsync_v2(CUdeviceptr(p), v.data(), v.size() * sizeof(T), stream), 0);
        return p;
    }
    template <class T> std::vector<T> read(T *p, size_t n) {
        std::vector<T> v(n);
        IS(cuMemcpyDtoHAsync_v2(v.data(), CUdeviceptr(p), n * sizeof(T), stream), 0);
        IS(cuStreamSynchronize(stream), 0);
        return v;
    }

    CUfunction function(const char *name) {
        CUfunction f;
        IS(cuModuleGetFunction(&f, module, name), 0);
        return f;
    }

    // launch passes the arguments as a struct is laid out, to the end of the last one.
    template <class A> int launch(const char *name, unsigned grid, unsigned block, A args, bool cooperative = false, unsigned shared = 0) {
        size_t bytes = 0, at, n;
        for (size_t i = 0; cuFuncGetParamInfo(function(name), i, &at, &n) == 0; i++)
            bytes = at + n;
        if (bytes > sizeof args)
            printf("kernel %s takes %zu bytes\n", name, bytes);
        CHECK(bytes <= sizeof args);
        return launch_bytes(name, grid, block, &args, bytes, cooperative, shared);
    }

    int launch_bytes(const char *name, unsigned grid, unsigned block, void *args, size_t bytes, bool cooperative, unsigned shared) {
        void *extra[] = {reinterpret_cast<void *>(CONTIG_PARAM_BUFFER_POINTER), args,
                         reinterpret_cast<void *>(CONTIG_PARAM_BUFFER_SIZE), &bytes, nullptr};
        CUlaunchAttribute attribute{};
        attribute.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
        attribute.value.cooperative = 1;
        CUlaunchConfig c{grid, 1, 1, block, 1, 1, shared, stream, &attribute, cooperative ? 1u : 0u};
        return cuLaunchKernelEx(&c, function(name), nullptr, extra);
    }

    void close() {
        IS(cuStreamDestroy_v2(stream), 0);
        IS(cuModuleUnload(module), 0);
        IS(cuDevicePrimaryCtxRelease_v2(0), 0);
    }
};
