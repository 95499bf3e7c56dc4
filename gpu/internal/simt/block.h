// A resident block: its shared memory, and how many of its threads wait or have ended.
#pragma once
#include "launch.h"
#include <vector>

namespace simt {

// Shared is the shared memory of one block: every array lies between guard bands, and is poisoned when fresh.
class Shared {
  public:
    // begin empties the memory and sets aside the dynamic part.
    void begin(size_t dynamic_bytes);
    void *array(const void *key, size_t bytes, size_t align);
    void *dynamic() { return base + arrays[0].at; }
    // check fails the launch if a guard band was written to.
    void check();
    Shared() = default;
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
    ~Shared();

  private:
    struct Array {
        const void *key;
        size_t at, bytes;
    };
    size_t place(const void *key, size_t bytes, size_t align);
    char *base = nullptr;
    size_t used = 0, declared = 0; // bytes of the arena taken; bytes asked for by arrays of fixed size
    std::vector<Array> arrays;     // the first is the dynamic one
};

struct Block {
    uint3 index;
    unsigned size;                  // threads
    unsigned waiting = 0, done = 0; // at the barrier; ended
    const char *file = nullptr;     // of the barrier
    int line = 0;
    Shared shared;
};

} // namespace simt
