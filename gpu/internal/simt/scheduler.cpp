// The scheduler: runs the threads of resident blocks in rounds, each until it waits, in an order that the seed draws.
#include "block.h"
#include "fiber.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <numeric>

namespace simt {

Place *here;
dim3 grid_dim, block_dim;

namespace {

enum class State : uint8_t { fresh, ready, barrier, warp, done };

struct Thread {
    Place place; // first, so that a Place is its Thread
    State state = State::fresh;
    Warp op = Warp::sync;
    unsigned mask = 0, source = 0; // of the warp operation that it waits at
    uint64_t value = 0;            // what it brings there, then what it takes away
    Joint joint = nullptr;         // what is to be run there
    unsigned index = 0, warp = 0;  // within the block; among the warps of all resident blocks
    Block *block = nullptr;
    Context *fiber = nullptr; // that it runs on
};

// Threads that do nothing but yield, for this many switches altogether, wait for each other for ever.
constexpr uint64_t patience = 20'000'000;

// Random is xorshift64*: the same schedule for the same seed everywhere.
struct Random {
    uint64_t s = 1;
    using result_type = uint32_t;
    static constexpr uint32_t min() { return 0; }
    static constexpr uint32_t max() { return ~0u; }
    uint32_t operator()() {
        s ^= s >> 12, s ^= s << 25, s ^= s >> 27;
        return uint32_t(s * 0x2545F4914F6CDD1D >> 32);
    }
    uint32_t below(size_t n) { return uint32_t(uint64_t((*this)()) * n >> 32); }
    template <class V> void shuffle(V &v) {
        for (size_t i = v.size(); i > 1; i--)
            std::swap(v[i - 1], v[below(i)]);
    }
};

// State of the launch that runs. There is one at a time, and fibers must find it, so it lives here.
struct Scheduler {
    const Launch *launch = nullptr;
    unsigned seed = 0;
    Random random;
    Context home;
    std::vector<Thread> threads;   // of the resident blocks, block after block
    std::vector<std::unique_ptr<Block>> blocks;
    std::vector<Thread *> order;   // of the round
    std::vector<bool> held;        // warps that stand still in this round
    size_t at = 0, warps = 0;      // position in order; warps of the resident blocks
    unsigned burst = 0;            // rounds for which held stays
    uint64_t idle = 0;             // switches since something happened
    std::string error;

    Thread *next(bool fresh_only);
    void load(const std::vector<uint64_t> &order, size_t from, size_t n);
    void begin_round();
    void hold();
    bool round();
    void run_resident();
    void stuck();
    void finish(Thread *t);
};

Scheduler scheduler;
void fiber_main();
Fibers fibers(fiber_main);

Thread *self() { return reinterpret_cast<Thread *>(here); }

// leave gives control back to the scheduler until the thread is resumed.
void leave(Thread *t) {
    Context *c = t->fiber;
    if (++scheduler.idle > patience)
        fail("threads wait for each other for ever");
    switch_to(*c, scheduler.home);
}

// lanes returns the threads of t's warp and how many there are.
Thread *lanes(Thread *t, unsigned &n) {
    n = std::min(32u, t->block->size - (t->index - t->place.lane));
    return t - t->place.lane;
}

// settle completes the warp operation that t waits at, if all live lanes of its mask have come.
bool settle(Thread *t) {
    unsigned n, here_mask = 0;
    Thread *warp = lanes(t, n);
    for (unsigned i = 0; i < n; i++) {
        Thread &l = warp[i];
        if (!(t->mask >> i & 1) || l.state == State::done)
            continue;
        if (l.state != State::warp || l.mask != t->mask)
            return false;
        if (l.op != t->op || (t->op == Warp::together && l.joint != t->joint))
            fail("lanes %u and %u of a warp meet in different operations", t->place.lane, i);
        here_mask |= 1u << i;
    }
    uint64_t value[32], ballot = 0;
    for (unsigned i = 0; i < 32; i++) {
        value[i] = here_mask >> i & 1 ? warp[i].value : uint64_t(poison) << 32 | poison;
        ballot |= uint64_t((here_mask >> i & 1) && value[i]) << i;
    }
    if (t->op == Warp::together) {
        void *brought[32];
        for (unsigned i = 0; i < 32; i++)
            brought[i] = here_mask >> i & 1 ? reinterpret_cast<void *>(value[i]) : nullptr;
        t->joint(brought);
    }
    for (unsigned i = 0; i < n; i++)
        if (here_mask >> i & 1) {
            warp[i].value = t->op == Warp::read ? value[warp[i].source] : ballot;
            warp[i].state = State::ready;
        }
    scheduler.idle = 0;
    return true;
}

void Scheduler::finish(Thread *t) {
    t->state = State::done;
    idle = 0;
    Block &b = *t->block;
    if (++b.done == b.size)
        b.shared.check();
    unsigned n;
    Thread *warp = lanes(t, n);
    for (unsigned i = 0; i < n; i++) // lanes that waited for this one only
        if (warp[i].state == State::warp && warp[i].mask >> t->place.lane & 1)
            settle(&warp[i]);
}

// fiber_main runs fresh threads one after another, without switching, until the next in order is not fresh.
void fiber_main() {
    entered(scheduler.home);
    for (;;) {
        Thread *t = self();
        Context *c = t->fiber;
        scheduler.launch->kernel->run(scheduler.launch->args);
        scheduler.finish(t);
        t->fiber = nullptr;
        if (Thread *fresh = scheduler.next(true)) {
            fresh->fiber = c;
            here = &fresh->place;
            continue;
        }
        fibers.give(c);
        switch_to(*c, scheduler.home);
    }
}

// next returns the next thread of the round that can run, or null. With fresh_only it stops before one that has a
// fiber of its own.
Thread *Scheduler::next(bool fresh_only) {
    for (; at < order.size(); at++) {
        Thread *t = order[at];
        if (t->state > State::ready || (!held.empty() && held[t->warp]))
            continue;
        if (fresh_only && t->state != State::fresh)
            return nullptr;
        at++;
        return t;
    }
    return nullptr;
}

// hold draws which warps stand still so that others run ahead of them: none, half, one, or all but one; for some
// rounds, or so many that the others come to their barrier. Not for ever: they may spin until a held one comes.
void Scheduler::hold() {
    if (seed < 2 || burst-- > 0)
        return;
    burst = random.below(random.below(2) ? 16 : 512);
    uint32_t how = random.below(4), one = random.below(warps);
    held.assign(warps, how == 3);
    for (size_t i = 0; i < warps && how == 1; i++)
        held[i] = random.below(2);
    if (how >= 2)
        held[one] = how == 2;
}

// begin_round drops the threads that have ended and draws the order of the others.
void Scheduler::begin_round() {
    at = 0;
    order.erase(std::remove_if(order.begin(), order.end(), [](Thread *t) { return t->state == State::done; }), order.end());
    if (seed >= 2)
        random.shuffle(order);
}

// round lets every thread run that can, and reports whether there was one.
bool Scheduler::round() {
    begin_round();
    bool ran = false;
    while (Thread *t = next(false)) {
        ran = true;
        if (t->state == State::fresh)
            t->fiber = fibers.take();
        here = &t->place;
        switch_to(home, *t->fiber);
        if (!error.empty())
            return false;
    }
    return ran;
}

// run_resident runs the resident blocks to their end, or to the first failure.
void Scheduler::run_resident() {
    for (;;) {
        hold();
        bool ran = round();
        if (!error.empty() || order.empty())
            return;
        if (ran)
            continue;
        if (held.empty())
            return stuck();
        held.clear(); // all that could run were held
        burst = 1;
    }
}

// describe puts the launch's kernel and a thread before a message.
std::string describe(const Thread *t, const char *text) {
    char b[512];
    uint3 p = t->place.block, i = t->place.thread;
    snprintf(b, sizeof b, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): %s", scheduler.launch->kernel->name, p.x, p.y, p.z, i.x,
             i.y, i.z, text);
    return b;
}

// stuck says why nothing can run.
void Scheduler::stuck() {
    char b[256];
    for (Thread *t : order) {
        if (t->state == State::barrier)
            snprintf(b, sizeof b, "waits at __syncthreads (%s:%d) with %u of %u threads; %u have ended", t->block->file, t->block->line,
                     t->block->waiting, t->block->size, t->block->done);
        else if (t->state == State::warp)
            snprintf(b, sizeof b, "waits at a warp operation with mask %08x for a lane that does not come", t->mask);
        else
            continue;
        error = describe(t, b);
        return;
    }
    error = "nothing can run";
}

// load makes n blocks resident, from position `from` of the order of blocks.
void Scheduler::load(const std::vector<uint64_t> &list, size_t from, size_t n) {
    size_t size = block_dim.size(), per_block = (size + 31) / 32;
    warps = n * per_block;
    threads.resize(n * size);
    order.resize(n * size);
    while (blocks.size() < n)
        blocks.push_back(std::make_unique<Block>());
    for (size_t b = 0; b < n; b++) {
        uint64_t i = list.empty() ? from + b : list[from + b];
        Block &block = *blocks[b];
        block.index = {unsigned(i % grid_dim.x), unsigned(i / grid_dim.x % grid_dim.y), unsigned(i / grid_dim.x / grid_dim.y)};
        block.size = unsigned(size);
        block.waiting = block.done = 0;
        block.shared.begin(launch->shared);
        uint3 at{0, 0, 0};
        for (size_t k = 0; k < size; k++) {
            Thread &t = threads[b * size + k];
            t.place = {at, block.index, unsigned(k % 32)};
            t.state = State::fresh;
            t.index = unsigned(k);
            t.warp = unsigned(b * per_block + k / 32);
            t.block = &block;
            order[b * size + k] = &t;
            if (++at.x == block_dim.x) {
                at.x = 0;
                if (++at.y == block_dim.y)
                    at.y = 0, at.z++;
            }
        }
    }
    if (seed == 1)
        std::reverse(order.begin(), order.end());
    held.clear();
    burst = 0;
}

} // namespace

void fail(const char *format, ...) {
    char b[256];
    va_list args;
    va_start(args, format);
    vsnprintf(b, sizeof b, format, args);
    va_end(args);
    Thread *t = self();
    scheduler.error = describe(t, b);
    switch_to(*t->fiber, scheduler.home);
    __builtin_unreachable();
}

void yield() {
    Thread *t = self();
    t->state = State::ready;
    leave(t);
}

void sync_block(const char *file, int line) {
    Thread *t = self();
    Block &b = *t->block;
    if (b.waiting && (b.line != line || strcmp(b.file, file)))
        fail("waits at __syncthreads (%s:%d) while %u threads of the block wait at %s:%d", file, line, b.waiting, b.file, b.line);
    if (b.done)
        fail("waits at __syncthreads (%s:%d) after %u of %u threads have ended", file, line, b.done, b.size);
    b.file = file;
    b.line = line;
    t->state = State::barrier;
    if (++b.waiting == b.size) {
        Thread *first = t - t->index;
        for (unsigned i = 0; i < b.size; i++)
            first[i].state = State::ready;
        b.waiting = 0;
        scheduler.idle = scheduler.burst = 0;
    }
    leave(t);
}

uint64_t meet(Warp op, unsigned mask, uint64_t value, unsigned source) {
    Thread *t = self();
    if (!(mask >> t->place.lane & 1))
        fail("lane %u calls a warp operation with mask %08x, which leaves it out", t->place.lane, mask);
    t->op = op;
    t->mask = mask;
    t->value = value;
    t->source = source & 31;
    t->state = State::warp;
    settle(t);
    leave(t);
    return t->value;
}

void together(Joint f, void *mine) {
    self()->joint = f;
    meet(Warp::together, ~0u, reinterpret_cast<uint64_t>(mine), 0);
}

void *shared(const void *key, size_t bytes, size_t align) { return self()->block->shared.array(key, bytes, align); }
void *shared_dynamic() { return self()->block->shared.dynamic(); }

Kernel *&Kernel::first() {
    static Kernel *list = nullptr;
    return list;
}

const Kernel *find(const char *name) {
    for (const Kernel *k = Kernel::first(); k; k = k->next)
        if (!strcmp(k->name, name))
            return k;
    return nullptr;
}

std::string run(const Launch &launch, unsigned seed) {
    Scheduler &s = scheduler;
    grid_dim = launch.grid;
    block_dim = launch.block;
    s.launch = &launch;
    s.seed = seed;
    s.random.s = seed + 1;
    s.error.clear();
    s.idle = 0;
    size_t n = grid_dim.size(), together = launch.cooperative ? n : seed < 2 ? 1 : 1 + s.random.below(3);
    std::vector<uint64_t> order;
    if (seed >= 1) {
        order.resize(n);
        std::iota(order.begin(), order.end(), 0);
        if (seed == 1)
            std::reverse(order.begin(), order.end());
        else
            s.random.shuffle(order);
    }
    for (size_t from = 0; from < n && s.error.empty(); from += together) {
        s.load(order, from, std::min(together, n - from));
        s.run_resident();
    }
    if (!s.error.empty())
        fibers.reset();
    return s.error;
}

} // namespace simt
