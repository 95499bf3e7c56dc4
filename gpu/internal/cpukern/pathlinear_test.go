package cpukern

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestPath compares with the definition, on every instruction set, at ragged shapes; two numbers of threads agree to the last bit.
func TestPath(t *testing.T) {
	for name, one := range pools(t, 1) {
		three := newPool(3, one.isa)
		for i, s := range [][4]int{{1, 1, 1, 1}, {2, 33, 1, 5}, {3, 17, 7, 64}, {1, 31, 50, 65}, {9, 130, 16, 130}, {2, 3, 64, 300}, {20, 65, 2, 257}} {
			for _, floor := range []float64{0, math.Inf(-1)} {
				what := fmt.Sprint(name, " ", s, " floor ", floor)
				testPath[float32](t, what, one, three, s, float32(floor), uint64(i), 2e-6)
				testPath[float64](t, what, one, three, s, floor, uint64(i), 1e-14)
			}
		}
		three.Close()
	}
}

func testPath[F Float](t *testing.T, what string, one, three *Pool, shape [4]int, floor F, seed uint64, tol float64) {
	t.Helper()
	s := Path[F]{P: shape[0], H: shape[1], K: shape[2], N: shape[3]}
	s.Start, s.Step, s.At = random[F](s.P*s.H, seed), random[F](s.P*s.H, seed+50), random[F](s.K, seed+100)
	slices.Sort(s.At)
	for i := range s.Start {
		switch i % 5 {
		case 0:
			s.Start[i], s.Step[i] = 0, s.Step[i]*F(i%2)
		case 1:
			s.Step[i] *= 4
		}
	}
	w := random[F](s.H*s.N, seed+150)
	s.W = make([]F, s.tiles()*s.H*PathCols)
	for j := range s.H {
		for n := range s.N {
			s.W[(n/PathCols*s.H+j)*PathCols+n%PathCols] = w[j*s.N+n]
		}
	}
	bias, weight, dy := random[F](s.N, seed+200), random[F](s.K, seed+250), random[F](s.K*s.P*s.N, seed+300)
	y, du := make([]F, len(dy)), make([]F, s.P*s.H)
	s.Forward(one, y, bias, floor)
	s.Backward(one, du, dy, y, weight, floor)
	wantY, wantU := s.naive(w, bias, weight, dy, y, floor)
	for i, v := range y {
		if !(math.Abs(float64(v)-wantY[i]) <= tol*float64(s.H)) {
			t.Fatalf("%s: y[%d] = %g, want %g", what, i, v, wantY[i])
		}
	}
	for i, v := range du {
		if !(math.Abs(float64(v)-wantU[i]) <= tol*float64(s.K*s.N)) {
			t.Fatalf("%s: du[%d] = %g, want %g", what, i, v, wantU[i])
		}
	}
	y3, du3 := make([]F, len(dy)), make([]F, s.P*s.H)
	s.Forward(three, y3, bias, floor)
	s.Backward(three, du3, dy, y, weight, floor)
	if !slices.Equal(y, y3) || !slices.Equal(du, du3) {
		t.Errorf("%s: three threads compute something else", what)
	}
}

// naive is the definition; y says what passed.
func (s *Path[F]) naive(w, bias, weight, dy, y []F, floor F) (wantY, du []float64) {
	wantY, du = make([]float64, len(dy)), make([]float64, s.P*s.H)
	for k := range s.K {
		for p := range s.P {
			row := wantY[(k*s.P+p)*s.N:][:s.N]
			for n := range row {
				row[n] = float64(bias[n])
			}
			for j := range s.H {
				i := p*s.H + j
				v := s.Start[i] + F(s.At[k]*s.Step[i])
				if v <= 0 {
					continue
				}
				for n := range row {
					row[n] += float64(v) * float64(w[j*s.N+n])
					if at := (k*s.P+p)*s.N + n; y[at] > floor {
						du[i] += float64(weight[k]) * float64(dy[at]) * float64(w[j*s.N+n])
					}
				}
			}
			for n := range row {
				row[n] = math.Max(row[n], float64(floor))
			}
		}
	}
	return wantY, du
}

// TestPathShowsNaN: what is not a number reaches the result.
func TestPathShowsNaN(t *testing.T) {
	for name, pool := range pools(t, 1) {
		nan := float32(math.NaN())
		s := Path[float32]{P: 1, H: 2, K: 2, N: 3, Start: []float32{1, nan}, Step: []float32{1, 1}, At: []float32{0, 1}, W: make([]float32, 2*PathCols)}
		y := make([]float32, 6)
		s.Forward(pool, y, make([]float32, 3), 0)
		for _, v := range y {
			if v == v {
				t.Errorf("%s: %v of a line of NaN", name, y)
			}
		}
	}
}

func BenchmarkPath(b *testing.B) {
	pool := NewPool(2, false)
	defer pool.Close()
	s := Path[float32]{P: 40, H: 2048, K: 50, N: 2048}
	s.Start, s.Step, s.W = random[float32](s.P*s.H, 1), random[float32](s.P*s.H, 2), random[float32](s.H*s.N, 3)
	for k := range s.K {
		s.At = append(s.At, (float32(k)+0.5)/float32(s.K))
	}
	y, du, bias := make([]float32, s.K*s.P*s.N), make([]float32, s.P*s.H), make([]float32, s.N)
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			s.Forward(pool, y, bias, 0)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*s.P), "µs/line")
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			s.Backward(pool, du, y, y, s.At, 0)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*s.P), "µs/line")
	})
}
