//go:build linux && cgo

#include "calls.h"

struct contig_driver contig_driver;
struct contig_nvrtc contig_nvrtc;
_Thread_local CUcontext contig_current;

#define NAME(sym, params, args) #sym,
static const char *const driver_names[] = { CONTIG_DRIVER_FUNCTIONS(NAME) NULL };
static const char *const nvrtc_names[] = { CONTIG_NVRTC_FUNCTIONS(NAME) CONTIG_NVRTC_TEXT(NAME) NULL };

const char *contig_driver_name(int i) { return driver_names[i]; }
void contig_driver_set(int i, void *p) { ((void **)&contig_driver)[i] = p; }
const char *contig_nvrtc_name(int i) { return nvrtc_names[i]; }
void contig_nvrtc_set(int i, void *p) { ((void **)&contig_nvrtc)[i] = p; }
