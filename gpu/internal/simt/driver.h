// State of the fake driver, shared by the files that make it up. One lock guards all of it: the emulator runs one
// thing at a time, whatever thread asks.
#pragma once
#include "../cuda/abi.h"
#include "launch.h"
#include "stream.h"
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace simt {

// Result is a CUresult, with the driver's own numbers.
enum Result {
    success = 0,
    invalid_value = 1,
    out_of_memory = 2,
    not_initialized = 3,
    invalid_device = 101,
    invalid_image = 200,
    invalid_context = 201,
    no_binary_for_gpu = 209,
    invalid_handle = 400,
    not_found = 500,
    not_ready = 600,
    illegal_address = 700,
    launch_out_of_resources = 701,
    launch_failed = 719,
    cooperative_launch_too_large = 720,
    capture_unsupported = 900,
    capture_invalidated = 901,
    capture_merge = 902,
    capture_unmatched = 903,
    capture_unjoined = 904,
    capture_isolation = 905,
    capture_implicit = 906,
    captured_event = 907,
};

struct Work {
    std::string label; // what a message calls it
    std::function<void()> run;
};

struct Event;
struct Stream;

// Point is a place in a stream at which an event was recorded. The event may be recorded elsewhere later: who waits, waits for the point.
struct Point {
    Stream *stream;
    bool passed = false;
};

// Item is a place in a stream's queue: work, and before it, if any, the point that must have passed.
struct Item {
    Work work;
    std::shared_ptr<Point> after = nullptr;
};

// Graph is recorded work, in the order in which it was queued.
struct Graph {
    std::vector<Work> nodes;
};

// Capture is a recording in progress: on the stream where it began, and on those that joined by events.
struct Capture {
    Stream *origin;
    int mode; // 0 global, 1 thread-local, 2 relaxed
    bool invalid = false;
    Graph graph;
    std::set<Stream *> unjoined; // others that recorded work which origin has not waited for
};

struct Stream {
    Capture *capture = nullptr;
    std::deque<Item> items; // that have not run; empty between calls, unless SIMT_DEFER is set
};

struct Event {
    bool timed = true;
    std::shared_ptr<Point> point; // where it was recorded last; null: never
    double milliseconds = 0;      // when that passed
    Capture *capture = nullptr;   // in which it was recorded, while that lasts
    Stream *stream = nullptr;     // on which it was recorded last
};

struct Allocation {
    size_t bytes;
    char *base; // what malloc returned
};

struct Function {
    const Kernel *kernel;
    size_t dynamic_limit = static_shared_limit;
};

struct Module {
    std::map<std::string, Function> functions;
};

// Driver is everything that the primary context owns.
struct Driver {
    std::recursive_mutex lock;
    bool initialized = false;
    int retained = 0;            // of the primary context
    unsigned generation = 0;     // counts the contexts that there have been
    Result failed = success;     // sticky
    std::string message;         // of the last failure
    std::map<uintptr_t, Allocation> memory;
    std::map<void *, size_t> pinned;
    std::set<Stream *> streams;
    std::set<Event *> events;
    std::set<Graph *> graphs;    // both those captured and those instantiated
    std::set<Module *> modules;
    std::set<Capture *> captures;
    Stream default_stream;
    size_t used = 0;             // bytes of device memory
    double clock = 0;            // milliseconds that work so far is said to have taken, see stream.cpp
    int leaked = 0;              // objects alive when their context ended
};

Driver &driver();

// Enter is what every entry point that needs a context begins with: the lock, and whether the call may go on.
struct Enter {
    std::lock_guard<std::recursive_mutex> guard;
    Result result;
    Enter();
};

// report prints a failure and keeps it for simt_message.
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
// queue runs work, records it, or leaves it for later; label names it in messages.
Result queue(Stream *s, std::string label, std::function<void()> run);
// drain runs what waits in a stream, and what that waits for in others.
void drain(Stream *s);
void drain_all();
// deferred says whether queued work waits until something needs it (SIMT_DEFER=1), as a GPU may run it late.
bool deferred();
// resolve maps null to the default stream, and returns null for what is no stream.
Stream *resolve(void *stream);
// forbid invalidates the captures that a call which waits or allocates would break, and says so.
Result forbid();
// check_memory finds writes outside device allocations, and then fails the device.
void check_memory(const char *after);
// free_all gives back memory and objects, and returns how many there were.
int free_memory();
int free_streams();
size_t memory_size();
int multiprocessors();
// verify says whether a compiled image is of the kernel sources that the emulator was built from; if not, why.
Result verify(const void *image, std::string &why);

} // namespace simt

// Every entry point is declared here, so that a definition with other parameters does not compile.
#define SIMT_DECLARE(symbol, parameters, arguments) SIMT_API CUresult symbol parameters;
CONTIG_DRIVER_FUNCTIONS(SIMT_DECLARE)

#define SIMT_ENTER                                                                                                     \
    simt::Enter enter;                                                                                                 \
    if (enter.result)                                                                                                  \
        return enter.result;
