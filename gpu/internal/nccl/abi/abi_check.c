// Compares ../abi.h with the vendor's header, where it is installed. Nothing is linked or run:
//   cc -fsyntax-only -I<folder of nccl.h> -I<folder of cuda_runtime.h> gpu/internal/nccl/abi/abi_check.c
// Go does not compile this folder, which has no Go file.
#include <nccl.h>

#define CONTIG_ABI_CHECK // declare nothing that the vendor's header declares
#include "../abi.h"

#define SAME(a, b, what) _Static_assert(__builtin_types_compatible_p(a, b), what " is declared otherwise");

#define CHECK(sym, params, args) SAME(__typeof__(&sym), ncclResult_t (*) params, #sym)
CONTIG_NCCL_FUNCTIONS(CHECK)
#undef CHECK
#define CHECK(sym, params, args) SAME(__typeof__(&sym), const char *(*) params, #sym)
CONTIG_NCCL_TEXTS(CHECK)
#undef CHECK

#define CHECK(name) _Static_assert(sizeof(name) == sizeof(int), #name " is no int");
CONTIG_NCCL_ENUMS(CHECK)
#undef CHECK
#define CHECK(name, value) _Static_assert((int)(name) == (value), #name " is another number");
CONTIG_NCCL_CONSTANTS(CHECK)
#undef CHECK

// Handles are pointers, to structures that only the library looks into.
SAME(ncclComm_t, struct ncclComm *, "ncclComm_t")
SAME(cudaStream_t, struct CUstream_st *, "cudaStream_t")
_Static_assert(sizeof(ncclUniqueId) == CONTIG_NCCL_ID_BYTES && _Alignof(ncclUniqueId) == 1, "ncclUniqueId has another size");

_Static_assert(NCCL_VERSION_CODE >= 21900 && CONTIG_NCCL_CONFIG_VERSION == NCCL_VERSION(2, 18, 0), "the header is older than 2.19");
_Static_assert(NCCL_CONFIG_UNDEF_INT == CONTIG_NCCL_UNSET, "what is not set is another number");
#ifdef NCCL_API_MAGIC // which older headers have within NCCL_CONFIG_INITIALIZER alone
_Static_assert(NCCL_API_MAGIC == CONTIG_NCCL_MAGIC, "the magic is another number");
#endif

#define FIELD(field) \
	_Static_assert(offsetof(ncclConfig_t, field) == offsetof(struct contig_nccl_config, field) && \
		sizeof(((ncclConfig_t *)0)->field) == sizeof(((struct contig_nccl_config *)0)->field), "ncclConfig_t." #field " is elsewhere");
FIELD(size) FIELD(magic) FIELD(version) FIELD(blocking) FIELD(cgaClusterSize) FIELD(minCTAs) FIELD(maxCTAs) FIELD(netName) FIELD(splitShare)
