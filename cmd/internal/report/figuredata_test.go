package report

import (
	"slices"
	"strings"
	"testing"

	"contig-gpu/model/eval"
)

// TestNumbersOfTheTable: each column has what its head says.
func TestNumbersOfTheTable(t *testing.T) {
	row := table{Kind: "test", Step: 7, Modality: "a", Way: "image to genetics", Candidates: 40, Verdict: eval.Learnt, Direction: eval.Direction{
		R1: 0.25, R5: 0.5, R10: 0.75, MedianRank: 3.5, R1Interval: eval.Interval{Low: 0.125, High: 0.375}, R10Interval: eval.Interval{Low: 0.625, High: 0.875}}}
	got := numbersOf([]table{row})
	want := map[string]string{"split": "test", "step": "7", "modality": "a", "direction": "image to genetics", "recall@1": "0.25", "recall@1 low": "0.125", "recall@1 high": "0.375", "recall@5": "0.5",
		"recall@10": "0.75", "recall@10 low": "0.625", "recall@10 high": "0.875", "median rank": "3.5", "candidates": "40", "verdict": "learnt"}
	if len(got) != 2 || len(got[0]) != len(want) || len(got[1]) != len(want) {
		t.Fatalf("%q", got)
	}
	for i, name := range got[0] {
		if got[1][i] != want[name] {
			t.Errorf("%s is %q, want %q", name, got[1][i], want[name])
		}
	}
}

// TestDotsOfTheMap: each dot has its place, its split and what it has.
func TestDotsOfTheMap(t *testing.T) {
	m := eval.Map{X: []float64{0.25, -1, 0.5}, Y: []float64{1, 0.125, 0.75}, Splits: []string{"train", "test"}, Split: []int{1, 0, 7}, Combinations: [][]string{{"a", "b"}, {"b"}}, Combination: []int{1, 0, -1}}
	want := []string{"x y split modalities", "0.25 1 test b", "-1 0.125 train a + b", "0.5 0.75  other combinations"}
	var got []string
	for _, r := range dotsOf(m) {
		got = append(got, strings.Join(r, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
