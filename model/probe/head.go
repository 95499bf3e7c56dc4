package probe

// Code returns ContIG's code of grades as the targets of k outputs, [n, k]: of grade g the first g + 1 are 1.
func Code(k int, grade []int) []float64 {
	out := make([]float64, len(grade)*k)
	for i, g := range grade {
		for j := range g + 1 {
			out[i*k+j] = 1
		}
	}
	return out
}

// CodeLoss is the mean binary cross-entropy of k outputs, logits [n, k], against the code, and its gradient.
func CodeLoss(target, logits []float64) (loss float64, gradient []float64) {
	n := float64(len(logits))
	gradient = make([]float64, len(logits))
	for i, z := range logits {
		loss += (softplus(z) - target[i]*z) / n
		gradient[i] = (sigmoid(z) - target[i]) / n
	}
	return loss, gradient
}

// Decode returns the grades that k outputs say: how many are above threshold, less 1. Below 0 it is grade 0 where floor is set; the reference implementation leaves -1.
func Decode(k int, logits []float64, threshold float64, floor bool) []int {
	var out []int
	for lo := 0; lo < len(logits); lo += k {
		g := -1
		for _, z := range logits[lo : lo+k] {
			if z > threshold {
				g++
			}
		}
		if floor {
			g = max(0, g)
		}
		out = append(out, g)
	}
	return out
}
