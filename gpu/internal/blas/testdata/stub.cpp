// What the fake cuBLASLt needs of the emulator, for tests of it alone: work runs at once, on the process's memory.
#include "stream.h"
#include <cstdio>
#include <cstdlib>

void simt_queue(void *, std::function<void()> work) { work(); }

void simt_fault(int code, const char *text) {
    fprintf(stderr, "device failure %d: %s\n", code, text);
    abort();
}

bool simt_device_range(const void *, size_t) { return true; }
