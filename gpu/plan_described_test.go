package gpu_test

import (
	"errors"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// stemWeight plans the gradient of a ResNet stem's weights and returns its scratch memory and what is known of it. On every
// GPU it takes tens of megabytes in 16 bits.
func stemWeight(t *testing.T, name string, d gpu.DType, precision string, n, size int) (int, gpu.ConvAnswers) {
	t.Helper()
	dev := gputest.Open(t, "plan:"+name, gpu.Options{}).Plan()
	if _, _, err := dev.Precision(precision); err != nil {
		t.Fatal(err)
	}
	a := dev.NewArena(0)
	channels := 3
	if d != gpu.F32 {
		channels = gpu.ConvChannels(3)
	}
	x, dy, dw := a.New(d, n, size, size, channels), a.New(d, n, size/2, size/2, 64), a.New(gpu.F32, 64, 7, 7, 3)
	gpu.ConvBackwardWeight(dw, dy, x, gpu.ConvSpec{Stride: 2, Pad: 3})
	return dev.Scratch(), *dev.ConvAnswers()
}

func TestPlannedCards(t *testing.T) {
	const padded = 4 * 64 * 7 * 7 * 4 // the gradient with 4 channels, a multiple of 256
	for _, name := range gpu.PlannedGPUs() {
		one, answers := stemWeight(t, name, gpu.BF16, "bf16", 64, 224)
		if answers.CuDNN == "" || answers.Known != 1 || answers.Scaled != 0 || answers.Unknown != 0 || one < padded {
			t.Errorf("%s: %d bytes, %+v", name, one, answers)
		}
		two, answers := stemWeight(t, name, gpu.BF16, "bf16", 128, 224)
		if answers.Known != 0 || answers.Scaled != 1 || two < one || two > 2*one {
			t.Errorf("%s, twice the batch: %d bytes after %d, %+v", name, two, one, answers)
		}
		if none, answers := stemWeight(t, name, gpu.BF16, "bf16", 64, 222); answers.Unknown != 1 || none != padded {
			t.Errorf("%s, a size that is not known: %d bytes, %+v", name, none, answers)
		}
		exact, _ := stemWeight(t, name, gpu.F32, "f32", 64, 224)
		if rounded, answers := stemWeight(t, name, gpu.F32, "tf32", 64, 224); answers.Known != 1 || rounded < 100<<20 || exact >= rounded {
			t.Errorf("%s: %d bytes in float32, %d in TF32, %+v", name, exact, rounded, answers)
		}
		if c := gputest.Open(t, "plan:"+name, gpu.Options{}).GPU(); c.Memory < 40e9 || c.Capability < 80 || c.Multiprocs < 100 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if _, err := gpu.Open("plan:gt210", gpu.Options{}); !errors.Is(err, gpu.ErrNoDevice) {
		t.Errorf("an unknown gpu: %v", err)
	}
}
