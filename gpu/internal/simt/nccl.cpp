// A fake NCCL: collectives between processes of one machine, over shared memory, on the streams of the fake driver, so that they can be
// captured and replayed. Sums are made in the order of ranks. What hangs or corrupts with the real library is found here: another order
// of calls or other sizes on another rank fault the device at the first such call, and a call while another is not done is refused. A
// peer that died is waited for for ever, as by the real one, until ncclCommAbort.
//
// Collectives of one communicator run in the order of their calls, whatever their streams.
//
// As the real one with blocking = 0, a call returns ncclInProgress, and a thread of the library's queues the work.
//
// SIMT_NCCL_FAIL=n:code makes the n-th call (of init, collectives, finalize and destroy, from 1) return a code; SIMT_NCCL_LOST=n makes
// ncclCommGetAsyncError find a peer lost once n of these were made; SIMT_NCCL_HANG=n makes the n-th collective that the device comes to,
// and so all after it, wait until the communicator is aborted.
#include "../nccl/abi.h"
#include "cublaslt_product.h"
#include "driver.h"
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <random>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace {

constexpr int most_ranks = 16;
constexpr size_t slot = 1 << 18; // bytes of a rank that travel at a time
const char prefix[] = "/contig-nccl-";

enum Kind { all_reduce, all_gather, broadcast };
const char *const kinds[] = {"all-reduce", "all-gather", "broadcast"};

// Call is what all ranks must agree on.
struct Call {
    Kind kind;
    size_t n;
    int type, op, root;
    bool operator==(const Call &o) const { return kind == o.kind && n == o.n && type == o.type && op == o.op && root == o.root; }
};

// Shared is what the ranks have in common: memory that is 0 at first.
struct Shared {
    std::atomic<int> ranks, attached;        // that were announced; that came
    std::atomic<bool> came[most_ranks];
    std::atomic<uint64_t> phase[most_ranks]; // barriers that each has reached
    Call call[most_ranks];
    char data[most_ranks][slot];
};

char last_error[512]; // of the process, as the real library's
std::mutex last_error_lock;

__attribute__((format(printf, 2, 3))) ncclResult_t fail(ncclResult_t code, const char *format, ...) {
    std::lock_guard<std::mutex> guard(last_error_lock);
    va_list a;
    va_start(a, format);
    vsnprintf(last_error, sizeof last_error, format, a);
    va_end(a);
    return code;
}

std::atomic<int> calls{0}; // that were counted for what SIMT_NCCL_FAIL and SIMT_NCCL_LOST ask for

// counted counts a call and returns what it is to fail with.
ncclResult_t counted() {
    int n = ++calls, at = 0, code = 0;
    const char *e = getenv("SIMT_NCCL_FAIL");
    if (!e || sscanf(e, "%d:%d", &at, &code) != 2 || at != n) return ncclSuccess;
    return fail(code, "call %d was told to fail", n);
}

bool lost() {
    const char *e = getenv("SIMT_NCCL_LOST");
    return e && *e && calls >= atoi(e);
}

// hangs counts a collective that the device comes to, and returns whether it is to hang.
bool hangs() {
    static std::atomic<int> come{0};
    const char *e = getenv("SIMT_NCCL_HANG");
    return ++come >= (e && *e ? atoi(e) : INT_MAX);
}

size_t size_of(int type) {
    switch (type) {
    case ncclUint8: return 1;
    case ncclFloat16: case ncclBfloat16: return 2;
    case ncclFloat32: return 4;
    }
    return 0;
}

lt::Type number_type(int type) {
    return type == ncclFloat16 ? lt::Type::f16 : type == ncclBfloat16 ? lt::Type::bf16 : lt::Type::f32;
}

} // namespace

struct ncclComm {
    int rank, ranks;
    Shared *shared;
    std::string name; // of the shared memory
    std::atomic<bool> aborted{false};
    std::atomic<int> state{ncclInProgress};
    std::atomic<bool> joined{false};
    cudaStream_t last = nullptr; // that a collective was queued on
    std::shared_ptr<int> held = std::make_shared<int>(0); // one more owner for each collective that waits or is recorded

    // barrier returns false when the communicator was aborted. A rank that has aborted reaches no further one, though what it had recorded runs on:
    // the others wait for it.
    bool barrier() {
        if (aborted) return false;
        uint64_t mine = ++shared->phase[rank];
        for (int r = 0; r < ranks; r++)
            for (int spins = 0; shared->phase[r] < mine; spins++) {
                if (aborted) return false;
                if (spins >= 1000) usleep(50);
            }
        return true;
    }

    void sum(char *dst, size_t bytes, int type) {
        lt::Type t = number_type(type);
        int64_t n = int64_t(bytes / size_of(type));
        for (int64_t i = 0; i < n; i++) {
            float v = lt::load(t, shared->data[0], i);
            for (int r = 1; r < ranks; r++) v += lt::load(t, shared->data[r], i);
            lt::store(t, dst, i, v);
        }
    }

    // agrees compares what this rank does with what the others do, and faults the device where one does something else.
    bool agrees(const Call &c) {
        for (int r = 0; r < ranks; r++) {
            const Call &o = shared->call[r];
            if (o == c) continue;
            char text[256];
            snprintf(text, sizeof text, "fake NCCL: rank %d does %s of %zu (type %d), rank %d %s of %zu (type %d)", rank, kinds[c.kind], c.n, c.type,
                     r, kinds[o.kind], o.n, o.type);
            simt_fault(simt::launch_failed, text);
            return false;
        }
        return true;
    }

    // run does a collective when the device comes to it, a slot at a time. src may be part of dst.
    void run(const Call &c, const char *src, char *dst) {
        if (hangs())
            while (!aborted) usleep(1000);
        if (aborted) return;
        shared->call[rank] = c;
        if (!barrier() || !agrees(c)) return;
        size_t bytes = c.n * size_of(c.type);
        for (size_t at = 0; at < bytes; at += slot) {
            size_t part = std::min(slot, bytes - at);
            memcpy(shared->data[rank], src + at, part);
            if (!barrier()) return;
            switch (c.kind) {
            case all_reduce: sum(dst + at, part, c.type); break;
            case all_gather:
                for (int r = 0; r < ranks; r++) memcpy(dst + r * bytes + at, shared->data[r], part);
                break;
            case broadcast: memcpy(dst + at, shared->data[c.root], part); break;
            }
            if (!barrier()) return;
        }
    }

    // usable says why no call may be made now.
    ncclResult_t usable() {
        if (aborted) return fail(ncclInvalidUsage, "the communicator was aborted");
        if (state == ncclInProgress) return fail(ncclInvalidUsage, "a call is made while another is in progress");
        if (state != ncclSuccess) return fail(state, "the communicator has failed");
        return ncclSuccess;
    }

    // launch does the rest of a call on a thread of the library's.
    template <class F> ncclResult_t launch(F f) {
        state = ncclInProgress;
        std::thread([this, f]() mutable {
            {
                F mine = std::move(f); // gone before the call is done, with what it holds
                mine();
            }
            int busy = ncclInProgress;
            state.compare_exchange_strong(busy, ncclSuccess);
        }).detach();
        return ncclInProgress;
    }
};

namespace {

ncclResult_t enqueue(Call c, const void *src, void *dst, ncclComm *comm, cudaStream_t stream) {
    if (!comm) return fail(ncclInvalidArgument, "no communicator");
    if (ncclResult_t r = comm->usable()) return r;
    if (ncclResult_t r = counted()) return r;
    if (!size_of(c.type) || c.op != ncclSum || (c.kind == all_reduce && c.type == ncclUint8)) return fail(ncclInvalidArgument, "type %d, operation %d", c.type, c.op);
    if (c.root < 0 || c.root >= comm->ranks) return fail(ncclInvalidArgument, "root %d of %d", c.root, comm->ranks);
    size_t bytes = c.n * size_of(c.type), to = c.kind == all_gather ? bytes * comm->ranks : bytes;
    auto work = [=, held = comm->held] {
        if (!simt_device_range(src, bytes) || !simt_device_range(dst, to))
            return simt_fault(simt::illegal_address, "fake NCCL: a buffer that is not device memory");
        comm->run(c, static_cast<const char *>(src), static_cast<char *>(dst));
    };
    return comm->launch([=] {
        if (comm->last) simt_follow(stream, comm->last);
        comm->last = stream;
        simt_queue(stream, work);
    });
}

// attach makes the memory that the ranks of an id share a rank's own; it is taken back when all have come, or one aborts.
ncclResult_t attach(ncclComm *c) {
    int fd = shm_open(c->name.c_str(), O_CREAT | O_RDWR, 0600);
    if (fd < 0) return fail(ncclSystemError, "shared memory %s: %s", c->name.c_str(), strerror(errno));
    int full = posix_fallocate(fd, 0, sizeof(Shared));
    void *p = full ? MAP_FAILED : mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED) return fail(ncclSystemError, "%zu bytes of shared memory: %s", sizeof(Shared), strerror(full ? full : errno));
    c->shared = static_cast<Shared *>(p);
    int announced = 0;
    if (!c->shared->ranks.compare_exchange_strong(announced, c->ranks) && announced != c->ranks)
        return fail(ncclInternalError, "rank %d is of %d ranks, others are of %d", c->rank, c->ranks, announced);
    if (c->shared->came[c->rank].exchange(true)) return fail(ncclInternalError, "rank %d has come already", c->rank);
    if (++c->shared->attached == c->ranks) shm_unlink(c->name.c_str());
    return ncclSuccess;
}

} // namespace

SIMT_API ncclResult_t ncclGetVersion(int *v) { return *v = 23203, ncclSuccess; }
SIMT_API const char *ncclGetErrorString(ncclResult_t r) { return r ? "an error of the fake NCCL" : "no error"; }
SIMT_API const char *ncclGetLastError(ncclComm *) { return last_error; }

SIMT_API ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
    memset(id, 0, sizeof *id);
    snprintf(id->internal, sizeof id->internal, "%s%d-%08x", prefix, int(getpid()), std::random_device()());
    return ncclSuccess;
}

SIMT_API ncclResult_t ncclCommInitRankConfig(ncclComm **comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t *config) {
    if (ncclResult_t r = counted()) return r;
    if (!comm || ranks < 1 || ranks > most_ranks || rank < 0 || rank >= ranks) return fail(ncclInvalidArgument, "rank %d of %d", rank, ranks);
    if (!config || config->magic != CONTIG_NCCL_MAGIC || config->size != sizeof *config || config->version != CONTIG_NCCL_CONFIG_VERSION || config->blocking != 0)
        return fail(ncclInvalidArgument, "ncclConfig_t is not as it should be, or blocks");
    if (id.internal[sizeof id.internal - 1] || strncmp(id.internal, prefix, sizeof prefix - 1)) return fail(ncclInvalidArgument, "no id of ncclGetUniqueId");
    auto *c = new ncclComm;
    c->rank = rank, c->ranks = ranks, c->name = id.internal;
    if (ncclResult_t r = attach(c)) {
        delete c;
        return r;
    }
    *comm = c;
    return ncclInProgress;
}

SIMT_API ncclResult_t ncclCommGetAsyncError(ncclComm *c, ncclResult_t *state) {
    if (!c->joined && c->shared->attached >= c->ranks) c->joined = true, c->state = ncclSuccess;
    if (c->joined && lost()) {
        c->state = ncclRemoteError;
        fail(ncclRemoteError, "a peer was told to be lost");
    }
    return *state = c->state, ncclSuccess;
}

SIMT_API ncclResult_t ncclCommFinalize(ncclComm *c) {
    if (ncclResult_t r = c->usable()) return r;
    if (ncclResult_t r = counted()) return r;
    return c->launch([] {});
}

// The real one waits for ever while a graph has collectives of the communicator.
SIMT_API ncclResult_t ncclCommDestroy(ncclComm *c) {
    if (ncclResult_t r = c->usable()) return r;
    if (ncclResult_t r = counted()) return r;
    if (c->held.use_count() > 1) return fail(ncclInvalidUsage, "%ld collectives are still queued or recorded", c->held.use_count() - 1);
    munmap(c->shared, sizeof(Shared));
    delete c;
    return ncclSuccess;
}

// It ends what waits, on whatever thread, and then waits itself while a graph has collectives of the communicator. c stays, since
// others may still look at it.
SIMT_API ncclResult_t ncclCommAbort(ncclComm *c) {
    c->aborted = true;
    shm_unlink(c->name.c_str()); // where not all have come it still has its name
    while (c->held.use_count() > 1) usleep(1000);
    return ncclSuccess;
}

SIMT_API ncclResult_t ncclAllReduce(const void *src, void *dst, size_t n, int type, int op, ncclComm *comm, cudaStream_t s) {
    return enqueue({all_reduce, n, type, op, 0}, src, dst, comm, s);
}

SIMT_API ncclResult_t ncclAllGather(const void *src, void *dst, size_t n, int type, ncclComm *comm, cudaStream_t s) {
    return enqueue({all_gather, n, type, ncclSum, 0}, src, dst, comm, s);
}

SIMT_API ncclResult_t ncclBroadcast(const void *src, void *dst, size_t n, int type, int root, ncclComm *comm, cudaStream_t s) {
    return enqueue({broadcast, n, type, ncclSum, root}, src, dst, comm, s);
}
