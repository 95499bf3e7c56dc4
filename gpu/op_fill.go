package gpu

// Fill sets every element of t to v, converted to its type.
func Fill(t Tensor, v float64) { t.dev.fill(t, v) }

func fillHost(t Tensor, v float64) {
	switch t.dtype {
	case F32:
		fill(t, float32(v))
	case F64:
		fill(t, v)
	case I32:
		fill(t, int32(v))
	case U8:
		fill(t, uint8(v))
	case BF16, F16:
		for i, h := 0, halfOf(t.dtype, v); i < t.Len(); i++ {
			t.halves()[i] = h
		}
	}
}

func fill[E Element](t Tensor, v E) {
	x := host[E](t)
	blocks(t.dev, len(x), func(lo, hi int) {
		x := x[lo:hi]
		if v == 0 {
			clear(x) // the library's own, at the speed of memory
			return
		}
		for i := range x {
			x[i] = v
		}
	})
}
