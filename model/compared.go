package model

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// comparedRows are the embeddings z, w of one modality as the loss takes them, with room for their gradients: the batch's own or, where ranks share
// the batch, those of all. There each rank compares all of it and keeps the gradient of its own rows: no gradient travels, and all come to the
// same loss.
type comparedRows struct {
	z, w, dz, dw, present, group gpu.Tensor

	gathered *nn.Pass // nil: they are the batch's own
}

// compared returns what is compared of modality i; dz and dw, which evaluations leave out, are those of the batch.
func compared(p *nn.Pass, b objective.Batch, i int, z, w, dz, dw gpu.Tensor) comparedRows {
	if !b.Shared() {
		return comparedRows{z, w, dz, dw, b.Present[i], b.Group, nil}
	}
	q := p.Branch()
	c := comparedRows{objective.Gathered(q, z), objective.Gathered(q, w), dz, dw, b.Whole.Present[i], b.Whole.Group, q}
	if dz.Ok() {
		c.dz, c.dw = q.New(c.z.Dims()...), q.New(c.w.Dims()...)
	}
	return c
}

// keep brings the gradients of the batch's own rows to dz and dw, and ends what was gathered.
func (c comparedRows) keep(dz, dw gpu.Tensor) {
	if c.gathered == nil {
		return
	}
	gpu.Copy(dz, objective.Own(c.dz))
	gpu.Copy(dw, objective.Own(c.dw))
	c.gathered.Finish()
}
