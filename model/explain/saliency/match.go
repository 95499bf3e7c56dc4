package saliency

import (
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/nn"
)

// MatchOptions are those of NewMatch.
type MatchOptions struct {
	Device     *gpu.Device
	DType      gpu.DType
	Model      *model.Model
	References []*explain.Reference // per modality; nil: the modality is no part of the score
	Of         explain.Of
	Rows       int // of features at a time, at most
}

// A Match scores an image by how it matches a person's genetics: it is the explained function of package explain with the
// image moving, summed over modalities with weights. It owns the memory it works in, not the model's.
type Match struct {
	o       MatchOptions
	arena   *gpu.Arena
	person  *gpu.Arena
	terms   []term
	weights []float64 // per modality, of the person
}

// A term is one modality's part of a Match.
type term struct {
	modality int
	head     nn.Sequential
	function *explain.Function
	partner  explain.Partners
}

// NewMatch returns a Match without a person: Person names one.
func NewMatch(o MatchOptions) (*Match, error) {
	plan, err := o.planned()
	if err != nil {
		return nil, err
	}
	twin := newMatch(plan, 0)
	width := o.Model.Trunk().Width
	a := plan.Device.NewArena(0)
	f, d := a.New(o.DType, o.Rows, width), a.New(o.DType, o.Rows, width)
	twin.weights = make([]float64, len(o.References))
	for i := range twin.weights {
		twin.weights[i] = 1
	}
	twin.Of(d, f)
	o.Device.ReserveScratch(plan.Device.Scratch())
	return newMatch(o, twin.arena.Peak()), nil
}

// planned returns the same options with everything on a planning device.
func (o MatchOptions) planned() (MatchOptions, error) {
	plan := o
	plan.Device, plan.References = o.Device.Plan(), make([]*explain.Reference, len(o.References))
	var err error
	if plan.Model, err = planModel(plan.Device, o.DType, o.Model); err != nil {
		return plan, err
	}
	dim := o.Model.Config().Embedding
	for i, r := range o.References {
		if r == nil {
			continue
		}
		none := make([]float64, r.Persons()*dim)
		if plan.References[i], err = explain.NewReference(plan.Device, o.DType, none, none, dim, o.Model.Config().Tau); err != nil {
			return plan, err
		}
	}
	return plan, nil
}

func newMatch(o MatchOptions, room int) *Match {
	m := &Match{o: o, arena: o.Device.NamedArena("scores", room)}
	for i, r := range o.References {
		if r == nil {
			continue
		}
		head, _ := o.Model.Towers(i)
		m.terms = append(m.terms, term{i, head, explain.NewFunction(r, o.Of, explain.ImageSide, o.Model.Config().Lambda), explain.Partners{}})
	}
	m.person = o.Device.Deal("person", func(a *gpu.Arena) {
		for i := range m.terms {
			m.terms[i].partner = m.terms[i].function.NewPartners(a, 1)
		}
	})
	return m
}

// Close gives the memory back.
func (m *Match) Close() {
	m.arena.Close()
	m.person.Close()
}

// Person says whose genetics images are compared with: per modality the embedding, and the weight of its part in the score;
// one with weight 0, which the person lacks, is left out.
func (m *Match) Person(genetics [][]float64, weights []float64) {
	m.weights = weights
	for _, t := range m.terms {
		if weights[t.modality] != 0 {
			t.partner.Write([]explain.Partner{t.function.Partner(genetics[t.modality])})
		}
	}
}

// Of implements Score.
func (m *Match) Of(d, features gpu.Tensor) []float64 {
	m.arena.Reset()
	sum, first := make([]float64, features.Dim(0)), true
	for _, t := range m.terms {
		w := m.weights[t.modality]
		if w == 0 {
			continue
		}
		p := &nn.Pass{Arena: m.arena, DType: m.o.DType}
		if d.Ok() {
			p.Want = nn.OfInputs
		}
		z := t.head.Forward(p, features)
		values := t.function.Values(p, z, t.partner)
		for r, v := range read(values) {
			if r%4 == 0 {
				sum[r/4] += w * v
			}
		}
		if d.Ok() {
			addGradient(p, t.head, t.function.Gradients(p, z, t.partner), d, w, first)
		}
		first = false
		m.arena.Reset()
	}
	if d.Ok() && first {
		gpu.Fill(d, 0)
	}
	return sum
}

// addGradient adds w times what a head makes of dz to d, or writes it where it is the first.
func addGradient(p *nn.Pass, head nn.Sequential, dz, d gpu.Tensor, w float64, first bool) {
	scale(dz, w)
	if first {
		gpu.Copy(d, head.Backward(p, dz))
		return
	}
	head.BackwardAdd(p, dz, d) // into d: no norm made what a head reads
}

// scale multiplies a few values, on the host.
func scale(x gpu.Tensor, by float64) {
	v := read(x)
	for i := range v {
		v[i] *= by
	}
	gpu.Write(x, v)
}
