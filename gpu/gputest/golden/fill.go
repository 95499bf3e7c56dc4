package golden

import (
	"hash/fnv"
	"math"
	"strings"
)

// Uniform returns n numbers in [0, 1) of 24 random bits each, that depend on the name only (SplitMix64).
func Uniform(name string, n int) []float64 {
	f := fnv.New64a()
	f.Write([]byte(name))
	h, x := f.Sum64(), make([]float64, n)
	for i := range x {
		z := h + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		x[i] = float64(z>>40) / (1 << 24)
	}
	return x
}

// Fill returns n numbers in [lo, hi), rounded to float32, that depend on the name only: inputs and weights of the
// reference are not stored but rebuilt.
func Fill(name string, n int, lo, hi float64) []float64 {
	x := Uniform(name, n)
	for i, u := range x {
		// The conversion keeps the compiler from fusing product and sum, which would round otherwise.
		x[i] = float64(float32(lo + float64((hi-lo)*u)))
	}
	return x
}

// A Digest stands for a large tensor: its length, sum, Euclidean norm and products with four hash fills.
type Digest struct {
	N   int
	Sum float64
	L2  float64
	Dot [4]float64
}

// DigestOf returns the digest of x under its name.
func DigestOf(name string, x []float64) Digest {
	d := Digest{N: len(x)}
	for _, v := range x {
		d.Sum += v
		d.L2 += v * v
	}
	d.L2 = math.Sqrt(d.L2)
	for k := range d.Dot {
		for i, u := range Fill("digest/"+string(rune('0'+k))+"/"+name, len(x), -1, 1) {
			d.Dot[k] += u * x[i]
		}
	}
	return d
}

// Error estimates |x - reference| / |reference| from the digests (a fill has variance 1/3). It is +Inf where the
// lengths differ or only one of them is zero.
func (d Digest) Error(name string, x []float64) float64 {
	got := DigestOf(name, x)
	if got.N != d.N || d.L2 == 0 && got.L2 != 0 {
		return math.Inf(1)
	}
	if d.L2 == 0 {
		return 0
	}
	sum := 0.0
	for k, v := range got.Dot {
		sum += (v - d.Dot[k]) * (v - d.Dot[k])
	}
	return math.Sqrt(sum*3/4) / d.L2
}

// Weight returns the reference's value of a parameter or buffer by its full name and its shape in PyTorch's layout.
func Weight(name string, shape []int) []float64 {
	n, k := 1, 0.2
	for _, d := range shape {
		n *= d
	}
	switch {
	case strings.HasSuffix(name, "running_mean"):
		k = 0.1
	case strings.HasSuffix(name, "running_var"):
		return Fill(name, n, 0.5, 1.5)
	case len(shape) == 4:
		k = math.Sqrt(6 / float64(shape[0]*shape[2]*shape[3]))
	case len(shape) == 2:
		k = 1 / math.Sqrt(float64(shape[1]))
	case strings.HasSuffix(name, "weight"):
		return Fill(name, n, 0.8, 1.2)
	}
	return Fill(name, n, -k, k)
}
