//go:build linux && cgo

package dnn_test

import (
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// batch is what plans are made for.
const batch = 64

// A use is a convolution of a model, without its type, and which gradients it takes part in.
type use struct {
	conv         driver.Conv
	data, weight bool
}

// layers returns every convolution of the encoders' training steps with activations of a type on images of these sizes,
// each once, by running the steps on the planning device.
func layers(t *testing.T, d gpu.DType, encoders []string, sizes ...int) []use {
	t.Helper()
	var all []use
	for _, encoder := range encoders {
		for _, size := range sizes {
			for _, u := range uses(t, d, encoder, size) {
				c := driver.Conv{Shape: u.ConvShape}
				i := slices.IndexFunc(all, func(v use) bool { return v.conv == c })
				if i < 0 {
					i = len(all)
					all = append(all, use{conv: c})
				}
				all[i].data = all[i].data || u.Pass == gpu.ConvData
				all[i].weight = all[i].weight || u.Pass == gpu.ConvWeight
			}
		}
	}
	return all
}

// uses runs one training step on the planning device.
func uses(t *testing.T, d gpu.DType, encoder string, size int) []gpu.ConvUse {
	t.Helper()
	cfg := model.Defaults()
	cfg.Encoder = encoder
	cfg.Modalities = []model.Modality{{Name: "table", Features: 8}}
	m, err := model.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	if err := m.Weights().Place(dev, d); err != nil {
		t.Fatal(err)
	}
	p := nn.Training(dev.NewArena(0), d)
	in := dev.NewArena(0)
	m.Step(p, objective.NewBatch(m, in, d, batch, 1, size, size), in.New(gpu.F32, 1, 4))
	return dev.Convs()
}

// problems returns what a device asks of the library for a convolution in one type: the passes that the model computes, and
// what is fused to them.
func problems(u use, arch int) []dnn.Problem {
	ops := []dnn.Op{dnn.Forward, dnn.ForwardStats}
	if u.data {
		ops = append(ops, dnn.BackwardData)
	}
	if u.weight {
		ops = append(ops, dnn.BackwardWeight)
		if u.conv.Type != driver.F32 {
			ops = append(ops, dnn.BackwardWeight16)
		}
	}
	ops = append(ops, withNorm(u, arch)...)
	var all []dnn.Problem
	for _, op := range ops {
		all = append(all, dnn.Problem{Op: op, Conv: u.conv})
		if op == dnn.BackwardData {
			all = append(all, dnn.Problem{Op: op, Conv: u.conv, Beta: 1})
		}
	}
	return all
}

// withNorm are a convolution's with a norm before it: in f16, of windows that a ResNet has behind a norm. What is added to a norm forward is
// for Hopper alone.
func withNorm(u use, arch int) []dnn.Op {
	c := u.conv
	if c.Type != driver.F16 || c.C%8 != 0 || c.R > 3 {
		return nil
	}
	ops := []dnn.Op{dnn.NormForwardStats}
	if c.R == 1 && c.Stride == 1 && arch == 90 {
		ops = append(ops, dnn.NormForwardAddStats)
	}
	if u.weight {
		ops = append(ops, dnn.NormBackwardWeight)
	}
	if u.data && arch == 90 { // elsewhere some want more than 512 MiB
		ops = append(ops, dnn.NormBackwardData)
	}
	if u.data && arch == 90 && c.Stride == 1 {
		ops = append(ops, dnn.NormBackwardDataAdd)
	}
	return ops
}

// missing tells what the library is known not to have: fused sums in float32 that is not rounded to TF32, and the fused
// accumulation of a 16-bit gradient where channels are odd, for which there are other ways.
func missing(p dnn.Problem) bool {
	c := p.Conv
	switch p.Op {
	case dnn.ForwardStats:
		return c.Type == driver.F32 && !c.TF32
	case dnn.BackwardWeight:
		return c.Type != driver.F32 && c.C%2 != 0
	}
	return false
}

// TestLayers counts: a ResNet-50 has 23 different convolutions at one size, and its first needs no gradient of the image,
// which has 4 channels in 16 bits.
func TestLayers(t *testing.T) {
	for d, channels := range map[gpu.DType]int{gpu.F32: 3, gpu.BF16: 4, gpu.F16: 4} {
		all := layers(t, d, []string{"resnet50"}, 224)
		if len(all) != 23 || all[0].conv.C != channels {
			t.Errorf("%v: %d different convolutions, the first of %d channels, want 23 and %d", d, len(all), all[0].conv.C, channels)
		}
		for i, u := range all {
			if u.data != (i > 0) || !u.weight {
				t.Errorf("%+v: gradients are wrong", u)
			}
		}
	}
}
