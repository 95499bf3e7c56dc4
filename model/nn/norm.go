package nn

import (
	"math"

	"contig-gpu/gpu"
)

// Of every batch norm: PyTorch's defaults, which method and torchvision keep.
const (
	normEps      = 1e-5
	normMomentum = 0.1
)

// BatchNorm normalises each channel over the rows of the batch: y = weight (x - mean) rstd + bias, channels last.
// It can add a residual and apply a ReLU in the same operation, and leave out the rows that Pass.Present says are absent.
type BatchNorm struct {
	Weight, Bias    *Param  // [c]
	RunMean, RunVar *Buffer // [c], what evaluation normalises with; the variance is the unbiased one
	relu            bool
	presentOnly     bool
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

// PresentOnly makes b look at Pass.Present: absent rows leave the statistics and come out as 0. It returns b.
func (b *BatchNorm) PresentOnly() *BatchNorm {
	b.presentOnly = true
	b.RunMean.OfPresent, b.RunVar.OfPresent = true, true
	return b
}

// Params returns the weight and the bias.
func (b *BatchNorm) Params() []*Param { return []*Param{b.Weight, b.Bias} }

// Buffers returns the running averages.
func (b *BatchNorm) Buffers() []*Buffer { return []*Buffer{b.RunMean, b.RunVar} }

// Forward normalises x, of rank 2 or 4.
func (b *BatchNorm) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	return b.forward(p, x, gpu.Tensor{}, sums{})
}

// forward normalises x and adds the residual before the ReLU; the zero Tensor adds nothing. s are the sums of x, if the
// convolution that wrote it has them.
func (b *BatchNorm) forward(p *Pass, x, residual gpu.Tensor, s sums) gpu.Tensor {
	var present gpu.Tensor
	if b.presentOnly {
		present = p.Present
	}
	y := p.New(x.Dims()...)
	passed := b.passed(p, y)
	if p.Stats == RunningStats {
		b.byRunning(p, y, passed, x, residual, present)
	} else {
		b.byBatch(p, y, passed, x, residual, present, s)
	}
	return y
}

// passed returns what tells Backward where the ReLU let y through: a bit of each element, or y itself. The zero Tensor:
// nothing has to.
func (b *BatchNorm) passed(p *Pass, y gpu.Tensor) gpu.Tensor {
	switch {
	case !b.relu || !p.keeps():
		return gpu.Tensor{}
	case p.Rule != Gradient:
		p.noRule(b)
	case gpu.PassedBits(p.DType):
		return p.NewAs(gpu.U8, gpu.PassedLen(y.Len()))
	}
	return y
}

// shared reports whether statistics are over the rows of all ranks.
func (b *BatchNorm) shared(p *Pass) bool {
	return p.Over == AllRows || p.Over == PresentRows && b.presentOnly
}

// bits returns passed where it is the ReLU's bits and not its result.
func bits(passed gpu.Tensor) gpu.Tensor {
	if passed.Ok() && passed.DType() == gpu.U8 {
		return passed
	}
	return gpu.Tensor{}
}

func (b *BatchNorm) byRunning(p *Pass, y, passed, x, residual, present gpu.Tensor) {
	gpu.BatchNormEval(y, bits(passed), gpu.Normed{X: x, Gamma: b.Weight.Value, Beta: b.Bias.Value,
		RunMean: b.RunMean.Value, RunVar: b.RunVar.Value, Add: residual, Present: present, ReLU: b.relu}, gpu.BatchNorm{Eps: normEps})
	p.Save(b, p.ifParams(x), passed, present)
}

func (b *BatchNorm) byBatch(p *Pass, y, passed, x, residual, present gpu.Tensor, s sums) {
	mean, rstd := p.NewAs(Master(p.DType), b.channels), p.NewAs(Master(p.DType), b.channels)
	spec := gpu.BatchNorm{Eps: normEps}
	if p.Move {
		spec.Momentum = normMomentum
	}
	n := gpu.Normed{X: x, Mean: mean, Rstd: rstd, Gamma: b.Weight.Value, Beta: b.Bias.Value,
		RunMean: b.RunMean.Value, RunVar: b.RunVar.Value, Add: residual, Present: present, ReLU: b.relu, Shared: b.shared(p), Sums: s.known()}
	gpu.BatchNormTrain(y, bits(passed), n, spec)
	if s.room.Ok() {
		p.consumed(s.room)
	}
	p.Save(b, x, passed, present, mean, rstd, gpu.Tensor{}, p.ifParams(residual))
	if b.relu && !present.Ok() && !n.Shared && p.Want&OfParams != 0 { // then the residual is kept anyway
		p.made = made{b, y, n}
	}
	if !p.keeps() {
		p.consumed(mean)
		p.consumed(rstd)
	}
}

// Backward of Forward. dx takes dy's place.
func (b *BatchNorm) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	b.backward(p, dy, gpu.Tensor{}, dy)
	return dy
}

// backwardBoth is Backward where a residual was added: the gradients of x and of the residual, which takes dy's place.
func (b *BatchNorm) backwardBoth(p *Pass, dy gpu.Tensor) (dx, dresidual gpu.Tensor) {
	dx = p.Temp(dy.Dims()...)
	b.backward(p, dx, dy, dy)
	return dx, dy
}

func (b *BatchNorm) backward(p *Pass, dx, dresidual, dy gpu.Tensor) {
	s := p.Load(b)
	x, passed, present := s[0], s[1], s[2]
	dweight, dbias := p.ifParams(b.Weight.Grad), p.ifParams(b.Bias.Grad)
	if p.Stats == RunningStats {
		gpu.BatchNormEvalBackward(dx, dresidual, dy, passed, gpu.Normed{X: x, Gamma: b.Weight.Value,
			RunMean: b.RunMean.Value, RunVar: b.RunVar.Value, Present: present, ReLU: b.relu, Dgamma: dweight, Dbeta: dbias}, gpu.BatchNorm{Eps: normEps})
		return
	}
	n := gpu.Normed{X: x, Mean: s[3], Rstd: s[4], Gamma: b.Weight.Value, Present: present, ReLU: b.relu, Shared: b.shared(p), Dgamma: dweight, Dbeta: dbias}
	switch sums, line := p.sumsOf(b, dy), s[5]; {
	case sums.Ok(): // dy is the residual's gradient as it is
		gpu.BatchNormSummedBackward(dx, dy, sums, n)
		p.Free(sums)
	case line.Ok():
		gpu.BatchNormLineBackward(dx, dy, line, n)
	default:
		gpu.BatchNormBackward(dx, dresidual, dy, passed, n)
	}
}

// Slopes returns what the norm is by its running statistics: scale x + shift, each [c].
func (b *BatchNorm) Slopes() (scale, shift []float64) {
	read := func(t gpu.Tensor) []float64 {
		v := make([]float64, b.channels)
		gpu.Read(v, t)
		return v
	}
	scale, shift = read(b.Weight.Value), read(b.Bias.Value)
	mean, variance := read(b.RunMean.Value), read(b.RunVar.Value)
	for j := range scale {
		scale[j] /= math.Sqrt(variance[j] + normEps)
		shift[j] -= mean[j] * scale[j]
	}
	return scale, shift
}
