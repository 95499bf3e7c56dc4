package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// rotated returns a matrix of given eigenvalues, whose vectors are those of some reflections.
func rotated(values []float64, g *rand.Rand) gram {
	n := len(values)
	a := gram{n, make([]float64, n*n)}
	for i, v := range values {
		a.v[i*n+i] = v
	}
	for range 3 { // H A H by H = I - 2 u u'
		u := make([]float64, n)
		for i := range u {
			u[i] = g.NormFloat64()
		}
		toUnit(u, u)
		au := a.times(u)
		uau := dot(u, au)
		for i := range n {
			for j := range n {
				a.v[i*n+j] += -2*u[i]*au[j] - 2*au[i]*u[j] + 4*uau*u[i]*u[j]
			}
		}
	}
	return a
}

// TestEigenvalues: of matrices made from them, whatever the size; doubled, zero and negative ones too.
func TestEigenvalues(t *testing.T) {
	g := rand.New(rand.NewPCG(5, 6))
	for _, want := range [][]float64{{3}, {2, -1}, {5, 5, 0}, {9, 4, 4, 1, 0, 0, -2}} {
		want = append(want, slices.Repeat([]float64{0.5}, g.IntN(20))...)
		got := rotated(want, g).eigenvalues()
		slices.Sort(got)
		slices.Sort(want)
		for i, v := range got {
			if math.Abs(v-want[i]) > 1e-5 {
				t.Errorf("%v, want %v", got, want)
				break
			}
		}
	}
	for _, v := range (gram{3, make([]float64, 9)}).eigenvalues() {
		if v != 0 {
			t.Errorf("of zero: %v", v)
		}
	}
}

// TestLeading: the largest eigenvalue and the next, with vectors that the matrix only stretches.
func TestLeading(t *testing.T) {
	a := rotated([]float64{7, 3, 1, 0.5, 0.1, 0, 0}, rand.New(rand.NewPCG(1, 2)))
	var found [][]float64
	for _, want := range []float64{7, 3} {
		value, x := a.leading(found...)
		if math.Abs(value-want) > 1e-6 || math.Abs(dot(x, x)-1) > 1e-9 {
			t.Errorf("the eigenvalue %v, want %v, of a vector of squared length %v", value, want, dot(x, x))
		}
		for i, y := range a.times(x) {
			if math.Abs(y-value*x[i]) > 1e-6 {
				t.Errorf("turned: %v to %v", x, y)
			}
		}
		if most := slices.Max(x); most < -slices.Min(x) {
			t.Errorf("%v stands upside down", x)
		}
		found = append(found, x)
	}
}

// TestProject: points of a plane in many dimensions are shown as they lie in it; shares are of all variance.
func TestProject(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 4))
	var rows [][]float64
	for k := range 50 {
		a, b := 6*math.Cos(float64(k)), 2*math.Sin(float64(k))
		r := make([]float64, 11)
		r[2], r[7], r[9] = 100+0.6*a, 0.8*a, b-50
		rows = append(rows, r)
	}
	p := Project(rows)
	for i := range rows {
		for j := range i {
			want := 0.0
			for k := range rows[i] {
				want += (rows[i][k] - rows[j][k]) * (rows[i][k] - rows[j][k])
			}
			if got := (p.X[i]-p.X[j])*(p.X[i]-p.X[j]) + (p.Y[i]-p.Y[j])*(p.Y[i]-p.Y[j]); math.Abs(got-want) > 1e-6 {
				t.Fatalf("%d and %d are %v apart, want %v", i, j, got, want)
			}
		}
	}
	if sum := p.Share[0] + p.Share[1]; math.Abs(sum-1) > 1e-9 || p.Share[0] < 0.85 || p.Share[0] > 0.95 {
		t.Errorf("shares %v", p.Share)
	}
	for i := range rows { // beside the plane
		for k := range rows[i] {
			rows[i][k] += 3 * g.NormFloat64()
		}
	}
	if sum := Project(rows).Share; sum[0]+sum[1] > 0.6 || sum[0] < sum[1] || sum[1] <= 0 {
		t.Errorf("shares with noise %v", sum)
	}
	for _, same := range [][][]float64{{}, {{1, 2}}, {{1, 2}, {1, 2}, {1, 2}}} {
		if p := Project(same); len(p.X) != len(same) || p.Share != [2]float64{} {
			t.Errorf("of %v: %+v", same, p)
		}
	}
	line := Project([][]float64{{0, 0}, {1, 1}, {3, 3}})
	if math.Abs(line.Share[0]-1) > 1e-9 || line.Share[1] > 1e-9 {
		t.Errorf("of a line: %+v", line)
	}
}
