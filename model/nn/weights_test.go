package nn

import (
	"math"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
)

func network(prefix string) Layer {
	return Sequential{&ConvNorm{NewConv(prefix+"c", 3, 5, 3, 1, 1), NewBatchNorm(prefix+"b", 5)}, &GlobalAvgPool{}, NewLinear(prefix+"l", 5, 7)}
}

func onCPU(t *testing.T) *gpu.Device {
	t.Helper()
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

func placed(t *testing.T, dev *gpu.Device, d gpu.DType, layers ...Layer) *Weights {
	t.Helper()
	w := NewWeights(layers...)
	if err := w.Place(dev, d); err != nil {
		t.Fatal(err)
	}
	return w
}

// values returns all values of weights by name.
func values(w *Weights) map[string][]float64 {
	all := map[string][]float64{}
	read := func(name string, x gpu.Tensor) {
		all[name] = make([]float64, x.Len())
		gpu.Read(all[name], x)
	}
	for _, p := range w.Params() {
		read(p.Name, p.Value)
	}
	for _, b := range w.Buffers() {
		read(b.Name, b.Value)
	}
	return all
}

// TestWeightsSideBySide: two sets on one device do not touch each other.
func TestWeightsSideBySide(t *testing.T) {
	dev := onCPU(t)
	a, b := placed(t, dev, gpu.F32, network("a.")), placed(t, dev, gpu.F32, network("b."))
	a.Init(1)
	before := values(a)
	b.Init(1)
	flat, grads, _ := b.Flat()
	gpu.Fill(flat, 5)
	gpu.Fill(grads, 6)
	for name, v := range values(a) {
		if !slices.Equal(v, before[name]) {
			t.Errorf("%s changed with the other set", name)
		}
	}
	for _, p := range a.Params() {
		g := make([]float64, p.Size())
		gpu.Read(g, p.Grad)
		if slices.Max(g) != 0 || slices.Min(g) != 0 {
			t.Errorf("the gradient of %s changed with the other set", p.Name)
		}
	}
	b.Close()
	for name, v := range values(a) {
		if !slices.Equal(v, before[name]) {
			t.Errorf("%s changed when the other set was closed", name)
		}
	}
}

// TestInitByName: values depend on seed and name alone: not on the set, its order or its other layers.
func TestInitByName(t *testing.T) {
	dev := onCPU(t)
	one := placed(t, dev, gpu.F64, network("a."), network("b."))
	other := placed(t, dev, gpu.F64, NewLinear("z", 2, 2), network("b."))
	one.Init(7)
	other.Init(7)
	want := values(one)
	for name, v := range values(other) {
		if strings.HasPrefix(name, "b.") && !slices.Equal(v, want[name]) {
			t.Errorf("%s depends on its neighbours", name)
		}
	}
	if slices.Equal(want["a.l.weight"], want["b.l.weight"]) {
		t.Error("two names have one initialisation")
	}
	other.Init(8)
	if slices.Equal(values(other)["b.l.weight"], want["b.l.weight"]) {
		t.Error("two seeds have one initialisation")
	}
	for i, v := range want["a.l.weight"] {
		if math.Abs(v) > 1/math.Sqrt(5) {
			t.Errorf("element %d of a.l.weight is %g, beyond 1/sqrt(5)", i, v)
		}
	}
}

// TestPlaceCloseAgain: Close gives the device its memory back, and weights may be placed again, in another type, and are
// then 0.
func TestPlaceCloseAgain(t *testing.T) {
	dev := onCPU(t)
	w := placed(t, dev, gpu.F64, network("a."))
	w.Init(3)
	want := values(w)
	w.Close()
	if held := dev.Allocated(); len(held) != 0 {
		t.Errorf("%v are held after Close", held)
	}
	for _, p := range w.Params() {
		if p.Value.Ok() || p.Grad.Ok() || p.Half.Ok() {
			t.Errorf("%s has a tensor after Close", p.Name)
		}
	}
	if err := w.Place(dev, gpu.F32); err != nil {
		t.Fatal(err)
	}
	for name, v := range values(w) {
		if slices.Max(v) != 0 || slices.Min(v) != 0 {
			t.Errorf("%s is not 0 after Place", name)
		}
	}
	w.Init(3)
	for name, v := range values(w) {
		for i := range v {
			if v[i] != float64(float32(want[name][i])) {
				t.Fatalf("%s[%d] is %g, want %g as float32", name, i, v[i], want[name][i])
			}
		}
	}
	if NewWeights(network("a.")).Place(dev, gpu.U8) == nil {
		t.Error("weights of bytes were accepted")
	}
}

// TestParts: parts are the gradient of what decays, from its end, each whole parameters and none smaller than asked for but the last.
func TestParts(t *testing.T) {
	w := placed(t, onCPU(t), gpu.F64, NewLinear("a", 5, 3), NewBatchNorm("n", 3), NewLinear("b", 40, 20), NewLinear("c", 2, 2))
	read := func(x gpu.Tensor) []float64 {
		v := make([]float64, x.Len())
		gpu.Read(v, x)
		return v
	}
	_, grads, decayed := w.Flat()
	for i := range grads.Len() {
		gpu.Fill(grads.Slice(i, i+1), float64(i))
	}
	for _, least := range []int{1, 17, 100, 800, 1 << 20} {
		end, names := decayed, ""
		parts := w.Parts(least)
		for i, p := range parts {
			v := read(p.Grad)
			if n := len(v); v[n-1] != float64(end-1) || v[0] != float64(end-n) || n < least && i+1 < len(parts) {
				t.Errorf("least %d: part %d has elements %g to %g, behind it is %d", least, i, v[0], v[n-1], end)
			}
			end -= len(v)
			for _, x := range p.Params {
				names += x.Name[:1]
				if g := read(x.Grad); g[0] < v[0] || g[len(g)-1] > v[len(v)-1] {
					t.Errorf("least %d: %s is not in part %d", least, x.Name, i)
				}
			}
		}
		if end != 0 || names != "cba" {
			t.Errorf("least %d: parts of %q end at %d", least, names, end)
		}
	}
}
