// The functions of abi.h as tables of pointers, filled once per process, and a C function contig_<symbol> for each.
#ifndef CONTIG_CUDA_TABLE_H
#define CONTIG_CUDA_TABLE_H
#include "abi.h"

#define CONTIG_FIELD(sym, params, args) CUresult (*sym) params;
extern struct contig_driver { CONTIG_DRIVER_FUNCTIONS(CONTIG_FIELD) } contig_driver;
#undef CONTIG_FIELD
#define CONTIG_CALL(sym, params, args) static inline CUresult contig_##sym params { return contig_driver.sym args; }
CONTIG_DRIVER_FUNCTIONS(CONTIG_CALL)
#undef CONTIG_CALL

#define CONTIG_FIELD(sym, params, args) nvrtcResult (*sym) params;
#define CONTIG_TEXT_FIELD(sym, params, args) const char *(*sym) params;
extern struct contig_nvrtc { CONTIG_NVRTC_FUNCTIONS(CONTIG_FIELD) CONTIG_NVRTC_TEXT(CONTIG_TEXT_FIELD) } contig_nvrtc;
#undef CONTIG_FIELD
#undef CONTIG_TEXT_FIELD
#define CONTIG_CALL(sym, params, args) static inline nvrtcResult contig_##sym params { return contig_nvrtc.sym args; }
CONTIG_NVRTC_FUNCTIONS(CONTIG_CALL)
#undef CONTIG_CALL
#define CONTIG_CALL(sym, params, args) static inline const char *contig_##sym params { return contig_nvrtc.sym args; }
CONTIG_NVRTC_TEXT(CONTIG_CALL)
#undef CONTIG_CALL

// The name of the i-th function of a table, NULL behind the last; and setting its address.
const char *contig_driver_name(int i);
void contig_driver_set(int i, void *p);
const char *contig_nvrtc_name(int i);
void contig_nvrtc_set(int i, void *p);
#endif
