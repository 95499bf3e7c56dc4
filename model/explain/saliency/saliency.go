package saliency

import (
	"context"
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// A Score is a number that depends on the features of an image, of each row alone.
type Score interface {
	// Of returns the value of each row of features [R, width]. It writes the gradients of the values to d, of the same
	// shape, unless that is the zero Tensor.
	Of(d, features gpu.Tensor) []float64
}

// Options of New.
type Options struct {
	Device        *gpu.Device
	DType         gpu.DType // f32 or f64
	Encoder       string    // name of the trunk
	Trunk         *trunk.Trunk
	Height, Width int
	Rows          int // images at a time, where a method takes many: at least 1
}

// colours is the number of an image's channels.
const colours = 3

// Images runs an encoder on variations of one image at a time. It owns the memory of its activations, not the weights.
type Images struct {
	o      Options
	inputs *gpu.Arena
	arena  *gpu.Arena
	image  gpu.Tensor // [Rows, H, W, 3]
}

// New takes the memory that every method of Images needs, whatever the image: what a planning device says.
func New(o Options) (*Images, error) {
	if o.DType != nn.Master(o.DType) {
		return nil, fmt.Errorf("saliency: images are explained in f32 or f64, not %v", o.DType)
	}
	plan := o
	plan.Device = o.Device.Plan()
	var err error
	if plan.Trunk, err = trunk.New(o.Encoder, ""); err != nil {
		return nil, err
	}
	if err := nn.NewWeights(plan.Trunk).Place(plan.Device, o.DType); err != nil {
		return nil, err
	}
	twin := placed(plan, 0)
	twin.rehearse()
	o.Device.ReserveScratch(plan.Device.Scratch())
	return placed(o, twin.arena.Peak()), nil
}

func placed(o Options, activations int) *Images {
	m := &Images{o: o, arena: o.Device.NamedArena("activations", activations)}
	m.inputs = o.Device.Deal("images", func(a *gpu.Arena) { m.image = a.New(o.DType, o.Rows, o.Height, o.Width, colours) })
	return m
}

// rehearse runs every kind of pass that there is.
func (m *Images) rehearse() {
	for _, rows := range []int{1, m.o.Rows} {
		m.pass(rows, unscored{})
		m.features(rows)
	}
	for stage := range m.o.Trunk.Stages {
		m.split(stage, unscored{})
	}
}

// An unscored score has the right shape and no value.
type unscored struct{}

func (unscored) Of(gpu.Tensor, gpu.Tensor) []float64 { return nil }

// Close gives the memory back.
func (m *Images) Close() {
	m.arena.Close()
	m.inputs.Close()
}

// size returns the number of values of an image.
func (m *Images) size() int { return m.o.Height * m.o.Width * colours }

// sweep runs n variations of an image, which fill writes, and calls visit with each one's value and, where gradient is
// wanted, its gradient of the pixels. Both slices are used again.
func (m *Images) sweep(ctx context.Context, s Score, n int, gradient bool, fill func(i int, x []float64), visit func(i int, value float64, grad []float64)) error {
	most := min(n, m.o.Rows) // so that there are two shapes of batches, those that New planned: one image, and Rows
	if most > 1 {
		most = m.o.Rows
	}
	x := make([]float64, most*m.size())
	for lo := 0; lo < n; lo += most {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range most {
			fill(min(lo+i, n-1), m.row(x, i))
		}
		gpu.Write(m.rows(most), x)
		values := m.run(s, most, gradient, x)
		if err := m.o.Device.Sync(); err != nil {
			return err
		}
		for i := range min(most, n-lo) {
			visit(lo+i, values[i], m.row(x, i))
		}
	}
	return nil
}

// rows returns room for n images.
func (m *Images) rows(n int) gpu.Tensor {
	return m.image.Slice(0, n*m.size()).View(n, m.o.Height, m.o.Width, colours)
}

func (m *Images) row(x []float64, i int) []float64 { return x[i*m.size() : (i+1)*m.size()] }

// run returns the values of the rows that stand on the device, and reads their gradients to grad.
func (m *Images) run(s Score, rows int, gradient bool, grad []float64) []float64 {
	m.arena.Reset()
	if !gradient {
		return s.Of(gpu.Tensor{}, m.features(rows))
	}
	values, dx := m.pass(rows, s)
	gpu.Read(grad, dx)
	return values
}

// features runs the encoder forward alone.
func (m *Images) features(rows int) gpu.Tensor {
	return m.o.Trunk.Forward(nn.Evaluation(m.arena, m.o.DType), m.rows(rows))
}

// pass runs the encoder forward and backward, and returns values and the gradient of the pixels.
func (m *Images) pass(rows int, s Score) ([]float64, gpu.Tensor) {
	p := &nn.Pass{Arena: m.arena, DType: m.o.DType, Want: nn.OfInputs}
	f := m.o.Trunk.Forward(p, m.rows(rows))
	d := p.Temp(f.Dims()...)
	values := s.Of(d, f)
	return values, m.o.Trunk.Backward(p, d)
}

// split runs the encoder forward to the map of a stage, then on and back to it: it returns the value of the first image, the
// map and its gradient, both [1, h, w, channels].
func (m *Images) split(stage int, s Score) (value []float64, maps, dmaps gpu.Tensor) {
	m.arena.Reset()
	lower, upper := nn.Sequential{}, nn.Sequential{}
	for i, st := range m.o.Trunk.Stages {
		if i <= stage {
			lower = append(lower, st.Layers)
		} else {
			upper = append(upper, st.Layers)
		}
	}
	upper = append(upper, m.o.Trunk.Pool)
	maps = lower.Forward(nn.Evaluation(m.arena, m.o.DType), m.rows(1))
	p := &nn.Pass{Arena: m.arena, DType: m.o.DType, Want: nn.OfInputs}
	f := upper.Forward(p, maps)
	d := p.Temp(f.Dims()...)
	value = s.Of(d, f)
	return value, maps, nn.BackwardInput(p, upper, d)
}
