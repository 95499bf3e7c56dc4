package synth

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// stream returns the random numbers of one thing, named and counted, so that they depend neither on what else is
// drawn nor on the order in which goroutines run.
func stream(seed uint64, name string, index int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()^uint64(index)*0x9e3779b97f4a7c15))
}

// beta draws from Beta(a, b), a and b at most 2 or so, by Johnk's rejection.
func beta(r *rand.Rand, a, b float64) float64 {
	for {
		x, y := math.Pow(r.Float64(), 1/a), math.Pow(r.Float64(), 1/b)
		if s := x + y; s > 0 && s <= 1 {
			return x / s
		}
	}
}

// standardise shifts and scales x to mean 0 and variance 1; a constant x becomes 0.
func standardise(x []float64) {
	var sum, squares float64
	for _, v := range x {
		sum += v
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	scale := 0.0
	if sd := math.Sqrt(squares / float64(len(x))); sd > 1e-12 {
		scale = 1 / sd
	}
	for i, v := range x {
		x[i] = (v - mean) * scale
	}
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// absent says for each of n persons whether it lacks a section, at the given rate.
func absent(seed uint64, section string, n int, rate float64) []bool {
	r := stream(seed, "absent "+section, 0)
	out := make([]bool, n)
	for i := range out {
		out[i] = r.Float64() < rate
	}
	return out
}
