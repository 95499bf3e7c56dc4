// What the fake driver asks of the emulator.
#pragma once
#include "simt.h"
#include <algorithm>
#include <string>

namespace simt {

constexpr size_t static_shared_limit = 48 << 10;  // bytes a block may declare, or have without opting in
constexpr size_t shared_limit = 227 << 10;        // bytes a block may have after opting in
constexpr unsigned threads_per_block = 1024, threads_per_multiprocessor = 2048;

// Poison fills memory that nothing has been written to: not-a-number as float64, float32, bfloat16 and float16, and a
// whole number of 4 or 8 bytes so large that it is noticed in a sum.
constexpr uint32_t poison = 0x7fffffff;
inline void fill_poison(void *p, size_t bytes) {
    std::fill_n(static_cast<uint32_t *>(p), bytes / 4, poison);
    memcpy(static_cast<char *>(p) + bytes / 4 * 4, &poison, bytes % 4);
}

struct Launch {
    const Kernel *kernel;
    dim3 grid, block;
    size_t shared;      // bytes of dynamic shared memory
    bool cooperative;   // all blocks are resident together
    const char *args;   // packed
};

// Kernel::find returns a kernel by its name, or null.
const Kernel *find(const char *name);

// run executes a launch to its end. It returns what went wrong, or an empty string. One at a time.
std::string run(const Launch &launch, unsigned seed);

} // namespace simt
