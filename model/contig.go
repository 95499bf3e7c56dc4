package model

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/loss"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/trunk"
)

// A Model is a trunk and a pair of towers per modality: ContIG, an objective.Objective. Parameters are called trunk.* as in
// torchvision, image_head.<modality>.*, encoder.<modality>.* and head.<modality>.*.
type Model struct {
	Chunk int // images that the trunk takes at a time: see embedInChunks; 0: all of a batch

	cfg     Config
	spec    gpu.InfoNCESpec
	trunk   *trunk.Trunk
	towers  []*towers
	weights *nn.Weights
}

// New builds a model whose weights have no memory yet: Weights().Place gives them some.
func New(cfg Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	t, err := trunk.New(cfg.Encoder, TrunkPrefix)
	if err != nil {
		return nil, err
	}
	m := &Model{cfg: cfg, spec: cfg.contrast(), trunk: t}
	parts := []nn.Layer{t}
	for _, x := range cfg.Modalities {
		t := newTowers(cfg, x, m.trunk.Width)
		m.towers = append(m.towers, t)
		parts = append(parts, t.image, t.genetics)
	}
	m.weights = nn.NewWeights(parts...)
	return m, nil
}

// TrunkPrefix is what the names of the image encoder's weights begin with, whatever it is trained by.
const TrunkPrefix = "trunk."

// Config returns what the model was built from.
func (m *Model) Config() Config { return m.cfg }

// Trunk returns the image encoder.
func (m *Model) Trunk() *trunk.Trunk { return m.trunk }

// Towers returns what modality i has beside the trunk: the head of the image's features [N, width] and the genetics encoder with
// its head [N, F], both to embeddings [N, Embedding] that are not yet of unit length.
func (m *Model) Towers(i int) (image, genetics nn.Sequential) {
	return m.towers[i].image, m.towers[i].genetics
}

// Weights implements objective.Objective.
func (m *Model) Weights() *nn.Weights { return m.weights }

// Tables implements objective.Objective: one for each modality.
func (m *Model) Tables() []objective.Table { return m.cfg.Modalities }

// Views implements objective.Objective: one.
func (m *Model) Views() int { return 1 }

// Terms implements objective.Objective: one for each modality.
func (m *Model) Terms() objective.Terms {
	t := objective.Terms{Values: [objective.TermValues]string{"loss", "image_to_genetics", "genetics_to_image", "present"}}
	for _, x := range m.cfg.Modalities {
		t.Names = append(t.Names, x.Name)
	}
	return t
}

// TermWeights implements objective.Objective.
func (m *Model) TermWeights(_ int, present []int) []float64 {
	w, _ := loss.ParseWeights(m.cfg.Weights)
	return w.Scale(present)
}

// Updated implements objective.Objective: nothing follows the parameters.
func (m *Model) Updated() {}

// Step implements objective.Objective in three acts: embed, compare, backward. A modality with fewer than two present rows
// has loss 0 and gradient 0, and its running averages stay. Between the first two acts embeddings are gathered where ranks share
// the batch.
func (m *Model) Step(p *nn.Pass, b objective.Batch, terms gpu.Tensor) {
	e := m.Embed(p, b)
	dz, dw := like(p, e.Z), like(p, e.W)
	for i := range m.towers {
		c := compared(p, b, i, e.Z[i], e.W[i], dz[i], dw[i])
		gpu.InfoNCE(objective.TermAt(terms, i), c.dz, c.dw, c.z, c.w, c.present, c.group, b.Scale.Slice(i, i+1), m.spec)
		c.keep(dz[i], dw[i])
	}
	m.Backward(p, e, dz, dw)
	p.Finish()
}

// An Embedding is a batch between the acts of a step.
type Embedding struct {
	Z, W []gpu.Tensor // [N, D] each, not normalised: of the images and of the genetics, per modality

	image, features gpu.Tensor
	passes          []towerPasses // per modality
}

// Embed is the first act: the trunk once, then every modality's towers.
func (m *Model) Embed(p *nn.Pass, b objective.Batch) Embedding {
	return m.embedFrom(p, m.trainFeatures(p, b.Image), b)
}

// embedFrom is Embed after the trunk.
func (m *Model) embedFrom(p *nn.Pass, features gpu.Tensor, b objective.Batch) Embedding {
	e := Embedding{image: b.Image, features: features}
	for i, t := range m.towers {
		z, w, passes := t.forward(p, e.features, b.Tables[i], b.Present[i])
		e.Z, e.W, e.passes = append(e.Z, z), append(e.W, w), append(e.passes, passes)
	}
	return e
}

// like takes tensors of the dimensions of xs from p, uninitialised.
func like(p *nn.Pass, xs []gpu.Tensor) []gpu.Tensor {
	var ys []gpu.Tensor
	for _, x := range xs {
		ys = append(ys, p.Temp(x.Dims()...))
	}
	return ys
}

// Backward is the third act: each modality's towers, which add their gradients to the features', then the trunk. It frees
// dz and dw.
func (m *Model) Backward(p *nn.Pass, e Embedding, dz, dw []gpu.Tensor) {
	var df gpu.Tensor
	for i, t := range m.towers {
		df = t.backward(e.passes[i], df, dz[i], dw[i])
	}
	m.trainTrunk(p, e, df)
}

// Evaluate implements objective.Objective. Other images of the same person leave the denominators even where training avoids
// them: in evaluation batches are in the order of the data.
func (m *Model) Evaluate(p *nn.Pass, b objective.Batch, terms gpu.Tensor) objective.Outputs {
	spec := m.spec
	if spec.Pairs == gpu.AvoidPairs {
		spec.Pairs = gpu.MaskPairs
	}
	out := objective.Outputs{Features: m.Features(p, b.Image)}
	for i, t := range m.towers {
		z, w, _ := t.forward(p, out.Features, b.Tables[i], b.Present[i])
		c := compared(p, b, i, z, w, gpu.Tensor{}, gpu.Tensor{})
		gpu.InfoNCE(objective.TermAt(terms, i), c.dz, c.dw, c.z, c.w, c.present, c.group, gpu.Tensor{}, spec)
		out.Images, out.Tables = append(out.Images, z), append(out.Tables, w)
	}
	return out
}
