package gpu

import (
	"errors"
	"fmt"
)

// ErrPrecision is wrapped by the error for a precision that the device does not compute in.
var ErrPrecision = errors.New("no such precision")

// Precisions are the names that Device.Precision takes.
func Precisions() []string { return []string{"auto", "f64", "f32", "tf32", "bf16", "f16"} }

// Precision sets what the device computes in and returns the type of activations and the name that auto stands for:
//
//	f64    float64, on the CPU and the planning device: the judge of everything else
//	f32    float32 throughout
//	tf32   float32 whose products may round their inputs to 10 bits, on a GPU
//	bf16   bfloat16 activations, float32 parameters, statistics and sums, on a GPU
//	f16    the same in IEEE half precision
//	auto   bf16 on a GPU, f32 elsewhere
//
// The error says what the device offers.
func (d *Device) Precision(name string) (DType, string, error) {
	if name == "auto" {
		name = "f32"
		if d.computes(BF16) && d.card != nil {
			name = "bf16"
		}
	}
	t, ok := map[string]DType{"f64": F64, "f32": F32, "tf32": F32, "bf16": BF16, "f16": F16}[name]
	switch {
	case !ok:
		return 0, "", fmt.Errorf("gpu: precision %q: %w: want one of %v", name, ErrPrecision, Precisions())
	case !d.computes(t), name == "tf32" && d.pool != nil:
		return 0, "", fmt.Errorf("gpu: precision %s: %w: the device %s computes in %s", name, ErrPrecision, d.Name(), d.floats())
	}
	if d.card != nil {
		d.card.tf32 = name == "tf32"
	}
	return t, name, nil
}
