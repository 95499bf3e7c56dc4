package probe

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model/measure"
)

func device(t testing.TB) *gpu.Device {
	t.Helper()
	d, err := OpenDevice(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func matrixOf(t testing.TB, d *gpu.Device, x golden.Tensor) *Matrix {
	t.Helper()
	m := NewMatrix(d, x.Dims[0], x.Dims[1])
	copy(m.V, x.Data)
	t.Cleanup(m.Close)
	return m
}

// near compares values relative to the largest of them.
func near(t *testing.T, what string, got, want []float64, bound float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	off, scale := 0.0, 0.0
	for i := range want {
		if math.IsNaN(got[i]) != math.IsNaN(want[i]) {
			t.Errorf("%s: %v at %d, want %v", what, got[i], i, want[i])
			return
		}
		if !math.IsNaN(want[i]) {
			off, scale = max(off, math.Abs(got[i]-want[i])), max(scale, math.Abs(want[i]))
		}
	}
	if off > bound*scale {
		t.Errorf("%s: off by %.3g of %.3g", what, off, scale)
	}
}

func same(t *testing.T, what string, got []int, want golden.Tensor) {
	t.Helper()
	for i, v := range want.Data {
		if len(got) != len(want.Data) || got[i] != int(v) {
			t.Errorf("%s: %v, want %v", what, got, want.Data)
			return
		}
	}
}

func ints(x golden.Tensor) []int {
	out := make([]int, len(x.Data))
	for i, v := range x.Data {
		out[i] = int(v)
	}
	return out
}

func bools(x golden.Tensor) []bool {
	out := make([]bool, len(x.Data))
	for i, v := range x.Data {
		out[i] = v != 0
	}
	return out
}

func flat[T any](v [][]T) []T {
	var out []T
	for _, r := range v {
		out = append(out, r...)
	}
	return out
}

// An about is the attributes of the cases.
type about struct {
	Op, Weighting         string
	K, KUsed, Classes     int
	Seen                  []int `json:"seen_classes"`
	Temperature, Lambda   float64
	Top1, Top5, Objective float64
	Accuracy, Kappa, Loss float64
	KUsedOf               int      `json:"k_used"`
	KappaOfReference      *float64 `json:"kappa_of_reference"`
	Standardize           bool
	ClassWeight           string `json:"class_weight"`
	Alphas                []float64
	Best                  []int `json:"best_by_leave_one_out"`
	Grades                int
	MacroAUC              float64 `json:"macro_auc"`
}

// TestGolden computes every case of the probes, told apart by what is asked of it.
func TestGolden(t *testing.T) {
	ops := map[string]func(t *testing.T, d *gpu.Device, c golden.Case, a about){
		"knn": goldenKNN, "logistic": goldenLogistic, "ridge": goldenRidge, "ordinal": goldenOrdinal, "ordinal_head": goldenHead, "multilabel": goldenLabels,
	}
	for _, c := range golden.Cases(t, "probe") {
		t.Run(c.Label(), func(t *testing.T) {
			var a about
			c.Decode(t, &a)
			of := ops[a.Op]
			if of == nil {
				t.Fatalf("nothing computes %q", a.Op)
			}
			of(t, device(t), c, a)
		})
	}
}

func goldenKNN(t *testing.T, d *gpu.Device, c golden.Case, a about) {
	y, truth := ints(c.Tensor(t, "y")), ints(c.Tensor(t, "test_y"))
	n := Nearest(matrixOf(t, d, c.Tensor(t, "x")), matrixOf(t, d, c.Tensor(t, "test")), a.K, Weighting(a.Weighting), a.Temperature)
	if n.K != a.KUsedOf {
		t.Errorf("k is %d, want %d", n.K, a.KUsedOf)
	}
	same(t, "neighbours", flat(n.Index), c.Tensor(t, "neighbours"))
	near(t, "nearness", flat(n.Nearness), c.Tensor(t, "nearness").Data, 1e-10)
	votes := n.Votes(y, a.Classes)
	near(t, "probability", votes, c.Tensor(t, "probability").Data, 1e-10)
	near(t, "regression", n.Average(c.Tensor(t, "value").Data), c.Tensor(t, "regression").Data, 1e-10)
	_, class, _ := measure.Confident(a.Classes, truth, votes)
	same(t, "prediction", class, c.Tensor(t, "prediction"))
	near(t, "top", []float64{Top(1, a.Classes, truth, votes), Top(5, a.Classes, truth, votes)}, []float64{a.Top1, a.Top5}, 1e-12)
}

func goldenLogistic(t *testing.T, d *gpu.Device, c golden.Case, a about) {
	x, test := matrixOf(t, d, c.Tensor(t, "x")), matrixOf(t, d, c.Tensor(t, "test"))
	l := FitLogistic(x, ints(c.Tensor(t, "y")), a.Classes, Options{Lambda: a.Lambda, Standardize: a.Standardize, Balanced: a.ClassWeight == "balanced"})
	if fmt.Sprint(l.Seen) != fmt.Sprint(a.Seen) {
		t.Errorf("seen %v, want %v", l.Seen, a.Seen)
	}
	near(t, "coef", flat(l.Coef), c.Tensor(t, "coef").Data, 1e-8)
	near(t, "intercept", l.Intercept, c.Tensor(t, "intercept").Data, 1e-8)
	near(t, "objective", []float64{l.Objective}, []float64{a.Objective}, 1e-10)
	p := l.Probability(test)
	near(t, "probability", p, c.Tensor(t, "probability").Data, 1e-8)
	_, class, right := measure.Confident(a.Classes, ints(c.Tensor(t, "test_y")), p)
	same(t, "prediction", class, c.Tensor(t, "prediction"))
	hits := 0.0
	for _, r := range right {
		if r {
			hits++
		}
	}
	near(t, "accuracy", []float64{hits / float64(len(right))}, []float64{a.Accuracy}, 1e-12)
}

func goldenRidge(t *testing.T, d *gpu.Device, c golden.Case, a about) {
	x, y, test := matrixOf(t, d, c.Tensor(t, "x")), matrixOf(t, d, c.Tensor(t, "y")), matrixOf(t, d, c.Tensor(t, "test"))
	r := FitRidge(x, y, a.Alphas, false)
	near(t, "leave one out", flat(r.LOO), c.Tensor(t, "loo_mse").Data, 1e-10)
	if fmt.Sprint(r.Best) != fmt.Sprint(a.Best) {
		t.Errorf("best %v, want %v", r.Best, a.Best)
	}
	for i, l := range r.Fits {
		near(t, "coef", flat(l.Coef), c.Tensor(t, fmt.Sprintf("coef/%d", i)).Data, 1e-10)
		near(t, "intercept", l.Intercept, c.Tensor(t, fmt.Sprintf("intercept/%d", i)).Data, 1e-10)
		near(t, "prediction", l.Scores(test), c.Tensor(t, fmt.Sprintf("prediction/%d", i)).Data, 1e-10)
	}
}

func goldenOrdinal(t *testing.T, d *gpu.Device, c golden.Case, a about) {
	m := FitOrdinal(matrixOf(t, d, c.Tensor(t, "x")), ints(c.Tensor(t, "y")), a.Grades, Options{Lambda: a.Lambda})
	var coef [][]float64
	var intercept []float64
	for _, l := range m.Above {
		coef, intercept = append(coef, l.Coef[0]), append(intercept, l.Intercept[0])
	}
	near(t, "coef", flat(coef), c.Tensor(t, "coef").Data, 1e-8)
	near(t, "intercept", intercept, c.Tensor(t, "intercept").Data, 1e-8)
	p := m.Probability(matrixOf(t, d, c.Tensor(t, "test")))
	near(t, "probability", p, c.Tensor(t, "probability").Data, 1e-8)
	grade, expected := Grades(a.Grades-1, p)
	same(t, "grade", grade, c.Tensor(t, "prediction"))
	near(t, "expected grade", expected, c.Tensor(t, "expected_grade").Data, 1e-8)
	count := measure.Count(a.Grades, ints(c.Tensor(t, "test_y")), grade, nil)
	near(t, "kappa, accuracy, objective", []float64{count.Kappa(measure.Quadratic), count.Accuracy(), m.Objective}, []float64{a.Kappa, a.Accuracy, a.Objective}, 1e-10)
}

func goldenHead(t *testing.T, _ *gpu.Device, c golden.Case, a about) {
	y, z := ints(c.Tensor(t, "y")), c.Tensor(t, "logits").Data
	target := Code(a.Grades, y)
	near(t, "target", target, c.Tensor(t, "target").Data, 0)
	loss, gradient := CodeLoss(target, z)
	near(t, "loss", []float64{loss}, []float64{a.Loss}, 1e-10)
	near(t, "gradient", gradient, c.Tensor(t, "dlogits").Data, 1e-8)
	grade := Decode(a.Grades, z, 0, true)
	same(t, "grade", grade, c.Tensor(t, "grade"))
	same(t, "grade of the reference", Decode(a.Grades, z, 0.5, false), c.Tensor(t, "grade_of_reference"))
	near(t, "kappa", []float64{1 + measure.Count(a.Grades, y, grade, nil).Kappa(measure.Quadratic)}, []float64{1 + a.Kappa}, 1e-12)
}

func goldenLabels(t *testing.T, d *gpu.Device, c golden.Case, a about) {
	y := c.Tensor(t, "y")
	k := y.Dims[1]
	m := FitLabels(matrixOf(t, d, c.Tensor(t, "x")), bools(y), bools(c.Tensor(t, "known")), k, Options{Lambda: a.Lambda})
	fitted := make([]int, k)
	coef, intercept := make([]float64, 0), make([]float64, k)
	for j, l := range m.Each {
		row := make([]float64, c.Tensor(t, "x").Dims[1])
		if l != nil {
			fitted[j], row, intercept[j] = 1, l.Coef[0], l.Intercept[0]
		}
		coef = append(coef, row...)
	}
	same(t, "fitted", fitted, c.Tensor(t, "fitted"))
	near(t, "coef", coef, c.Tensor(t, "coef").Data, 1e-8)
	near(t, "intercept", intercept, c.Tensor(t, "intercept").Data, 1e-8)
	p := m.Probability(matrixOf(t, d, c.Tensor(t, "test")))
	near(t, "probability", p, c.Tensor(t, "probability").Data, 1e-8)
	truth := bools(c.Tensor(t, "test_y"))
	known := make([]bool, len(truth))
	for i := range known {
		known[i] = true
	}
	near(t, "macro AUC", []float64{measure.Mean(measure.NewLabels(k, truth, known, p).AUC(nil), nil)}, []float64{a.MacroAUC}, 1e-10)
}
