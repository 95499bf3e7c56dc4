package model

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestActsTakeRangesOfAnchors: the terms, and the gradients of the parameters, of a step whose comparison is cut into ranges of
// anchors, as several devices would, add up to those of the whole step.
func TestActsTakeRangesOfAnchors(t *testing.T) {
	cfg := small("h1", "a", "b")
	cfg.Pairs = "mask"
	whole := inChunks(t, cfg, nil)
	gpu.Write(whole.b.Scale, []float64{0.25, 1.5}) // each term by its own
	whole.m.Step(whole.p, whole.b, whole.losses)
	cut := inChunks(t, cfg, nil)
	gpu.Write(cut.b.Scale, gputest.Values(whole.b.Scale))
	terms := make([]float64, cut.losses.Len())
	e := cut.m.Embed(cut.p, cut.b)
	var dz, dw []gpu.Tensor
	for _, r := range [][2]int{{0, 3}, {3, 4}, {4, 8}} {
		z, w := cut.compare(e, r[0], r[1])
		for i, v := range gputest.Values(cut.losses) {
			terms[i] += v
		}
		if dz == nil {
			dz, dw = z, w
			continue
		}
		for i := range z {
			gpu.Add(dz[i], dz[i], z[i])
			gpu.Add(dw[i], dw[i], w[i])
			cut.p.Free(z[i])
			cut.p.Free(w[i])
		}
	}
	cut.m.Backward(cut.p, e, dz, dw)
	cut.p.Finish()
	sameValues(t, "terms", terms, whole.read(), 1e-12)
	for i, p := range cut.m.Weights().Params() {
		sameValues(t, p.Name, gputest.Values(p.Grad), gputest.Values(whole.m.Weights().Params()[i].Grad), 1e-10)
	}
	if cut.p.Arena.InUse() != 0 {
		t.Errorf("%d bytes are left", cut.p.Arena.InUse())
	}
}
