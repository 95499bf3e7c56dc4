package saliency

import (
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/nn"
)

// unitFloor is the least length that an embedding is divided by, as in the loss.
const unitFloor = 1e-12

// An Along scores an image by how far its unit embedding reaches along a direction q: u.q. With q the derivative of a person's
// unit genetics embedding by one feature, it is how much the similarity grows with that feature: see Direction.
type Along struct {
	dtype gpu.DType
	head  nn.Sequential
	arena *gpu.Arena
	fixed *gpu.Arena
	q     gpu.Tensor // [1, D]
}

// NewAlong returns the score of modality i of a model, for at most rows rows of features at a time. Toward names q.
func NewAlong(dev *gpu.Device, dtype gpu.DType, m *model.Model, i, rows int) (*Along, error) {
	plan := dev.Plan()
	planned, err := planModel(plan, dtype, m)
	if err != nil {
		return nil, err
	}
	twin := newAlong(plan, dtype, planned, i, 0)
	a := plan.NewArena(0)
	twin.Of(a.New(dtype, rows, m.Trunk().Width), a.New(dtype, rows, m.Trunk().Width))
	dev.ReserveScratch(plan.Scratch())
	return newAlong(dev, dtype, m, i, twin.arena.Peak()), nil
}

func planModel(plan *gpu.Device, dtype gpu.DType, m *model.Model) (*model.Model, error) {
	planned, err := model.New(m.Config())
	if err != nil {
		return nil, err
	}
	return planned, planned.Weights().Place(plan, dtype)
}

func newAlong(dev *gpu.Device, dtype gpu.DType, m *model.Model, i, room int) *Along {
	s := &Along{dtype: dtype, arena: dev.NamedArena("scores", room)}
	s.head, _ = m.Towers(i)
	s.fixed = dev.Deal("direction", func(a *gpu.Arena) { s.q = a.New(dtype, 1, m.Config().Embedding) })
	return s
}

// Close gives the memory back.
func (s *Along) Close() {
	s.arena.Close()
	s.fixed.Close()
}

// Toward names the direction q.
func (s *Along) Toward(q []float64) { gpu.Write(s.q, q) }

// Of implements Score.
func (s *Along) Of(d, features gpu.Tensor) []float64 {
	s.arena.Reset()
	p := &nn.Pass{Arena: s.arena, DType: s.dtype}
	if d.Ok() {
		p.Want = nn.OfInputs
	}
	z := s.head.Forward(p, features)
	n := z.Dim(0)
	unit, norm, values := p.Temp(z.Dims()...), p.Temp(n), p.Temp(n, 1)
	gpu.L2Norm(unit, norm, z, unitFloor)
	gpu.MatMul(values, unit, s.q, false, true, 0)
	if d.Ok() {
		dz, ones := p.Temp(z.Dims()...), p.Temp(n, 1)
		gpu.Fill(ones, 1)
		gpu.MatMul(dz, ones, s.q, false, false, 0)
		gpu.L2NormBackward(dz, dz, unit, norm, unitFloor)
		gpu.Copy(d, s.head.Backward(p, dz))
	}
	return read(values)
}

// Direction returns the derivative [D] of a person's unit genetics embedding by one feature of x [F], the features of modality i.
func Direction(dev *gpu.Device, dtype gpu.DType, m *model.Model, i int, x []float64, feature int) ([]float64, error) {
	a, err := DirectionArena(dev, dtype, m, i)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return direction(a, dtype, m, i, x, feature), dev.Sync()
}

// DirectionArena takes the memory that Direction works in, for a caller who counts it.
func DirectionArena(dev *gpu.Device, dtype gpu.DType, m *model.Model, i int) (*gpu.Arena, error) {
	plan := dev.Plan()
	planned, err := planModel(plan, dtype, m)
	if err != nil {
		return nil, err
	}
	room := plan.NewArena(0)
	_, genetics := planned.Towers(i)
	direction(room, dtype, planned, i, make([]float64, explain.NewTower(genetics).Features()), 0)
	dev.ReserveScratch(plan.Scratch())
	return dev.NamedArena("direction", room.Peak()), nil
}

// direction runs the tower on as many copies of x as embeddings have values: row k is the gradient of value k.
func direction(a *gpu.Arena, dtype gpu.DType, m *model.Model, i int, x []float64, feature int) []float64 {
	_, genetics := m.Towers(i)
	t, dim := explain.NewTower(genetics), m.Config().Embedding
	input, eye := a.New(dtype, 1, t.Features()), a.New(dtype, dim, dim)
	one, all, ones := a.New(dtype, 1, t.Width()), a.New(dtype, dim, t.Width()), a.New(dtype, dim, 1)
	gpu.Write(input, x)
	gpu.Write(eye, identity(dim))
	gpu.Fill(ones, 1)
	t.Enter(one, input)
	gpu.MatMul(all, ones, one, false, false, 0)
	p := &nn.Pass{Arena: a, DType: dtype, Want: nn.OfInputs}
	w := t.Rest.Forward(p, all)
	unit, norm, dw := p.Temp(dim, dim), p.Temp(dim), p.Temp(dim, dim)
	gpu.L2Norm(unit, norm, w, unitFloor)
	gpu.L2NormBackward(dw, eye, unit, norm, unitFloor)
	dx := a.New(dtype, dim, t.Features())
	t.Leave(dx, t.Rest.Backward(p, dw))
	all64, q := read(dx), make([]float64, dim)
	for k := range q {
		q[k] = all64[k*t.Features()+feature]
	}
	return q
}

func identity(n int) []float64 {
	eye := make([]float64, n*n)
	for i := range n {
		eye[i*n+i] = 1
	}
	return eye
}
