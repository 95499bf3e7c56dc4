// Compares ../abi.h with the vendor's headers, where they are installed. Nothing is linked or run:
//   cc -fsyntax-only -I<folder of cuda.h and nvrtc.h> gpu/internal/cuda/abi/abi_check.c
// Go does not compile this folder, which has no Go file.
#define CUDA_ENABLE_DEPRECATED // prototypes are compared, not called
#include <cuda.h>
#include <nvrtc.h>

#define CONTIG_ABI_CHECK // declare nothing that the vendor's headers declare
#include "../abi.h"

#define SAME(a, b, what) _Static_assert(__builtin_types_compatible_p(a, b), what " is declared otherwise");

#define CHECK(sym, params, args) SAME(__typeof__(&sym), CUresult (*) params, #sym)
CONTIG_DRIVER_FUNCTIONS(CHECK)
#undef CHECK
#define CHECK(sym, params, args) SAME(__typeof__(&sym), nvrtcResult (*) params, #sym)
CONTIG_NVRTC_FUNCTIONS(CHECK)
#undef CHECK
#define CHECK(sym, params, args) SAME(__typeof__(&sym), const char *(*) params, #sym)
CONTIG_NVRTC_TEXT(CHECK)
#undef CHECK

#define CHECK(name) _Static_assert(sizeof(name) == sizeof(int) && (name)1.5 == 1, #name " is not passed as int");
CONTIG_ENUMS(CHECK)
#undef CHECK
#define CHECK(name, to) SAME(name, struct to *, #name)
CONTIG_HANDLES(CHECK)
#undef CHECK
#define CHECK(name, value) _Static_assert((int)(name) == (value), #name " is another number");
CONTIG_CONSTANTS(CHECK)
CHECK(CU_LAUNCH_PARAM_END_AS_INT, CONTIG_PARAM_END)
CHECK(CU_LAUNCH_PARAM_BUFFER_POINTER_AS_INT, CONTIG_PARAM_BUFFER_POINTER)
CHECK(CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT, CONTIG_PARAM_BUFFER_SIZE)
#undef CHECK
SAME(CUdeviceptr, unsigned long long, "CUdeviceptr")

#define SIZE(theirs, ours) \
	_Static_assert(sizeof(theirs) == sizeof(ours) && _Alignof(theirs) == _Alignof(ours), #theirs " has another size");
#define FIELD(theirs, ours, field) \
	_Static_assert(offsetof(theirs, field) == offsetof(ours, field) && \
		sizeof(((theirs *)0)->field) == sizeof(((ours *)0)->field), #theirs "." #field " is elsewhere");
SIZE(CUlaunchAttribute, struct contig_launch_attribute)
FIELD(CUlaunchAttribute, struct contig_launch_attribute, id)
FIELD(CUlaunchAttribute, struct contig_launch_attribute, value)
FIELD(CUlaunchAttribute, struct contig_launch_attribute, value.cooperative)
SIZE(CUlaunchConfig, struct contig_launch_config)
FIELD(CUlaunchConfig, struct contig_launch_config, gridDimX)
FIELD(CUlaunchConfig, struct contig_launch_config, gridDimY)
FIELD(CUlaunchConfig, struct contig_launch_config, gridDimZ)
FIELD(CUlaunchConfig, struct contig_launch_config, blockDimX)
FIELD(CUlaunchConfig, struct contig_launch_config, blockDimY)
FIELD(CUlaunchConfig, struct contig_launch_config, blockDimZ)
FIELD(CUlaunchConfig, struct contig_launch_config, sharedMemBytes)
FIELD(CUlaunchConfig, struct contig_launch_config, hStream)
FIELD(CUlaunchConfig, struct contig_launch_config, attrs)
FIELD(CUlaunchConfig, struct contig_launch_config, numAttrs)
