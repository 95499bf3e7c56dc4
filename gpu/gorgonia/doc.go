// Package gorgonia is the device "gorgonia:N" of package gpu: a GPU driven by gorgonia.org/cu (context, memory,
// modules, launches), its cu/blas (matrix products) and its cu/dnn (convolutions), version 0.9.6. It computes in
// float32, on the null stream, with the same kernels as the device "cuda:N" and slower than it: no 16-bit types, no
// second stream, no recorded graphs. It can work in a context, and on memory, that a Gorgonia program already has.
//
// Everything but this comment has the build tag gorgonia, and needs cgo, Linux, and headers and libraries of CUDA and
// cuDNN at build time, because:
//
//   - gorgonia.org/cu links to libcuda, and initialises the driver in an init function that ends the process where that
//     fails. A program built with the tag does not start on a machine without a GPU's driver, and exits with status 1 on
//     one without a GPU, whatever device it was asked for;
//   - it was written for CUDA 10 to 12 and cuDNN 7 and 8. The headers in overlay, first on the include path, make it
//     compile unmodified against CUDA 13 and cuDNN 9.
//
// scripts/gorgonia_env.sh prints the environment that a build needs, and `make gorgonia` builds and tests this way.
package gorgonia
