package model

import (
	"fmt"

	"contig-gpu/gpu"
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

// towers are what one modality adds to the trunk: one for the image's features, one for the genetics.
type towers struct {
	image    nn.Sequential // head: features [N, width] to [N, embedding]
	genetics nn.Sequential // encoder and head: [N, F] to [N, embedding]
}

func newTowers(c Config, m Modality, trunkWidth int) *towers {
	encoder, width := encoder("encoder."+m.Name+".", c, m.Features)
	return &towers{
		image:    projection("image_head."+m.Name+".", trunkWidth, c),
		genetics: append(encoder, projection("head."+m.Name+".", width, c)...),
	}
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
		s, f = append(s, linear, nn.NewBatchNorm(fmt.Sprint(prefix, 3*i+2), c.Hidden).PresentOnly()), c.Hidden
	}
	return s, f
}

// towerPasses are the passes of one modality's towers in one step. Being branches they run backward in any order.
type towerPasses struct{ image, genetics *nn.Pass }

// forward embeds image features and the table x [N, F], of which present says the rows there are; the zero Tensor: all.
func (t *towers) forward(p *nn.Pass, features, x, present gpu.Tensor) (z, w gpu.Tensor, passes towerPasses) {
	passes = towerPasses{p.Branch(), p.Branch()}
	return t.image.Forward(passes.image, features), t.embedGenetics(passes.genetics, x, present), passes
}

// embedGenetics embeds the present rows of x [N, F], as all of p. What absent rows hold reaches nothing: they become 0 first.
func (t *towers) embedGenetics(p *nn.Pass, x, present gpu.Tensor) gpu.Tensor {
	if x.DType() != p.DType {
		y := p.New(x.Dims()...)
		gpu.Cast(y, x)
		x = y
	}
	if present.Ok() {
		y := p.New(x.Dims()...)
		gpu.MaskRows(y, x, present)
		x = y
	}
	p.Present = present
	return t.genetics.Forward(p, x)
}

// backward returns the gradient of the features: added to df, where there is one. It frees dz and dw.
func (t *towers) backward(p towerPasses, df, dz, dw gpu.Tensor) gpu.Tensor {
	nn.BackwardInput(p.genetics, t.genetics, dw)
	p.genetics.Finish()
	if df.Ok() {
		df = t.image.BackwardAdd(p.image, dz, df)
	} else {
		df = t.image.Backward(p.image, dz)
	}
	p.image.Finish()
	return df
}
