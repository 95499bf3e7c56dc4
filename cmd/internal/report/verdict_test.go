package report

import (
	"fmt"
	"strings"
	"testing"

	"contig-gpu/model/eval"
)

// oneWay is a direction by which so many of 100 are among the first ten, with an interval of a tenth to either side.
func oneWay(r10 float64) eval.Direction {
	return eval.Direction{R1: r10 / 10, R10: r10, R1Interval: eval.Interval{Low: 0, High: r10}, R10Interval: eval.Interval{Low: max(0, r10-0.1), High: min(1, r10+0.1)}}
}

func by(there, back float64) eval.Retrieval {
	return eval.Retrieval{ImageToGenetics: oneWay(there), GeneticsToImage: oneWay(back), Candidates: 100, ChanceR1: 0.01, ChanceR10: 0.1}
}

// TestLinesSayWhatWasLearnt: each modality has its verdict and intervals, and all together come last whatever the names.
func TestLinesSayWhatWasLearnt(t *testing.T) {
	lines := Lines(map[string]eval.Retrieval{"all": by(0.9, 0.9), "snps": by(0.12, 0.08), "zebra": by(0.5, 0.1), "b": by(0.5, 0.6), "none": {}})
	wants := []string{"b ", "none ", "snps ", "zebra ", "all "}
	says := []string{"learnt: recall@10 0.500 (0.400-0.600) image to genetics, 0.600 (0.500-0.700) back (5.0 and 6.0 times chance); recall@1 0.050 (0.000-0.500) image to genetics, 0.060 (0.000-0.600) back (5.0 and 6.0 times chance); 100 candidates", "no held-out participant", "not above chance: ", "one direction: ", "learnt: "}
	for i, l := range lines {
		if !strings.HasPrefix(l, "  "+wants[i]) || !strings.Contains(l, says[i]) {
			t.Errorf("line %d is %q, want %s %q", i, l, wants[i], says[i])
		}
	}
}

// TestMemorised: a warning where training knows its persons and validation does not, and not elsewhere.
func TestMemorised(t *testing.T) {
	for _, c := range []struct {
		training, validation float64
		warned               bool
		r10                  float64
	}{{0.2, 7, true, 0.1}, {0.2, 3, false, 0.1}, {4, 7, false, 0.1}, {0.2, 4.2, true, 0.9}} {
		text := ""
		for step := 1; step <= 4; step++ { // two epochs, the first at chance
			loss := c.training
			if step <= 2 {
				loss = 4.1
			}
			text += fmt.Sprintf(`{"kind":"step","step":%d,"epoch":%d,"loss":1,"losses":{"m":{"loss":%g,"present":60}}}`+"\n", step, (step+1)/2, loss)
		}
		text += fmt.Sprintf(`{"kind":"validation","step":4,"loss":1,"losses":{"m":1},"sets":{"m":{"loss":%g,"candidates":64,"chance":4.16}}}`+"\n", c.validation)
		for step := 5; step <= 6; step++ { // after the validation, of which nothing is known
			text += fmt.Sprintf(`{"kind":"step","step":%d,"epoch":3,"loss":1,"losses":{"m":{"loss":%g,"present":60}}}`+"\n", step, 4.3-c.training)
		}
		rows, err := ReadMetrics(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		rows[4].Retrieval = map[string]eval.Retrieval{"m": by(c.r10, c.r10)}
		word := map[bool]string{true: "overfitted, though something was learnt", false: "memorised"}[c.r10 > 0.5]
		if got := Memorised(rows); (len(got) == 1) != c.warned || c.warned && !strings.HasPrefix(got[0], "W701: m: "+word+": ") {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestVerdicts: those of the last evaluation by modality, without all together and without those that have none.
func TestVerdicts(t *testing.T) {
	rows := []Row{{Kind: "validation", Retrieval: map[string]eval.Retrieval{"a": by(0.05, 0.05)}}, {Kind: "test", Retrieval: map[string]eval.Retrieval{"a": by(0.9, 0.9), "b": by(0.5, 0.1), "all": by(0.9, 0.9), "none": {}}}}
	if got := fmt.Sprint(Verdicts(rows)); got != "map[a:learnt b:one direction]" {
		t.Errorf("%s", got)
	}
	if got := Verdicts(nil); len(got) > 0 {
		t.Errorf("of nothing: %v", got)
	}
}
