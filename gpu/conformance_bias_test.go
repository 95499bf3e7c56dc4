package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

func TestConformanceBias(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, s := range raggedRows() {
			rows, c := s[0], s[1]
			x, bias := l.In("x", -1, 1, rows, c), l.InVec("bias", -1, 1, c)
			y, act, inPlace, db := l.Out(rows, c), l.Out(rows, c), l.In("x", -1, 1, rows, c), l.InVec("db", -1, 1, c)
			l.Run(func(of of) {
				gpu.AddBias(of(y), of(x), of(bias))
				gpu.AddBiasReLU(of(act), of(x), of(bias))
				gpu.AddBiasReLU(of(inPlace), of(inPlace), of(bias))
				gpu.SumRows(of(db), of(x))
			})
			l.Same("x + bias", y, 1, 1)
			l.Same("relu(x + bias)", act, 1, 1)
			l.Same("relu(x + bias) in place", inPlace, 1, 1)
			l.Same(fmt.Sprint(s, ": db + sum of rows"), db, rows, 4)
		}
	})
}
