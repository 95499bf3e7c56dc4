// What is called in every step: each function enters the context and queues one thing, so that Go crosses into C once.
#ifndef CONTIG_CUDA_CALLS_H
#define CONTIG_CUDA_CALLS_H
#include "table.h"
#include <pthread.h>
#include <stdlib.h>

// The streams of a queue: for work in program order, for copies from the host, and for collectives beside the first.
enum contig_stream { CONTIG_MAIN, CONTIG_COPY, CONTIG_SIDE, CONTIG_STREAMS };

// A queue is a context, its streams and the one thread that may use them.
struct contig_queue {
	CUcontext ctx;
	CUstream streams[CONTIG_STREAMS];
	pthread_t owner;
};

// Returned, in place of a driver's code, for a call from another thread than the queue's owner.
#define CONTIG_WRONG_THREAD (-1)

// The context that this thread entered last.
extern _Thread_local CUcontext contig_current;

static inline struct contig_queue *contig_queue_new(CUcontext ctx) {
	struct contig_queue *q = calloc(1, sizeof *q);
	if (q) q->ctx = ctx, q->owner = pthread_self();
	return q;
}

// contig_enter makes q's context the current one: two devices may be driven from one thread in turn.
static inline CUresult contig_enter(const struct contig_queue *q) {
	if (!pthread_equal(pthread_self(), q->owner)) return CONTIG_WRONG_THREAD;
	if (contig_current == q->ctx) return CUDA_SUCCESS;
	CUresult r = contig_cuCtxSetCurrent(q->ctx);
	if (r == CUDA_SUCCESS) contig_current = q->ctx;
	return r;
}

static inline void contig_leave(void) {
	contig_cuCtxSetCurrent(NULL);
	contig_current = NULL;
}

#define CONTIG_ENTER(q) \
	CUresult entered = contig_enter(q); \
	if (entered != CUDA_SUCCESS) return entered

// Both kinds of launch take the arguments as one packed buffer. A cooperative one goes through cuLaunchKernelEx, because
// cuLaunchCooperativeKernel takes an array of pointers to the arguments only, whose offsets nobody here knows.
static inline CUresult contig_launch(const struct contig_queue *q, CUfunction f, unsigned gx, unsigned gy, unsigned gz,
		unsigned bx, unsigned by, unsigned bz, unsigned shared, int cooperative, void *args, size_t size) {
	CONTIG_ENTER(q);
	void *extra[] = {
		(void *)CONTIG_PARAM_BUFFER_POINTER, args, (void *)CONTIG_PARAM_BUFFER_SIZE, &size, (void *)CONTIG_PARAM_END,
	};
	if (!cooperative) return contig_cuLaunchKernel(f, gx, gy, gz, bx, by, bz, shared, q->streams[CONTIG_MAIN], NULL, extra);
	CUlaunchAttribute attr = { .id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value.cooperative = 1 };
	CUlaunchConfig config = { gx, gy, gz, bx, by, bz, shared, q->streams[CONTIG_MAIN], &attr, 1 };
	return contig_cuLaunchKernelEx(&config, f, NULL, extra);
}

static inline CUresult contig_copy(const struct contig_queue *q, CUdeviceptr dst, CUdeviceptr src, size_t bytes) {
	CONTIG_ENTER(q);
	return contig_cuMemcpyDtoDAsync_v2(dst, src, bytes, q->streams[CONTIG_MAIN]);
}

static inline CUresult contig_set(const struct contig_queue *q, CUdeviceptr dst, unsigned value, int width, size_t count) {
	CONTIG_ENTER(q);
	switch (width) {
	case 1: return contig_cuMemsetD8Async(dst, (unsigned char)value, count, q->streams[CONTIG_MAIN]);
	case 2: return contig_cuMemsetD16Async(dst, (unsigned short)value, count, q->streams[CONTIG_MAIN]);
	case 4: return contig_cuMemsetD32Async(dst, value, count, q->streams[CONTIG_MAIN]);
	}
	return CUDA_ERROR_INVALID_VALUE;
}

// src and dst of these two are pinned memory.
static inline CUresult contig_to_device(const struct contig_queue *q, enum contig_stream on, CUdeviceptr dst, const void *src, size_t bytes) {
	CONTIG_ENTER(q);
	return contig_cuMemcpyHtoDAsync_v2(dst, src, bytes, q->streams[on]);
}

static inline CUresult contig_to_host(const struct contig_queue *q, void *dst, CUdeviceptr src, size_t bytes) {
	CONTIG_ENTER(q);
	return contig_cuMemcpyDtoHAsync_v2(dst, src, bytes, q->streams[CONTIG_MAIN]);
}

static inline CUresult contig_record(const struct contig_queue *q, enum contig_stream on, CUevent event) {
	CONTIG_ENTER(q);
	return contig_cuEventRecord(event, q->streams[on]);
}

static inline CUresult contig_after(const struct contig_queue *q, enum contig_stream on, CUevent event) {
	CONTIG_ENTER(q);
	return contig_cuStreamWaitEvent(q->streams[on], event, 0);
}

static inline CUresult contig_replay(const struct contig_queue *q, CUgraphExec graph) {
	CONTIG_ENTER(q);
	return contig_cuGraphLaunch(graph, q->streams[CONTIG_MAIN]);
}

// contig_arg_bytes finds where the last of a kernel's arguments ends. The caller knows their number: to ask for one that there is not is a
// failing call, which compute-sanitizer reports.
static inline CUresult contig_arg_bytes(CUfunction f, size_t count, size_t *bytes) {
	size_t offset = 0, size = 0;
	CUresult r = count ? contig_cuFuncGetParamInfo(f, count - 1, &offset, &size) : CUDA_SUCCESS;
	*bytes = offset + size;
	return r;
}

// contig_call calls a function of the driver that takes nothing.
static inline CUresult contig_call(void *function) { return ((CUresult (*)(void))function)(); }

// contig_load_image loads a cubin, fatbin or NUL-terminated PTX; log holds the assembler's complaints afterwards.
static inline CUresult contig_load_image(CUmodule *module, const void *image, char *log, size_t size) {
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { log, (void *)size };
	return contig_cuModuleLoadDataEx(module, image, 2, options, values);
}
#endif
