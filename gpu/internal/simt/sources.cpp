// The kernel sources that this emulator was built from, byte for byte. sources.inc is made by make: one line
// SOURCE(number, "name", "path") for every kernels/*.cu and kernels/*.cuh.
namespace simt {

struct Source {
    const char *name, *begin, *end;
};

#define SOURCE(n, name, path)                                                                                          \
    __asm__(".section .rodata\n"                                                                                       \
            "simt_source_" #n ": .incbin \"" path "\"\n"                                                               \
            "simt_source_end_" #n ": .byte 0\n"                                                                        \
            ".text\n");                                                                                                \
    extern "C" const char simt_source_##n[] __attribute__((visibility("hidden")));                                     \
    extern "C" const char simt_source_end_##n[] __attribute__((visibility("hidden")));
#include "sources.inc"
#undef SOURCE

extern const Source sources[];
const Source sources[] = {
#define SOURCE(n, name, path) {name, simt_source_##n, simt_source_end_##n},
#include "sources.inc"
    {nullptr, nullptr, nullptr}};

} // namespace simt
