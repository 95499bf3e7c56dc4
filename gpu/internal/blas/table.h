// The functions of abi.h as a table of pointers, filled once per process, a C function lt_<symbol> for each, and what a
// product is queued with: one call from Go.
#ifndef CONTIG_BLAS_TABLE_H
#define CONTIG_BLAS_TABLE_H
#include "abi.h"
#include <stdlib.h>

#define LT_FIELD(sym, params, args) cublasStatus_t (*sym) params;
#define LT_OTHER_FIELD(sym, result, params, args) result (*sym) params;
extern struct lt_table { CONTIG_LT_FUNCTIONS(LT_FIELD) CONTIG_LT_OTHERS(LT_OTHER_FIELD) } lt_table;
#undef LT_FIELD
#undef LT_OTHER_FIELD
#define LT_CALL(sym, params, args) static inline cublasStatus_t lt_##sym params { return lt_table.sym args; }
CONTIG_LT_FUNCTIONS(LT_CALL)
#undef LT_CALL
#define LT_CALL(sym, result, params, args) static inline result lt_##sym params { return lt_table.sym args; }
CONTIG_LT_OTHERS(LT_CALL)
#undef LT_CALL

// The name of the i-th function of the table, NULL behind the last; and setting its address.
const char *lt_name(int i);
void lt_set(int i, void *p);

// A plan is everything that cublasLtMatmul wants besides addresses. first and second are its A and B; out is C and D.
struct lt_plan {
	cublasLtHandle_t handle; // NULL until an algorithm is chosen
	cublasLtMatmulDesc_t desc;
	cublasLtMatrixLayout_t first, second, out;
	cublasLtMatmulPreference_t pref;
	struct contig_lt_algo algo;
	float alpha, beta;
	uintptr_t bias; // the address that desc has; 0: it has no bias
};

struct lt_plan *lt_plan_new(void);

// lt_plan_free gives back what the plan has, which need not be everything.
void lt_plan_free(struct lt_plan *p);

// lt_plan_bias tells the descriptor where the bias lies. The library reads it when a product is queued.
cublasStatus_t lt_plan_bias(struct lt_plan *p, uintptr_t bias);

// lt_plan_heuristic asks for algorithms, the one estimated fastest first.
cublasStatus_t lt_plan_heuristic(cublasLtHandle_t handle, struct lt_plan *p, int wanted, struct contig_lt_result *results,
	int *found);

// lt_plan_run queues D = alpha first second + beta D on stream.
cublasStatus_t lt_plan_run(struct lt_plan *p, uintptr_t out, uintptr_t first, uintptr_t second, uintptr_t bias,
	uintptr_t workspace, size_t bytes, uintptr_t stream);
#endif
