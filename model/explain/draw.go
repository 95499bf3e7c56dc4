package explain

import (
	"math"
	"runtime"
	"sync"
)

// stream returns the first state of a generator that depends on the seed, a person and a draw alone.
func stream(seed uint64, person, draw int, purpose uint64) uint64 {
	h := mix(seed + purpose)
	h = mix(h ^ uint64(person))
	return mix(h ^ uint64(draw))
}

// mix is a step of SplitMix64 (Steele, Lea & Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Purposes of streams.
const (
	forNoise = 1 + iota
	forBaselines
)

// normals are the means of 65,536 equally likely parts of the normal distribution, about: at their middles.
type normals []float32

func newNormals() normals {
	t := make(normals, 1<<16)
	for i := range t {
		t[i] = float32(math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(len(t))-1))
	}
	return t
}

// add writes x + size z into y, z being standard normal draws: four of every 64 random bits.
func (t normals) add(y, x, size []float32, state uint64) {
	for j := 0; j < len(x); j += 4 {
		bits := mix(state + uint64(j))
		for k := j; k < min(j+4, len(x)); k++ {
			y[k] = x[k] + size[k]*t[bits&0xffff]
			bits >>= 16
		}
	}
}

// moments returns the mean and the standard deviation, by n, of n rows.
func moments(rows []float32, features int) (mean []float64, sd []float32) {
	n := len(rows) / features
	mean, square := make([]float64, features), make([]float64, features)
	for at := 0; at < len(rows); at += features {
		for j, v := range rows[at : at+features] {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	for at := 0; at < len(rows); at += features {
		for j, v := range rows[at : at+features] {
			square[j] += (float64(v) - mean[j]) * (float64(v) - mean[j])
		}
	}
	for _, v := range square {
		sd = append(sd, float32(math.Sqrt(v/float64(n))))
	}
	return mean, sd
}

// each calls f for all of [0, n), on as many goroutines as there are threads.
func each(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wait.Wait()
}
