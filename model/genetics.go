package model

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/loss"
	"contig-gpu/model/nn"
)

// blocksOf returns how many Linear-ReLU-BatchNorm blocks a genetics encoder has; -1 is one Linear alone.
func blocksOf(genetics string) (int, error) {
	switch genetics {
	case "none":
		return 0, nil
	case "linear":
		return -1, nil
	case "h1":
		return 1, nil
	case "h12":
		return 2, nil
	}
	return 0, fmt.Errorf("genetics encoder %q: want none, linear, h1 or h12", genetics)
}

// A tower is what one modality adds to the trunk.
type tower struct {
	image    nn.Sequential // head: features [N, width] to [N, embedding]
	genetics nn.Sequential // encoder and head: [N, F] to [N, embedding]
}

func newTower(c Config, m Modality, trunkWidth int) *tower {
	encoder, width := encoder("encoder."+m.Name+".", c, m.Features)
	t := &tower{
		image:    projection("image_head."+m.Name+".", trunkWidth, c),
		genetics: append(encoder, projection("head."+m.Name+".", width, c)...),
	}
	t.genetics.First()
	return t
}

// projection is Linear - ReLU - Linear, numbered as a torch.nn.Sequential is.
func projection(prefix string, in int, c Config) nn.Sequential {
	return nn.Sequential{nn.NewLinear(prefix+"0", in, c.Hidden).WithReLU(), nn.NewLinear(prefix+"2", c.Hidden, c.Embedding)}
}

// encoder returns a genetics encoder of f features, and its output's width. The norm comes after the ReLU.
func encoder(prefix string, c Config, f int) (nn.Sequential, int) {
	blocks, _ := blocksOf(c.Genetics)
	if blocks < 0 {
		return nn.Sequential{nn.NewLinear(prefix+"0", f, c.Hidden)}, c.Hidden
	}
	var s nn.Sequential
	for i := range blocks {
		linear := nn.NewLinear(fmt.Sprint(prefix, 3*i), f, c.Hidden).WithReLU()
		s, f = append(s, linear, nn.NewBatchNorm(fmt.Sprint(prefix, 3*i+2), c.Hidden).Masked()), c.Hidden
	}
	return s, f
}

// forwardGenetics embeds the present rows of x [N, F]. What absent rows hold reaches nothing: they become 0 first.
func (t *tower) forwardGenetics(p *nn.Pass, x, present gpu.Tensor) gpu.Tensor {
	x = asActivation(p, x)
	if present.Ok() {
		y := p.New(x.Dims()...)
		gpu.MaskRows(y, x, present)
		x = y
	}
	p.Rows = present
	w := t.genetics.Forward(p, x)
	p.Rows = gpu.Tensor{}
	return w
}

// step runs one modality forward and backward and returns the gradient of the features: added to df, where there is one.
func (t *tower) step(p *nn.Pass, features, df, x, out gpu.Tensor, pair loss.Pair, spec gpu.InfoNCESpec) gpu.Tensor {
	pair.Z, pair.W = t.image.Forward(p, features), t.forwardGenetics(p, x, pair.Present)
	dz, dw := p.Temp(pair.Z.Dims()...), p.Temp(pair.W.Dims()...)
	loss.Term(out, dz, dw, pair, spec)
	t.genetics.Backward(p, dw)
	if !df.Ok() {
		return t.image.Backward(p, dz)
	}
	t.image.BackwardAdd(p, dz, df)
	return df
}
