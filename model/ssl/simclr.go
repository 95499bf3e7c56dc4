// Package ssl has objectives of self-supervised learning from images alone. They are what ContIG is compared with.
package ssl

import (
	"fmt"
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/trunk"
)

// SimCLRConfig says what a SimCLR is made of.
type SimCLRConfig struct {
	Encoder   string  // as trunk.New takes it
	Hidden    int     // width of the projection's middle
	Embedding int     // of its result
	Tau       float64 // temperature
}

// SimCLR pulls two views of an image together and pushes those of different persons apart (Chen et al. 2020, "A simple
// framework for contrastive learning of visual representations"): a trunk, and a projection Linear - ReLU - Linear whose
// result is thrown away after training. Weights are called trunk.* and projection.*.
type SimCLR struct {
	cfg        SimCLRConfig
	trunk      *trunk.Trunk
	projection nn.Sequential
	weights    *nn.Weights
}

// NewSimCLR builds a SimCLR whose weights have no memory yet.
func NewSimCLR(c SimCLRConfig) (*SimCLR, error) {
	t, err := trunk.New(c.Encoder, model.TrunkPrefix)
	switch {
	case err != nil:
		return nil, err
	case c.Hidden < 1 || c.Embedding < 1:
		return nil, fmt.Errorf("hidden size %d and embedding size %d: want at least 1", c.Hidden, c.Embedding)
	case !(c.Tau > 0) || math.IsInf(c.Tau, 0):
		return nil, fmt.Errorf("tau %g: want a number above 0", c.Tau)
	}
	s := &SimCLR{cfg: c, trunk: t}
	s.projection = nn.Sequential{nn.NewLinear("projection.0", t.Width, c.Hidden).WithReLU(), nn.NewLinear("projection.2", c.Hidden, c.Embedding)}
	s.weights = nn.NewWeights(t, s.projection)
	return s, nil
}

// Weights implements objective.Objective.
func (s *SimCLR) Weights() *nn.Weights { return s.weights }

// Tables implements objective.Objective: none.
func (s *SimCLR) Tables() []objective.Table { return nil }

// Views implements objective.Objective: two.
func (s *SimCLR) Views() int { return views }

const views = 2

// Terms implements objective.Objective: one.
func (s *SimCLR) Terms() objective.Terms {
	return objective.Terms{Names: []string{"ntxent"}, Values: [objective.TermValues]string{"loss", "", "", "present"}}
}

// TermWeights implements objective.Objective.
func (s *SimCLR) TermWeights(int, []int) []float64 { return []float64{1} }

// Updated implements objective.Objective: nothing follows the parameters.
func (s *SimCLR) Updated() {}

// Step implements objective.Objective. The views pass the network one after the other: norms take the statistics of each by
// itself.
func (s *SimCLR) Step(p *nn.Pass, b objective.Batch, terms gpu.Tensor) {
	z, passes := s.embed(p, b.Image)
	dz := p.Temp(z.Dims()...)
	s.compare(p, b, terms, dz, z)
	for v, q := range passes {
		if v+1 < len(passes) {
			q.Done = nil // the last view completes the gradients
		}
		dy := q.Temp(z.Dim(0)/views, z.Dim(1))
		gpu.Copy(dy, part(dz, v))
		s.trunk.Backward(q, s.projection.Backward(q, dy))
		q.Finish()
	}
	p.Free(dz)
	p.Finish()
}

// compare is the loss of all views, and its gradient dz, which evaluations leave out. Where ranks share the batch each compares all of it
// and keeps the gradient of its own rows.
func (s *SimCLR) compare(p *nn.Pass, b objective.Batch, terms, dz, z gpu.Tensor) {
	term := objective.TermAt(terms, 0)
	if !b.Shared() {
		NTXent(p, term, dz, z, b.Group, b.Scale, s.cfg.Tau)
		return
	}
	q, n := p.Branch(), b.Whole.Images
	all, group := q.New(views*n, z.Dim(1)), b.Whole.Group.Slice(0, n)
	for v := range views {
		gpu.Copy(part(all, v), firstRows(objective.Gathered(q, part(z, v)), n))
	}
	if !dz.Ok() {
		NTXent(p, term, dz, all, group, b.Scale, s.cfg.Tau)
		return
	}
	back := q.New(all.Dims()...)
	NTXent(p, term, back, all, group, b.Scale, s.cfg.Tau)
	for v := range views {
		gpu.Copy(part(dz, v), objective.Own(part(back, v)))
	}
	q.Finish()
}

// firstRows returns the first n rows of x.
func firstRows(x gpu.Tensor, n int) gpu.Tensor {
	d := x.Dims()
	per := x.Len() / d[0]
	d[0] = n
	return x.Slice(0, n*per).View(d...)
}

// embed returns the projections [V N, D] of all views, and the pass of each.
func (s *SimCLR) embed(p *nn.Pass, image gpu.Tensor) (z gpu.Tensor, passes []*nn.Pass) {
	z = p.New(image.Dim(0), s.cfg.Embedding)
	for v := range views {
		q := p.Branch()
		x := s.projection.Forward(q, s.trunk.Forward(q, part(image, v)))
		gpu.Copy(part(z, v), x)
		passes = append(passes, q)
	}
	return z, passes
}

// Evaluate implements objective.Objective. A batch of one view has no pairs: its loss is 0.
func (s *SimCLR) Evaluate(p *nn.Pass, b objective.Batch, terms gpu.Tensor) objective.Outputs {
	n := b.Group.Dim(0)
	gpu.Fill(terms, 0)
	image := b.Image
	if image.Dim(0) == views*n {
		z, _ := s.embed(p, image)
		s.compare(p, b, terms, gpu.Tensor{}, z)
		image = part(image, 0)
	}
	features := s.trunk.Forward(p, image)
	return objective.Outputs{Features: features, Images: []gpu.Tensor{s.projection.Forward(p, features)}}
}

// part returns the rows of view v of x [V N, ...].
func part(x gpu.Tensor, v int) gpu.Tensor {
	d, half := x.Dims(), x.Len()/views
	d[0] /= views
	return x.Slice(v*half, (v+1)*half).View(d...)
}
