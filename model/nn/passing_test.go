package nn

import (
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

// blocks are a convolution, a bottleneck with a shortcut of stride 2, two without one, and a last layer.
func blocks() Sequential {
	convNorm := func(name string, cin, cout, k, stride int) *ConvNorm {
		return &ConvNorm{NewConv(name, cin, cout, k, stride, k/2), NewBatchNorm(name+"n", cout)}
	}
	relu := func(c *ConvNorm) *ConvNorm {
		c.Norm.WithReLU()
		return c
	}
	block := func(name string, cin, stride int) *Residual {
		r := &Residual{Body: Sequential{relu(convNorm(name+"a", cin, 8, 1, 1)), relu(convNorm(name+"b", 8, 8, 3, stride))}, Last: relu(convNorm(name+"c", 8, 16, 1, 1))}
		if cin != 16 {
			r.Shortcut = convNorm(name+"s", cin, 16, 1, stride)
		}
		return r
	}
	return Sequential{Sequential{relu(convNorm("stem", 8, 8, 3, 1))}, Sequential{block("1", 8, 2), block("2", 16, 1)}, Sequential{block("3", 16, 1)}, &GlobalAvgPool{}}
}

// A stepped is what a step left: gradients and running averages by name, and what it launched.
type stepped struct {
	values   map[string][]float64
	launches []string
}

// stepOf runs a step of blocks.
func stepOf(t *testing.T, spec string, d gpu.DType, o gpu.Options, want Gradients) stepped {
	t.Helper()
	dev, err := gpu.Open(spec, o)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	l := blocks()
	w := NewWeights(l)
	if err := w.Place(dev, d); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Init(3)
	for _, q := range l.Params() {
		decide(q)
	}
	w.Refresh()
	p := Training(dev.NewArena(8<<20), d)
	p.Want = want
	x := dev.NewArena(1<<20).New(d, 4, 8, 8, 8)
	gpu.Write(x, golden.Fill("x", x.Len(), -1, 1))
	y := l.Forward(p, x)
	dy := p.Temp(y.Dims()...)
	gpu.Write(dy, golden.Fill("dy", dy.Len(), -1, 1))
	s := stepped{values: map[string][]float64{"y": gputest.Values(y)}}
	s.values["dx"] = gputest.Values(l.Backward(p, dy))
	for _, q := range l.Params() {
		s.values[q.Name] = gputest.Values(q.Grad)
	}
	for _, b := range l.Buffers() {
		s.values[b.Name] = gputest.Values(b.Value)
	}
	if len(p.stack) > 0 || p.passing != (passing{}) {
		t.Errorf("something was told and not heard: %+v", p.passing)
	}
	if d == gpu.F16 {
		plan := dev.Plan()
		defer plan.Close()
		s.launches = launched(t, plan, want)
	}
	return s
}

// decide gives a norm a scale and a bias by which nothing lies near 0 before its ReLU, where rounding would decide what passes: all of a
// block's last norms and of its shortcut's passes, of others every other channel.
func decide(q *Param) {
	v, last := make([]float64, q.Size()), strings.Contains(q.Name, "cn.") || strings.Contains(q.Name, "sn.")
	for j := range v {
		v[j] = 4 - 8*float64(j%2)
		if last {
			v[j] = 4
		}
		if strings.HasSuffix(q.Name, ".weight") {
			v[j] = 0.5 + 0.25*float64(j%3)
		}
	}
	if strings.Contains(q.Name, "n.") {
		gpu.Write(q.Value, v)
	}
}

// launched lists what a step launches on a planning device, and checks that it gives all memory back.
func launched(t *testing.T, plan *gpu.Device, want Gradients) (names []string) {
	t.Helper()
	l := blocks()
	w := NewWeights(l)
	if err := w.Place(plan, gpu.F16); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p := Training(plan.NewArena(0), gpu.F16)
	p.Want = want
	x := plan.NewArena(0).New(gpu.F16, 4, 8, 8, 8)
	plan.CountLaunches()
	y := l.Forward(p, x)
	if want != 0 {
		p.Free(l.Backward(p, p.Temp(y.Dims()...)))
	}
	p.Finish()
	if n := p.Arena.InUse(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	for _, k := range plan.Launches() {
		names = append(names, k.Name)
	}
	return names
}

func count(names []string, part string) (n int) {
	for _, s := range names {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

// TestNeighbours: what norms and convolutions do for each other changes no gradient beyond rounding. The device without cuDNN has nothing
// of it.
func TestNeighbours(t *testing.T) {
	gputest.UseEmulator(t)
	const all = OfParams | OfInputs
	fused, apart := stepOf(t, "cuda:0", gpu.F16, gpu.Options{}, all), stepOf(t, "cuda:0", gpu.F16, gpu.Options{Portable: true}, all)
	for name, want := range stepOf(t, "cpu", gpu.F64, gpu.Options{}, all).values {
		if e, without := gputest.RelError(fused.values[name], want), gputest.RelError(apart.values[name], want); !(e < max(0.02, 3*without)) {
			t.Errorf("%s: relative error %.3g, %.3g without", name, e, without)
		}
	}
	// The two norms inside each block are left to the next convolution, which also sums for them; and to that after block 2 its last norm, to
	// which the block's input is added. The stem's is not, which a shortcut reads too, nor block 1's last, which is one with the shortcut's.
	for name, want := range map[string]int{"conv_norm_forward": 6, "conv_norm_add_forward": 1, "conv_norm_weight": 6, "conv_norm_data": 7, "batchnorm_line_f16": 7, "batchnorm_summed": 7, "batchnorm_line_backward": 0} {
		if n := count(fused.launches, name); n != want {
			t.Errorf("%d times %s, want %d: %v", n, name, want, fused.launches)
		}
		if n := count(apart.launches, name); n != 0 {
			t.Errorf("%d times %s without cuDNN", n, name)
		}
	}
}

// TestNeighboursByWant: a pass that wants no gradients, or of inputs alone, leaves norms to the next convolution too, so that what it computes
// is what a step of training does.
func TestNeighboursByWant(t *testing.T) {
	gputest.UseEmulator(t)
	dev := gputest.Open(t, "cuda:0", gpu.Options{})
	plan := dev.Plan()
	for want, forward := range map[Gradients]int{0: 6, OfInputs: 6, OfParams: 6} {
		names := launched(t, plan, want)
		if n := count(names, "conv_norm_forward"); n != forward {
			t.Errorf("want %d: %d norms are left, want %d: %v", want, n, forward, names)
		}
		if want == 0 && slices.ContainsFunc(names, func(s string) bool { return strings.Contains(s, "back") }) {
			t.Errorf("there is a gradient: %v", names)
		}
	}
}
