// A library that exports the names of abi.h and calls itself NCCL 2.18.5. Nothing but its version may be asked.
#include <stdlib.h>

int ncclGetVersion(int *version) { return *version = 21805, 0; }
#define REFUSE(sym) void sym(void) { abort(); }
REFUSE(ncclGetUniqueId) REFUSE(ncclCommInitRankConfig) REFUSE(ncclCommGetAsyncError) REFUSE(ncclCommFinalize) REFUSE(ncclCommDestroy)
REFUSE(ncclCommAbort) REFUSE(ncclAllReduce) REFUSE(ncclAllGather) REFUSE(ncclBroadcast) REFUSE(ncclGetErrorString) REFUSE(ncclGetLastError)
