// Streams and events. Work runs at once; with SIMT_DEFER=1 it waits in its stream until something needs it, so that
// what forgot to wait for a copy or an event reads old data, as it may on a GPU.
//
// Events tell the host's time; with SIMT_CLOCK they tell what work is said to take, whatever it took: a list of END=MS, of which the first
// counts whose END the work's name ends with, as in "_bf16=2 _f16=1 =0.5", where the last is of all other work. Kernels have their names.
#include "driver.h"
#include <chrono>
#include <cstdlib>
#include <sstream>

namespace simt {

namespace {

// clock_setting is SIMT_CLOCK, null where there is none.
const char *clock_setting() {
    const char *e = getenv("SIMT_CLOCK");
    return e && *e ? e : nullptr;
}

// said returns the milliseconds that work is said to take.
double said(const std::string &name) {
    const char *setting = clock_setting();
    if (!setting)
        return 0;
    std::istringstream all(setting);
    for (std::string one; all >> one;) {
        size_t at = one.find('=');
        if (at != std::string::npos && at <= name.size() && name.compare(name.size() - at, at, one, 0, at) == 0)
            return atof(one.c_str() + at + 1);
    }
    return 0;
}

double now() {
    using namespace std::chrono;
    if (clock_setting())
        return driver().clock;
    return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

bool is_stream(Stream *s) { return s == &driver().default_stream || driver().streams.count(s) != 0; }

bool is_event(Event *e) { return driver().events.count(e) != 0; }

// execute runs one piece of work, unless the device has failed.
void execute(const Work &w) {
    if (driver().failed)
        return;
    w.run();
    driver().clock += said(w.label);
    if (driver().memory.size() <= 256) // else at the next wait
        check_memory(w.label.c_str());
}

void pop(Stream *s);

// reach runs a point's stream until it has passed.
void reach(const Point &p) {
    while (!p.passed && is_stream(p.stream) && !p.stream->items.empty())
        pop(p.stream);
}

// pop runs the oldest item of a stream, and first what it waits for.
void pop(Stream *s) {
    Item i = std::move(s->items.front());
    s->items.pop_front();
    if (i.after)
        reach(*i.after);
    if (i.work.run)
        execute(i.work);
}

Result push(Stream *s, Item i) {
    s->items.push_back(std::move(i));
    if (!deferred())
        drain(s);
    return success;
}

// wait_while_capturing makes s wait for an event of a capture: s joins it, or, if it is the origin, has waited for
// what the event's stream recorded. All recorded work replays in the order in which it was queued.
Result wait_while_capturing(Stream *s, Event *e) {
    if (s->capture && s->capture != e->capture) {
        s->capture->invalid = true;
        return e->capture ? capture_merge : capture_isolation;
    }
    s->capture = e->capture;
    if (s == s->capture->origin)
        s->capture->unjoined.erase(e->stream);
    else
        s->capture->unjoined.insert(s);
    return success;
}

} // namespace

bool deferred() {
    const char *e = getenv("SIMT_DEFER");
    return e && *e && *e != '0';
}

void drain(Stream *s) {
    while (!s->items.empty())
        pop(s);
}

void drain_all() {
    for (Stream *s : driver().streams)
        drain(s);
    drain(&driver().default_stream);
}

Stream *resolve(void *stream) {
    Driver &d = driver();
    if (!stream)
        return &d.default_stream;
    Stream *s = static_cast<Stream *>(stream);
    return d.streams.count(s) ? s : nullptr;
}

Result forbid() {
    bool any = false;
    for (Capture *c : driver().captures)
        if (c->mode != 2)
            any = c->invalid = true;
    return any ? capture_unsupported : success;
}

Result queue(Stream *s, std::string label, std::function<void()> run) {
    if (!s)
        return invalid_handle;
    if (Capture *c = s->capture) {
        if (c->invalid)
            return capture_invalidated;
        c->graph.nodes.push_back({std::move(label), std::move(run)});
        if (s != c->origin)
            c->unjoined.insert(s);
        return success;
    }
    if (s == &driver().default_stream && !driver().captures.empty())
        return forbid() ? capture_implicit : success;
    push(s, {{std::move(label), std::move(run)}});
    return success;
}

int free_streams() {
    Driver &d = driver();
    int n = int(d.streams.size() + d.events.size() + d.graphs.size());
    for (Capture *c : d.captures)
        delete c;
    for (Stream *s : d.streams)
        delete s;
    for (Event *e : d.events)
        delete e;
    for (Graph *g : d.graphs)
        delete g;
    d.captures.clear(), d.streams.clear(), d.events.clear(), d.graphs.clear();
    d.default_stream = Stream();
    return n;
}

} // namespace simt

using namespace simt;

void simt_queue(void *stream, std::function<void()> work) {
    std::lock_guard<std::recursive_mutex> guard(driver().lock);
    if (Result r = queue(resolve(stream), "a library's work", std::move(work)))
        report("work queued on a stream that takes none (error %d)", r);
}

void simt_follow(void *stream, void *other) {
    std::lock_guard<std::recursive_mutex> guard(driver().lock);
    Stream *s = resolve(stream), *o = resolve(other);
    if (!s || !o || s == o || s->capture || o->capture)
        return;
    auto p = std::make_shared<Point>(Point{o});
    queue(o, "a point", [p] { p->passed = true; });
    Item i;
    i.after = p;
    push(s, i);
}

SIMT_API CUresult cuStreamCreate(CUstream *stream, unsigned) {
    SIMT_ENTER
    Stream *s = new Stream;
    driver().streams.insert(s);
    *stream = reinterpret_cast<CUstream>(s);
    return success;
}

SIMT_API CUresult cuStreamDestroy_v2(CUstream stream) {
    SIMT_ENTER
    Stream *s = resolve(stream);
    if (!stream || !s)
        return invalid_handle;
    drain(s);
    for (Event *e : driver().events)
        if (e->stream == s)
            e->stream = &driver().default_stream; // all that it was recorded after has run
    driver().streams.erase(s);
    delete s;
    return success;
}

SIMT_API CUresult cuStreamSynchronize(CUstream stream) {
    SIMT_ENTER
    Stream *s = resolve(stream);
    if (!s)
        return invalid_handle;
    if (s->capture) {
        s->capture->invalid = true;
        return capture_unsupported;
    }
    drain(s);
    check_memory("work");
    return driver().failed;
}

SIMT_API CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
    SIMT_ENTER
    Stream *s = resolve(stream);
    Event *e = reinterpret_cast<Event *>(event);
    if (!s || !is_event(e))
        return invalid_handle;
    if (s->capture || e->capture)
        return wait_while_capturing(s, e);
    Item i;
    i.after = e->point;
    return e->point ? push(s, i) : success;
}

SIMT_API CUresult cuEventCreate(CUevent *event, unsigned flags) {
    SIMT_ENTER
    Event *e = new Event;
    e->timed = !(flags & CU_EVENT_DISABLE_TIMING);
    driver().events.insert(e);
    *event = reinterpret_cast<CUevent>(e);
    return success;
}

SIMT_API CUresult cuEventDestroy_v2(CUevent event) {
    SIMT_ENTER
    Event *e = reinterpret_cast<Event *>(event);
    if (!is_event(e))
        return invalid_handle;
    drain_all();
    driver().events.erase(e);
    delete e;
    return success;
}

SIMT_API CUresult cuEventRecord(CUevent event, CUstream stream) {
    SIMT_ENTER
    Stream *s = resolve(stream);
    Event *e = reinterpret_cast<Event *>(event);
    if (!s || !is_event(e))
        return invalid_handle;
    e->stream = s;
    e->capture = s->capture;
    if (s->capture)
        return s->capture->invalid ? capture_invalidated : success;
    auto p = e->point = std::make_shared<Point>(Point{s});
    return queue(s, "an event", [e, p] {
        p->passed = true;
        if (is_event(e) && e->point == p)
            e->milliseconds = now();
    });
}

SIMT_API CUresult cuEventQuery(CUevent event) {
    SIMT_ENTER
    Event *e = reinterpret_cast<Event *>(event);
    if (!is_event(e))
        return invalid_handle;
    if (e->capture)
        return captured_event;
    if (e->point && !e->point->passed && !e->point->stream->items.empty()) {
        pop(e->point->stream); // so that polling ends
        return not_ready;
    }
    return driver().failed;
}

SIMT_API CUresult cuEventSynchronize(CUevent event) {
    SIMT_ENTER
    Event *e = reinterpret_cast<Event *>(event);
    if (!is_event(e))
        return invalid_handle;
    if (e->capture)
        return captured_event;
    if (e->point)
        reach(*e->point);
    return driver().failed;
}

SIMT_API CUresult cuEventElapsedTime(float *ms, CUevent start, CUevent end) {
    SIMT_ENTER
    Event *a = reinterpret_cast<Event *>(start), *b = reinterpret_cast<Event *>(end);
    if (!is_event(a) || !is_event(b) || !a->timed || !b->timed || !a->point || !b->point)
        return invalid_handle;
    if (!a->point->passed || !b->point->passed)
        return not_ready;
    *ms = float(b->milliseconds - a->milliseconds);
    return success;
}
