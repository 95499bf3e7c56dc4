package measure

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestOverlapsAreThoseOfMasks: metrics made of counts are those that Masks makes of all pixels, for random masks of which some are empty.
func TestOverlapsAreThoseOfMasks(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 1))
	const n, c, pixels = 9, 2, 30
	truth, logit, prob := make([]bool, n*c*pixels), make([]float64, n*c*pixels), make([]float64, n*c*pixels)
	rows := make([][]*Overlap, n)
	for i := range n {
		for k := range c {
			mask, at := make([]uint8, pixels), (i*c+k)*pixels
			for j := range pixels {
				logit[at+j] = g.NormFloat64()
				if i%3 == 0 {
					logit[at+j] = -1 - g.Float64()
				}
				prob[at+j] = 1 / (1 + math.Exp(-logit[at+j]))
				if truth[at+j] = i%4 != 0 && g.Float64() < .4; truth[at+j] {
					mask[j] = 1
				}
			}
			o := OverlapOf(mask, logit[at:at+pixels])
			rows[i] = append(rows[i], &o)
		}
	}
	want := Masks(n, c, truth, prob, .5)
	if want.Defined[0] == n || want.Defined[0] == 0 {
		t.Fatalf("%v images are defined", want.Defined)
	}
	values := map[string]float64{"dice": Mean(want.DiceMean, nil), "iou": Mean(want.IoUMean, nil), "dice_pooled": Mean(want.DicePooled, nil), "iou_pooled": Mean(want.IoUPooled, nil), "dice_if_empty_counts_1": Mean(want.DiceIfEmptyIs1, nil),
		"dice_soft": want.Soft, "dice.a": want.DiceMean[0], "dice.b": want.DiceMean[1], "iou.b": want.IoUMean[1], "dice_pooled.a": want.DicePooled[0]}
	for _, m := range OverlapMetrics([]string{"a", "b"}, rows) {
		if v, ok := values[m.Name]; ok && math.Abs(m.Of(nil)-v) > 1e-12 {
			t.Errorf("%s is %v, want %v", m.Name, m.Of(nil), v)
		}
		delete(values, m.Name)
	}
	if len(values) > 0 {
		t.Errorf("there is no %v", values)
	}
}

// TestOverlapWeights: weights are how often an image counts; one of 0 is as if the image were not there, and unknown classes count nowhere.
func TestOverlapWeights(t *testing.T) {
	a, b, empty := &Overlap{Truth: 4, Predicted: 4, Both: 2}, &Overlap{Truth: 3, Predicted: 1, Both: 1}, &Overlap{}
	of := func(rows [][]*Overlap, w []float64) (out []float64) {
		for _, m := range OverlapMetrics([]string{"x"}, rows) {
			out = append(out, m.Of(w))
		}
		return out
	}
	got, want := of([][]*Overlap{{a}, {b}, {empty}, {nil}}, []float64{2, 0, 1, 5}), of([][]*Overlap{{a}, {a}, {empty}}, nil)
	for i := range want {
		if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("metric %d is %v, want %v", i, got[i], want[i])
		}
	}
	if want[0] != .5 || math.Abs(want[4]-2./3) > 1e-15 {
		t.Errorf("%v", want)
	}
	for _, rows := range [][][]*Overlap{{{empty}}, {{nil}}} {
		for _, m := range OverlapMetrics([]string{"x"}, rows)[:4] {
			if v := m.Of(nil); !math.IsNaN(v) || !strings.Contains(m.Why, "empty") {
				t.Errorf("%s of nothing is %v: %s", m.Name, v, m.Why)
			}
		}
	}
}
