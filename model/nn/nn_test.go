package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
)

// A bench has one layer in float64 with random parameters and input.
type bench struct {
	layer Layer
	p     *Pass
	x     gpu.Tensor
	dy    []float64
}

func newBench(t *testing.T, l Layer, rows []uint8, dims ...int) *bench {
	t.Helper()
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	a, r := dev.NewArena(1<<20), rand.New(rand.NewPCG(1, 2))
	random := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return v
	}
	for _, q := range l.Params() {
		q.Value, q.Grad = a.New(gpu.F64, q.Dims...), a.Zeros(gpu.F64, q.Dims...)
		gpu.Write(q.Value, random(q.Size()))
	}
	for _, b := range l.Buffers() {
		b.Value = a.New(gpu.F64, b.Dims...)
		gpu.Fill(b.Value, 1)
		if strings.HasSuffix(b.Name, "running_mean") {
			gpu.Write(b.Value, random(b.Size()))
		}
	}
	b := &bench{layer: l, x: a.New(gpu.F64, dims...), p: training(dev)}
	gpu.Write(b.x, random(b.x.Len()))
	if rows != nil {
		b.p.Present = a.New(gpu.U8, len(rows))
		gpu.Write(b.p.Present, rows)
	}
	b.dy = random(l.Forward(b.p, b.x).Len())
	b.p.Reset()
	return b
}

// training returns a pass that wants all gradients.
func training(dev *gpu.Device) *Pass {
	p := Training(dev.NewArena(1<<20), gpu.F64)
	p.Want |= OfInputs
	return p
}

// value is the scalar whose gradients are checked: sum(y dy).
func (b *bench) value() float64 {
	s := 0.0
	for i, y := range gpu.Host[float64](b.layer.Forward(b.p, b.x)) {
		s += y * b.dy[i]
	}
	b.p.Reset()
	return s
}

// slope is the central difference of value by *v.
func (b *bench) slope(v *float64) float64 {
	const h = 1e-5
	at := *v
	*v = at + h
	up := b.value()
	*v = at - h
	down := b.value()
	*v = at
	return (up - down) / (2 * h)
}

// backward returns dx.
func (b *bench) backward() []float64 {
	y := b.layer.Forward(b.p, b.x)
	dy := b.p.Temp(y.Dims()...)
	gpu.Write(dy, b.dy)
	dx := b.layer.Backward(b.p, dy)
	v := append([]float64(nil), gpu.Host[float64](dx)...)
	b.p.Free(dx)
	b.p.Finish()
	return v
}

func (b *bench) check(t *testing.T, what string, values, grads []float64) {
	t.Helper()
	top, worst := 1.0, 0.0
	for i := range values {
		want := b.slope(&values[i])
		top, worst = math.Max(top, math.Abs(want)), math.Max(worst, math.Abs(grads[i]-want))
	}
	if !(worst <= 1e-6*top) {
		t.Errorf("gradient of %s is off by %.3g of %.3g", what, worst, top)
	}
}

func layers() map[string]func() (Layer, []uint8, []int) {
	some := []uint8{1, 0, 1, 1, 0, 1}
	block := func(cin, stride int) *Residual {
		r := &Residual{Body: Sequential{&ConvNorm{NewConv("c1", cin, 2, 3, stride, 1), NewBatchNorm("b1", 2).WithReLU()}},
			Last: &ConvNorm{NewConv("c2", 2, 4, 1, 1, 0), NewBatchNorm("b2", 4).WithReLU()}}
		if stride > 1 || cin != 4 {
			r.Shortcut = &ConvNorm{NewConv("d0", cin, 4, 1, stride, 0), NewBatchNorm("d1", 4)}
		}
		return r
	}
	return map[string]func() (Layer, []uint8, []int){
		"linear":      func() (Layer, []uint8, []int) { return NewLinear("l", 5, 3), nil, []int{4, 5} },
		"linear relu": func() (Layer, []uint8, []int) { return NewLinear("l", 5, 3).WithReLU(), nil, []int{4, 5} },
		"conv":        func() (Layer, []uint8, []int) { return NewConv("c", 3, 4, 3, 2, 1), nil, []int{2, 5, 6, 3} },
		"norm":        func() (Layer, []uint8, []int) { return NewBatchNorm("b", 3), nil, []int{2, 3, 2, 3} },
		"norm relu":   func() (Layer, []uint8, []int) { return NewBatchNorm("b", 3).WithReLU(), nil, []int{2, 3, 2, 3} },
		"masked norm": func() (Layer, []uint8, []int) { return NewBatchNorm("b", 3).PresentOnly(), some, []int{6, 3} },
		"maxpool":     func() (Layer, []uint8, []int) { return &MaxPool{K: 3, Stride: 2, Pad: 1}, nil, []int{2, 5, 6, 2} },
		"avgpool":     func() (Layer, []uint8, []int) { return &GlobalAvgPool{}, nil, []int{2, 3, 2, 3} },
		"conv norm": func() (Layer, []uint8, []int) {
			return &ConvNorm{NewConv("c", 3, 4, 3, 2, 1), NewBatchNorm("b", 4).WithReLU()}, nil, []int{2, 5, 6, 3}
		},
		"block":          func() (Layer, []uint8, []int) { return block(4, 1), nil, []int{2, 4, 4, 4} },
		"block, wider":   func() (Layer, []uint8, []int) { return block(3, 1), nil, []int{2, 4, 4, 3} },
		"block, strided": func() (Layer, []uint8, []int) { return block(4, 2), nil, []int{2, 5, 4, 4} },
		"masked block": func() (Layer, []uint8, []int) {
			return Sequential{NewLinear("l", 4, 5).WithReLU(), NewBatchNorm("b", 5).PresentOnly(), NewLinear("m", 5, 2)}, some, []int{6, 4}
		},
		"identity then linear": func() (Layer, []uint8, []int) {
			return Sequential{Sequential{}, NewLinear("l", 4, 5)}, nil, []int{2, 4}
		},
	}
}

func TestGradients(t *testing.T) {
	for name, build := range layers() {
		t.Run(name, func(t *testing.T) {
			l, rows, dims := build()
			b := newBench(t, l, rows, dims...)
			dx := b.backward()
			b.check(t, "x", gpu.Host[float64](b.x), dx)
			for _, q := range l.Params() {
				b.check(t, q.Name, gpu.Host[float64](q.Value), gpu.Host[float64](q.Grad))
			}
		})
	}
}

// TestGradientsAccumulate: parameters add up over passes, activations do not.
func TestGradientsAccumulate(t *testing.T) {
	for name, build := range layers() {
		l, rows, dims := build()
		b := newBench(t, l, rows, dims...)
		dx, once := b.backward(), [][]float64{}
		for _, q := range l.Params() {
			once = append(once, append([]float64(nil), gpu.Host[float64](q.Grad)...))
		}
		again := b.backward()
		for i := range dx {
			if dx[i] != again[i] {
				t.Fatalf("%s: dx is %g, then %g", name, dx[i], again[i])
			}
		}
		for i, q := range l.Params() {
			for j, g := range gpu.Host[float64](q.Grad) {
				if math.Abs(g-2*once[i][j]) > 1e-12*(1+math.Abs(g)) {
					t.Fatalf("%s: %s is %g after two passes, %g after one", name, q.Name, g, once[i][j])
				}
			}
		}
	}
}

// TestPassGivesAllBack: a sweep leaves its arena as it was, in training and in evaluation.
func TestPassGivesAllBack(t *testing.T) {
	for name, build := range layers() {
		l, rows, dims := build()
		b := newBench(t, l, rows, dims...)
		b.backward()
		if n := b.p.Arena.InUse(); n != 0 {
			t.Errorf("%s: %d bytes in use after training", name, n)
		}
		b.p = Evaluation(b.p.Arena, gpu.F64)
		peak := b.p.Arena.Peak()
		for range 3 {
			l.Forward(b.p, b.x)
			b.p.Finish()
		}
		if n := b.p.Arena.InUse(); n != 0 || b.p.Arena.Peak() > peak {
			t.Errorf("%s: %d bytes in use after evaluation, peak %d over %d", name, n, b.p.Arena.Peak(), peak)
		}
	}
}

func TestOrderPanics(t *testing.T) {
	a, c := NewLinear("a", 2, 2), NewLinear("c", 2, 2)
	b := newBench(t, Sequential{a, c}, nil, 3, 2)
	for name, wrong := range map[string]func(){
		"out of order":        func() { a.Backward(b.p, b.p.Temp(3, 2)) },
		"lack their Backward": b.p.Finish,
	} {
		t.Run(name, func(t *testing.T) {
			b.layer.Forward(b.p, b.x)
			defer func() {
				if s, _ := recover().(string); !strings.Contains(s, name) {
					t.Errorf("panic %q, want one with %q", s, name)
				}
				b.p.Reset()
			}()
			wrong()
		})
	}
}

// TestEvaluationFreesWhatIsConsumed: a chain of layers needs the memory of the widest few, not of all.
func TestEvaluationFreesWhatIsConsumed(t *testing.T) {
	t.Setenv("CONTIG_DEBUG", "poison")
	var s Sequential
	for i := range 6 {
		c := fmt.Sprint("c", i)
		s = append(s, &Residual{Body: Sequential{&ConvNorm{NewConv(c+"a", 4, 4, 3, 1, 1), NewBatchNorm(c+"a", 4).WithReLU()}}, Last: &ConvNorm{NewConv(c, 4, 4, 3, 1, 1), NewBatchNorm(c, 4).WithReLU()}}, &MaxPool{K: 3, Stride: 1, Pad: 1})
	}
	b := newBench(t, s, nil, 2, 6, 6, 4)
	b.p = Evaluation(b.p.Arena.Device().NewArena(1<<20), gpu.F64)
	one := b.x.Bytes()
	y := s.Forward(b.p, b.x)
	if n := b.p.Arena.InUse(); n > one+256 {
		t.Errorf("%d bytes in use after a forward pass, want the result's %d", n, one)
	}
	if n := b.p.Arena.Peak(); n > 4*one {
		t.Errorf("%d bytes at the peak, want at most four activations of %d", n, one)
	}
	first := slices.Clone(gpu.Host[float64](y))
	b.p.Finish()
	if !slices.Equal(gpu.Host[float64](s.Forward(b.p, b.x)), first) {
		t.Error("a second pass gives other numbers")
	}
	for _, v := range first {
		if math.IsNaN(v) {
			t.Fatal("memory was read after it was given back")
		}
	}
}
