// The functions of abi.h as a table of pointers, filled once per process, and a C function contig_<symbol> for each.
#ifndef CONTIG_DNN_TABLE_H
#define CONTIG_DNN_TABLE_H
#include "abi.h"

#define CONTIG_FIELD(sym, params, args) cudnnStatus_t (*sym) params;
#define CONTIG_OTHER_FIELD(sym, result, params, args) result (*sym) params;
extern struct contig_cudnn { CONTIG_DNN_FUNCTIONS(CONTIG_FIELD) CONTIG_DNN_OTHERS(CONTIG_OTHER_FIELD) } contig_cudnn;
#undef CONTIG_FIELD
#undef CONTIG_OTHER_FIELD
#define CONTIG_CALL(sym, params, args) static inline cudnnStatus_t contig_##sym params { return contig_cudnn.sym args; }
CONTIG_DNN_FUNCTIONS(CONTIG_CALL)
#undef CONTIG_CALL
#define CONTIG_CALL(sym, result, params, args) static inline result contig_##sym params { return contig_cudnn.sym args; }
CONTIG_DNN_OTHERS(CONTIG_CALL)
#undef CONTIG_CALL

// The name of the i-th function, NULL behind the last; and setting its address.
const char *contig_cudnn_name(int i);
void contig_cudnn_set(int i, void *p);
#endif
