// Package cuda drives a GPU through the CUDA driver (libcuda) and compiles kernels with NVRTC. Both libraries are
// opened at run time (package dl); building needs gcc and none of the vendor's files.
//
// What is called, with which types and numbers, is declared by hand in abi.h and nowhere else: one macro lists every
// function by its exported, versioned name. table.h makes a table of pointers and C functions of that list, calls.h the
// few functions that a training step calls, load.go fills the table. abi/abi_check.c holds abi.h against the vendor's
// headers where they are installed (CONTIG_WHEELS, scripts/cuda_wheels.sh), and a test runs it.
//
// A Context is a GPU's primary context, which it shares with libraries such as cuDNN, with a main stream in program
// order and a copy stream, neither of which waits for the default stream. Open locks the calling goroutine to its
// thread, since the driver keeps the current context per thread; calls go straight into C. Every entry compares the thread
// with the one that opened: a call from elsewhere is an error with the code WrongThread, not a crash. A launch packs its
// arguments into one buffer, allocates nothing and crosses into C once.
//
// Errors name device, call, code and the driver's texts (Error). Calls that only queue work return none: the first failure is
// kept, whichever call met it, nothing is queued after it, and Sync returns it. A failure on the device shows up in
// whatever call comes next, seldom the one at fault: CUDA_LAUNCH_BLOCKING=1 makes the driver wait after each launch, so that
// it shows up there. What waits or allocates is refused while a graph is captured, and spoils only that capture.
//
// Memory is taken with cuMemAlloc, page-locked memory with cuMemHostAlloc. Upload and Download take pageable memory and go
// through two page-locked buffers of 4 MiB; UploadPinned and DownloadPinned copy straight and insist on memory of Pinned.
// Close gives back all that is left, in the right order, whatever its holder does afterwards.
//
// CompileNVRTC turns sources in memory into a cubin and keeps it in the user cache folder.
package cuda
