package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"testing"
)

// of is the side of a twin that an operation runs on.
type of = func(gputest.Twin) gpu.Tensor

// raggedRows are ragged matrices: each ragged length as columns, beside few rows and beside many.
func raggedRows() [][2]int {
	var s [][2]int
	for i, c := range gputest.Ragged() {
		s = append(s, [2]int{1 + i%3, c}, [2]int{[]int{31, 32, 33, 129}[i%4], c})
	}
	return append(s, [2]int{1000, 8}, [2]int{129, 64}, [2]int{67, 512}, [2]int{2, 264})
}

// presence marks about two rows in three, the first not.
func presence(n int) []uint8 {
	p := make([]uint8, n)
	for i := range p {
		p[i] = uint8(i % 3)
	}
	return p
}

func TestConformanceElementwise(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, n := range append(gputest.Ragged(), 70000) {
			a, b, dy := l.In("a", -1, 1, n), l.In("b", -2, 2, n), l.In("dy", -1, 1, n)
			sum, act, grad := l.Out(n), l.Out(n), l.Out(n)
			inPlace, actInPlace, gradInPlace := l.In("a", -1, 1, n), l.In("b", -2, 2, n), l.In("dy", -1, 1, n)
			l.Run(func(of of) {
				gpu.Add(of(sum), of(a), of(b))
				gpu.ReLU(of(act), of(b))
				gpu.ReLUBackward(of(grad), of(dy), of(act))
				gpu.Add(of(inPlace), of(inPlace), of(b))
				gpu.ReLU(of(actInPlace), of(actInPlace))
				gpu.ReLUBackward(of(gradInPlace), of(gradInPlace), of(act))
			})
			for name, x := range map[string]gputest.Twin{"a + b": sum, "relu": act, "relu gradient": grad, "a += b": inPlace,
				"relu in place": actInPlace, "relu gradient in place": gradInPlace} {
				l.Same(name, x, 1, 1)
			}
		}
	})
}

// TestConformanceOffset reads and writes tensors that begin between two multiples of 16 bytes.
func TestConformanceOffset(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		const n, c = 40, 8
		a, b := l.In("a", -1, 1, n*c+1), l.In("b", -2, 2, n*c+1)
		y, z, bias := l.In("y", 0, 1, n*c+1), l.In("z", 0, 1, n*c+1), l.InVec("bias", -1, 1, c)
		db := l.InVec("db", -1, 1, c)
		l.Run(func(of of) {
			from := func(x gputest.Twin) gpu.Tensor { return of(x).Slice(1, n*c+1) }
			gpu.Add(from(y), from(a), from(b))
			gpu.AddBiasReLU(from(z).View(n, c), from(a).View(n, c), of(bias))
			gpu.SumRows(of(db), from(b).View(n, c))
		})
		l.Same("a + b", y, 1, 1)
		l.Same("relu(a + bias)", z, 1, 1)
		l.Same("sum of rows", db, n, 4)
	})
}

// notNumbers returns rows of numbers where p is not 0, of NaN and infinities elsewhere.
func notNumbers(l *gputest.Lab, name string, rows, c int, p []uint8) (x, present gputest.Twin) {
	v := gputest.Values(l.In(name, -1, 1, rows, c).Ref)
	for i := range v {
		if p[i/c] == 0 {
			v[i] = outlandish(i)
		}
	}
	return l.Put(l.Type, v, rows, c), l.Bytes(p, rows)
}
