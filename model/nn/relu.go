package nn

import "contig-gpu/gpu"

// ReLU is y = max(x, 0) as a layer of its own, whose Backward follows Pass.Rule. It is a pointer type so that Pass can tell two
// apart.
type ReLU struct {
	plain
	_ byte // two zero-size values may share an address
}

// Forward maps x [N, F].
func (l *ReLU) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	y := p.New(x.Dims()...)
	gpu.ReLU(y, x)
	if p.Rule == Rescale {
		p.Save(l, x)
	} else {
		p.Save(l, y)
	}
	return y
}

// Backward returns the gradient, or the multipliers, of x, in dy's place.
func (l *ReLU) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	kept := p.Load(l)[0]
	if p.Rule == Gradient {
		gpu.ReLUBackward(dy, dy, kept)
		return dy
	}
	n, f := dy.Dim(0), dy.Dim(1)
	x, base := kept.Slice(0, n*f).View(n, f), kept.Slice(n*f, kept.Len()).View(kept.Dim(0)-n, f)
	gpu.ReLURescale(dy, dy, x, base)
	return dy
}

// Unfused returns the layers of s with each ReLU that is fused into a Linear or a BatchNorm as a layer behind it. Parameters and
// running statistics are shared with s.
func Unfused(s Sequential) Sequential {
	var out Sequential
	for _, l := range s {
		switch l := l.(type) {
		case *Linear:
			plain := *l
			plain.relu = false
			out = append(out, &plain)
			if l.relu {
				out = append(out, &ReLU{})
			}
		case *BatchNorm:
			plain := *l
			plain.relu = false
			out = append(out, &plain)
			if l.relu {
				out = append(out, &ReLU{})
			}
		default:
			out = append(out, l)
		}
	}
	return out
}
