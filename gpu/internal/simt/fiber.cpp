// Fibers: creating stacks and switching between them.
#include "fiber.h"
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace simt {

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr size_t stack_bytes = 256 << 10; // red zones make frames several times larger
#else
constexpr size_t stack_bytes = 64 << 10;
#endif
constexpr size_t guarded = 4096; // fibers that get a page below the stack that faults; each costs two memory maps

// mapped returns a new stack's lowest address. Pages that are never touched cost nothing.
char *mapped(bool guard) {
    void *p = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("simt: no memory for a fiber's stack");
        abort();
    }
    if (guard)
        mprotect(p, size_t(sysconf(_SC_PAGESIZE)), PROT_NONE);
    return static_cast<char *>(p);
}

} // namespace

#ifdef SIMT_UCONTEXT

static void exchange(Context &from, Context &to) { swapcontext(&from.at, &to.at); }

static void prepare(Context *c, char *low, void (*run)()) {
    getcontext(&c->at);
    c->at.uc_stack.ss_sp = low;
    c->at.uc_stack.ss_size = stack_bytes;
    c->at.uc_link = nullptr;
    makecontext(&c->at, run, 0);
}

#else

// simt_exchange saves the callee-saved registers of the System V ABI on the stack, stores the stack pointer in
// *rdi, takes over the stack rsi and restores from there.
extern "C" void simt_exchange(void **save, void *to) __attribute__((visibility("hidden")));
__asm__(R"(
.text
.hidden simt_exchange
.globl simt_exchange
.type simt_exchange, @function
simt_exchange:
    endbr64
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size simt_exchange, .-simt_exchange
)");

static void exchange(Context &from, Context &to) { simt_exchange(&from.sp, to.sp); }

// prepare lays out the stack as if run had been about to be called when it switched away: six registers, the
// address of run, and a return address of 0, which ends backtraces and keeps the stack aligned as after a call.
static void prepare(Context *c, char *low, void (*run)()) {
    void **sp = reinterpret_cast<void **>(low + stack_bytes);
    *--sp = nullptr;
    *--sp = reinterpret_cast<void *>(run);
    for (int i = 0; i < 6; i++)
        *--sp = nullptr;
    c->sp = sp;
}

#endif

void switch_to(Context &from, Context &to) {
#ifdef __SANITIZE_ADDRESS__
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, to.bottom, to.size);
    exchange(from, to);
    __sanitizer_finish_switch_fiber(fake, &to.bottom, &to.size);
#else
    exchange(from, to);
#endif
}

void entered(Context &from) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &from.bottom, &from.size);
#else
    (void)from;
#endif
}

void Fibers::begin(Context *c) {
    char *low = static_cast<char *>(const_cast<void *>(c->bottom));
#ifdef __SANITIZE_ADDRESS__
    ASAN_UNPOISON_MEMORY_REGION(low, stack_bytes); // frames that were never left
#endif
    prepare(c, low, run);
}

void Fibers::grow() {
    Context *c = new Context;
    c->bottom = mapped(all.size() < guarded);
    c->size = stack_bytes;
    begin(c);
    all.push_back(c);
    idle.push_back(c);
}

Context *Fibers::take() {
    if (idle.empty())
        grow();
    Context *c = idle.back();
    idle.pop_back();
    return c;
}

void Fibers::reset() {
    for (Context *c : all)
        begin(c);
    idle = all;
}

} // namespace simt
