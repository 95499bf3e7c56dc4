package checkpoint

import (
	"testing"

	"contig-gpu/gpu"
)

// TestPrecisionOn: auto is what a network was trained in where that is a type that auto may stand for on the device.
func TestPrecisionOn(t *testing.T) {
	for _, x := range []struct {
		device, asked, trained string
		want                   gpu.DType
	}{
		{"plan:h200", "auto", "f16", gpu.F16}, {"plan:h200", "auto", "bf16", gpu.BF16}, {"plan:h200", "auto", "f32", gpu.BF16}, {"plan:h200", "auto", "", gpu.BF16},
		{"plan:h200", "bf16", "f16", gpu.BF16}, {"cpu", "auto", "f16", gpu.F32}, {"cpu", "auto", "f64", gpu.F64},
	} {
		dev, err := gpu.Open(x.device, gpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := precisionOn(dev, x.asked, x.trained); err != nil || got != x.want {
			t.Errorf("%+v: %v, %v", x, got, err)
		}
		dev.Close()
	}
}
