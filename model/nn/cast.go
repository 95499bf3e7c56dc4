package nn

import "contig-gpu/gpu"

// Master is the type of parameters, statistics, losses and gradients of parameters where activations have type d:
// float32 beside 16 bits, else d itself.
func Master(d gpu.DType) gpu.DType {
	if d == gpu.BF16 || d == gpu.F16 {
		return gpu.F32
	}
	return d
}
