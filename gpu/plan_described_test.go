package gpu_test

import (
	"errors"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// stemWeight plans the gradient of a ResNet stem's weights and returns its scratch memory and what is known of it. On every
// card it takes tens of megabytes in 16 bits.
func stemWeight(t *testing.T, card string, d gpu.DType, precision string, n, size int) (int, gpu.ConvAnswers) {
	t.Helper()
	dev := gputest.Open(t, "plan:"+card, gpu.Options{}).Plan()
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
	for _, card := range gpu.PlannedCards() {
		one, answers := stemWeight(t, card, gpu.BF16, "bf16", 64, 224)
		if answers.CuDNN == "" || answers.Known != 1 || answers.Scaled != 0 || answers.Unknown != 0 || one < padded {
			t.Errorf("%s: %d bytes, %+v", card, one, answers)
		}
		two, answers := stemWeight(t, card, gpu.BF16, "bf16", 128, 224)
		if answers.Known != 0 || answers.Scaled != 1 || two < one || two > 2*one {
			t.Errorf("%s, twice the batch: %d bytes after %d, %+v", card, two, one, answers)
		}
		if none, answers := stemWeight(t, card, gpu.BF16, "bf16", 64, 222); answers.Unknown != 1 || none != padded {
			t.Errorf("%s, a size that is not known: %d bytes, %+v", card, none, answers)
		}
		exact, _ := stemWeight(t, card, gpu.F32, "f32", 64, 224)
		if rounded, answers := stemWeight(t, card, gpu.F32, "tf32", 64, 224); answers.Known != 1 || rounded < 100<<20 || exact >= rounded {
			t.Errorf("%s: %d bytes in float32, %d in TF32, %+v", card, exact, rounded, answers)
		}
		if c := gputest.Open(t, "plan:"+card, gpu.Options{}).Card(); c.Memory < 40e9 || c.Capability < 80 || c.Multiprocs < 100 {
			t.Errorf("%s: %+v", card, c)
		}
	}
	if _, err := gpu.Open("plan:gt210", gpu.Options{}); !errors.Is(err, gpu.ErrNoDevice) {
		t.Errorf("an unknown card: %v", err)
	}
}
