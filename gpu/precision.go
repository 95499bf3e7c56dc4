package gpu

import (
	"errors"
	"fmt"
	"math"
)

// ErrPrecision is wrapped by the error for a precision that the device does not compute in.
var ErrPrecision = errors.New("no such precision")

// Precisions are the names that Device.Precision takes.
func Precisions() []string { return []string{"auto", "f64", "f32", "tf32", "bf16", "f16"} }

// Precision sets what the device computes in and returns the type of activations and the name that auto stands for:
//
//	f64    float64, on the CPU and the planning device: the reference of everything else
//	f32    float32 throughout
//	tf32   float32 whose products may round their inputs to 10 bits, on a GPU
//	bf16   bfloat16 activations, float32 parameters, statistics and sums, on a GPU
//	f16    the same in IEEE half precision
//	auto   bf16 on a GPU, f32 elsewhere; a training takes the fastest of Auto
//
// The error says what the device offers.
func (d *Device) Precision(name string) (DType, string, error) {
	if name == "auto" {
		name = d.auto()[0]
	}
	t, ok := map[string]DType{"f64": F64, "f32": F32, "tf32": F32, "bf16": BF16, "f16": F16}[name]
	switch {
	case !ok:
		return 0, "", fmt.Errorf("gpu: precision %q: %w: want one of %v", name, ErrPrecision, Precisions())
	case !d.has(t), name == "tf32" && !d.rounds():
		return 0, "", fmt.Errorf("gpu: precision %s: %w: the device %s computes in %s", name, ErrPrecision, d.Name(), d.floats())
	}
	d.round(name == "tf32")
	return t, name, nil
}

// ProductError bounds the rounding of MatMul's float32 products (beta 0) in the precision that is set: every element of
// c = op(a) op(b) is off by at most ProductError(terms) times the lengths of its row of op(a) and its column of op(b),
// which have terms elements. It is +Inf where the sum is too long for such a bound.
//
// A term passes through at most as many roundings as there are terms, in whatever order they are summed (Higham 2002,
// Accuracy and Stability of Numerical Algorithms, section 3.1): of half a unit in the last place on the CPU. For a GPU a whole
// unit is allowed, since tensor cores may cut off; TF32 beside that keeps 10 bits of the inputs, rounded or cut off.
func (d *Device) ProductError(terms int) float64 {
	unit, inputs := d.errors()
	sum := float64(terms) * unit
	if sum >= 0.5 {
		return math.Inf(1)
	}
	sum /= 1 - sum
	return sum + inputs + sum*inputs
}
