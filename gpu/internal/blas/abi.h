// What this package uses of cuBLASLt (libcublasLt.so.13 or .12): types, constants and the full list of functions, by the
// library's own names. Declared by hand, since the vendor's headers are not ours to ship; abi/abi_check.c compares every
// line with them where they are installed. A fake cuBLASLt exports exactly these functions and includes this file.
#ifndef CONTIG_BLAS_ABI_H
#define CONTIG_BLAS_ABI_H
#include <stddef.h>
#include <stdint.h>

// Enumerations, which are passed as unsigned.
#define CONTIG_LT_ENUMS(FN) \
	FN(cublasStatus_t) FN(cublasComputeType_t) FN(cudaDataType) FN(cublasLtMatmulDescAttributes_t) \
	FN(cublasLtMatrixLayoutAttribute_t) FN(cublasLtMatmulPreferenceAttributes_t) FN(cublasLtMatmulAlgoConfigAttributes_t)

// FN(constant, value)
#define CONTIG_LT_CONSTANTS(FN) \
	FN(CUBLAS_STATUS_SUCCESS, 0) \
	FN(CUBLAS_STATUS_NOT_INITIALIZED, 1) \
	FN(CUBLAS_STATUS_INVALID_VALUE, 7) \
	FN(CUBLAS_STATUS_NOT_SUPPORTED, 15) \
	FN(CUBLAS_COMPUTE_32F, 68) \
	FN(CUBLAS_COMPUTE_32F_FAST_TF32, 77) \
	FN(CUDA_R_32F, 0) \
	FN(CUDA_R_16F, 2) \
	FN(CUDA_R_16BF, 14) \
	FN(CUBLAS_OP_N, 0) \
	FN(CUBLAS_OP_T, 1) \
	FN(CUBLASLT_ORDER_COL, 0) \
	FN(CUBLASLT_POINTER_MODE_HOST, 0) \
	FN(CUBLASLT_EPILOGUE_DEFAULT, 1) \
	FN(CUBLASLT_EPILOGUE_RELU, 2) \
	FN(CUBLASLT_EPILOGUE_BIAS, 4) \
	FN(CUBLASLT_EPILOGUE_RELU_BIAS, 6) \
	FN(CUBLASLT_REDUCTION_SCHEME_NONE, 0) \
	FN(CUBLASLT_REDUCTION_SCHEME_INPLACE, 1) \
	FN(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 2) \
	FN(CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE, 4) \
	FN(CUBLASLT_MATMUL_DESC_COMPUTE_TYPE, 0) \
	FN(CUBLASLT_MATMUL_DESC_SCALE_TYPE, 1) \
	FN(CUBLASLT_MATMUL_DESC_POINTER_MODE, 2) \
	FN(CUBLASLT_MATMUL_DESC_TRANSA, 3) \
	FN(CUBLASLT_MATMUL_DESC_TRANSB, 4) \
	FN(CUBLASLT_MATMUL_DESC_EPILOGUE, 7) \
	FN(CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8) \
	FN(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, 26) \
	FN(CUBLASLT_MATRIX_LAYOUT_TYPE, 0) \
	FN(CUBLASLT_MATRIX_LAYOUT_ORDER, 1) \
	FN(CUBLASLT_MATRIX_LAYOUT_ROWS, 2) \
	FN(CUBLASLT_MATRIX_LAYOUT_COLS, 3) \
	FN(CUBLASLT_MATRIX_LAYOUT_LD, 4) \
	FN(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 1) \
	FN(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, 3) \
	FN(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 5) \
	FN(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 6) \
	FN(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 7) \
	FN(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 8) \
	FN(CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, 3)

#ifndef CONTIG_ABI_CHECK // which takes all these from the vendor's headers
#define CONTIG_DECLARE(name) typedef unsigned name;
CONTIG_LT_ENUMS(CONTIG_DECLARE)
#undef CONTIG_DECLARE
#define CONTIG_DECLARE(name, value) name = value,
enum { CONTIG_LT_CONSTANTS(CONTIG_DECLARE) };
#undef CONTIG_DECLARE
typedef struct cublasLtContext *cublasLtHandle_t;
typedef struct contig_lt_desc *cublasLtMatmulDesc_t;
typedef struct contig_lt_layout *cublasLtMatrixLayout_t;
typedef struct contig_lt_preference *cublasLtMatmulPreference_t;
typedef struct CUstream_st *cudaStream_t;
typedef struct contig_lt_algo cublasLtMatmulAlgo_t;
typedef struct contig_lt_result cublasLtMatmulHeuristicResult_t;
#endif

// An algorithm with its configuration: opaque, of known size, may be copied.
struct contig_lt_algo {
	uint64_t data[8];
};

// What the heuristic proposes. The other fields count only if state is CUBLAS_STATUS_SUCCESS.
struct contig_lt_result {
	struct contig_lt_algo algo;
	size_t workspaceSize; // bytes
	unsigned state;       // cublasStatus_t
	float wavesCount;
	int reserved[4];
};

// FN(function, parameters, arguments): those that return a cublasStatus_t.
#define CONTIG_LT_FUNCTIONS(FN) \
	FN(cublasLtCreate, (cublasLtHandle_t *handle), (handle)) \
	FN(cublasLtDestroy, (cublasLtHandle_t handle), (handle)) \
	FN(cublasLtMatmulDescCreate, (cublasLtMatmulDesc_t *desc, cublasComputeType_t compute, cudaDataType scale), \
		(desc, compute, scale)) \
	FN(cublasLtMatmulDescDestroy, (cublasLtMatmulDesc_t desc), (desc)) \
	FN(cublasLtMatmulDescSetAttribute, \
		(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attr, const void *value, size_t size), \
		(desc, attr, value, size)) \
	FN(cublasLtMatmulDescGetAttribute, \
		(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attr, void *value, size_t size, size_t *written), \
		(desc, attr, value, size, written)) \
	FN(cublasLtMatrixLayoutCreate, \
		(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows, uint64_t cols, int64_t ld), \
		(layout, type, rows, cols, ld)) \
	FN(cublasLtMatrixLayoutDestroy, (cublasLtMatrixLayout_t layout), (layout)) \
	FN(cublasLtMatrixLayoutSetAttribute, \
		(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t attr, const void *value, size_t size), \
		(layout, attr, value, size)) \
	FN(cublasLtMatrixLayoutGetAttribute, \
		(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t attr, void *value, size_t size, size_t *written), \
		(layout, attr, value, size, written)) \
	FN(cublasLtMatmulPreferenceCreate, (cublasLtMatmulPreference_t *pref), (pref)) \
	FN(cublasLtMatmulPreferenceDestroy, (cublasLtMatmulPreference_t pref), (pref)) \
	FN(cublasLtMatmulPreferenceSetAttribute, \
		(cublasLtMatmulPreference_t pref, cublasLtMatmulPreferenceAttributes_t attr, const void *value, size_t size), \
		(pref, attr, value, size)) \
	FN(cublasLtMatmulPreferenceGetAttribute, \
		(cublasLtMatmulPreference_t pref, cublasLtMatmulPreferenceAttributes_t attr, void *value, size_t size, \
			size_t *written), \
		(pref, attr, value, size, written)) \
	FN(cublasLtMatmulAlgoGetHeuristic, \
		(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, \
			cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t pref, int wanted, \
			cublasLtMatmulHeuristicResult_t *results, int *found), \
		(handle, desc, a, b, c, d, pref, wanted, results, found)) \
	FN(cublasLtMatmulAlgoConfigGetAttribute, \
		(const cublasLtMatmulAlgo_t *algo, cublasLtMatmulAlgoConfigAttributes_t attr, void *value, size_t size, \
			size_t *written), \
		(algo, attr, value, size, written)) \
	FN(cublasLtMatmul, \
		(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void *alpha, const void *a, \
			cublasLtMatrixLayout_t alayout, const void *b, cublasLtMatrixLayout_t blayout, const void *beta, const void *c, \
			cublasLtMatrixLayout_t clayout, void *d, cublasLtMatrixLayout_t dlayout, const cublasLtMatmulAlgo_t *algo, \
			void *workspace, size_t bytes, cudaStream_t stream), \
		(handle, desc, alpha, a, alayout, b, blayout, beta, c, clayout, d, dlayout, algo, workspace, bytes, stream))

// FN(function, result, parameters, arguments): the others.
#define CONTIG_LT_OTHERS(FN) \
	FN(cublasLtGetStatusName, const char *, (cublasStatus_t status), (status)) \
	FN(cublasLtGetStatusString, const char *, (cublasStatus_t status), (status)) \
	FN(cublasLtGetVersion, size_t, (void), ())
#endif
