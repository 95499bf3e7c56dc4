package bench

import (
	"context"
	"math/rand/v2"

	"contig-gpu/gpu"
	"contig-gpu/model/objective"
)

// LossOptions say what Loss measures.
type LossOptions struct {
	Modalities, Embedding int
	Tau, Lambda           float64
	Missing               float64 // share of the rows that lack a modality
	Windows               int
	Seconds               float64 // of a window
	Memory                int     // bytes that may be taken; 0: no limit
}

// A LossResult is the contrastive loss of one batch size, forward and backward, of all modalities.
type LossResult struct {
	Batch   int     `json:"batch"`
	Time    *Spread `json:"milliseconds,omitempty"` // nil where it does not fit
	Bytes   int     `json:"memory_bytes"`           // embeddings, their gradients, and what the loss works in
	Loss    float64 `json:"loss"`                   // mean over the modalities
	Problem string  `json:"problem,omitempty"`
}

// Loss measures the loss of n persons on random embeddings in float32: normalisation, both directions, gradients.
func Loss(ctx context.Context, d *gpu.Device, n int, o LossOptions) (*LossResult, error) {
	r := &LossResult{Batch: n}
	var x *lossRun
	take := func(a *gpu.Arena) { x = newLossRun(a, n, o) }
	r.Bytes = gpu.Room(take) + gpu.InfoNCEScratch(d, n, o.Embedding)
	if o.Memory > 0 && r.Bytes > o.Memory {
		r.Problem = "out of memory"
		return r, nil
	}
	defer d.Deal("loss", take).Close()
	x.fill(o.Missing)
	x.work()
	if err := d.Sync(); err != nil {
		return nil, err
	}
	r.Loss = x.loss()
	graph, err := d.Record(x.work)
	if err != nil {
		return nil, err
	}
	defer graph.Close()
	time, err := repeated(ctx, d, o.Windows, o.Seconds, graph.Replay)
	r.Time = &time
	return r, err
}

// A lossRun is the loss of several modalities with its tensors.
type lossRun struct {
	spec  gpu.InfoNCESpec
	terms []lossTerm
	out   gpu.Tensor // [M, 4]
}

// A lossTerm is what one modality's loss is computed from: embeddings and their gradients [N, D], U8 present [N], its weight [1].
type lossTerm struct{ z, w, dz, dw, present, scale gpu.Tensor }

func newLossRun(a *gpu.Arena, n int, o LossOptions) *lossRun {
	x := &lossRun{spec: gpu.InfoNCESpec{Tau: o.Tau, Lambda: o.Lambda}, out: a.New(gpu.F32, o.Modalities, objective.TermValues)}
	embeddings := func() gpu.Tensor { return a.New(gpu.F32, n, o.Embedding) }
	for range o.Modalities {
		x.terms = append(x.terms, lossTerm{embeddings(), embeddings(), embeddings(), embeddings(), a.New(gpu.U8, n), a.New(gpu.F32, 1)})
	}
	return x
}

func (x *lossRun) fill(missing float64) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, t := range x.terms {
		draw(t.z, r.NormFloat64)
		draw(t.w, r.NormFloat64)
		draw(t.present, func() float64 {
			if r.Float64() < missing {
				return 0
			}
			return 1
		})
		gpu.Fill(t.scale, 1/float64(len(x.terms)))
	}
}

func (x *lossRun) work() {
	for i, t := range x.terms {
		gpu.InfoNCE(objective.TermAt(x.out, i), t.dz, t.dw, t.z, t.w, t.present, gpu.Tensor{}, t.scale, x.spec)
	}
}

func (x *lossRun) loss() float64 {
	sum := 0.0
	for i, v := range host(x.out) {
		if i%objective.TermValues == 0 {
			sum += v / float64(len(x.terms))
		}
	}
	return sum
}
