package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"testing"
)

// The conformance suite: TestConformance* runs every operation on every target in every type it computes in,
// on ragged shapes and with the aliasing that is documented, against float64 on the CPU. See gputest.Targets.

// conform runs f for every target and type, each on a device opened for it: subtests are goroutines of their own, and a
// GPU is driven by the one that opened it.
func conform(t *testing.T, f func(l *gputest.Lab)) { conformOn(t, gputest.Targets(), f) }

// conformProducts is conform on the targets as they are and without the vendor's libraries, and on GPUs in TF32 too.
func conformProducts(t *testing.T, f func(l *gputest.Lab)) {
	targets := gputest.Targets()
	for _, g := range targets {
		if !g.IsPortable() {
			targets = append(targets, g.Portable())
		}
	}
	conformOn(t, targets, f)
	for _, g := range targets {
		if g.Has(gpu.F64) {
			continue
		}
		t.Run(g.Name+"/tf32", func(t *testing.T) {
			l := gputest.NewLab(t, g, gpu.F32, 48<<20)
			defer l.Close()
			l.AllowTF32()
			f(l)
		})
	}
}

func conformOn(t *testing.T, targets []gputest.Target, f func(l *gputest.Lab)) {
	for _, g := range targets {
		t.Run(g.Name, func(t *testing.T) {
			for _, d := range g.Types {
				t.Run(d.String(), func(t *testing.T) {
					l := gputest.NewLab(t, g, d, 48<<20)
					defer l.Close()
					f(l)
				})
			}
		})
	}
}

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
