package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

func TestConformanceMatMul(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range [][3]int{{1, 1, 1}, {2, 31, 33}, {32, 33, 127}, {127, 129, 2}, {33, 1, 1000}, {129, 64, 31}} {
			for i := range 4 {
				conformMatMul(l, s, i&1 == 1, i&2 == 2)
			}
		}
	})
}

func conformMatMul(l *gputest.Lab, s [3]int, transA, transB bool) {
	m, n, k := s[0], s[1], s[2]
	ad, bd := [2]int{m, k}, [2]int{k, n}
	if transA {
		ad = [2]int{k, m}
	}
	if transB {
		bd = [2]int{n, k}
	}
	a, b := l.In("a", -1, 2, ad[:]...), l.In("b", -2, 1, bd[:]...)
	c, sum, act, bias := l.Out(m, n), l.InVec("c", -1, 1, m, n), l.Out(m, n), l.InVec("bias", -9, 9, n)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.MatMul(of(c), of(a), of(b), transA, transB, 0)
		gpu.MatMul(of(sum), of(a), of(b), transA, transB, 1)
		gpu.MatMulBias(of(act), of(a), of(b), transA, transB, of(bias), true)
	})
	what := fmt.Sprintf("transposed %v %v, sum of %d: ", transA, transB, k)
	l.Same(what+"c", c, k, 4)
	l.Same(what+"c + ab", sum, k, 4)
	l.Same(what+"relu(ab + bias)", act, k, 4)
}
