package model

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// inChunks is a batch of 8 in which some lack a modality, nobody of the second chunk of 3 has b, and two images of one
// person are in different chunks.
func inChunks(t *testing.T, cfg Config, net *trunk.Trunk) *rig {
	r := newRig(t, "cpu", cfg, gpu.F64, 8, 33)
	if net != nil {
		r.m.trunk = net
		a, b := r.m.towers[0], r.m.towers[1]
		r.m.weights = nn.NewWeights(net, a.image, a.genetics, b.image, b.genetics)
		if err := r.m.weights.Place(r.p.Arena.Device(), gpu.F64); err != nil {
			t.Fatal(err)
		}
	}
	r.m.Weights().Init(1)
	counts := r.fill(2, func(i, row int) bool { return i == 0 && row != 4 || i == 1 && (row < 2 || row > 4) })
	gpu.Write(r.b.Group, []int32{0, 1, 2, 3, 4, 0, 6, 1})
	gpu.Write(r.b.Scale, r.m.TermWeights(8, counts))
	r.p.Arena = r.p.Arena.Device().NewArena(1 << 26)
	return r
}

// apart is a trunk that does not mix images: nothing in it is normalised over the batch.
func apart() *trunk.Trunk {
	pool := func() nn.Layer { return &nn.MaxPool{K: 2, Stride: 1} }
	s := nn.Sequential{nn.NewConv("trunk.a", 3, 8, 3, 2, 1), pool(), nn.NewConv("trunk.b", 8, 512, 3, 2, 1), pool()}
	return &trunk.Trunk{Stages: []trunk.Stage{{Layers: s}}, Pool: &nn.GlobalAvgPool{}, Width: 512}
}

// TestChunksAreTheWholeBatch: where the image encoder does not mix images, losses and gradients are those of a step over the
// whole batch, whatever the chunk, with genetics normalised over the batch, and with pairs of one person across chunks.
func TestChunksAreTheWholeBatch(t *testing.T) {
	for _, pairs := range []string{"avoid", "mask", "positive"} {
		for _, genetics := range []string{"none", "linear", "h1"} {
			cfg := small(genetics, "a", "b")
			cfg.Pairs = pairs
			whole := inChunks(t, cfg, apart())
			whole.m.Step(whole.p, whole.b, whole.losses)
			for _, chunk := range []int{1, 3, 4, 7, 8, 9} {
				r := inChunks(t, cfg, apart())
				r.m.Chunk = chunk
				r.m.Step(r.p, r.b, r.losses)
				name := fmt.Sprint(pairs, ", ", genetics, ", chunks of ", chunk)
				sameValues(t, name+": losses", r.read(), whole.read(), 1e-12)
				for i, p := range r.m.Weights().Params() {
					sameValues(t, name+": "+p.Name, gputest.Values(p.Grad), gputest.Values(whole.m.Weights().Params()[i].Grad), 1e-10)
				}
				for i, b := range r.m.Weights().Buffers() {
					sameValues(t, name+": "+b.Name, gputest.Values(b.Value), gputest.Values(whole.m.Weights().Buffers()[i].Value), 0)
				}
				if r.p.Arena.InUse() != 0 {
					t.Errorf("%s: %d bytes are left", name, r.p.Arena.InUse())
				}
			}
		}
	}
}

// sameValues allows differences of a part of the largest value wanted.
func sameValues(t *testing.T, name string, got, want []float64, part float64) {
	t.Helper()
	top := 0.0
	for _, w := range want {
		top = math.Max(top, math.Abs(w))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= part*top) {
			t.Errorf("%s: element %d is %g, want %g", name, i, got[i], w)
			return
		}
	}
}

// TestChunksNormaliseByThemselves: with batch normalisation the step is the one that keeps every chunk's activations, to the
// bit, and running averages move once for each chunk, in order.
func TestChunksNormaliseByThemselves(t *testing.T) {
	const chunk = 3
	cfg := small("h1", "a", "b")
	cfg.Pairs = "mask"
	want := inChunks(t, cfg, nil)
	features := want.p.Temp(8, want.m.trunk.Width)
	var kept []*nn.Pass
	ends := []int{0, 2, 5, 8} // three parts of at most 3
	for i := range 3 {
		p := nn.Training(want.p.Arena, gpu.F64)
		gpu.Copy(rows(features, ends[i], ends[i+1]), want.m.trunk.Forward(p, rows(want.b.Image, ends[i], ends[i+1])))
		kept = append(kept, p)
	}
	e := want.m.embedFrom(want.p, features, want.b)
	dz, dw := want.compare(e, 0, 0)
	var d gpu.Tensor
	for i, tw := range want.m.towers {
		d = tw.backward(e.passes[i], d, dz[i], dw[i])
	}
	for i, p := range kept {
		dy := p.Temp(ends[i+1]-ends[i], want.m.trunk.Width)
		gpu.Copy(dy, rows(d, ends[i], ends[i+1]))
		want.m.trunk.Backward(p, dy)
	}
	got := inChunks(t, cfg, nil)
	got.m.Chunk = chunk
	got.m.Step(got.p, got.b, got.losses)
	if !slices.Equal(got.read(), want.read()) {
		t.Errorf("losses are %v, want %v", got.read(), want.read())
	}
	for i, p := range got.m.Weights().Params() {
		if !slices.Equal(gputest.Values(p.Grad), gputest.Values(want.m.Weights().Params()[i].Grad)) {
			t.Errorf("the gradient of %s differs", p.Name)
		}
	}
	for i, b := range got.m.Weights().Buffers() {
		if !slices.Equal(gputest.Values(b.Value), gputest.Values(want.m.Weights().Buffers()[i].Value)) {
			t.Errorf("%s differs", b.Name)
		}
	}
	whole := inChunks(t, cfg, nil)
	whole.m.Step(whole.p, whole.b, whole.losses)
	if slices.Equal(whole.read(), got.read()) {
		t.Error("statistics of chunks make no difference")
	}
	if got.p.Arena.Peak() >= whole.p.Arena.Peak() {
		t.Errorf("chunks take %d bytes, the whole batch %d", got.p.Arena.Peak(), whole.p.Arena.Peak())
	}
}

// TestFeaturesInChunks: in evaluation the features are the whole batch's, to rounding.
func TestFeaturesInChunks(t *testing.T) {
	r := inChunks(t, small("none", "a", "b"), nil)
	r.p = nn.Evaluation(r.p.Arena, gpu.F64)
	want := gputest.Values(r.m.Features(r.p, r.b.Image))
	r.p.Finish()
	r.m.Chunk = 3
	got := gputest.Values(r.m.Features(r.p, r.b.Image))
	r.p.Finish()
	sameValues(t, "features", got, want, 1e-12)
	if r.p.Arena.InUse() != 0 {
		t.Errorf("%d bytes are left", r.p.Arena.InUse())
	}
}
