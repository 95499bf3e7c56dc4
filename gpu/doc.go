// Package gpu is the compute layer: devices, memory, tensors and the operations on them.
//
// A Device executes operations in program order. An Arena owns memory of one device and deals out
// Tensors, which are values and views and own nothing. An operation is a function, destination first:
//
//	d, err := gpu.Open("cpu", gpu.Options{})
//	a := d.NewArena(1 << 20)
//	x, y := a.New(gpu.F32, 8, 128), a.New(gpu.F32, 8, 128)
//	norm := a.New(gpu.F32, 8)
//	gpu.L2Norm(y, norm, x, 1e-12)
//	err = d.Sync()
//
// # Devices
//
// "cpu" computes in Go with generated assembly; "plan" checks shapes and counts bytes and computes
// nothing; "auto" takes the best device there is and Device.Why says why.
//
// # Letters
//
// N batch, H W height and width, C channels, K output channels, R S kernel height and width,
// F features, D embedding. Images and activations are NHWC, convolution weights [K, R, S, C],
// linear weights [out, in]. A gradient is d + name (dx, dw). Statistics are mean, rstd, norm.
// Words for who and what takes part: present is a flag of each row, passed are the bits that a ReLU let through, pairs say how rows
// are related.
//
// # Floors
//
// An operation op_<stem>.go checks shapes and has its CPU and its GPU form; kernels/<stem>*.cu, gpu/internal/cpukern and
// conformance_<stem>_test.go have the same stem. What a device is, is known to backend*.go alone; below are drivers.
//
// # Rules
//
// Gradients of parameters accumulate (+=), gradients of activations are written (=).
// A programmer's error (shape, type, device) panics with the operation, the tensor and both shapes;
// what the world does wrong is an error. No operation allocates memory a caller can see.
// Results do not depend on the number of threads.
package gpu
