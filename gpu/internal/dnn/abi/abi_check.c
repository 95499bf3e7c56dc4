// Compares ../abi.h with the vendor's headers, where they are installed. Nothing is linked or run:
//   cc -fsyntax-only -I<folder of cudnn.h> -I<folder of cuda_runtime.h> gpu/internal/dnn/abi/abi_check.c
// Go does not compile this folder, which has no Go file.
#include <cudnn.h>

#define CONTIG_ABI_CHECK // declare nothing that the vendor's headers declare
#include "../abi.h"

#define SAME(a, b, what) _Static_assert(__builtin_types_compatible_p(a, b), what " is declared otherwise");

#define CHECK(sym, params, args) SAME(__typeof__(&sym), cudnnStatus_t (*) params, #sym)
CONTIG_DNN_FUNCTIONS(CHECK)
#undef CHECK
#define CHECK(sym, result, params, args) SAME(__typeof__(&sym), result (*) params, #sym)
CONTIG_DNN_OTHERS(CHECK)
#undef CHECK

#define CHECK(name) SAME(name, unsigned, #name)
CONTIG_DNN_ENUMS(CHECK)
#undef CHECK
#define CHECK(name, value) _Static_assert((int)(name) == (value), #name " is another number");
CONTIG_DNN_CONSTANTS(CHECK)
#undef CHECK

// Attribute values of an enumeration are read and written as 32-bit numbers, flags as one byte.
#define CHECK(name) _Static_assert(sizeof(name) == sizeof(int32_t), #name " has another size");
CHECK(cudnnDataType_t) CHECK(cudnnConvolutionMode_t) CHECK(cudnnGenStatsMode_t) CHECK(cudnnPointwiseMode_t)
CHECK(cudnnBackendHeurMode_t) CHECK(cudnnBackendNumericalNote_t) CHECK(cudnnBackendBehaviorNote_t) CHECK(cudnnBackendKnobType_t)
#undef CHECK

// Handles are pointers to what only the library looks into.
SAME(cudnnHandle_t, struct cudnnContext *, "cudnnHandle_t")
SAME(cudnnBackendDescriptor_t, void *, "cudnnBackendDescriptor_t")
SAME(cudaStream_t, struct CUstream_st *, "cudaStream_t")
