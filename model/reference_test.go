package model

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model/nn"
)

// seed returns the reference's seed, which the fills of the trunk's cases are named after.
func seed(t testing.TB) string {
	var about struct{ Seed string }
	golden.JSON(t, "about", &about)
	return about.Seed
}

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

// torchvisionNames returns the shapes of torchvision's state dicts by network and name, without the counters of
// batches.
func torchvisionNames(t testing.TB) map[string]map[string][]int {
	t.Helper()
	const file = "torchvision_names"
	if _, err := os.Stat(filepath.Join(golden.Dir(t, "CONTIG_GOLDEN", "golden"), file+".json")); err != nil {
		t.Skip("these reference numbers have no torchvision names")
	}
	var nets map[string][][3]any
	golden.JSON(t, file, &nets)
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

// float32Bound returns bound, or a wide one where a ReLU of the trunk came out on the other side of zero in float32
// than in float64: that changes a whole path of the gradient, in PyTorch as here.
func float32Bound(t *testing.T, r *rig, c contigCase, bound float64) float64 {
	t.Helper()
	exact, flips := newRig(t, "cpu", r.m.Config(), gpu.F64, c.Batch, c.Size), 0
	fillModel(exact.m, c.FillPrefix)
	gpu.Write(exact.b.Image, read(r.b.Image))
	want := signs(exact)
	for i, positive := range signs(r) {
		if positive != want[i] {
			flips++
		}
	}
	if flips == 0 {
		return bound
	}
	t.Logf("%d of %d ReLUs round to the other side of zero", flips, len(want))
	return max(bound, flipped)
}

// signs returns for every ReLU of the trunk whether it lets its input pass. It moves running averages back.
func signs(r *rig) []bool {
	var kept [][]float64
	for _, b := range r.m.Buffers() {
		kept = append(kept, read(b.Value))
	}
	var out []bool
	walk(r.p, r.m.trunk, r.b.Image, func(y gpu.Tensor) {
		for _, v := range read(y) {
			out = append(out, v > 0)
		}
	})
	r.p.Reset()
	for i, b := range r.m.Buffers() {
		gpu.Write(b.Value, kept[i])
	}
	return out
}

// walk runs layers forward and visits what comes out of every ReLU.
func walk(p *nn.Pass, s nn.Sequential, x gpu.Tensor, visit func(gpu.Tensor)) gpu.Tensor {
	for _, l := range s {
		switch l := l.(type) {
		case *nn.Residual:
			h := walk(p, l.Body, x, visit)
			x = l.Norm.ForwardAdd(p, h, l.Shortcut.Forward(p, x))
			visit(x)
		case *nn.BatchNorm:
			x = l.Forward(p, x)
			visit(x)
		default:
			x = l.Forward(p, x)
		}
	}
	return x
}
