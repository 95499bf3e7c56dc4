// Package nvrtccheck has a test alone: that NVRTC compiles our kernels. A process loads one NVRTC, and other packages'
// tests load the emulator's.
package nvrtccheck
