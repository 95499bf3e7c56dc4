package cpukern

import "unsafe"

const vecLanes = 8 // float32 in an AVX2 register

// whole returns how many of n elements the assembly takes: none unless F is float32 and the pool may use AVX2.
func whole[F real](p *Pool, n int) int {
	var f F
	if unsafe.Sizeof(f) != 4 || !p.AVX2() {
		return 0
	}
	return n &^ (vecLanes - 1)
}

// table reports whether the assembly takes n elements in rows of c: it has no tails inside a row.
func table[F real](p *Pool, n, c int) bool { return n >= c && c > 0 && whole[F](p, c) == c }

// head returns the address that the assembly reads x at, nil for nil.
func head[F real](x []F) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }

// Add computes y = a + b; y may be a or b.
func Add[F real](p *Pool, y, a, b []F) {
	n := whole[F](p, len(y))
	if n > 0 {
		addAVX2(head(y), head(a), head(b), n)
	}
	addGo(y[n:], a[n:], b[n:])
}

// ReLU computes y = max(x, 0); NaN stays NaN.
func ReLU[F real](p *Pool, y, x []F) {
	n := whole[F](p, len(y))
	if n > 0 {
		reluAVX2(head(y), head(x), n)
	}
	reluGo(y[n:], x[n:])
}

// ReLUBackward computes dx = dy where y > 0, else 0.
func ReLUBackward[F real](p *Pool, dx, dy, y []F) {
	n := whole[F](p, len(dx))
	if n > 0 {
		reluBackwardAVX2(head(dx), head(dy), head(y), n)
	}
	reluBackwardGo(dx[n:], dy[n:], y[n:])
}

// SumSquares returns the sum of x*x, added in float64.
func SumSquares[F real](p *Pool, x []F) float64 {
	var s [4]float64
	n := whole[F](p, len(x))
	if n > 0 {
		sumSquaresAVX2(&s[0], head(x), n)
	}
	return (s[0] + s[1]) + (s[2] + s[3]) + sumSquaresGo(x[n:])
}

// ColSum adds the rows of x to acc.
func ColSum[F real](p *Pool, acc []float64, x []F) {
	if c := len(acc); table[F](p, len(x), c) {
		colSumAVX2(unsafe.SliceData(acc), head(x), len(x)/c, c)
		return
	}
	colSumGo(acc, x)
}

// ColSqDev adds (x - mean)^2 of every row to acc.
func ColSqDev[F real](p *Pool, acc []float64, x, mean []F) {
	if c := len(acc); table[F](p, len(x), c) {
		colSqDevAVX2(unsafe.SliceData(acc), head(x), head(mean), len(x)/c, c)
		return
	}
	colSqDevGo(acc, x, mean)
}

// BNApply computes y = (x - mean) * a + beta [+ add], and its ReLU if asked; add may be nil.
func BNApply[F real](p *Pool, y, x, add, mean, a, beta []F, relu bool) {
	c := len(mean)
	if !table[F](p, len(y), c) {
		bnApplyGo(y, x, add, mean, a, beta, relu)
		return
	}
	f := bnApplyAVX2
	switch {
	case add != nil && relu:
		f = bnApplyAddReLUAVX2
	case add != nil:
		f = bnApplyAddAVX2
	case relu:
		f = bnApplyReLUAVX2
	}
	f(head(y), head(x), head(add), head(mean), head(a), head(beta), len(y)/c, c)
}

// BNReduce adds d to sums[:c] and d * (x - mean) to sums[c:] for every row, d = dy where y > 0 (everywhere if y is
// nil). near is scratch of 2c zeros, and is left so.
func BNReduce[F real](p *Pool, sums []float64, near, dy, y, x, mean []F) {
	c := len(mean)
	if !table[F](p, len(dy), c) {
		bnReduceGo(sums, dy, y, x, mean)
		return
	}
	f := bnReduceAVX2
	if y != nil {
		f = bnReduceReLUAVX2
	}
	groups(len(dy), c, func(lo, hi int) {
		var from *float32
		if y != nil {
			from = head(y[lo:])
		}
		f(head(near), head(near[c:]), head(dy[lo:]), from, head(x[lo:]), head(mean), (hi-lo)/c, c)
		widenAVX2(&sums[0], head(near), 2*c)
	})
}

// BNBackward computes dx = a * (d - k1 - (x - mean) * k2) and dadd = d (may be nil), d as in BNReduce.
func BNBackward[F real](p *Pool, dx, dadd, dy, y, x, mean, a, k1, k2 []F) {
	c := len(mean)
	if !table[F](p, len(dx), c) {
		bnBackwardGo(dx, dadd, dy, y, x, mean, a, k1, k2)
		return
	}
	f := bnBackwardAVX2
	switch {
	case dadd != nil && y != nil:
		f = bnBackwardAddReLUAVX2
	case dadd != nil:
		f = bnBackwardAddAVX2
	case y != nil:
		f = bnBackwardReLUAVX2
	}
	f(head(dx), head(dadd), head(dy), head(y), head(x), head(mean), head(a), head(k1), head(k2), len(dx)/c, c)
}

// Adam updates parameters and both moments in one pass.
func Adam[F real](p *Pool, w, g, m, v []F, s *AdamStep[F]) {
	n := whole[F](p, len(w))
	if n > 0 {
		adamAVX2(head(w), head(g), head(m), head(v), (*float32)(unsafe.Pointer(s)), n)
	}
	adamGo(w[n:], g[n:], m[n:], v[n:], s)
}

// SGD updates parameters and the momentum buffer in one pass.
func SGD[F real](p *Pool, w, g, buf []F, s *SGDStep[F]) {
	n := whole[F](p, len(w))
	if n > 0 {
		sgdAVX2(head(w), head(g), head(buf), (*float32)(unsafe.Pointer(s)), n)
	}
	sgdGo(w[n:], g[n:], buf[n:], s)
}

// Max takes x where it is greater than y (or NaN) and notes tap there.
func Max[F real](p *Pool, y, x []F, arg []uint8, tap uint8) {
	n := whole[F](p, len(y))
	if n > 0 {
		maxAVX2(head(y), head(x), unsafe.SliceData(arg), tap, n)
	}
	maxGo(y[n:], x[n:], arg[n:], tap)
}
