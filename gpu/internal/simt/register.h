// EXPORT_KERNEL(name) makes a kernel launchable by name with one packed buffer of arguments: each parameter at
// the next multiple of its own alignment, as the CUDA driver lays out CU_LAUNCH_PARAM_BUFFER_POINTER.
#pragma once
#include <cstddef>
#include <cstring>
#include <utility>

namespace simt {

// Layout is where each parameter of a kernel lies in the packed buffer.
template <class... A> struct Layout {
    static constexpr size_t count = sizeof...(A);
    size_t offset[count + 1] = {}, size[count + 1] = {};
    size_t bytes = 0;
    constexpr Layout() {
        size_t sizes[] = {sizeof(A)..., 0}, aligns[] = {alignof(A)..., 1}, at = 0;
        for (size_t i = 0; i < count; i++) {
            at = (at + aligns[i] - 1) / aligns[i] * aligns[i];
            offset[i] = at;
            size[i] = sizes[i];
            at += sizes[i];
        }
        bytes = at;
    }
};

// Kernel is a function that can be launched. The list of all is built before main by EXPORT_KERNEL.
struct Kernel {
    const char *name;
    void (*run)(const char *args); // one thread, with the packed arguments
    size_t bytes;                  // of the packed arguments
    const size_t *offset, *size;   // of each parameter
    size_t count;                  // of parameters
    Kernel *next;

    Kernel(const char *name, void (*run)(const char *), size_t bytes, const size_t *offset, const size_t *size, size_t count)
        : name(name), run(run), bytes(bytes), offset(offset), size(size), count(count), next(first()) {
        first() = this;
    }
    static Kernel *&first();
};

template <class T> T argument(const char *at) {
    T v;
    std::memcpy(&v, at, sizeof v);
    return v;
}

template <auto f> struct Wrap;
template <class... A, void (*f)(A...)> struct Wrap<f> {
    static constexpr Layout<A...> layout{};
    template <size_t... i> static void call(const char *args, std::index_sequence<i...>) {
        (void)args;
        f(argument<A>(args + layout.offset[i])...);
    }
    static void run(const char *args) { call(args, std::make_index_sequence<sizeof...(A)>{}); }
};

template <auto f> Kernel kernel(const char *name) {
    using W = Wrap<f>;
    return Kernel(name, W::run, W::layout.bytes, W::layout.offset, W::layout.size, W::layout.count);
}

} // namespace simt

// The attribute keeps GCC from dropping the fields of what only the list of kernels refers to.
#define EXPORT_KERNEL(name) [[gnu::used]] static simt::Kernel simt_kernel_##name = simt::kernel<name>(#name);
