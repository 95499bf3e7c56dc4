package model

import (
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/golden"
)

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
