package saliency

import (
	"context"
	"math"

	"contig-gpu/model/explain"
)

// Pixels are what each value of an image does to a score.
type Pixels struct {
	Height, Width int
	A             []float64 // [Height, Width, 3]
	Value         float64   // the score of the image
	Baseline      float64   // of integrated gradients: the score of the baseline
	Steps         int       // of integrated gradients: nodes that were taken
}

// Gap returns how far the sum of A is from Value - Baseline: 0 if A is complete.
func (x *Pixels) Gap() float64 {
	sum := 0.0
	for _, a := range x.A {
		sum += a
	}
	return sum - (x.Value - x.Baseline)
}

// Magnitude returns for each pixel the largest absolute value of its channels: how strongly it acts, in either direction.
func (x *Pixels) Magnitude() *Map {
	return x.each(func(a []float64) float64 { return max(math.Abs(a[0]), math.Abs(a[1]), math.Abs(a[2])) })
}

// Sum returns the sum over the channels of each pixel: of integrated gradients, what the pixel adds to the score.
func (x *Pixels) Sum() *Map {
	return x.each(func(a []float64) float64 { return a[0] + a[1] + a[2] })
}

func (x *Pixels) each(f func([]float64) float64) *Map {
	m := NewMap(x.Height, x.Width)
	for i := range m.V {
		m.V[i] = f(x.A[colours*i : colours*(i+1)])
	}
	return m
}

// Steps say how many nodes a path of integrated gradients has: First, doubled until the gap is at most Tolerance times the
// difference of the scores at its ends, or more than Most would be taken.
type Steps struct {
	First, Most int
	Tolerance   float64
}

func (s Steps) enough(n int, gap, difference float64) bool {
	return 2*n > s.Most || math.Abs(gap) <= s.Tolerance*math.Abs(difference)
}

func (m *Images) pixels() *Pixels {
	return &Pixels{Height: m.o.Height, Width: m.o.Width, A: make([]float64, m.size())}
}

// Gradient returns the gradient of the score of an image.
func (m *Images) Gradient(ctx context.Context, image []float64, s Score) (*Pixels, error) {
	out := m.pixels()
	err := m.sweep(ctx, s, 1, true, func(_ int, x []float64) { copy(x, image) }, func(_ int, value float64, grad []float64) {
		out.Value = value
		copy(out.A, grad)
	})
	return out, err
}

// Smooth returns the mean gradient over noisy variations of an image (SmoothGrad, Smilkov et al. 2017). noise adds that of a
// draw to x. Value is the mean of their scores.
func (m *Images) Smooth(ctx context.Context, image []float64, s Score, draws int, noise func(draw int, x []float64)) (*Pixels, error) {
	out := m.pixels()
	fill := func(draw int, x []float64) {
		copy(x, image)
		noise(draw, x)
	}
	err := m.sweep(ctx, s, draws, true, fill, func(_ int, value float64, grad []float64) {
		out.Value += value / float64(draws)
		for i, g := range grad {
			out.A[i] += g / float64(draws)
		}
	})
	return out, err
}

// IntegratedGradients returns (image - baseline) times the mean gradient on the straight path between them, by
// Gauss-Legendre nodes (Sundararajan et al. 2017): A sums to Value - Baseline but for the error of the nodes. See
// Steps.
func (m *Images) IntegratedGradients(ctx context.Context, image, baseline []float64, s Score, steps Steps) (*Pixels, error) {
	ends, err := m.scores(ctx, s, [][]float64{image, baseline})
	if err != nil {
		return nil, err
	}
	for n := steps.First; ; n *= 2 {
		out, err := m.integrate(ctx, image, baseline, s, n)
		if err != nil {
			return nil, err
		}
		out.Value, out.Baseline = ends[0], ends[1]
		if steps.enough(n, out.Gap(), out.Value-out.Baseline) {
			return out, nil
		}
	}
}

func (m *Images) integrate(ctx context.Context, image, baseline []float64, s Score, n int) (*Pixels, error) {
	out := m.pixels()
	out.Steps = n
	nodes, weights := explain.GaussLegendre(n)
	fill := func(k int, x []float64) {
		for i, b := range baseline {
			x[i] = b + nodes[k]*(image[i]-b)
		}
	}
	err := m.sweep(ctx, s, n, true, fill, func(k int, _ float64, grad []float64) {
		for i, g := range grad {
			out.A[i] += weights[k] * g
		}
	})
	for i, b := range baseline {
		out.A[i] *= image[i] - b
	}
	return out, err
}

// scores returns the scores of images.
func (m *Images) scores(ctx context.Context, s Score, images [][]float64) ([]float64, error) {
	out := make([]float64, len(images))
	err := m.sweep(ctx, s, len(images), false, func(i int, x []float64) { copy(x, images[i]) }, func(i int, v float64, _ []float64) { out[i] = v })
	return out, err
}
