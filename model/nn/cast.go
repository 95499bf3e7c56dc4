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

// ToMaster turns activations of 16 bits into float32, for the loss, and their gradients back. It does nothing to
// other types. It is a pointer type so that Pass can tell two apart.
type ToMaster struct {
	plain
	_ byte
}

// Forward casts.
func (l *ToMaster) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	if Master(p.DType) == p.DType {
		return x
	}
	y := p.NewAs(Master(p.DType), x.Dims()...)
	gpu.Cast(y, x)
	p.Save(l)
	return y
}

// Backward casts back.
func (l *ToMaster) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	if Master(p.DType) == p.DType {
		return dy
	}
	p.Load(l)
	dx := p.Temp(dy.Dims()...)
	gpu.Cast(dx, dy)
	p.Free(dy)
	return dx
}
