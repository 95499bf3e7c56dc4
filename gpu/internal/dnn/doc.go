// Package dnn computes convolutions with cuDNN 9, through its backend API, opened at run time (package dl). Building
// needs gcc and none of the vendor's files.
//
// What is called, with which types and numbers, is declared by hand in abi.h and nowhere else; abi/abi_check.c holds it
// against the vendor's headers where they are installed (scripts/cuda_wheels.sh), and a test runs it.
//
// A Problem is a convolution, alone or with what is fused to it, as comparable data. From it a graph of descriptors is
// built (graph.go, build.go); the library proposes engines for the graph (plan.go); those that round or order
// their sums in ways we do not accept are left out (choice.go); of the others the fastest is kept where a Timer is
// given, else the library's first (choose.go). What was chosen by timing is kept on disk by GPU, architecture and
// library version (cache.go), as the library writes a plan: with its machine code where it was compiled at run time, so that a second
// start compiles nothing. A Pack holds such plans for GPUs that have not timed any yet (pack.go).
//
// Rules that hold for every plan: tensors are NHWC and dense, at addresses of 16 bytes; sums are float32; no float
// atomics, unless Options.NonDeterministic; float32 runs on tensor cores (TF32) only where the Problem allows it. The
// library marks its engines with numerical notes, and choice.go goes by them. Where no plan is left the call fails
// with a NoPlanError that holds shape and the library's own words; nothing is tried in its stead.
//
// The gradient of weights is float32 and accumulates whatever the type of x and dy. cuDNN has no plan that adds a 16-bit
// convolution's gradient to float32 memory by beta (asked of 9.26 and 9.19 for every GPU in gpus/). There are three ways (weight.go):
// windows of 1x1 are a product, which adds float32 sums; the gradient rounded to the type of x, and an addition by a kernel of ours; and, for an even number
// of channels, a plan that fuses the addition: dw = gradient + dw, read and written at the same address, element by element.
//
// A Prober builds the same plans for a GPU that is described by a file and not there: since version 9.8 the library
// finalizes plans against a description of a device. That is how tests prove, on any machine, that every
// convolution of the program has a plan on every GPU of gpus/, and how workspaces.json comes about.
package dnn
