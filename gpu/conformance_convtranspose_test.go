package gpu_test

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

func TestConformanceConvTranspose(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range [][5]int{{1, 1, 1, 1, 1}, {2, 4, 5, 6, 3}, {1, 3, 3, 8, 8}, {2, 7, 2, 33, 31}, {1, 5, 9, 64, 32}} {
			conformConvTranspose(l, s, 2)
		}
		conformConvTranspose(l, [5]int{2, 3, 4, 5, 6}, 3)
	})
}

// conformConvTranspose takes s = {N, H, W, C, K} and squares of k.
func conformConvTranspose(l *gputest.Lab, s [5]int, k int) {
	n, h, w, c, o := s[0], s[1], s[2], s[3], s[4]
	x, weight, bias := l.In("x", -1, 1, n, h, w, c), l.In("w", -1, 1, c, k, k, o), l.InVec("bias", -1, 1, o)
	y, dy, dx := l.Out(n, k*h, k*w, o), l.In("dy", -1, 1, n, k*h, k*w, o), l.Out(n, h, w, c)
	dw, dbias := l.InVec("dw", -1, 1, c, k, k, o), l.InVec("dbias", -1, 1, o)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.ConvTranspose(of(y), of(x), of(weight), of(bias))
		gpu.ConvTransposeBackwardData(of(dx), of(dy), of(weight))
		gpu.ConvTransposeBackwardWeight(of(dw), of(dbias), of(dy), of(x))
	})
	what := fmt.Sprintf("%v, squares of %d: ", s, k)
	l.Same(what+"y", y, c, 4)
	l.Same(what+"dx", dx, k*k*o, 4)
	loose := 8.0
	if hasCuDNN(dw.On.Device().GPU()) { // it rounds such gradients to x's type
		loose *= gputest.Tol(l.Type, n*h*w) / gputest.Tol(l.VectorType(), n*h*w)
	}
	l.Same(what+"dw", dw, n*h*w, loose)
	l.Same(what+"dbias", dbias, n*h*w*k*k, 8)
}

func TestGradConvTranspose(t *testing.T) {
	l := newLab(t)
	x, w, bias, y, dy := l.fill("x", 2, 3, 2, 5), l.fill("w", 5, 2, 2, 3), l.fill("bias", 3), l.zeros(2, 6, 4, 3), l.fill("dy", 2, 6, 4, 3)
	dx, dw, dbias := l.zeros(2, 3, 2, 5), l.zeros(5, 2, 2, 3), l.zeros(3)
	forward := func() { gpu.ConvTranspose(y, x, w, bias) }
	gpu.ConvTransposeBackwardData(dx, dy, w)
	gpu.ConvTransposeBackwardWeight(dw, dbias, dy, x)
	l.grad("x", x, dx, y, dy, forward)
	l.grad("w", w, dw, y, dy, forward)
	l.grad("bias", bias, dbias, y, dy, forward)
}
