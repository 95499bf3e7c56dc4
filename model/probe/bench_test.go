package probe

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
)

// features are rows of ReLU features of classes that overlap: columns correlated as an encoder's are.
func features(b testing.TB, d *gpu.Device, n, width, classes int) (*Matrix, []int) {
	const rank = 32
	x, y := NewMatrix(d, n, width), make([]int, n)
	code, mix, noise := golden.Fill("code", n*rank, -1, 1), golden.Fill("mix", rank*width, -1, 1), golden.Fill("noise", n*width, -0.2, 0.2)
	draw := golden.Uniform("class", n)
	centre := golden.Fill("centre", classes*rank, -0.7, 0.7)
	for i := range n {
		y[i] = int(draw[i] * float64(classes))
		row := x.Row(i)
		for r := range rank {
			v := code[i*rank+r] + centre[y[i]*rank+r]/2
			for j := range row {
				row[j] += v * mix[r*width+j]
			}
		}
		for j := range row {
			row[j] = max(0, row[j]+noise[i*width+j])
		}
	}
	b.Cleanup(x.Close)
	return x, y
}

func BenchmarkLogistic(b *testing.B) {
	for _, s := range [][3]int{{10000, 512, 2}, {10000, 512, 5}, {500, 2048, 5}, {4000, 2048, 5}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) {
			x, y := features(b, device(b), s[0], s[1], s[2])
			for b.Loop() {
				FitLogistic(x, y, s[2], Options{Lambda: 1e-3, Standardize: true})
			}
		})
	}
}

func BenchmarkRidge(b *testing.B) {
	for _, s := range [][2]int{{10000, 512}, {500, 2048}, {4000, 2048}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			x, c := features(b, device(b), s[0], s[1], 4)
			y := NewMatrix(x.Device(), s[0], 1)
			b.Cleanup(y.Close)
			for i, v := range c {
				y.V[i] = float64(v) + math.Sin(float64(i))
			}
			for b.Loop() {
				FitRidge(x, y, []float64{1e-2, 1e-1, 1, 10, 100, 1000, 1e4}, true)
			}
		})
	}
}

func BenchmarkNearest(b *testing.B) {
	x, _ := features(b, device(b), 10000, 512, 5)
	test, _ := features(b, x.Device(), 2000, 512, 5)
	for b.Loop() {
		Nearest(x, test, 20, Exponential, 0.07)
	}
}
