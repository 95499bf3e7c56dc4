// Package kernels is the place of the CUDA kernels: a leaf without cgo that imports the standard library
// only. This release computes on the CPU and ships none, which Names says.
package kernels

// Names returns the names of the kernels in this build, one per `__global__` function; none in this release.
func Names() []string { return nil }
