// First on the include path before the vendor's cuda.h, so that gorgonia.org/cu v0.9.6, which was written for CUDA 10
// to 12, compiles unmodified against CUDA 13: five functions changed their parameters there, and keep the old ones here.
#ifndef CONTIG_OVERLAY_CUDA_H
#define CONTIG_OVERLAY_CUDA_H
#include_next <cuda.h>

#if CUDA_VERSION >= 13000

// contig_location says where managed memory should be, as CUDA 13 wants it: a kind of place and its number.
static inline CUmemLocation contig_location(CUdevice device) {
    CUmemLocation where = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device};
    if (device == CU_DEVICE_CPU)
        where = (CUmemLocation){.type = CU_MEM_LOCATION_TYPE_HOST, .id = 0};
    return where;
}

static inline CUresult contig_cuCtxCreate(CUcontext *ctx, unsigned int flags, CUdevice device) {
    return cuCtxCreate_v4(ctx, NULL, flags, device);
}

static inline CUresult contig_cuMemAdvise(CUdeviceptr p, size_t bytes, CUmem_advise advice, CUdevice device) {
    return cuMemAdvise_v2(p, bytes, advice, contig_location(device));
}

static inline CUresult contig_cuMemPrefetchAsync(CUdeviceptr p, size_t bytes, CUdevice device, CUstream stream) {
    return cuMemPrefetchAsync_v2(p, bytes, contig_location(device), 0, stream);
}

static inline CUresult contig_cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t n) {
    return cuGraphAddDependencies_v2(graph, from, to, NULL, n);
}

static inline CUresult contig_cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to, size_t *n) {
    return cuGraphGetEdges_v2(graph, from, to, NULL, n);
}

#undef cuCtxCreate
#undef cuMemAdvise
#undef cuMemPrefetchAsync
#undef cuGraphAddDependencies
#undef cuGraphGetEdges
#define cuCtxCreate contig_cuCtxCreate
#define cuMemAdvise contig_cuMemAdvise
#define cuMemPrefetchAsync contig_cuMemPrefetchAsync
#define cuGraphAddDependencies contig_cuGraphAddDependencies
#define cuGraphGetEdges contig_cuGraphGetEdges

#endif
#endif
