// What is used of NCCL (libnccl.so.2): types, constants and functions by the names that the library exports, declared by hand, since the
// vendor's header is not needed to build. abi/abi_check.c compares every line with it where it is installed. All of this is in NCCL 2.19
// and later. The fake library exports exactly these functions.
#ifndef CONTIG_NCCL_ABI_H
#define CONTIG_NCCL_ABI_H
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

// Enumerations, which are passed as int.
#define CONTIG_NCCL_ENUMS(FN) FN(ncclResult_t) FN(ncclDataType_t) FN(ncclRedOp_t)

// FN(constant, value)
#define CONTIG_NCCL_CONSTANTS(FN) \
	FN(ncclSuccess, 0) \
	FN(ncclUnhandledCudaError, 1) \
	FN(ncclSystemError, 2) \
	FN(ncclInternalError, 3) \
	FN(ncclInvalidArgument, 4) \
	FN(ncclInvalidUsage, 5) \
	FN(ncclRemoteError, 6) \
	FN(ncclInProgress, 7) \
	FN(ncclUint8, 1) \
	FN(ncclFloat16, 6) \
	FN(ncclFloat32, 7) \
	FN(ncclBfloat16, 9) \
	FN(ncclSum, 0)

#define CONTIG_NCCL_ID_BYTES 128
#define CONTIG_NCCL_MAGIC 0xcafebeefu
#define CONTIG_NCCL_UNSET INT_MIN
// The version whose ncclConfig_t is declared below, 2.18.0: the library reads as many bytes as `size` says, and takes its own default
// for what is younger than `version`.
#define CONTIG_NCCL_CONFIG_VERSION 21800

#ifndef CONTIG_ABI_CHECK // which takes all these from the vendor's header
#define CONTIG_DECLARE(name) typedef int name;
CONTIG_NCCL_ENUMS(CONTIG_DECLARE)
#undef CONTIG_DECLARE
#define CONTIG_DECLARE(name, value) name = value,
enum { CONTIG_NCCL_CONSTANTS(CONTIG_DECLARE) };
#undef CONTIG_DECLARE
typedef struct ncclComm *ncclComm_t;
typedef struct CUstream_st *cudaStream_t; // the driver's CUstream
typedef struct { char internal[CONTIG_NCCL_ID_BYTES]; } ncclUniqueId;
typedef struct contig_nccl_config ncclConfig_t;
#endif

// The head of ncclConfig_t.
struct contig_nccl_config {
	size_t size;
	unsigned magic, version;
	int blocking, cgaClusterSize, minCTAs, maxCTAs;
	const char *netName;
	int splitShare;
};

// FN(symbol, parameters, arguments): ncclResult_t symbol parameters.
#define CONTIG_NCCL_FUNCTIONS(FN) \
	FN(ncclGetVersion, (int *version), (version)) \
	FN(ncclGetUniqueId, (ncclUniqueId *id), (id)) \
	FN(ncclCommInitRankConfig, (ncclComm_t *comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t *config), (comm, ranks, id, rank, config)) \
	FN(ncclCommGetAsyncError, (ncclComm_t comm, ncclResult_t *state), (comm, state)) \
	FN(ncclCommFinalize, (ncclComm_t comm), (comm)) \
	FN(ncclCommDestroy, (ncclComm_t comm), (comm)) \
	FN(ncclCommAbort, (ncclComm_t comm), (comm)) \
	FN(ncclAllReduce, (const void *src, void *dst, size_t n, ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream), (src, dst, n, type, op, comm, stream)) \
	FN(ncclAllGather, (const void *src, void *dst, size_t n, ncclDataType_t type, ncclComm_t comm, cudaStream_t stream), (src, dst, n, type, comm, stream)) \
	FN(ncclBroadcast, (const void *src, void *dst, size_t n, ncclDataType_t type, int root, ncclComm_t comm, cudaStream_t stream), (src, dst, n, type, root, comm, stream))
// and, returning const char *:
#define CONTIG_NCCL_TEXTS(FN) \
	FN(ncclGetErrorString, (ncclResult_t code), (code)) \
	FN(ncclGetLastError, (ncclComm_t comm), (comm))
#endif
