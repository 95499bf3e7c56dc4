package checkpoint

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/nn"
)

// network returns the weights of a small SimCLR, placed.
func network(t *testing.T) *nn.Weights {
	t.Helper()
	o, err := build.New(build.Config{Objective: build.SimCLR, Model: model.Config{Encoder: "resnet18", Hidden: 2, Embedding: 2, Tau: 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := o.Weights()
	if err := w.Place(dev, gpu.F32); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(); dev.Close() })
	w.Init(1)
	return w
}

// encoder returns the image encoder's tensors under torchvision's names behind prefix, all of one type, and their values. Every value is exact in
// all types.
func encoder(w *nn.Weights, prefix string, dtype safetensors.DType) ([]safetensors.Tensor, map[string][]float64) {
	g := rand.New(rand.NewPCG(4, 4))
	values := map[string][]float64{}
	var out []safetensors.Tensor
	for _, x := range Tensors(w) {
		name, ok := strings.CutPrefix(x.Name, model.TrunkPrefix)
		if !ok {
			continue
		}
		v := make([]float64, x.Len())
		for i := range v {
			v[i] = float64(g.IntN(128)) / 64
		}
		values[name] = v
		y := safetensors.FromFloats(prefix+name, safetensors.F32, x.Shape, v)
		if dtype != safetensors.F32 {
			y.DType, y.Data = dtype, make([]byte, 2*len(v))
			for i, e := range v {
				bits := uint16(math.Float32bits(float32(e)) >> 16)
				if dtype == safetensors.F16 && e != 0 { // 8 bits of exponent become 5, 7 of fraction 10
					bits = uint16(int(bits>>7)-127+15)<<10 | bits&127<<3
				}
				binary.LittleEndian.PutUint16(y.Data[2*i:], bits)
			}
		}
		out = append(out, y)
	}
	return out, values
}

// TestInitTakesWhatProgramsWrite: types, prefixes and tensors that are not used do not matter.
func TestInitTakesWhatProgramsWrite(t *testing.T) {
	w := network(t)
	for _, c := range []struct {
		prefix string
		dtype  safetensors.DType
	}{{"", safetensors.F16}, {"", safetensors.BF16}, {"module.", safetensors.F32}, {"backbone.", safetensors.F16}, {"state_dict.model.encoder.", safetensors.BF16}, {"module.encoder_q.", safetensors.F32}} {
		ts, want := encoder(w, c.prefix, c.dtype)
		ts = append(ts, safetensors.FromInt64(c.prefix+"bn1.num_batches_tracked", 9), safetensors.Tensor{Name: "queue_ptr", DType: "I32", Shape: []int{1}, Data: make([]byte, 4)},
			safetensors.Tensor{Name: "mask", DType: "BOOL", Shape: []int{3}, Data: make([]byte, 3)}, safetensors.FromFloats("head.conv1.weight", safetensors.F32, []int{1}, []float64{math.NaN()}))
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := safetensors.WriteFile(path, ts, nil); err != nil {
			t.Fatal(err)
		}
		w.Init(2)
		if _, err := Init(path, w); err != nil {
			t.Fatalf("%q in %s: %v", c.prefix, c.dtype, err)
		}
		for _, x := range Tensors(w) {
			name, ok := strings.CutPrefix(x.Name, model.TrunkPrefix)
			if !ok {
				continue
			}
			for i, v := range x.Float64s() {
				if v != want[name][i] {
					t.Fatalf("%q in %s: %s[%d] is %v, want %v", c.prefix, c.dtype, name, i, v, want[name][i])
				}
			}
		}
	}
}

// TestInitRefuses: weights that no network has, or more than one has, are named before a training begins.
func TestInitRefuses(t *testing.T) {
	w := network(t)
	spoil := func(name string, at int, v float64) func([]safetensors.Tensor) []safetensors.Tensor {
		return func(ts []safetensors.Tensor) []safetensors.Tensor {
			for i, x := range ts {
				if x.Name == name {
					y := x.Float64s()
					y[at] = v
					ts[i] = safetensors.FromFloats(x.Name, safetensors.F32, x.Shape, y)
				}
			}
			return ts
		}
	}
	for what, c := range map[string]struct {
		code  int
		says  string
		spoil func([]safetensors.Tensor) []safetensors.Tensor
	}{
		"NaN":      {717, "bn1.weight[3] is NaN", spoil("m.bn1.weight", 3, math.NaN())},
		"infinite": {717, "layer2.0.conv1.weight[7] is -Inf", spoil("m.layer2.0.conv1.weight", 7, math.Inf(-1))},
		"negative": {717, "layer4.1.bn2.running_var[0] is -0.5", spoil("m.layer4.1.bn2.running_var", 0, -0.5)},
		"two encoders": {715, `"k." "m."`, func(ts []safetensors.Tensor) []safetensors.Tensor {
			for _, x := range ts {
				x.Name = "k." + strings.TrimPrefix(x.Name, "m.")
				ts = append(ts, x)
			}
			return ts
		}},
		"one missing": {706, "m.conv1.weight is missing", func(ts []safetensors.Tensor) []safetensors.Tensor {
			ts[0].Name = "other"
			return ts
		}},
	} {
		ts, _ := encoder(w, "m.", safetensors.F32)
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := safetensors.WriteFile(path, c.spoil(ts), nil); err != nil {
			t.Fatal(err)
		}
		_, err := Init(path, w)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.File != path || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want E%d with %q", what, err, c.code, c.says)
		}
	}
}
