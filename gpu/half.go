package gpu

import "math"

// halfOf returns v as a 16-bit float of type BF16 or F16, rounded to the nearest and to even between two.
func halfOf(t DType, v float64) uint16 {
	if t == BF16 {
		return bf16Of(v)
	}
	return f16Of(v)
}

// floatOf returns the value of a 16-bit float of type BF16 or F16.
func floatOf(t DType, h uint16) float32 {
	if t == BF16 {
		return math.Float32frombits(uint32(h) << 16)
	}
	return f16Value(h)
}

func bf16Of(v float64) uint16 {
	b := math.Float32bits(float32(v))
	if v != v {
		return uint16(b>>16) | 0x40 // stays a NaN
	}
	return uint16((b + 0x7FFF + b>>16&1) >> 16)
}

// f16Of rounds to a multiple of the unit in the last place, which the exponent decides: at least 2^-24.
func f16Of(v float64) uint16 {
	f := float64(float32(v))
	sign := uint16(math.Float64bits(f) >> 48 & 0x8000)
	f = math.Abs(f)
	switch {
	case f != f:
		return sign | 0x7E00
	case f >= 65520: // half way to 2^16
		return sign | 0x7C00
	}
	_, exp := math.Frexp(f) // f = [0.5, 1) * 2^exp
	ulp := math.Ldexp(1, max(exp-11, -24))
	f = math.RoundToEven(f/ulp) * ulp
	if f < 0x1p-14 {
		return sign | uint16(f/0x1p-24)
	}
	_, exp = math.Frexp(f)
	return sign | uint16(exp+14)<<10 | uint16(f/math.Ldexp(1, exp-11))&0x3FF
}

func f16Value(h uint16) float32 {
	exp, frac := int(h>>10&0x1F), float64(h&0x3FF)
	v := math.Ldexp(1024+frac, exp-25)
	switch {
	case exp == 0:
		v = frac * 0x1p-24
	case exp == 31 && frac == 0:
		v = math.Inf(1)
	case exp == 31:
		v = math.NaN()
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return float32(v)
}
