package dnn

import (
	"encoding/binary"
	"math"

	"contig-gpu/gpu/internal/driver"
)

// small returns n numbers with three bits of fraction, between -1 and 1, which every type holds exactly.
func small(n, seed int) []float64 {
	v := make([]float64, n)
	state := uint32(seed)*2654435761 + 12345
	for i := range v {
		state = state*1664525 + 1013904223
		v[i] = float64(int(state>>28)-8) / 8
	}
	return v
}

// fine returns n numbers between -1 and 1 with all the bits of a float32.
func fine(n, seed int) []float64 {
	v := make([]float64, n)
	state := uint32(seed)*2654435761 + 777
	for i := range v {
		state = state*1664525 + 1013904223
		v[i] = float64(float32(int32(state)) / (1 << 31))
	}
	return v
}

func encode(v []float64, t driver.Type) []byte {
	b := make([]byte, len(v)*t.Size())
	for i, f := range v {
		u := math.Float32bits(float32(f))
		switch t {
		case driver.F32:
			binary.LittleEndian.PutUint32(b[4*i:], u)
		case driver.BF16:
			binary.LittleEndian.PutUint16(b[2*i:], uint16(u>>16))
		case driver.F16: // exact for numbers of small, and 0
			h := uint16(u>>16) & 0x8000
			if f != 0 {
				h |= uint16((u>>23&255)-112)<<10 | uint16(u>>13)&0x3ff
			}
			binary.LittleEndian.PutUint16(b[2*i:], h)
		}
	}
	return b
}

func decode(b []byte, t driver.Type) []float64 {
	v := make([]float64, len(b)/t.Size())
	for i := range v {
		switch t {
		case driver.F32:
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		case driver.BF16:
			v[i] = float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16))
		case driver.F16:
			v[i] = half(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
	return v
}

func half(h uint16) float64 {
	sign, e, f := 1-2*float64(h>>15), int(h>>10&31), float64(h&0x3ff)
	switch e {
	case 0:
		return sign * math.Ldexp(f, -24)
	case 31:
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(f+1024, e-25)
}

// epsilon is half a unit in the last place of 1, the largest relative error of rounding to a type.
func epsilon(t driver.Type) float64 {
	return [...]float64{driver.F32: 0x1p-24, driver.BF16: 0x1p-8, driver.F16: 0x1p-11}[t] * 1.01
}

// terms calls f(index in x, in w, in y) for every product of a convolution.
func terms(c driver.Conv, f func(x, w, y int)) {
	for n := range c.N {
		for oh := range c.OH() {
			for ow := range c.OW() {
				for r := range c.R {
					for s := range c.S {
						h, v := oh*c.Stride-c.Pad+r, ow*c.Stride-c.Pad+s
						if h < 0 || h >= c.H || v < 0 || v >= c.W {
							continue
						}
						for k := range c.K {
							for i := range c.C {
								f(((n*c.H+h)*c.W+v)*c.C+i, ((k*c.R+r)*c.S+s)*c.C+i, ((n*c.OH()+oh)*c.OW()+ow)*c.K+k)
							}
						}
					}
				}
			}
		}
	}
}

func sizes(c driver.Conv) (x, w, y int) {
	return c.N * c.H * c.W * c.C, c.K * c.R * c.S * c.C, c.N * c.OH() * c.OW() * c.K
}

func forwardRef(c driver.Conv, x, w []float64) []float64 {
	_, _, n := sizes(c)
	y := make([]float64, n)
	terms(c, func(i, j, k int) { y[k] += x[i] * w[j] })
	return y
}

func dataRef(c driver.Conv, dy, w []float64) []float64 {
	n, _, _ := sizes(c)
	dx := make([]float64, n)
	terms(c, func(i, j, k int) { dx[i] += dy[k] * w[j] })
	return dx
}

func weightRef(c driver.Conv, dy, x []float64) []float64 {
	_, n, _ := sizes(c)
	dw := make([]float64, n)
	terms(c, func(i, j, k int) { dw[j] += dy[k] * x[i] })
	return dw
}
