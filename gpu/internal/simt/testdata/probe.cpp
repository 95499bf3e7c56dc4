// probe LIBRARY FOLDER CASE [ARGUMENT]: one test of the emulator, in a process of its own, since a schedule is chosen
// by the environment and a failure ends a context. FOLDER holds kernels.cu.
#include "gpu.h"
#include "mma.h"
#include <functional>
#include <map>
#include <thread>

namespace {

struct Rows {
    float *out;
    const float *in;
    int rows, cols;
};

// sums runs a kernel that sums rows, and returns how many are wrong.
int sums(Gpu &c, const char *kernel) {
    const int rows = 7, cols = 301;
    std::vector<float> in(rows * cols);
    for (size_t i = 0; i < in.size(); i++)
        in[i] = float(i * 37 % 101);
    float *out = c.memory<float>(rows);
    IS(c.launch(kernel, 1, 128, Rows{out, c.memory(in), rows, cols}), 0);
    std::vector<float> got = c.read(out, rows);
    int wrong = 0;
    for (int r = 0; r < rows; r++) {
        float want = 0;
        for (int i = 0; i < cols; i++)
            want += in[r * cols + i];
        wrong += got[r] != want;
    }
    return wrong;
}

void test_race(Gpu &c) { puts(sums(c, "row_sums_race") ? "wrong" : "right"); }

void test_warp(Gpu &c) {
    int *out = c.memory<int>(640);
    IS(c.launch("warp_ops", 1, 64, out), 0);
    std::vector<int> got = c.read(out, 640);
    for (int t = 0; t < 64; t++) {
        int w = t / 32 * 32, l = t % 32;
        int want[10] = {w + 3,
                        w + l / 8 * 8 + 5,
                        w + (l ^ 9),
                        l + 4 < 32 ? t + 4 : t,
                        l % 16 >= 4 ? t - 4 : t,
                        0,
                        w ? 1 : 0,
                        w ? 0 : 1,
                        l < 16 ? w + 1 : -2,
                        w + (l ^ 1)};
        int bits = 0;
        for (int i = 0; i < 32; i++)
            bits |= int(unsigned((w + i) % 3 == 0) << i);
        want[5] = bits;
        for (int i = 0; i < 10; i++)
            if (got[size_t(t * 10 + i)] != want[i]) {
                printf("thread %d result %d: %d, not %d\n", t, i, got[size_t(t * 10 + i)], want[i]);
                exit(1);
            }
    }
    unsigned *absent = c.memory<unsigned>(32);
    IS(c.launch("absent_lane", 1, 32, absent), 0);
    CHECK(c.read(absent, 1)[0] == 0x7fffffff);
}

void test_atomics(Gpu &c) {
    struct {
        int *p;
        unsigned long long *wide;
    } a{c.memory<int>(6), c.memory<unsigned long long>(1)};
    IS(c.launch("atomics", 1, 64, a), 0);
    std::vector<int> got = c.read(a.p, 6);
    int want[] = {2016, 63, -63, -1, 7, 128};
    for (size_t i = 0; i < 6; i++)
        CHECK(got[i] == want[i]);
    CHECK(c.read(a.wide, 1)[0] == 64ull << 33);
}

void test_arguments(Gpu &c) {
    struct Pair {
        char a;
        double b;
    };
    struct {
        double *out;
        char c;
        short s;
        Pair p;
        int i;
    } a{c.memory<double>(1), 1, 2, {3, 4}, 5};
    IS(c.launch("arguments", 1, 1, a), 0);
    CHECK(c.read(a.out, 1)[0] == 54321);
    void *each[] = {&a.out, &a.c, &a.s, &a.p, &a.i};
    a.i = 6;
    IS(cuLaunchKernel(c.function("arguments"), 1, 1, 1, 1, 1, 1, 0, c.stream, each, nullptr), 0);
    CHECK(c.read(a.out, 1)[0] == 64321);
    for (size_t bytes : {4, 32, 40}) // too few; with the padding behind them
        IS(c.launch_bytes("arguments", 1, 1, &a, bytes, false, 0), 701);
}

void test_coordinates(Gpu &c) {
    const size_t n = 3 * 4 * 2 * 5 * 3 * 7;
    int *out = c.memory<int>(n);
    void *each[] = {&out};
    IS(cuLaunchKernel(c.function("coordinates"), 3, 4, 2, 5, 3, 7, 0, c.stream, each, nullptr), 0);
    for (int v : c.read(out, n))
        CHECK(v == 1);
}

void test_grid(Gpu &c) {
    struct {
        unsigned *out, *partial, *arrived;
    } a{c.memory<unsigned>(16 * 64), c.memory<unsigned>(16), c.memory<unsigned>(1)};
    IS(c.launch("grid_sum", 16, 64, a, true), 0);
    for (unsigned v : c.read(a.out, 16 * 64))
        CHECK(v == 136);
    IS(c.launch("grid_sum", 4 * 32 + 1, 64, a, true), CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
}

void test_compute(Gpu &c) {
    CHECK(sums(c, "row_sums") == 0);
    test_warp(c);
    test_mma(c);
    test_atomics(c);
    test_arguments(c);
    test_coordinates(c);
    test_grid(c);
}

void test_arrival(Gpu &c) {
    struct {
        int *out, *ticket;
    } a{c.memory<int>(8 * 32), c.memory<int>(1)};
    IS(c.launch("arrival", 8, 32, a), 0);
    for (int v : c.read(a.out, 8 * 32))
        printf("%d ", v);
    puts("");
}

// test_fault runs a kernel that goes wrong and prints what the next wait returns.
void test_fault(Gpu &c, const std::string &kernel) {
    struct {
        unsigned *out;
        unsigned long long n;
    } a{c.memory<unsigned>(128), 128};
    int r = kernel == "write_beyond"    ? c.launch("write_beyond", 3, 64, a)
            : kernel == "shared_beyond" ? c.launch("shared_beyond", 1, 64, 1)
            : kernel == "shared_before" ? c.launch("shared_beyond", 1, 64, -16)
                                        : c.launch(kernel.c_str(), 2, 64, a.out);
    IS(r, 0);
    printf("%d\n", cuStreamSynchronize(c.stream));
    CUdeviceptr p;
    printf("%d\n", cuMemAlloc_v2(&p, 16)); // the failure stays
}

void test_read_beyond(Gpu &c) {
    struct {
        float *out, *p;
        int n;
    } a{c.memory<float>(1), c.memory<float>(100), 100};
    IS(c.launch("read_beyond", 1, 1, a), 0);
    c.read(a.out, 1);
}

void test_shared(Gpu &c) {
    unsigned *out = c.memory<unsigned>(128);
    for (int run = 0; run < 2; run++) { // the second block, or launch, does not see what the first left
        IS(c.launch("shared_fresh", 3, 64, out, false, 256), 0);
        for (unsigned v : c.read(out, 128))
            CHECK(v == 0x7fffffff);
    }
    CUfunction f = c.function("shared_fresh");
    IS(c.launch("shared_fresh", 1, 64, out, false, 100 << 10), 1);
    IS(cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 228 << 10), 1);
    IS(cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100 << 10), 0);
    IS(c.launch("shared_fresh", 1, 64, out, false, 100 << 10), 0);
    IS(cuStreamSynchronize(c.stream), 0);
}

void test_limits(Gpu &c) {
    int *p = c.memory<int>(1);
    void *each[] = {&p};
    CUfunction f = c.function("coordinates"), none;
    IS(cuLaunchKernel(f, 0, 1, 1, 1, 1, 1, 0, c.stream, each, nullptr), 1);
    IS(cuLaunchKernel(f, 1, 65536, 1, 1, 1, 1, 0, c.stream, each, nullptr), 1);
    IS(cuLaunchKernel(f, 1, 1, 1, 33, 32, 1, 0, c.stream, each, nullptr), 1);
    IS(cuLaunchKernel(f, 1, 1, 1, 1, 1, 65, 0, c.stream, each, nullptr), 1);
    IS(cuModuleGetFunction(&none, c.module, "no_such_kernel"), CUDA_ERROR_NOT_FOUND);
    IS(cuStreamSynchronize(c.stream), 0); // none of these is a failure of the device
}

void test_context(Gpu &c) {
    CUdeviceptr p;
    std::thread([&] {
        IS(cuMemAlloc_v2(&p, 16), CUDA_ERROR_INVALID_CONTEXT);
        IS(cuCtxSetCurrent(c.context), 0);
        IS(cuMemAlloc_v2(&p, 16), 0);
    }).join();
    IS(cuMemFree_v2(p), 0);
    IS(cuCtxSetCurrent(nullptr), 0);
    IS(cuStreamSynchronize(c.stream), CUDA_ERROR_INVALID_CONTEXT);
    IS(cuCtxSetCurrent(c.context), 0);
    CUdevice d;
    CUcontext other;
    IS(cuDeviceGet(&d, 1), CUDA_ERROR_INVALID_DEVICE);
    IS(cuDevicePrimaryCtxRetain(&other, 1), CUDA_ERROR_INVALID_DEVICE);
    const char *name;
    IS(cuGetErrorName(700, &name), 0);
    CHECK(!strcmp(name, "CUDA_ERROR_ILLEGAL_ADDRESS"));
    IS(cuGetErrorName(12345, &name), 1);
    c.close();
    CHECK(simt_leaks() == 0);
    IS(cuMemAlloc_v2(&p, 16), CUDA_ERROR_INVALID_CONTEXT);
}

void test_image(Gpu &c) {
    std::string log;
    CHECK(compile("__global__ void k() {}", log).empty());
    CHECK(log.find("stale") != std::string::npos && log.find("make emulator") != std::string::npos);
    char why[200] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {why, reinterpret_cast<void *>(sizeof why)};
    CUmodule m;
    unsigned fat[4] = {0xBA55ED50};
    IS(cuModuleLoadDataEx(&m, fat, 2, options, values), CUDA_ERROR_NO_BINARY_FOR_GPU);
    CHECK(strlen(why));
    IS(cuModuleLoadDataEx(&m, "SIMTIMG1\nkernels.cu 0123456789abcdef\nend", 2, options, values), CUDA_ERROR_INVALID_IMAGE);
    CHECK(strstr(why, "stale"));
    (void)c;
}

void test_memory(Gpu &c) { // with SIMT_MEMORY=1M
    size_t free0, free1, total;
    IS(cuMemGetInfo_v2(&free0, &total), 0);
    CHECK(total == 1 << 20 && free0 == total);
    CUdeviceptr p, q;
    IS(cuMemAlloc_v2(&p, 0), 1);
    IS(cuMemAlloc_v2(&p, 700 << 10), 0);
    CHECK(p % 256 == 0);
    IS(cuMemAlloc_v2(&q, 400 << 10), CUDA_ERROR_OUT_OF_MEMORY);
    IS(cuMemGetInfo_v2(&free1, &total), 0);
    CHECK(free0 - free1 == 700 << 10);
    IS(cuMemFree_v2(p + 256), 1); // not where it begins
    IS(cuMemFree_v2(p), 0);
    IS(cuMemFree_v2(p), 1);
    IS(cuMemAlloc_v2(&q, 400 << 10), 0);
    unsigned fresh;
    IS(cuMemcpyDtoHAsync_v2(&fresh, q, 4, c.stream), 0);
    CHECK(fresh == 0x7fffffff);
    IS(cuMemcpyDtoHAsync_v2(&fresh, q + (400 << 10) - 2, 4, c.stream), 1);
    IS(cuMemsetD32Async(q, 0, (100 << 10) + 1, c.stream), 1);
    IS(cuMemsetD32Async(q, 7, 100 << 10, c.stream), 0);
    IS(cuMemcpyDtoHAsync_v2(&fresh, q + (400 << 10) - 4, 4, c.stream), 0);
    CHECK(fresh == 7);
    c.close();
    CHECK(simt_leaks() == 1);
}

struct AddOne {
    int *p, n, pad;
};

void test_capture(Gpu &c) {
    const int n = 100;
    int *p = c.memory<int>(n);
    CUgraph g;
    IS(cuStreamBeginCapture_v2(c.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), 0);
    for (int i = 0; i < 3; i++)
        IS(c.launch("add_one", 1, 128, AddOne{p, n, 0}), 0);
    IS(cuStreamEndCapture(c.stream, &g), 0);
    CHECK(c.read(p, n)[0] == 0); // recorded, not run
    size_t nodes = 0;
    IS(cuGraphGetNodes(g, nullptr, &nodes), 0);
    CHECK(nodes == 3);
    CUgraphExec x;
    IS(cuGraphInstantiateWithFlags(&x, g, 0), 0);
    IS(cuGraphDestroy(g), 0);
    for (int i = 0; i < 2; i++)
        IS(cuGraphLaunch(x, c.stream), 0);
    CHECK(c.read(p, n)[n - 1] == 6);
    IS(cuGraphExecDestroy(x), 0);

    CUdeviceptr q;
    std::function<int()> forbidden[] = {[&] { return cuStreamSynchronize(c.stream); }, [&] { return cuMemAlloc_v2(&q, 16); },
                                        [&] { return cuMemFree_v2(CUdeviceptr(p)); }};
    for (auto &f : forbidden) {
        IS(cuStreamBeginCapture_v2(c.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), 0);
        IS(f(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
        IS(c.launch("add_one", 1, 128, AddOne{p, n, 0}), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
        IS(cuStreamEndCapture(c.stream, &g), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    }
    IS(c.launch("add_one", 1, 128, AddOne{p, n, 0}), 0);
    CHECK(c.read(p, n)[0] == 7);
}

// test_join captures work of two streams, joined by events.
void test_join(Gpu &c) {
    CUstream second;
    CUevent fork, join;
    IS(cuStreamCreate(&second, CU_STREAM_NON_BLOCKING), 0);
    IS(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING), 0);
    IS(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING), 0);
    int *p = c.memory<int>(4);
    for (int joined = 0; joined < 2; joined++) {
        CUgraph g;
        IS(cuStreamBeginCapture_v2(c.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), 0);
        IS(cuEventRecord(fork, c.stream), 0);
        IS(cuStreamWaitEvent(second, fork, 0), 0);
        IS(cuMemsetD32Async(CUdeviceptr(p), 5, 4, second), 0);
        IS(cuEventRecord(join, second), 0);
        IS(cuEventSynchronize(join), 907);
        if (joined)
            IS(cuStreamWaitEvent(c.stream, join, 0), 0);
        IS(cuStreamEndCapture(c.stream, &g), joined ? 0 : 904);
        CHECK(c.read(p, 1)[0] == 0);
    }
    IS(cuEventRecord(fork, second), 0); // an event from outside the capture
    IS(cuStreamBeginCapture_v2(c.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), 0);
    IS(cuStreamWaitEvent(c.stream, fork, 0), 905);
    CUgraph g;
    IS(cuStreamEndCapture(c.stream, &g), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

// test_streams uploads on one stream and computes on another, with and without waiting for the upload's event. It
// prints what the computation saw.
void test_streams(Gpu &c) {
    CUstream copies;
    CUevent copied;
    IS(cuStreamCreate(&copies, CU_STREAM_NON_BLOCKING), 0);
    IS(cuEventCreate(&copied, 0), 0);
    for (int waits = 0; waits < 2; waits++) {
        int *p = c.memory<int>(1), *seen = c.memory<int>(1);
        IS(cuStreamSynchronize(c.stream), 0);
        void *host;
        IS(cuMemHostAlloc(&host, 4, 0), 0);
        *static_cast<int *>(host) = 42;
        IS(cuMemcpyHtoDAsync_v2(CUdeviceptr(p), host, 4, copies), 0);
        IS(cuEventRecord(copied, copies), 0);
        if (waits)
            IS(cuStreamWaitEvent(c.stream, copied, 0), 0);
        IS(cuMemcpyDtoDAsync_v2(CUdeviceptr(seen), CUdeviceptr(p), 4, c.stream), 0);
        printf("%d\n", c.read(seen, 1)[0]);
        int r;
        while ((r = cuEventQuery(copied)) == CUDA_ERROR_NOT_READY)
            ;
        IS(r, 0);
        IS(cuMemFreeHost(host), 0);
    }
    CUevent again;
    float ms;
    IS(cuEventCreate(&again, 0), 0);
    IS(cuEventElapsedTime(&ms, copied, again), CUDA_ERROR_INVALID_HANDLE);
    IS(cuEventRecord(again, c.stream), 0);
    IS(cuEventSynchronize(again), 0);
    IS(cuEventElapsedTime(&ms, copied, again), 0);
    CHECK(ms >= 0);
}

const std::map<std::string, void (*)(Gpu &)> cases = {
    {"compute", test_compute}, {"race", test_race},       {"arrival", test_arrival}, {"read_beyond", test_read_beyond},
    {"shared", test_shared},   {"limits", test_limits},   {"context", test_context}, {"image", test_image},
    {"memory", test_memory},   {"capture", test_capture}, {"join", test_join},       {"streams", test_streams},
};

} // namespace

int main(int argc, char **argv) {
    CHECK(argc >= 4);
    bind(argv[1]);
    Gpu gpu(argv[2]);
    std::string name = argv[3];
    if (name == "fault") {
        test_fault(gpu, argv[4]);
        return 0;
    }
    CHECK(cases.count(name));
    cases.at(name)(gpu);
    return 0;
}
