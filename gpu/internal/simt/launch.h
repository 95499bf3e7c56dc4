// What the fake driver asks of the emulator.
#pragma once
#include "simt.h"
#include <string>

namespace simt {

constexpr size_t static_shared_limit = 48 << 10;  // bytes a block may declare, or have without opting in
constexpr size_t shared_limit = 227 << 10;        // bytes a block may have after opting in
constexpr unsigned threads_per_block = 1024, threads_per_multiprocessor = 2048;

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
