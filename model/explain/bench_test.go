package explain

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

// BenchmarkSmooth explains persons of the paper's tables by SmoothGrad over IG, 50 nodes x 5 draws, h1 of 2,048.
func BenchmarkSmooth(b *testing.B) {
	const dim, reference, hidden = 128, 256, 2048
	for _, features := range []int{481, 7854, 18574} {
		b.Run(fmt.Sprint(features), func(b *testing.B) {
			dev := gputest.Open(b, "cpu", gpu.Options{})
			tower := labTower(b, dev, gpu.F32, "h1", "bench", features, hidden, dim)
			ref, err := NewReference(dev, gpu.F32, golden.Fill("u", reference*dim, -1, 1), golden.Fill("v", reference*dim, -1, 1), dim, 0.1)
			if err != nil {
				b.Fatal(err)
			}
			s := Defaults()
			s.Methods, s.Steps = []Method{Smooth}, 50
			g, err := NewGenetics(tower, NewFunction(ref, Loss, GeneticsSide, 0.75), make([]float32, reference*features), make([]float32, features), s)
			if err != nil {
				b.Fatal(err)
			}
			defer g.Close()
			n := g.Rows() / s.Draws
			people := table{golden.Fill("x", n*features, -1.7, 1.7), golden.Fill("image", n*dim, -1, 1), features, dim}
			var persons []int
			for i := range n {
				persons = append(persons, i)
			}
			b.ResetTimer()
			for b.Loop() {
				if err := g.Run(b.Context(), persons, people, func(Result) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "persons/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
