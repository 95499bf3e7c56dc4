package tune

import "math"

// Targets returns what classes or grades, of k, come to as targets [n, k], and what is known of them: nothing of those that are
// -1. Of a class its own output is 1, of a grade all up to its own.
func Targets(task string, k int, class []int) (y []float64, known []uint8) {
	y, known = make([]float64, len(class)*k), make([]uint8, len(class)*k)
	for i, c := range class {
		if c < 0 {
			continue
		}
		for j := range k {
			known[i*k+j] = 1
			if j == c || task == Ordinal && j < c {
				y[i*k+j] = 1
			}
		}
	}
	return y, known
}

// Scores turns predictions z [n, k] of a task into what it says, in place: of classes their probabilities, of labels the
// probability of each, of grades that of being as high or higher. Traits stay.
func Scores(task string, k int, z []float64) {
	switch task {
	case Classes:
		for lo := 0; lo < len(z); lo += k {
			softmax(z[lo : lo+k])
		}
	case Ordinal, Labels:
		for i, v := range z {
			z[i] = 1 / (1 + math.Exp(-v))
		}
	}
}

func softmax(z []float64) {
	most, sum := z[0], 0.0
	for _, v := range z {
		most = max(most, v)
	}
	for j, v := range z {
		z[j] = math.Exp(v - most)
		sum += z[j]
	}
	for j := range z {
		z[j] /= sum
	}
}
