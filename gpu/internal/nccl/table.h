// The functions of abi.h as a table of pointers, filled once per process, and C functions that call them.
#ifndef CONTIG_NCCL_TABLE_H
#define CONTIG_NCCL_TABLE_H
#include "abi.h"
#include <string.h>

#define CONTIG_FIELD(sym, params, args) ncclResult_t (*sym) params;
#define CONTIG_TEXT(sym, params, args) const char *(*sym) params;
extern struct contig_nccl { CONTIG_NCCL_FUNCTIONS(CONTIG_FIELD) CONTIG_NCCL_TEXTS(CONTIG_TEXT) } contig_nccl;
#undef CONTIG_FIELD
#undef CONTIG_TEXT
#define CONTIG_CALL(sym, params, args) static inline ncclResult_t contig_##sym params { return contig_nccl.sym args; }
CONTIG_NCCL_FUNCTIONS(CONTIG_CALL)
#undef CONTIG_CALL
#define CONTIG_CALL(sym, params, args) static inline const char *contig_##sym params { return contig_nccl.sym args; }
CONTIG_NCCL_TEXTS(CONTIG_CALL)
#undef CONTIG_CALL

// The name of the i-th function, NULL behind the last; and setting its address.
const char *contig_nccl_name(int i);
void contig_nccl_set(int i, void *p);

// contig_nccl_init joins the ranks that have the same id, whose bytes are read before it returns. It does not wait for them.
static inline ncclResult_t contig_nccl_init(ncclComm_t *comm, int ranks, const void *id, int rank) {
	ncclConfig_t c = { sizeof c, CONTIG_NCCL_MAGIC, CONTIG_NCCL_CONFIG_VERSION, 0, CONTIG_NCCL_UNSET, CONTIG_NCCL_UNSET, CONTIG_NCCL_UNSET, NULL, CONTIG_NCCL_UNSET };
	ncclUniqueId u;
	memcpy(u.internal, id, sizeof u.internal);
	return contig_ncclCommInitRankConfig(comm, ranks, u, rank, &c);
}

// Device memory and streams are numbers here, as Go has them.
static inline ncclResult_t contig_nccl_sum(uintptr_t p, size_t n, ncclDataType_t type, ncclComm_t comm, uintptr_t stream) {
	return contig_ncclAllReduce((void *)p, (void *)p, n, type, ncclSum, comm, (cudaStream_t)stream);
}

static inline ncclResult_t contig_nccl_gather(uintptr_t dst, uintptr_t src, size_t bytes, ncclComm_t comm, uintptr_t stream) {
	return contig_ncclAllGather((void *)src, (void *)dst, bytes, ncclUint8, comm, (cudaStream_t)stream);
}

static inline ncclResult_t contig_nccl_spread(uintptr_t p, size_t bytes, ncclComm_t comm, uintptr_t stream) {
	return contig_ncclBroadcast((void *)p, (void *)p, bytes, ncclUint8, 0, comm, (cudaStream_t)stream);
}
#endif
