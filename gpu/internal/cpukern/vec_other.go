//go:build !amd64

package cpukern

// Add computes y = a + b; y may be a or b.
func Add[F real](p *Pool, y, a, b []F) { addGo(y, a, b) }

// ReLU computes y = max(x, 0); NaN stays NaN.
func ReLU[F real](p *Pool, y, x []F) { reluGo(y, x) }

// ReLUBackward computes dx = dy where y > 0, else 0.
func ReLUBackward[F real](p *Pool, dx, dy, y []F) { reluBackwardGo(dx, dy, y) }

// SumSquares returns the sum of x*x, added in float64.
func SumSquares[F real](p *Pool, x []F) float64 { return sumSquaresGo(x) }

// ColSum adds the rows of x to acc.
func ColSum[F real](p *Pool, acc []float64, x []F) { colSumGo(acc, x) }

// ColSqDev adds (x - mean)^2 of every row to acc.
func ColSqDev[F real](p *Pool, acc []float64, x, mean []F) { colSqDevGo(acc, x, mean) }

// BNApply computes y = (x - mean) * a + beta [+ add], and its ReLU if asked; add may be nil.
func BNApply[F real](p *Pool, y, x, add, mean, a, beta []F, relu bool) {
	bnApplyGo(y, x, add, mean, a, beta, relu)
}

// BNReduce adds d to sums[:c] and d * (x - mean) to sums[c:] for every row, d = dy where y > 0 (everywhere if y is
// nil). near is scratch of 2c zeros, and is left so.
func BNReduce[F real](p *Pool, sums []float64, _, dy, y, x, mean []F) {
	bnReduceGo(sums, dy, y, x, mean)
}

// BNBackward computes dx = a * (d - k1 - (x - mean) * k2) and dadd = d (may be nil), d as in BNReduce.
func BNBackward[F real](p *Pool, dx, dadd, dy, y, x, mean, a, k1, k2 []F) {
	bnBackwardGo(dx, dadd, dy, y, x, mean, a, k1, k2)
}

// Adam updates parameters and both moments in one pass.
func Adam[F real](p *Pool, w, g, m, v []F, s *AdamStep[F]) { adamGo(w, g, m, v, s) }

// SGD updates parameters and the momentum buffer in one pass.
func SGD[F real](p *Pool, w, g, buf []F, s *SGDStep[F]) { sgdGo(w, g, buf, s) }

// Max takes x where it is greater than y (or NaN) and notes tap there.
func Max[F real](p *Pool, y, x []F, arg []uint8, tap uint8) { maxGo(y, x, arg, tap) }
