package gpu

import "math"

// Times returns the product of counts that are not negative, math.MaxInt where an int does not hold it: a size that is only compared
// with what there is may be too large, but never wrap around to a small one.
func Times(counts ...int) int {
	n := 1
	for _, c := range counts {
		if c != 0 && n > math.MaxInt/c {
			n = math.MaxInt // and on: a later 0 still makes it 0
		} else {
			n *= c
		}
	}
	return n
}

// Plus returns the sum of counts that are not negative, math.MaxInt where an int does not hold it.
func Plus(counts ...int) int {
	n := 0
	for _, c := range counts {
		if c > math.MaxInt-n {
			return math.MaxInt
		}
		n += c
	}
	return n
}
