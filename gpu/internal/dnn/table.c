//go:build linux && cgo

#include "calls.h"

struct contig_cudnn contig_cudnn;

#define NAME(sym, params, args) #sym,
#define OTHER_NAME(sym, result, params, args) #sym,
static const char *const names[] = { CONTIG_DNN_FUNCTIONS(NAME) CONTIG_DNN_OTHERS(OTHER_NAME) NULL };

const char *contig_cudnn_name(int i) { return names[i]; }
void contig_cudnn_set(int i, void *p) { ((void **)&contig_cudnn)[i] = p; }

// explained keeps the library's text of a failure. The library holds it per thread, and Go may go on in another one.
static cudnnStatus_t explained(cudnnStatus_t s, char *why) {
	why[0] = 0;
	if (s != CUDNN_STATUS_SUCCESS)
		contig_cudnnGetLastErrorString(why, CONTIG_WHY);
	return s;
}

cudnnStatus_t contig_open(cudnnHandle_t *handle, cudaStream_t stream, char *why) {
	cudnnStatus_t s = explained(contig_cudnnCreate(handle), why);
	if (s != CUDNN_STATUS_SUCCESS)
		return s;
	s = explained(contig_cudnnSetStream(*handle, stream), why);
	if (s != CUDNN_STATUS_SUCCESS)
		contig_cudnnDestroy(*handle);
	return s;
}

cudnnStatus_t contig_close(cudnnHandle_t handle, char *why) { return explained(contig_cudnnDestroy(handle), why); }

cudnnStatus_t contig_create(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *desc, char *why) {
	return explained(contig_cudnnBackendCreateDescriptor(type, desc), why);
}

cudnnStatus_t contig_set(cudnnBackendDescriptor_t desc, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                         int64_t count, const void *values, char *why) {
	return explained(contig_cudnnBackendSetAttribute(desc, name, type, count, values), why);
}

cudnnStatus_t contig_get(cudnnBackendDescriptor_t desc, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                         int64_t room, int64_t *count, void *values, char *why) {
	return explained(contig_cudnnBackendGetAttribute(desc, name, type, room, count, values), why);
}

cudnnStatus_t contig_finalize(cudnnBackendDescriptor_t desc, char *why) {
	return explained(contig_cudnnBackendFinalize(desc), why);
}

cudnnStatus_t contig_execute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, struct contig_pack *p) {
	cudnnBackendDescriptor_t pack = NULL;
	cudnnStatus_t s = contig_create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack, p->why);
	if (s == CUDNN_STATUS_SUCCESS)
		s = contig_set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, p->count, p->ids, p->why);
	if (s == CUDNN_STATUS_SUCCESS)
		s = contig_set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, p->count, p->pointers, p->why);
	if (s == CUDNN_STATUS_SUCCESS)
		s = contig_set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &p->workspace, p->why);
	if (s == CUDNN_STATUS_SUCCESS)
		s = contig_finalize(pack, p->why);
	if (s == CUDNN_STATUS_SUCCESS)
		s = explained(contig_cudnnBackendExecute(handle, plan, pack), p->why);
	if (pack)
		contig_cudnnBackendDestroyDescriptor(pack);
	return s;
}
