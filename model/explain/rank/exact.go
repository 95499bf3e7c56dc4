package rank

// A sum adds float64 values such that their order does not matter. Each value is split at 2^-20 and 2^-56; what is below 2^-92 is
// rounded off, each value by itself. A part's sum is exact while it has no more than 53 bits: for values to 2^31, sums to 2^33 and
// 2^18 values of the lower parts. Beyond that it is rounded like any other sum.
type sum [3]float64

// magic returns what rounds to multiples of 2^-bits when it is added and taken away again (1.5 x 2^(52 - bits): Dekker 1971).
const (
	magicHigh   = 1.5 * (1 << 32)           // 2^-20
	magicMiddle = 1.5 / (1 << 4)            // 2^-56
	magicLow    = 1.5 / (1 << 20) / 1048576 // 2^-92
)

func (s *sum) add(v float64) {
	high := (v + magicHigh) - magicHigh
	rest := v - high
	middle := (rest + magicMiddle) - magicMiddle
	low := ((rest - middle) + magicLow) - magicLow
	s[0], s[1], s[2] = s[0]+high, s[1]+middle, s[2]+low
}

func (s *sum) value() float64 { return s[0] + (s[1] + s[2]) }

// A pair is a sum of two parts, for many sums: values are split at 2^-28 and rounded off at 2^-64, each by itself.
type pair [2]float64

const (
	pairHigh = 1.5 * (1 << 24) // 2^-28
	pairLow  = 1.5 / (1 << 12) // 2^-64
)

func halves(v float64) (high, low float64) {
	high = (v + pairHigh) - pairHigh
	return high, ((v - high) + pairLow) - pairLow
}
