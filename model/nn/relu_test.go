package nn

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

// tower is a network of fused ReLUs, as genetics have.
func tower() Sequential {
	return Sequential{NewLinear("a", 7, 9).WithReLU(), NewBatchNorm("b", 9).PresentOnly(), NewLinear("c", 9, 5), NewBatchNorm("d", 5).WithReLU(), NewLinear("e", 5, 3)}
}

// filledTower gives a network weights on a CPU, in float64.
func filledTower(t *testing.T, l Layer) *gpu.Arena {
	t.Helper()
	dev := gputest.Open(t, "cpu", gpu.Options{Threads: 2})
	w := NewWeights(l)
	if err := w.Place(dev, gpu.F64); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Params() {
		gpu.Write(p.Value, golden.Weight(p.Name, p.Dims))
	}
	for _, b := range w.Buffers() {
		gpu.Write(b.Value, golden.Weight(b.Name, b.Dims))
	}
	return dev.NewArena(1 << 20)
}

// TestUnfusedComputesTheSame: values and gradients are those of the fused network, whose parameters it shares.
func TestUnfusedComputesTheSame(t *testing.T) {
	fused := tower()
	a := filledTower(t, fused)
	cut := Unfused(fused)
	if !slices.Equal(cut.Params(), fused.Params()) || !slices.Equal(cut.Buffers(), fused.Buffers()) || len(cut) != len(fused)+2 {
		t.Fatalf("%d layers of other parameters", len(cut))
	}
	x := gputest.Filled(a, gpu.F64, "x", -2, 2, 6, 7)
	var ys, dxs [2][]float64
	for i, l := range []Sequential{fused, cut} {
		p := &Pass{Arena: a, DType: gpu.F64, Want: OfInputs}
		y := l.Forward(p, x)
		ys[i] = gputest.Values(y)
		dy := p.Temp(y.Dims()...)
		gpu.Fill(dy, 1)
		dx := l.Backward(p, dy)
		dxs[i] = gputest.Values(dx)
		p.Free(dx)
		p.Finish()
	}
	if !slices.Equal(ys[0], ys[1]) || !slices.Equal(dxs[0], dxs[1]) {
		t.Error("the unfused network computes something else")
	}
}

// TestRescaleAddsUp: multipliers times the differences of the inputs add up to those of the output, with a baseline for each row
// and with one for all.
func TestRescaleAddsUp(t *testing.T) {
	const rows = 4
	for _, bases := range []int{1, rows} {
		l := Unfused(tower())
		a := filledTower(t, l)
		v := golden.Fill("x", (rows+bases)*7, -2, 2)
		p := &Pass{Arena: a, DType: gpu.F64, Want: OfInputs, Rule: Rescale}
		y := l.Forward(p, gputest.Put(a, gpu.F64, v, rows+bases, 7))
		out := gputest.Values(y)
		dy := p.Temp(rows, 3)
		gpu.Fill(dy, 1)
		m := l.Backward(p, dy)
		for r, multipliers := 0, gputest.Values(m); r < rows; r++ {
			b, got, want := rows+r%bases, 0.0, 0.0
			for j := range 7 {
				got += multipliers[r*7+j] * (v[r*7+j] - v[b*7+j])
			}
			for j := range 3 {
				want += out[r*3+j] - out[b*3+j]
			}
			if !(math.Abs(got-want) <= 1e-13) {
				t.Errorf("%d baselines: row %d adds up to %.15g, want %.15g", bases, r, got, want)
			}
		}
		p.Free(m)
		p.Finish()
	}
}

// TestRescaleRefusesWhatIsFused: a fused ReLU and a pooling follow the gradient alone, and say so.
func TestRescaleRefusesWhatIsFused(t *testing.T) {
	for name, l := range map[string]Sequential{"linear": {NewLinear("l", 4, 4).WithReLU()}, "norm": {NewBatchNorm("b", 4).WithReLU()},
		"pool": {&MaxPool{K: 1, Stride: 1}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			a := filledTower(t, l)
			dims := []int{2, 4}
			if name == "pool" {
				dims = []int{2, 1, 1, 4}
			}
			l.Forward(&Pass{Arena: a, DType: gpu.F64, Want: OfInputs, Rule: Rescale}, gputest.Filled(a, gpu.F64, "x", -1, 1, dims...))
		}()
	}
}
