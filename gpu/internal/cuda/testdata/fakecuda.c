// A driver for the tests of this package: it keeps "device" memory on the host, runs queued work only when somebody
// waits for it, as late as a GPU might, and fails on demand. The tests read and write the fake_ variables.
#include "../abi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char fake_fail_symbol[64]; // the function that fails next,
int fake_fail_skip;        // after so many calls that do not,
int fake_fail_code;        // with this code
int fake_async_code;       // what kernels launched from now on make of the context
int fake_live;             // objects that were not given back
int fake_contexts;         // primary contexts retained
int fake_cooperative;      // cooperative launches
int fake_profiling;        // profilers measure
int fake_shared_limit;     // the last value of cuFuncSetAttribute
size_t fake_free = 1 << 30;

static _Thread_local CUcontext current;
static int broken; // the sticky code of the context
static char contexts[2]; // a context is an address in here

static int failing(const char *symbol) {
	if (strcmp(symbol, fake_fail_symbol) || fake_fail_skip-- > 0) return 0;
	fake_fail_symbol[0] = 0;
	return fake_fail_code;
}
#define FAIL if (failing(__func__)) return fake_fail_code;
#define BEGIN FAIL if (!current) return CUDA_ERROR_INVALID_CONTEXT; if (broken) return broken;

struct op { int kind; CUdeviceptr dst, src; size_t n; unsigned value, width; char args[64]; CUfunction f; CUevent event; long record; };
struct list { struct op *ops; int count; };
struct CUstream_st { struct list queue; int capturing, spoilt; struct CUgraph_st *graph; };
struct CUevent_st { CUstream stream; int record, done, captured; unsigned flags; };
struct CUgraph_st { struct list nodes; };
struct CUgraphExec_st { struct list nodes; };
struct CUfunc_st { const char *name; size_t count, sizes[3]; };
enum { TO_DEVICE, SET, KERNEL, RECORD, WAIT };

static void append(struct list *l, struct op o) {
	l->ops = realloc(l->ops, (l->count + 1) * sizeof o);
	l->ops[l->count++] = o;
}
static void *at(CUdeviceptr p) { return (void *)(uintptr_t)p; }
static void drain(CUstream s);
// The kernels: fill_u32(dst u64, value u32, n u32); illegal() breaks the context.
static void run(struct op *o) {
	switch (o->kind) {
	case TO_DEVICE: memmove(at(o->dst), at(o->src), o->n); break;
	case SET:
		for (size_t i = 0; i < o->n; i++) memcpy((char *)at(o->dst) + i * o->width, &o->value, o->width);
		break;
	case KERNEL:
		if (!strcmp(o->f->name, "illegal")) broken = CUDA_ERROR_ILLEGAL_ADDRESS;
		if (!strcmp(o->f->name, "fill_u32")) {
			struct { uint64_t dst; uint32_t value, n; } a;
			memcpy(&a, o->args, sizeof a);
			for (uint32_t i = 0; i < a.n; i++) ((uint32_t *)at(a.dst))[i] = a.value;
		}
		break;
	case RECORD: if (o->event->record == o->record) o->event->done = 1; break;
	case WAIT: if (!o->event->done && o->event->stream) drain(o->event->stream); break;
	}
}
static void drain(CUstream s) {
	struct list q = s->queue;
	s->queue = (struct list){0};
	for (int i = 0; i < q.count && !broken; i++) run(&q.ops[i]);
	free(q.ops);
}
static CUresult queue(CUstream s, struct op o) {
	if (s->capturing) append(&s->graph->nodes, o); else append(&s->queue, o);
	return CUDA_SUCCESS;
}

CUresult cuInit(unsigned flags) { FAIL return flags ? CUDA_ERROR_INVALID_VALUE : 0; }
CUresult cuDriverGetVersion(int *v) { FAIL *v = 13000; return 0; }
CUresult cuGetErrorName(CUresult c, const char **s) {
	*s = c == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : c == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : c == 101 ? "CUDA_ERROR_INVALID_DEVICE" : NULL;
	return *s ? 0 : 1;
}
CUresult cuGetErrorString(CUresult c, const char **s) { *s = c == 2 ? "out of memory" : c == 700 ? "an illegal memory access was encountered" : NULL; return *s ? 0 : 1; }
CUresult cuDeviceGetCount(int *n) { FAIL *n = 2; return 0; }
CUresult cuDeviceGet(CUdevice *d, int i) { FAIL *d = i; return 0; }
CUresult cuDeviceGetName(char *s, int n, CUdevice d) { FAIL snprintf(s, n, "Fake GPU %d", d); return 0; }
CUresult cuDeviceTotalMem_v2(size_t *n, CUdevice d) { (void)d; FAIL *n = 1 << 30; return 0; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) { (void)d; FAIL *v = a == 75 ? 9 : a == 76 ? 0 : a == 97 ? 232448 : 132; return 0; }
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) { FAIL if (!fake_contexts++) broken = 0; *c = (CUcontext)&contexts[d]; return 0; }
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) { (void)d; FAIL if (!--fake_contexts && broken) fake_live = 0; return 0; } // a broken context frees all
CUresult cuCtxSetCurrent(CUcontext c) { FAIL current = c; return 0; }
CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, CUjit_option *o, void **v) {
	BEGIN
	if (!memcmp(image, "FAKE", 4)) { *m = malloc(1); fake_live++; return 0; }
	for (unsigned i = 0; i + 1 < n; i++) if (o[i] == CU_JIT_ERROR_LOG_BUFFER) snprintf(v[i], (size_t)v[i + 1], "syntax error in line 1");
	return CUDA_ERROR_NO_BINARY_FOR_GPU;
}
CUresult cuModuleUnload(CUmodule m) { FAIL free(m); fake_live--; return 0; }
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	static struct CUfunc_st known[] = {
		{ "fill_u32", 3, {8, 4, 4} }, { "illegal", 0, {0} }, { "nothing", 3, {8, 4, 4} }, { "odd", 2, {8, 4} }, { "short", 3, {8, 4, 4} },
	};
	(void)m;
	BEGIN
	for (unsigned i = 0; i < 5; i++) if (!strcmp(name, known[i].name)) { *f = &known[i]; return 0; }
	return CUDA_ERROR_NOT_FOUND;
}
CUresult cuFuncGetParamInfo(CUfunction f, size_t i, size_t *offset, size_t *size) {
	BEGIN
	if (i >= f->count) return CUDA_ERROR_INVALID_VALUE;
	*offset = 0, *size = f->sizes[i]; // no argument here needs padding before it
	while (i--) *offset += f->sizes[i];
	return 0;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) { (void)f; BEGIN if (a != 8 || v > 232448) return 1; fake_shared_limit = v; return 0; }
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream s, void **p, void **extra) {
	BEGIN
	if (p || !gx || !gy || !gz || bx * by * bz > 1024 || !bx || extra[0] != (void *)1 || extra[2] != (void *)2 || extra[4]) return 1;
	if (shared > 49152 && (int)shared > fake_shared_limit) return 1;
	if (fake_async_code) broken = fake_async_code;
	size_t bytes = 0;
	for (size_t i = 0; i < f->count; i++) bytes += f->sizes[i];
	if (*(size_t *)extra[3] != bytes) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	struct op o = { .kind = KERNEL, .f = f };
	memcpy(o.args, extra[1], *(size_t *)extra[3]);
	if (!strcmp(f->name, "nothing") && !s->capturing) return 0;
	return queue(s, o);
}
CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction f, void **p, void **extra) {
	if (c->numAttrs == 1 && c->attrs->id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE && c->attrs->value.cooperative == 1) fake_cooperative++;
	if (c->gridDimX > 132) return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
	return cuLaunchKernel(f, c->gridDimX, c->gridDimY, c->gridDimZ, c->blockDimX, c->blockDimY, c->blockDimZ, c->sharedMemBytes, c->hStream, p, extra);
}
CUresult cuMemGetInfo_v2(size_t *f, size_t *t) { BEGIN *f = fake_free; *t = 1 << 30; return 0; }
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) { BEGIN if (n > fake_free) return 2; *p = (CUdeviceptr)(uintptr_t)aligned_alloc(256, (n + 255) / 256 * 256); fake_live++; return 0; }
CUresult cuMemFree_v2(CUdeviceptr p) { BEGIN free(at(p)); fake_live--; return 0; }
CUresult cuMemHostAlloc(void **p, size_t n, unsigned flags) { (void)flags; BEGIN *p = malloc(n); fake_live++; return 0; }
CUresult cuMemFreeHost(void *p) { FAIL free(p); fake_live--; return 0; }
static CUresult copy(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q) { return queue(q, (struct op){ .kind = TO_DEVICE, .dst = d, .src = s, .n = n }); }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr d, const void *s, size_t n, CUstream q) { BEGIN return copy(d, (uintptr_t)s, n, q); }
CUresult cuMemcpyDtoHAsync_v2(void *d, CUdeviceptr s, size_t n, CUstream q) { BEGIN return copy((uintptr_t)d, s, n, q); }
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q) { BEGIN return copy(d, s, n, q); }
static CUresult set(CUdeviceptr d, unsigned v, unsigned width, size_t n, CUstream s) { return queue(s, (struct op){ .kind = SET, .dst = d, .value = v, .width = width, .n = n }); }
CUresult cuMemsetD8Async(CUdeviceptr d, unsigned char v, size_t n, CUstream s) { BEGIN return set(d, v, 1, n, s); }
CUresult cuMemsetD16Async(CUdeviceptr d, unsigned short v, size_t n, CUstream s) { BEGIN return set(d, v, 2, n, s); }
CUresult cuMemsetD32Async(CUdeviceptr d, unsigned v, size_t n, CUstream s) { BEGIN return set(d, v, 4, n, s); }
CUresult cuStreamCreate(CUstream *s, unsigned flags) { BEGIN if (flags != CU_STREAM_NON_BLOCKING) return 1; *s = calloc(1, sizeof **s); fake_live++; return 0; }
CUresult cuStreamDestroy_v2(CUstream s) { FAIL free(s->queue.ops); free(s); fake_live--; return 0; }
CUresult cuStreamSynchronize(CUstream s) { BEGIN if (s->capturing) { s->spoilt = 1; return 900; } drain(s); return broken; }
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) { (void)flags; BEGIN return queue(s, (struct op){ .kind = WAIT, .event = e }); }
CUresult cuStreamBeginCapture_v2(CUstream s, CUstreamCaptureMode m) { BEGIN if (m != 1) return 1; s->capturing = 1; s->spoilt = 0; s->graph = calloc(1, sizeof *s->graph); fake_live++; return 0; }
CUresult cuGraphDestroy(CUgraph g) { FAIL free(g->nodes.ops); free(g); fake_live--; return 0; }
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
	s->capturing = 0;
	int code = failing(__func__) ? fake_fail_code : s->spoilt ? 901 : broken;
	if (code) { cuGraphDestroy(s->graph); *g = NULL; } else *g = s->graph;
	return code;
}
CUresult cuEventCreate(CUevent *e, unsigned flags) { BEGIN *e = calloc(1, sizeof **e); (*e)->flags = flags; fake_live++; return 0; }
CUresult cuEventDestroy_v2(CUevent e) { FAIL free(e); fake_live--; return 0; }
CUresult cuEventRecord(CUevent e, CUstream s) { BEGIN e->captured = s->capturing; e->stream = s; e->done = 0; return queue(s, (struct op){ .kind = RECORD, .event = e, .record = ++e->record }); }
CUresult cuEventQuery(CUevent e) { BEGIN if (e->captured) return 907; return e->done || !e->stream ? 0 : CUDA_ERROR_NOT_READY; }
CUresult cuEventSynchronize(CUevent e) { BEGIN if (e->captured) return 907; if (!e->done && e->stream) drain(e->stream); return broken; }
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) { BEGIN if ((a->flags | b->flags) & CU_EVENT_DISABLE_TIMING) return 400; if (!a->done || !b->done) return CUDA_ERROR_NOT_READY; *ms = 1.5f; return 0; }
CUresult cuGraphGetNodes(CUgraph g, CUgraphNode *nodes, size_t *n) { BEGIN if (nodes) return 1; *n = g->nodes.count; return 0; }
CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long flags) {
	BEGIN
	if (flags) return 1;
	*x = calloc(1, sizeof **x);
	fake_live++;
	for (int i = 0; i < g->nodes.count; i++) append(&(*x)->nodes, g->nodes.ops[i]);
	return 0;
}
CUresult cuGraphLaunch(CUgraphExec x, CUstream s) { BEGIN for (int i = 0; i < x->nodes.count; i++) append(&s->queue, x->nodes.ops[i]); return 0; }
CUresult cuGraphExecDestroy(CUgraphExec x) { FAIL free(x->nodes.ops); free(x); fake_live--; return 0; }
CUresult cuProfilerStart(void) { BEGIN fake_profiling++; return 0; }
CUresult cuProfilerStop(void) { BEGIN fake_profiling--; return 0; }
