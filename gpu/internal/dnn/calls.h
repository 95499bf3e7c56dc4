// What Go calls: each keeps the library's explanation of a failure in why, CONTIG_WHY bytes.
#ifndef CONTIG_DNN_CALLS_H
#define CONTIG_DNN_CALLS_H
#include "table.h"
#include <stdlib.h>

#define CONTIG_WHY 1024
#define CONTIG_TENSORS 16

// The memory that a plan works on, by its tensors' ids.
struct contig_pack {
	int64_t count;
	int64_t ids[CONTIG_TENSORS];
	uint64_t pointers[CONTIG_TENSORS]; // device addresses
	uint64_t workspace;
	char why[CONTIG_WHY];
};

cudnnStatus_t contig_open(cudnnHandle_t *handle, cudaStream_t stream, char *why);
cudnnStatus_t contig_close(cudnnHandle_t handle, char *why);
cudnnStatus_t contig_create(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *desc, char *why);
cudnnStatus_t contig_set(cudnnBackendDescriptor_t desc, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                         int64_t count, const void *values, char *why);
cudnnStatus_t contig_get(cudnnBackendDescriptor_t desc, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                         int64_t room, int64_t *count, void *values, char *why);
cudnnStatus_t contig_finalize(cudnnBackendDescriptor_t desc, char *why);
// contig_execute queues a plan. It crosses from Go once and leaves nothing behind.
cudnnStatus_t contig_execute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, struct contig_pack *p);
#endif
