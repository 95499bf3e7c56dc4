package measure

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"testing"

	"contig-gpu/gpu/gputest/golden"
)

// TestGolden computes every case of the metrics, told apart by what is asked of it.
func TestGolden(t *testing.T) {
	ops := map[string]func(t *testing.T, c golden.Case) map[string]any{
		"classification": classification, "auc_binary": binary, "auc_multilabel": multilabel, "auc_multiclass": multiclass, "probability": calibrated,
		"regression": regression, "segmentation": segmentation, "retrieval": retrieval,
	}
	for _, c := range golden.Cases(t, "metrics") {
		t.Run(c.Label(), func(t *testing.T) {
			var op string
			c.Attr(t, "op", &op)
			if op == "bootstrap" {
				bootstrap(t, c)
				return
			}
			of := ops[op]
			if of == nil {
				t.Fatalf("nothing computes %q", op)
			}
			var want map[string]any
			c.Attr(t, "metrics", &want)
			bound := 1e-12
			if op == "regression" { // the reference's own bound of traits with a large mean
				bound = 1e-9
			}
			compare(t, "", plain(t, of(t, c)), want, bound)
		})
	}
}

// plain turns numbers and lists into what JSON makes of them, NaN into null.
func plain(t *testing.T, v any) any {
	t.Helper()
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			out[k] = plain(t, e)
		}
		return out
	case float64:
		if math.IsNaN(x) {
			return nil
		}
		return x
	case int:
		return float64(x)
	case []int:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = float64(e)
		}
		return out
	case []float64:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plain(t, e)
		}
		return out
	case [][]float64:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plain(t, e)
		}
		return out
	}
	t.Fatalf("%T is not compared", v)
	return nil
}

// compare wants every key of the reference, and undefined for undefined.
func compare(t *testing.T, at string, got, want any, bound float64) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g := got.(map[string]any)
		keys := make([]string, 0, len(w))
		for k := range w {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			v, ok := g[k]
			if !ok {
				t.Errorf("%s is not computed", k)
				continue
			}
			compare(t, at+"/"+k, v, w[k], bound)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%s: %v, want %v", at, got, want)
			return
		}
		for i := range w {
			compare(t, fmt.Sprintf("%s/%d", at, i), g[i], w[i], bound)
		}
	case nil:
		if got != nil {
			t.Errorf("%s: %v, want undefined", at, got)
		}
	case float64:
		g, ok := got.(float64)
		if !ok || math.Abs(g-w) > bound*max(math.Abs(w), 1e-3) {
			t.Errorf("%s: %v, want %v", at, got, w)
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

func bools(v []float64) []bool {
	out := make([]bool, len(v))
	for i, x := range v {
		out[i] = x != 0
	}
	return out
}

// column returns one of k columns of rows.
func column(v []float64, k, j int) []float64 {
	var out []float64
	for i := j; i < len(v); i += k {
		out = append(out, v[i])
	}
	return out
}

func classification(t *testing.T, c golden.Case) map[string]any {
	var k int
	c.Attr(t, "classes", &k)
	m := Count(k, ints(c.Tensor(t, "y")), ints(c.Tensor(t, "prediction")), nil)
	rows := [][]float64{}
	for i := range k {
		rows = append(rows, m.N[i*k:(i+1)*k])
	}
	return map[string]any{"confusion": rows, "accuracy": m.Accuracy(), "recall": m.Recall(), "precision": m.Precision(), "balanced_accuracy": m.BalancedAccuracy(), "f1": m.F1(), "f1_macro": m.F1Macro(),
		"f1_weighted": m.F1Weighted(), "f1_micro": m.Accuracy(), "mcc": m.MCC(), "kappa_quadratic": m.Kappa(Quadratic), "kappa_linear": m.Kappa(Linear), "kappa": m.Kappa(Plain)}
}

func binary(t *testing.T, c golden.Case) map[string]any {
	r := Rank(bools(c.Tensor(t, "y").Data), c.Tensor(t, "score").Data)
	return map[string]any{"auc": r.AUC(nil), "average_precision": r.AveragePrecision(nil), "delong_variance": r.DeLong(), "youden": r.Youden(nil)}
}

func multilabel(t *testing.T, c golden.Case) map[string]any {
	l := labelsOf(c.Tensor(t, "y").Dims[1], bools(c.Tensor(t, "y").Data), c.Tensor(t, "score").Data)
	per, ap := l.AUC(nil), l.AveragePrecision(nil)
	return map[string]any{"per_label": per, "macro": Mean(per, nil), "weighted": Mean(per, l.Positives(nil)), "micro": l.Micro.AUC(nil), "labels_defined": len(Defined(per)), "ap_per_label": ap, "ap_macro": Mean(ap, nil),
		"ap_micro": l.Micro.AveragePrecision(nil), "f1_macro_at_half": Mean(l.F1(nil), nil), "exact_match_at_half": l.Exact(nil), "hamming_at_half": l.Hamming(nil)}
}

func labelsOf(k int, y []bool, score []float64) *Labels {
	known := make([]bool, len(y))
	for i := range known {
		known[i] = true
	}
	return NewLabels(k, y, known, score)
}

func multiclass(t *testing.T, c golden.Case) map[string]any {
	p, y := c.Tensor(t, "probability"), ints(c.Tensor(t, "y"))
	k := p.Dims[1]
	l := labelsOf(k, OneHot(k, y), p.Data)
	per := l.AUC(nil)
	return map[string]any{"per_class": per, "ovr_macro": Mean(per, nil), "ovr_weighted": Mean(per, l.Positives(nil)), "ovo_macro": PairsOfClasses(k, y, p.Data).AUC(nil), "micro": l.Micro.AUC(nil)}
}

func calibrated(t *testing.T, c golden.Case) map[string]any {
	var bins int
	c.Attr(t, "bins", &bins)
	p, y := c.Tensor(t, "probability"), ints(c.Tensor(t, "y"))
	k := p.Dims[1]
	conf, _, right := Confident(k, y, p.Data)
	ece, mce := CalibrationError(Bins(bins, conf, right, nil))
	return map[string]any{"log_loss": LogLoss(k, y, p.Data, nil), "brier": Brier(k, y, p.Data, nil), "brier_binary": Brier(k, y, p.Data, nil) / 2, "ece": ece, "mce": mce, "ece_equal_mass": EqualMass(bins, conf, right)}
}

func regression(t *testing.T, c golden.Case) map[string]any {
	y, p := c.Tensor(t, "y"), c.Tensor(t, "prediction")
	all := map[string][]float64{}
	for j := range y.Dims[1] {
		f := NewFit(column(y.Data, y.Dims[1], j), column(p.Data, y.Dims[1], j))
		for name, of := range map[string]func([]float64) float64{"mse": f.MSE, "rmse": f.RMSE, "mae": f.MAE, "r2": f.R2, "pearson": f.Pearson, "spearman": f.Spearman} {
			all[name] = append(all[name], of(nil))
		}
	}
	out := map[string]any{"mse_sum": sum(all["mse"]), "r2_mean": Mean(all["r2"], nil)}
	for name, v := range all {
		out[name] = v
	}
	return out
}

func segmentation(t *testing.T, c golden.Case) map[string]any {
	var threshold float64
	c.Attr(t, "threshold", &threshold)
	y := c.Tensor(t, "y")
	o := Masks(y.Dims[0], y.Dims[1], bools(y.Data), c.Tensor(t, "probability").Data, threshold)
	monai := make([]float64, y.Dims[1]) // which leaves out every image of empty truth
	for k := range monai {
		var defined []float64
		for i := range o.Dice {
			if at := (i*y.Dims[1] + k) * y.Dims[2] * y.Dims[3]; sum(y.Data[at:at+y.Dims[2]*y.Dims[3]]) > 0 {
				defined = append(defined, o.Dice[i][k])
			}
		}
		monai[k] = Mean(defined, nil)
	}
	return map[string]any{"dice": o.Dice, "iou": o.IoU, "dice_mean": o.DiceMean, "iou_mean": o.IoUMean, "images_defined": o.Defined, "dice_pooled": o.DicePooled, "iou_pooled": o.IoUPooled,
		"soft_dice_of_reference": o.Soft, "dice_if_empty_counts_1": o.DiceIfEmptyIs1, "dice_mean_of_monai": monai}
}

func retrieval(t *testing.T, c golden.Case) map[string]any {
	var ks []int
	c.Attr(t, "ks", &ks)
	f := Retrieve(c.Tensor(t, "similarity").Data, ints(c.Tensor(t, "person_query")), ints(c.Tensor(t, "person_candidate")), ks)
	hit, recall := map[string]any{}, map[string]any{}
	for a, k := range ks {
		hit[fmt.Sprint(k)], recall[fmt.Sprint(k)] = f.Hit[a], f.Recall[a]
	}
	return map[string]any{"hit": hit, "recall": recall, "median_rank": f.MedianRank, "mean_rank": f.MeanRank, "mrr": f.MRR, "map": f.MAP, "queries": f.Queries}
}

// statistic returns what a bootstrap case computes of weighted rows.
func statistic(t *testing.T, name string, y, p golden.Tensor) func(w []float64) float64 {
	switch name {
	case "mean":
		return func(w []float64) float64 { return Mean(p.Data, w) }
	case "auc":
		return Rank(bools(y.Data), p.Data).AUC
	case "auc_difference":
		a, b := Rank(bools(y.Data), column(p.Data, 2, 0)), Rank(bools(y.Data), column(p.Data, 2, 1))
		return func(w []float64) float64 { return a.AUC(w) - b.AUC(w) }
	case "kappa_quadratic":
		truth, pred := ints(y), ints(p)
		k := 0
		for i := range truth {
			k = max(k, truth[i]+1, pred[i]+1)
		}
		return func(w []float64) float64 { return Count(k, truth, pred, w).Kappa(Quadratic) }
	case "r2":
		return NewFit(y.Data, p.Data).R2
	}
	t.Fatalf("nothing computes %q", name)
	return nil
}

func bootstrap(t *testing.T, c golden.Case) {
	var a struct {
		Statistic                      string
		Level, Value, Z0, Acceleration float64
		StandardError                  float64 `json:"standard_error"`
		Percentile, BCa                [2]float64
		UndefinedDraws                 int `json:"undefined_draws"`
		UndefinedJackknife             int `json:"undefined_jackknife"`
	}
	c.Decode(t, &a)
	y := c.Tensor(t, "y")
	of := statistic(t, a.Statistic, y, c.Tensor(t, "prediction"))
	n := len(y.Data)
	person := make([]int, n)
	for i := range person {
		person[i] = i
	}
	if x, ok := c.Lookup("person"); ok {
		person = ints(x)
	}
	sorted := map[int][]int{} // the cases number persons by their sorted ids
	most := 0
	for i, p := range person {
		sorted[p], most = append(sorted[p], i), max(most, p)
	}
	u := &Units{}
	for p := range most + 1 {
		if sorted[p] != nil {
			u.rows = append(u.rows, sorted[p])
		}
	}
	index := c.Tensor(t, "index")
	var draws, without []float64
	for k := range index.Dims[0] {
		w := make([]float64, n)
		for _, v := range index.Data[k*index.Dims[1] : (k+1)*index.Dims[1]] {
			u.add(int(v), w)
		}
		draws = append(draws, of(w))
	}
	for p := range u.Len() {
		w := make([]float64, n)
		for q := range u.Len() {
			if q != p {
				u.add(q, w)
			}
		}
		without = append(without, of(w))
	}
	got := Defined(draws)
	low, high, z0, acc := BCa(of(nil), got, Defined(without), a.Level)
	want := map[string]any{"value": a.Value, "low": a.Percentile[0], "high": a.Percentile[1], "bca_low": a.BCa[0], "bca_high": a.BCa[1], "z0": a.Z0, "acceleration": a.Acceleration, "se": a.StandardError,
		"undefined": float64(a.UndefinedDraws), "undefined_jackknife": float64(a.UndefinedJackknife)}
	compare(t, "", plain(t, map[string]any{"value": of(nil), "low": Percentile(got, (1-a.Level)/2), "high": Percentile(got, (1+a.Level)/2), "bca_low": low, "bca_high": high, "z0": z0, "acceleration": acc,
		"se": math.Sqrt(variance(got)), "undefined": len(draws) - len(got), "undefined_jackknife": len(without) - len(Defined(without))}), want, 1e-9)
	for key, v := range map[string][]float64{"distribution": draws, "jackknife": without} {
		x, _ := json.Marshal(plain(t, c.Tensor(t, key).Data))
		var list []any
		if err := json.Unmarshal(x, &list); err != nil {
			t.Fatal(err)
		}
		compare(t, key, plain(t, v), list, 1e-9)
	}
}
