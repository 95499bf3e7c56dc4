package unet

import (
	"strings"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// Task is what masks are called among the tasks of a head, whose names are then the classes.
const Task = "masks"

// A Segmenter trains a Net by Loss. It is an objective.Supervised, whose target is a mask for each class, and an objective.Freezer.
type Segmenter struct {
	net     *Net
	weights *nn.Weights
}

// New builds a Segmenter with an image encoder as trunk.New takes it, whose weights have no memory yet.
func New(encoder string, classes int) (*Segmenter, error) {
	net, err := NewNet(encoder, classes)
	if err != nil {
		return nil, err
	}
	return &Segmenter{net: net, weights: nn.NewWeights(net)}, nil
}

// Net returns the network.
func (s *Segmenter) Net() *Net { return s.net }

// Weights implements objective.Objective.
func (s *Segmenter) Weights() *nn.Weights { return s.weights }

// Tables implements objective.Objective: none.
func (s *Segmenter) Tables() []objective.Table { return nil }

// Views implements objective.Objective: one.
func (s *Segmenter) Views() int { return 1 }

// Target implements objective.Supervised: 1 where a pixel is of a class.
func (s *Segmenter) Target(height, width int) []int { return []int{height, width, s.net.Classes()} }

// Terms implements objective.Objective: one, with its two parts, whose rows are images as far as their masks are known.
func (s *Segmenter) Terms() objective.Terms {
	return objective.Terms{Names: []string{Task}, Values: [objective.TermValues]string{"loss", "bce", "dice_loss", "known"}}
}

// TermWeights implements objective.Objective.
func (s *Segmenter) TermWeights(int, []int) []float64 { return []float64{1} }

// Updated implements objective.Objective: nothing follows the parameters.
func (s *Segmenter) Updated() {}

// Freeze implements objective.Freezer.
func (s *Segmenter) Freeze(frozen bool) { s.net.frozen = frozen }

// Learns implements objective.Freezer: of a frozen Segmenter all but the image encoder does.
func (s *Segmenter) Learns(p *nn.Param) bool {
	return !s.net.frozen || !strings.HasPrefix(p.Name, model.TrunkPrefix)
}

// Encoder implements objective.Freezer: the weights of the image encoder.
func (s *Segmenter) Encoder() *nn.Weights { return nn.NewWeights(s.net.trunk) }

// Step implements objective.Objective.
func (s *Segmenter) Step(p *nn.Pass, b objective.Batch, terms gpu.Tensor) {
	z := s.net.Forward(p, b.Image)
	dz := p.Temp(z.Dims()...)
	gpu.DiceBCE(objective.TermAt(terms, 0), dz, z, b.Target, b.Known, b.Scale.Slice(0, 1), Loss())
	if dx := s.net.Backward(p, dz); dx.Ok() {
		p.Free(dx)
	}
	p.Finish()
}

// Evaluate implements objective.Objective. Features are the mean of the encoder's last map, as its own pooling has it.
func (s *Segmenter) Evaluate(p *nn.Pass, b objective.Batch, terms gpu.Tensor) objective.Outputs {
	z, last := s.net.forward(p, b.Image)
	gpu.DiceBCE(objective.TermAt(terms, 0), gpu.Tensor{}, z, b.Target, b.Known, gpu.Tensor{}, Loss())
	return objective.Outputs{Features: s.net.trunk.Pool.Forward(p, last), Predicted: z}
}
