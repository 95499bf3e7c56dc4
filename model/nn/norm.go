package nn

import "contig-gpu/gpu"

// Of every batch norm: PyTorch's defaults, which method and torchvision keep.
const (
	normEps      = 1e-5
	normMomentum = 0.1
)

// BatchNorm normalises each channel over the rows of the batch: y = weight (x - mean) rstd + bias, channels last.
// It can add a residual and apply a ReLU in the same pass, and leave out the rows that Pass.Rows says are absent.
type BatchNorm struct {
	Weight, Bias    *Param  // [c]
	RunMean, RunVar *Buffer // [c], what evaluation normalises with; the variance is the unbiased one
	relu, masked    bool
	channels        int
}

// NewBatchNorm returns a norm of c channels: name.weight, name.bias, name.running_mean, name.running_var.
func NewBatchNorm(name string, c int) *BatchNorm {
	d := []int{c}
	return &BatchNorm{
		Weight:   &Param{Name: name + ".weight", Dims: d, Init: Ones},
		Bias:     &Param{Name: name + ".bias", Dims: d, Init: Zeros},
		RunMean:  &Buffer{Name: name + ".running_mean", Dims: d, Init: Zeros},
		RunVar:   &Buffer{Name: name + ".running_var", Dims: d, Init: Ones},
		channels: c,
	}
}

// WithReLU applies a ReLU last, after the residual is added, and returns b.
func (b *BatchNorm) WithReLU() *BatchNorm {
	b.relu = true
	return b
}

// Masked makes b look at Pass.Rows: absent rows leave the statistics and come out as 0. It returns b.
func (b *BatchNorm) Masked() *BatchNorm {
	b.masked = true
	return b
}

// Params returns the weight and the bias.
func (b *BatchNorm) Params() []*Param { return []*Param{b.Weight, b.Bias} }

// Buffers returns the running averages.
func (b *BatchNorm) Buffers() []*Buffer { return []*Buffer{b.RunMean, b.RunVar} }

// Forward normalises x, of rank 2 or 4.
func (b *BatchNorm) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	return b.ForwardAdd(p, x, gpu.Tensor{})
}

// ForwardAdd normalises x and adds the residual before the ReLU; the zero Tensor adds nothing.
func (b *BatchNorm) ForwardAdd(p *Pass, x, add gpu.Tensor) gpu.Tensor {
	var rows gpu.Tensor
	if b.masked {
		rows = p.Rows
	}
	y := p.New(x.Dims()...)
	if !p.Train {
		gpu.BatchNormEval(y, x, b.Weight.Value, b.Bias.Value, b.RunMean.Value, b.RunVar.Value, add, rows, gpu.Tensor{}, b.relu, b.spec(p))
		p.Save(b)
		return y
	}
	mean, rstd := p.NewAs(Master(p.DType), b.channels), p.NewAs(Master(p.DType), b.channels)
	var mask, through gpu.Tensor // what the ReLU lets through, as bits or as the result
	switch {
	case !p.keeps():
	case b.relu && gpu.MaskPays(p.DType):
		mask = p.NewAs(gpu.U8, gpu.MaskLen(x.Len()))
		through = mask
	case b.relu:
		through = y
	}
	p.sumsOf(x, func(sums gpu.Tensor) {
		spec := b.spec(p)
		spec.Sums = sums
		gpu.BatchNormTrain(y, mean, rstd, x, b.Weight.Value, b.Bias.Value, b.RunMean.Value, b.RunVar.Value, add, rows, mask, b.relu, spec)
	})
	p.Save(b, x, through, mean, rstd, rows)
	if !p.keeps() {
		p.consumed(mean)
		p.consumed(rstd)
	}
	return y
}

// Backward of Forward. dx takes dy's place.
func (b *BatchNorm) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	b.backward(p, dy, gpu.Tensor{}, dy)
	return dy
}

// BackwardAdd of ForwardAdd: the gradients of x and of the residual, which takes dy's place.
func (b *BatchNorm) BackwardAdd(p *Pass, dy gpu.Tensor) (dx, dadd gpu.Tensor) {
	dx = p.Temp(dy.Dims()...)
	b.backward(p, dx, dy, dy)
	return dx, dy
}

func (b *BatchNorm) backward(p *Pass, dx, dadd, dy gpu.Tensor) {
	s := p.Load(b)
	x, through, mean, rstd, rows := s[0], s[1], s[2], s[3], s[4]
	gpu.BatchNormBackward(dx, dadd, b.Weight.Grad, b.Bias.Grad, dy, through, x, mean, rstd, b.Weight.Value, rows, b.relu)
}

func (b *BatchNorm) spec(p *Pass) gpu.BatchNorm {
	if p.NoAverages {
		return gpu.BatchNorm{Eps: normEps}
	}
	return gpu.BatchNorm{Eps: normEps, Momentum: normMomentum}
}
