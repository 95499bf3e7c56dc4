// Compares ../abi.h with the vendor's headers, where they are installed. Nothing is linked or run:
//   cc -fsyntax-only -I<folder of cublasLt.h and cuda_runtime.h> gpu/internal/blas/abi/abi_check.c
// Go does not compile this folder, which has no Go file.
#include <cublasLt.h>

#define CONTIG_ABI_CHECK // declare nothing that the vendor's headers declare
#include "../abi.h"

#define SAME(a, b, what) _Static_assert(__builtin_types_compatible_p(a, b), what " is declared otherwise");

#define CHECK(sym, params, args) SAME(__typeof__(&sym), cublasStatus_t (*) params, #sym)
CONTIG_LT_FUNCTIONS(CHECK)
#undef CHECK
#define CHECK(sym, result, params, args) SAME(__typeof__(&sym), result (*) params, #sym)
CONTIG_LT_OTHERS(CHECK)
#undef CHECK

#define CHECK(name) SAME(name, unsigned, #name)
CONTIG_LT_ENUMS(CHECK)
#undef CHECK
#define CHECK(name, value) _Static_assert((int)(name) == (value), #name " is another number");
CONTIG_LT_CONSTANTS(CHECK)
#undef CHECK

// Handles are pointers, to structures that only the library looks into.
SAME(cublasLtHandle_t, struct cublasLtContext *, "cublasLtHandle_t")
SAME(cudaStream_t, struct CUstream_st *, "cudaStream_t")
_Static_assert(sizeof(cublasLtMatmulDesc_t) == sizeof(void *), "cublasLtMatmulDesc_t");
_Static_assert(sizeof(cublasLtMatrixLayout_t) == sizeof(void *), "cublasLtMatrixLayout_t");
_Static_assert(sizeof(cublasLtMatmulPreference_t) == sizeof(void *), "cublasLtMatmulPreference_t");

#define SIZE(theirs, ours) \
	_Static_assert(sizeof(theirs) == sizeof(ours) && _Alignof(theirs) == _Alignof(ours), #theirs " has another size");
#define FIELD(theirs, ours, field) \
	_Static_assert(offsetof(theirs, field) == offsetof(ours, field) && \
		sizeof(((theirs *)0)->field) == sizeof(((ours *)0)->field), #theirs "." #field " is elsewhere");
SIZE(cublasLtMatmulAlgo_t, struct contig_lt_algo)
SIZE(cublasLtMatmulHeuristicResult_t, struct contig_lt_result)
FIELD(cublasLtMatmulHeuristicResult_t, struct contig_lt_result, algo)
FIELD(cublasLtMatmulHeuristicResult_t, struct contig_lt_result, workspaceSize)
FIELD(cublasLtMatmulHeuristicResult_t, struct contig_lt_result, state)
FIELD(cublasLtMatmulHeuristicResult_t, struct contig_lt_result, wavesCount)
FIELD(cublasLtMatmulHeuristicResult_t, struct contig_lt_result, reserved)
_Static_assert(sizeof(struct contig_lt_algo) == 64 && sizeof(struct contig_lt_result) == 96, "the sizes that the binding was written for");
