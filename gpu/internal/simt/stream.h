// Streams as the fake libraries see them. The fakes of cublasLt and cuDNN queue their work here, and so obey
// the driver's rules: what is queued runs at once, in order, unless the stream is being captured into a graph.
#pragma once
#include <functional>

// SIMT_API marks a function of a fake library's C interface.
#define SIMT_API extern "C" __attribute__((visibility("default")))

// simt_queue runs work, or records it in the graph that the stream is being captured into; the graph then runs
// it once for each replay, so work owns what it reads (copies of descriptors and arguments, device pointers).
// stream is a CUstream; null is the default stream.
void simt_queue(void *stream, std::function<void()> work);

// simt_follow makes what is queued on a stream from here on wait for what is queued on another, as the real NCCL does between the streams of
// one communicator; not while either is being captured, since a graph's work runs in the order in which it was queued.
void simt_follow(void *stream, void *other);

// simt_fault makes the device fail as a kernel that crashed does: text goes to standard error, and code (a
// CUresult) is what every later call on the context returns. For work that finds its arguments wrong as it runs.
void simt_fault(int code, const char *text);

// simt_device_range says whether bytes [p, p+n) lie within one live allocation of device memory.
bool simt_device_range(const void *p, size_t n);
