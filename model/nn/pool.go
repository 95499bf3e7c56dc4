package nn

import "contig-gpu/gpu"

// plain is embedded by layers that learn nothing.
type plain struct{}

// Params returns nothing.
func (plain) Params() []*Param { return nil }

// Buffers returns nothing.
func (plain) Buffers() []*Buffer { return nil }

// MaxPool takes the largest value of each K x K window of [N, H, W, C].
type MaxPool struct {
	plain
	K, Stride, Pad int
}

// Forward pools.
func (l *MaxPool) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	p.noRule(l)
	h, w := windows(x.Dim(1), l.K, l.Stride, l.Pad), windows(x.Dim(2), l.K, l.Stride, l.Pad)
	y := p.New(x.Dim(0), h, w, x.Dim(3))
	argmax := p.NewAs(gpu.U8, y.Dims()...)
	gpu.MaxPool(y, argmax, x, l.K, l.Stride, l.Pad)
	p.SaveShape(l, x, argmax)
	p.consumed(argmax)
	return y
}

// Backward sends each gradient to the value that was taken.
func (l *MaxPool) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	dims, s := p.LoadShape(l)
	dx := p.Temp(dims...)
	gpu.MaxPoolBackward(dx, dy, s[0], l.K, l.Stride, l.Pad)
	p.Free(dy)
	return dx
}

// GlobalAvgPool averages [N, H, W, C] over H and W to [N, C]. It is a pointer type so that Pass can tell two apart.
type GlobalAvgPool struct {
	plain
	_ byte // two zero-size values may share an address
}

// Forward averages.
func (l *GlobalAvgPool) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	y := p.New(x.Dim(0), x.Dim(3))
	gpu.GlobalAvgPool(y, x)
	p.SaveShape(l, x)
	return y
}

// Backward spreads dy evenly.
func (l *GlobalAvgPool) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	dims, _ := p.LoadShape(l)
	dx := p.Temp(dims...)
	gpu.GlobalAvgPoolBackward(dx, dy)
	p.Free(dy)
	return dx
}
