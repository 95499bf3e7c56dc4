//go:build linux && cgo

#include "table.h"

struct lt_table lt_table;

#define NAME(sym, params, args) #sym,
#define OTHER_NAME(sym, result, params, args) #sym,
static const char *const names[] = { CONTIG_LT_FUNCTIONS(NAME) CONTIG_LT_OTHERS(OTHER_NAME) NULL };

const char *lt_name(int i) { return names[i]; }
void lt_set(int i, void *p) { ((void **)&lt_table)[i] = p; }

struct lt_plan *lt_plan_new(void) { return calloc(1, sizeof(struct lt_plan)); }

void lt_plan_free(struct lt_plan *p) {
	if (p->desc) lt_cublasLtMatmulDescDestroy(p->desc);
	if (p->first) lt_cublasLtMatrixLayoutDestroy(p->first);
	if (p->second) lt_cublasLtMatrixLayoutDestroy(p->second);
	if (p->out) lt_cublasLtMatrixLayoutDestroy(p->out);
	if (p->pref) lt_cublasLtMatmulPreferenceDestroy(p->pref);
	free(p);
}

cublasStatus_t lt_plan_bias(struct lt_plan *p, uintptr_t bias) {
	const void *at = (const void *)bias;
	cublasStatus_t s = lt_cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &at, sizeof at);
	if (s == CUBLAS_STATUS_SUCCESS) p->bias = bias;
	return s;
}

cublasStatus_t lt_plan_heuristic(cublasLtHandle_t handle, struct lt_plan *p, int wanted, struct contig_lt_result *results,
		int *found) {
	return lt_cublasLtMatmulAlgoGetHeuristic(handle, p->desc, p->first, p->second, p->out, p->out, p->pref, wanted, results,
		found);
}

cublasStatus_t lt_plan_run(struct lt_plan *p, uintptr_t out, uintptr_t first, uintptr_t second, uintptr_t bias,
		uintptr_t workspace, size_t bytes, uintptr_t stream) {
	if (bias != p->bias) {
		cublasStatus_t s = lt_plan_bias(p, bias);
		if (s != CUBLAS_STATUS_SUCCESS) return s;
	}
	void *d = (void *)out;
	return lt_cublasLtMatmul(p->handle, p->desc, &p->alpha, (const void *)first, p->first, (const void *)second, p->second,
		&p->beta, d, p->out, d, p->out, &p->algo, (void *)workspace, bytes, (cudaStream_t)stream);
}
