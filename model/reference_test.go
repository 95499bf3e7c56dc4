package model

import (
	"math"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/golden"
)

// weights returns the reference's value of a parameter or buffer by its full name and its shape in PyTorch's layout.
func weights(name string, shape []int) []float64 {
	n, k := 1, 0.2
	for _, d := range shape {
		n *= d
	}
	switch {
	case strings.HasSuffix(name, "running_mean"):
		k = 0.1
	case strings.HasSuffix(name, "running_var"):
		return golden.Fill(name, n, 0.5, 1.5)
	case len(shape) == 4:
		k = math.Sqrt(6 / float64(shape[0]*shape[2]*shape[3]))
	case len(shape) == 2:
		k = 1 / math.Sqrt(float64(shape[1]))
	case strings.HasSuffix(name, "weight"):
		return golden.Fill(name, n, 0.8, 1.2)
	}
	return golden.Fill(name, n, -k, k)
}

// torchvisionNames returns the shapes of torchvision's state dicts that f holds, by network and name, without the counters
// of batches.
func torchvisionNames(t testing.TB, f golden.Folder) map[string]map[string][]int {
	t.Helper()
	var nets map[string][][3]any
	f.JSON(t, "torchvision_names", &nets)
	out := map[string]map[string][]int{}
	for net, rows := range nets {
		out[net] = map[string][]int{}
		for _, r := range rows {
			if name := r[0].(string); !strings.HasSuffix(name, "num_batches_tracked") {
				shape := []int{}
				for _, d := range r[1].([]any) {
					shape = append(shape, int(d.(float64)))
				}
				out[net][name] = shape
			}
		}
	}
	return out
}
