package nn

import (
	"slices"
	"testing"

	"contig-gpu/gpu"
)

// modes are the two kinds of statistics that a pass runs backward by.
func modes() map[string]Stats { return map[string]Stats{"batch": BatchStats, "running": RunningStats} }

// inMode returns a bench whose pass normalises by stats.
func inMode(t *testing.T, build func() (Layer, []uint8, []int), stats Stats) *bench {
	t.Helper()
	l, rows, dims := build()
	b := newBench(t, l, rows, dims...)
	b.p.Stats = stats
	for _, v := range l.Buffers() {
		if v.Init != Ones {
			continue
		}
		gpu.Fill(v.Value, 1.7) // away from 1, where a missing rstd would not show
	}
	return b
}

// TestGradientsByRunningStatistics is TestGradients where norms use their running averages: in evaluation mode.
func TestGradientsByRunningStatistics(t *testing.T) {
	for name, build := range layers() {
		t.Run(name, func(t *testing.T) {
			b := inMode(t, build, RunningStats)
			var before [][]float64
			for _, v := range b.layer.Buffers() {
				before = append(before, slices.Clone(gpu.Host[float64](v.Value)))
			}
			dx := b.backward()
			b.check(t, "x", gpu.Host[float64](b.x), dx)
			for _, q := range b.layer.Params() {
				b.check(t, q.Name, gpu.Host[float64](q.Value), gpu.Host[float64](q.Grad))
			}
			for i, v := range b.layer.Buffers() {
				if !slices.Equal(gpu.Host[float64](v.Value), before[i]) {
					t.Errorf("%s moved", v.Name)
				}
			}
		})
	}
}

// TestInputsAlone: a pass that wants no gradients of parameters gives the same dx, and theirs stay 0.
func TestInputsAlone(t *testing.T) {
	for mode, stats := range modes() {
		for name, build := range layers() {
			want := inMode(t, build, stats).backward()
			b := inMode(t, build, stats)
			b.p.Want = OfInputs
			if dx := b.backward(); !slices.Equal(dx, want) {
				t.Errorf("%s by %s statistics: dx is %v, want %v", name, mode, dx, want)
			}
			for _, q := range b.layer.Params() {
				if slices.ContainsFunc(gpu.Host[float64](q.Grad), func(g float64) bool { return g != 0 }) {
					t.Errorf("%s by %s statistics: %s has a gradient", name, mode, q.Name)
				}
			}
			if n := b.p.Arena.InUse(); n != 0 {
				t.Errorf("%s by %s statistics: %d bytes are left", name, mode, n)
			}
		}
	}
}

// TestParamsAlone: without the gradient of the input, BackwardInput gives the same gradients of parameters and returns
// nothing; with it, the input's too.
func TestParamsAlone(t *testing.T) {
	for mode, stats := range modes() {
		for name, build := range layers() {
			name += " by " + mode + " statistics"
			both, b := inMode(t, build, stats), inMode(t, build, stats)
			want := both.backward()
			b.p.Want = OfParams
			if dx := b.backwardInput(); dx.Ok() {
				t.Errorf("%s: a gradient of the input that nobody wants", name)
			}
			for i, q := range b.layer.Params() {
				if !slices.Equal(gpu.Host[float64](q.Grad), gpu.Host[float64](both.layer.Params()[i].Grad)) {
					t.Errorf("%s: the gradient of %s differs", name, q.Name)
				}
			}
			if b.p.Finish(); b.p.Arena.InUse() != 0 {
				t.Errorf("%s: %d bytes are left", name, b.p.Arena.InUse())
			}
			dx := both.backwardInput()
			if !dx.Ok() || !slices.Equal(gpu.Host[float64](dx), want) {
				t.Errorf("%s: BackwardInput does not return the gradient of the input", name)
			}
			both.p.Free(dx)
			both.p.Finish()
		}
	}
}

// backwardInput runs forward and BackwardInput, and leaves the pass open.
func (b *bench) backwardInput() gpu.Tensor {
	y := b.layer.Forward(b.p, b.x)
	dy := b.p.Temp(y.Dims()...)
	gpu.Write(dy, b.dy)
	return BackwardInput(b.p, b.layer, dy)
}

// TestBackwardInputOfNothing: an empty network has no layer to leave anything out of.
func TestBackwardInputOfNothing(t *testing.T) {
	b := newBench(t, Sequential{}, nil, 2, 3)
	b.p.Want = OfParams
	if dx := b.backwardInput(); dx.Ok() {
		t.Error("a gradient of the input that nobody wants")
	}
	if b.p.Finish(); b.p.Arena.InUse() != 0 {
		t.Errorf("%d bytes are left", b.p.Arena.InUse())
	}
}

// TestBranchesRunBackwardInAnyOrder: what a branch keeps is its own, though one network runs in both, and Finish of the pass
// frees all branches.
func TestBranchesRunBackwardInAnyOrder(t *testing.T) {
	l := Sequential{NewLinear("l", 5, 4).WithReLU(), NewBatchNorm("b", 4), NewLinear("m", 4, 3)}
	b := newBench(t, l, nil, 6, 5)
	other := b.p.Arena.Device().NewArena(1<<12).New(gpu.F64, 6, 5)
	for i, v := range gpu.Host[float64](b.x) {
		gpu.Host[float64](other)[i] = v * v
	}
	inputs := []gpu.Tensor{b.x, other}
	var want [][]float64
	for _, x := range inputs {
		l.Forward(b.p, x)
		want = append(want, b.gradient(b.p))
		b.p.Finish()
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		passes := []*Pass{b.p.Branch(), b.p.Branch()}
		for i, q := range passes {
			l.Forward(q, inputs[i])
		}
		for _, i := range order {
			if got := b.gradient(passes[i]); !slices.Equal(got, want[i]) {
				t.Errorf("in the order %v, branch %d gives %v, want %v", order, i, got, want[i])
			}
		}
		if b.p.Finish(); b.p.Arena.InUse() != 0 {
			t.Errorf("%d bytes are left after Finish", b.p.Arena.InUse())
		}
	}
}

// gradient runs backward what ran forward in p, and returns the gradient of its input.
func (b *bench) gradient(p *Pass) []float64 {
	dy := p.Temp(6, 3)
	gpu.Write(dy, b.dy)
	dx := b.layer.Backward(p, dy)
	v := slices.Clone(gpu.Host[float64](dx))
	p.Free(dx)
	return v
}

// TestFinishSeesBranches: a branch that lacks its Backward is reported.
func TestFinishSeesBranches(t *testing.T) {
	b := newBench(t, NewLinear("l", 2, 2), nil, 3, 2)
	b.layer.Forward(b.p.Branch(), b.x)
	defer func() {
		if recover() == nil {
			t.Error("Finish said nothing of a branch without its Backward")
		}
		b.p.Reset()
	}()
	b.p.Finish()
}
