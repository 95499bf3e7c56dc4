package explain

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model/nn"
)

const testDim = 6

// bruteForce is the InfoNCE of n pairs of unit rows, from its definition: both directions.
func bruteForce(u, v []float64, n, d int, tau float64) (image, genetics float64) {
	for i := range n {
		row, column := make([]float64, n), make([]float64, n)
		for j := range n {
			row[j], column[j] = dot(u[i*d:][:d], v[j*d:][:d])/tau, dot(u[j*d:][:d], v[i*d:][:d])/tau
		}
		image += (logSumExp(row) - row[i]) / float64(n)
		genetics += (logSumExp(column) - column[i]) / float64(n)
	}
	return image, genetics
}

// withPerson is the explained function from its definition.
func withPerson(image, genetics, u, v []float64, d int, tau, lambda float64) map[Of]float64 {
	us, vs := unitRows(append(append([]float64{}, image...), u...), d), unitRows(append(append([]float64{}, genetics...), v...), d)
	n := len(us) / d
	a, b := bruteForce(us, vs, n, d, tau)
	return map[Of]float64{Loss: lambda*a + (1-lambda)*b, ImageToGenetics: a, GeneticsToImage: b, Similarity: dot(us[(n-1)*d:], vs[(n-1)*d:])}
}

// TestFunctionIsTheLossOfOnePersonMore compares with the loss of N + 1 pairs, whichever side moves, and gradients with
// differences.
func TestFunctionIsTheLossOfOnePersonMore(t *testing.T) {
	dev := gputest.Open(t, "cpu", gpu.Options{Threads: 2})
	for _, n := range []int{1, 2, 3, 31, 70} {
		for _, tau := range []float64{1, 0.1, 0.01} {
			for of := range Of(len(Names())) {
				for _, side := range []Side{GeneticsSide, ImageSide} {
					name := fmt.Sprint(n, " ", tau, " ", of, " ", side)
					checkFunction(t, dev, name, n, tau, 0.7, of, side)
				}
			}
		}
	}
}

func checkFunction(t *testing.T, dev *gpu.Device, name string, n int, tau, lambda float64, of Of, side Side) {
	t.Helper()
	const persons, points = 3, 2
	image, genetics := golden.Fill(name+"u", n*testDim, -1, 1), golden.Fill(name+"v", n*testDim, -1, 1)
	ref, err := NewReference(dev, gpu.F64, image, genetics, testDim, tau)
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	f, a := NewFunction(ref, of, side, lambda), dev.NewArena(1<<20)
	defer a.Close()
	fixed, moving := golden.Fill(name+"fixed", persons*testDim, -1, 1), golden.Fill(name+"moving", points*persons*testDim, -1, 1)
	on := f.NewPartners(a, persons)
	var ps []Partner
	for i := range persons {
		ps = append(ps, f.Partner(fixed[i*testDim:][:testDim]))
	}
	on.Write(ps)
	e, p := gputest.Put(a, gpu.F64, moving, points*persons, testDim), nn.Evaluation(a, gpu.F64)
	value := gputest.Values(f.Values(p, e, on))
	for r := range points * persons {
		u, v := fixed[r%persons*testDim:][:testDim], moving[r*testDim:][:testDim]
		if side == ImageSide {
			u, v = v, u
		}
		want := withPerson(image, genetics, u, v, testDim, tau, lambda)
		if got := value[4*r]; !(math.Abs(got-want[of]) <= 1e-11*math.Max(1, math.Abs(want[of]))) {
			t.Errorf("%s: row %d: f is %.15g, by definition %.15g", name, r, got, want[of])
		}
	}
	gradient := gputest.Values(f.Gradients(p, e, on))
	gputest.Grad(t, name, func() float64 {
		sum := 0.0
		for r, v := range gputest.Values(f.Values(p, e, on)) {
			if r%4 == 0 {
				sum += v
			}
		}
		return sum
	}, e, gradient)
}

// TestReferenceOfNobody: no person, rows of another length and a row that is not finite are errors.
func TestReferenceOfNobody(t *testing.T) {
	dev := gputest.Open(t, "cpu", gpu.Options{Threads: 1})
	for name, rows := range map[string][2][]float64{
		"nobody": {}, "unequal": {{1, 2}, {1, 2, 3, 4}}, "ragged": {{1, 2, 3}, {1, 2, 3}}, "not finite": {{1, 2}, {math.NaN(), 2}},
	} {
		if _, err := NewReference(dev, gpu.F64, rows[0], rows[1], 2, 0.1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
