// Fibers: stacks that take turns on one OS thread. On x86-64 a switch is our own dozen instructions; elsewhere, and
// with -DSIMT_UCONTEXT, it is ucontext's.
#pragma once
#include <cstddef>
#include <vector>

#if !defined(__x86_64__) && !defined(SIMT_UCONTEXT)
#define SIMT_UCONTEXT
#endif
#ifdef SIMT_UCONTEXT
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {

// Context is a place to switch from and back to.
struct Context {
#ifdef SIMT_UCONTEXT
    ucontext_t at;
#else
    void *sp = nullptr;
#endif
    const void *bottom = nullptr; // of the stack; AddressSanitizer wants to know
    size_t size = 0;
};

// switch_to leaves the running context, saving it in from, and goes on with to. A fiber switches only to the
// context that it was last switched to from.
void switch_to(Context &from, Context &to);
// entered is the first thing that a new fiber calls, with the context that it came from.
void entered(Context &from);

// Fibers is a pool of fibers that all run the same function, which never returns.
class Fibers {
  public:
    explicit Fibers(void (*run)()) : run(run) {}
    // take returns an idle fiber: one given back before, which goes on where it left, or a new one.
    Context *take();
    void give(Context *c) { idle.push_back(c); }
    // reset makes all fibers begin anew, wherever they stopped.
    void reset();

  private:
    void grow();
    void begin(Context *c);
    void (*run)();
    std::vector<Context *> all, idle;
};

} // namespace simt
