package gpu

import (
	"math"
	"testing"
)

// TestHalvesRoundTrip: every 16-bit float is the nearest to its own value, and to values a little off it.
func TestHalvesRoundTrip(t *testing.T) {
	for _, d := range []DType{BF16, F16} {
		for h := range 1 << 16 {
			v := float64(floatOf(d, uint16(h)))
			if v != v {
				if w := floatOf(d, halfOf(d, v)); w == w {
					t.Fatalf("%v: NaN %#x became %v", d, h, w)
				}
				continue
			}
			if got := halfOf(d, v); got != uint16(h) {
				t.Fatalf("%v: %v is %#x, came back as %#x", d, v, h, got)
			}
		}
	}
}

func TestHalvesRoundToEven(t *testing.T) {
	for _, c := range []struct {
		d    DType
		v    float64
		want uint16
	}{
		{BF16, 1 + 0x1p-8, 0x3F80}, {BF16, 1 + 3*0x1p-8, 0x3F82}, {BF16, 1 + 0x1p-8 + 0x1p-20, 0x3F81}, {BF16, math.MaxFloat32, 0x7F80},
		{F16, 1 + 0x1p-11, 0x3C00}, {F16, 1 + 3*0x1p-11, 0x3C02}, {F16, 65519, 0x7BFF}, {F16, 65520, 0x7C00}, {F16, -1e9, 0xFC00},
		{F16, 0x1p-25, 0}, {F16, 3 * 0x1p-26, 1}, {F16, 0x1p-14 - 0x1p-26, 0x400}, {F16, math.Copysign(0, -1), 0x8000}, {F16, math.Inf(1), 0x7C00},
	} {
		if got := halfOf(c.d, c.v); got != c.want {
			t.Errorf("%v of %v is %#x, want %#x", c.d, c.v, got, c.want)
		}
	}
}
