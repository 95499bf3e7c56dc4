// A libcuda.so.1 without a driver: what cuDNN's engines look up before they are compiled at run time. Nothing runs.
//   gcc -shared -fPIC -Wl,-soname,libcuda.so.1 libcuda_stub.c -o libcuda.so.1, found by LD_LIBRARY_PATH
#define SUCCESS 0
#define ERROR_NO_DEVICE 100

int cuDriverGetVersion(int *version) { *version = 13000; return SUCCESS; }
int cuDeviceGetCount(int *count) { *count = 0; return SUCCESS; }
int cuGetErrorName(int error, const char **name) { (void)error; *name = "no device"; return SUCCESS; }
int cuGetErrorString(int error, const char **text) { (void)error; *text = "a stub without a driver"; return SUCCESS; }

#define REFUSES(name) int name(void) { return ERROR_NO_DEVICE; }
REFUSES(cuInit)
REFUSES(cuDeviceGet)
REFUSES(cuCtxGetCurrent)
REFUSES(cuCtxGetLimit)
REFUSES(cuCtxPopCurrent)
REFUSES(cuCtxPushCurrent)
REFUSES(cuStreamGetCtx)
REFUSES(cuLinkCreate)
REFUSES(cuLinkAddData)
REFUSES(cuLinkComplete)
REFUSES(cuLinkDestroy)
REFUSES(cuLaunchKernel)
REFUSES(cuLaunchCooperativeKernel)
REFUSES(cuLaunchKernelEx)
REFUSES(cuLibraryLoadData)
REFUSES(cuLibraryLoadFromFile)
REFUSES(cuLibraryGetKernel)
REFUSES(cuLibraryUnload)
REFUSES(cuKernelSetAttribute)
REFUSES(cuKernelGetAttribute)
REFUSES(cuKernelGetFunction)
REFUSES(cuOccupancyMaxPotentialClusterSize)
