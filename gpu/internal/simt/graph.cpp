// Capturing streams into graphs, and replaying them.
#include "driver.h"

using namespace simt;

namespace {

Graph *graph_of(void *g) {
    Graph *p = static_cast<Graph *>(g);
    return driver().graphs.count(p) ? p : nullptr;
}

Graph *keep(Graph g) {
    Graph *p = new Graph(std::move(g));
    driver().graphs.insert(p);
    return p;
}

CUresult destroy(void *g) {
    Graph *p = graph_of(g);
    if (!p)
        return invalid_handle;
    driver().graphs.erase(p);
    delete p;
    return success;
}

} // namespace

SIMT_API CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    SIMT_ENTER
    Stream *s = resolve(stream);
    if (!s || mode < 0 || mode > 2)
        return invalid_value;
    if (!stream)
        return capture_unsupported; // the default stream cannot be captured
    if (s->capture)
        return invalid_value;
    s->capture = new Capture{s, mode, false, {}, {}};
    driver().captures.insert(s->capture);
    return success;
}

SIMT_API CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
    SIMT_ENTER
    *graph = nullptr;
    Stream *s = resolve(stream);
    if (!s || !s->capture)
        return invalid_value;
    Capture *c = s->capture;
    if (c->origin != s)
        return capture_unmatched;
    for (Stream *other : driver().streams)
        if (other->capture == c)
            other->capture = nullptr;
    for (Event *e : driver().events)
        if (e->capture == c)
            e->capture = nullptr;
    Result r = c->invalid ? capture_invalidated : !c->unjoined.empty() ? capture_unjoined : success;
    if (r == success)
        *graph = reinterpret_cast<CUgraph>(keep(std::move(c->graph)));
    driver().captures.erase(c);
    delete c;
    return r;
}

SIMT_API CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
    SIMT_ENTER
    Graph *g = graph_of(graph);
    if (!g || !count)
        return invalid_value;
    size_t n = g->nodes.size();
    for (size_t i = 0; nodes && i < *count; i++)
        nodes[i] = i < n ? reinterpret_cast<CUgraphNode>(&g->nodes[i]) : nullptr;
    *count = nodes ? std::min(*count, n) : n;
    return success;
}

SIMT_API CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long) {
    SIMT_ENTER
    Graph *g = graph_of(graph);
    if (!g)
        return invalid_value;
    *exec = reinterpret_cast<CUgraphExec>(keep(*g));
    return success;
}

SIMT_API CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) {
    SIMT_ENTER
    Graph *g = graph_of(exec);
    Stream *s = resolve(stream);
    if (!g || !s)
        return invalid_value;
    for (const Work &w : g->nodes)
        if (Result r = queue(s, w.label, w.run))
            return r;
    return success;
}

SIMT_API CUresult cuGraphExecDestroy(CUgraphExec exec) {
    SIMT_ENTER
    return destroy(exec);
}

SIMT_API CUresult cuGraphDestroy(CUgraph graph) {
    SIMT_ENTER
    return destroy(graph);
}
