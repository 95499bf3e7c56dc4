package model

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/loss"
	"contig-gpu/model/nn"
)

// A Model is a trunk and a tower per modality. Parameters are called trunk.* as in torchvision,
// image_head.<modality>.*, encoder.<modality>.* and head.<modality>.*. It owns the memory of Place.
type Model struct {
	cfg     Config
	spec    gpu.InfoNCESpec
	arch    architecture
	trunk   nn.Sequential
	towers  []*tower
	params  []*nn.Param
	buffers []*nn.Buffer

	memory                []*gpu.Arena // values, gradients
	values, grads, halves gpu.Tensor
	decayed               int
}

// New builds a model without memory: Place gives it some.
func New(cfg Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	arch, _ := architectureOf(cfg.Encoder)
	m := &Model{cfg: cfg, spec: cfg.contrast(), arch: arch, trunk: arch.trunk("trunk.")}
	m.trunk.First()
	parts := []nn.Sequential{m.trunk}
	for _, x := range cfg.Modalities {
		t := newTower(cfg, x, arch.width())
		m.towers = append(m.towers, t)
		parts = append(parts, t.image, t.genetics)
	}
	for _, s := range parts {
		m.params, m.buffers = append(m.params, s.Params()...), append(m.buffers, s.Buffers()...)
	}
	return m, nil
}

// Config returns what the model was built from.
func (m *Model) Config() Config { return m.cfg }

// Params returns all parameters: the trunk's, then each modality's.
func (m *Model) Params() []*nn.Param { return m.params }

// Buffers returns all running averages, in the same order.
func (m *Model) Buffers() []*nn.Buffer { return m.buffers }

// TrunkWidth returns the number of image features.
func (m *Model) TrunkWidth() int { return m.arch.width() }

// ParamCount returns the number of learned numbers.
func (m *Model) ParamCount() int {
	n := 0
	for _, p := range m.params {
		n += p.Size()
	}
	return n
}

// A Batch is one step's input on the device. Its tensors must not come from the pass's New. Image and Tables are of the
// pass's type or of the parameters'.
type Batch struct {
	Image   gpu.Tensor   // [N, H, W, ImageChannels of its type], normalised
	Tables  []gpu.Tensor // per modality [N, F]; what absent rows hold does not matter
	Present []gpu.Tensor // per modality U8 [N]
	Group   gpu.Tensor   // I32 [N], equal for images of one person
	Scale   gpu.Tensor   // [M] of the parameters' type: each term's weight, over the number of accumulated batches
}

// pair returns what modality i's term needs of the batch.
func (b Batch) pair(i int) loss.Pair {
	return loss.Pair{Present: b.Present[i], Group: b.Group, Scale: b.Scale.Slice(i, i+1)}
}

// Step runs forward and backward: one pass of the trunk, then each modality's heads, which add their gradients to
// the features', then back through the trunk. Parameter gradients accumulate. Row i of losses [M, 4] is
// modality i's {loss, image to genetics, genetics to image, rows present}, not scaled. A modality with fewer
// than two present rows has loss 0, gradient 0, and its running averages stay.
func (m *Model) Step(p *nn.Pass, b Batch, losses gpu.Tensor) {
	if !p.Train {
		panic("model: Step: the pass is not for training")
	}
	m.stepFrom(p, m.Features(p, b.Image), b, losses)
}

// stepFrom is a step from the trunk's features on.
func (m *Model) stepFrom(p *nn.Pass, features gpu.Tensor, b Batch, losses gpu.Tensor) {
	m.trunk.Backward(p, m.heads(p, features, b, losses))
	p.Finish()
}

// heads runs all modalities forward and backward and returns the gradient of the features, which the caller frees.
func (m *Model) heads(p *nn.Pass, features gpu.Tensor, b Batch, losses gpu.Tensor) (df gpu.Tensor) {
	for i, t := range m.towers {
		df = t.step(p, features, df, b.Tables[i], row(losses, i), b.pair(i), m.spec)
	}
	return df
}

// Loss writes losses [M, 4] as Step does, and no gradients. With Train false nothing else is written.
func (m *Model) Loss(p *nn.Pass, b Batch, losses gpu.Tensor) {
	if p.Train {
		panic("model: Loss: the pass is for training")
	}
	features := m.Features(p, b.Image)
	for i, t := range m.towers {
		pair := b.pair(i)
		pair.Z, pair.W = t.image.Forward(p, features), t.forwardGenetics(p, b.Tables[i], pair.Present)
		loss.Term(row(losses, i), gpu.Tensor{}, gpu.Tensor{}, pair, m.spec)
	}
	p.Finish()
}

// row returns row i of losses [M, 4].
func row(losses gpu.Tensor, i int) gpu.Tensor { return losses.Slice(4*i, 4*i+4) }

// ModalityScale returns the weight of each modality's term for the numbers of present rows given.
func (m *Model) ModalityScale(present []int) []float64 {
	w, _ := loss.ParseWeights(m.cfg.Weights)
	return w.Scale(present)
}

// Features returns the image features [N, TrunkWidth] of image [N, H, W, ImageChannels of its type]. They live until the pass
// is reset or finished.
func (m *Model) Features(p *nn.Pass, image gpu.Tensor) gpu.Tensor {
	return m.trunk.Forward(p, asPixels(p, image))
}

// colours is the number of an image's own channels: red, green, blue.
const colours = 3

// ImageChannels returns how many channels images of type dtype have: in 16 bits as many as convolutions want, those
// beyond three being zero.
func ImageChannels(dtype gpu.DType) int {
	if dtype == nn.Master(dtype) {
		return colours
	}
	return gpu.ConvChannels(colours)
}

// asPixels returns images in the pass's type.
func asPixels(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	if x.DType() == p.DType {
		return x
	}
	y := p.New(x.Dim(0), x.Dim(1), x.Dim(2), ImageChannels(p.DType))
	gpu.PadChannels(y, x)
	return y
}

// asActivation returns x in the pass's type.
func asActivation(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	if x.DType() == p.DType {
		return x
	}
	y := p.New(x.Dims()...)
	gpu.Cast(y, x)
	return y
}

// ImageEmbedding returns modality i's embedding [N, Embedding] of image features, not normalised.
func (m *Model) ImageEmbedding(p *nn.Pass, features gpu.Tensor, i int) gpu.Tensor {
	return m.towers[i].image.Forward(p, features)
}

// GeneticsEmbedding returns modality i's embedding [N, Embedding] of x [N, F], not normalised. Rows absent in
// present, U8 [N], have no meaning; the zero Tensor: all are present.
func (m *Model) GeneticsEmbedding(p *nn.Pass, x, present gpu.Tensor, i int) gpu.Tensor {
	return m.towers[i].forwardGenetics(p, x, present)
}
