package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"contig-gpu/model/eval"
	"contig-gpu/model/measure"
)

// TestPicturesPage: each query has its own ranks, and hits are framed where they are.
func TestPicturesPage(t *testing.T) {
	var b strings.Builder
	if err := WritePictures(&b, "a <run>", nil, []Neighbours{{Title: "Query <1>", ToGenetics: 2, ToImage: 31, Candidates: 40, ByImage: []Neighbour{{nil, false}}, ByGenetics: []Neighbour{{nil, true}}}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a &lt;run&gt;", "Query &lt;1&gt;", "own genetics at rank 2 of 40", "own image at rank 31 of 40", "no picture"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q: %s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Training images") || strings.Contains(b.String(), "<script") {
		t.Error("a part without pictures, or a script")
	}
}

// TestRankBars: a bar is the rank's share of the candidates, in its own direction; the first five are hits.
func TestRankBars(t *testing.T) {
	got := rankBars([]eval.Query{{ToGenetics: 5, ToImage: 20, Candidates: 40}, {ToGenetics: 5.5, ToImage: 1, Candidates: 50}})
	want := []rankBar{{1, 5, 20, 12.5, 50, 40, true, false}, {2, 5.5, 1, 11, 2, 50, false, true}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestGeometryRows: of each modality the images' and the genetics' own, and the distances of own and other pairs.
func TestGeometryRows(t *testing.T) {
	of := func(spread float64) eval.Geometry { return eval.Geometry{Persons: 9, Spread: spread} }
	h := eval.Heldout{Encoder: of(0.5), Recall: map[string]eval.Recall{"a": {}, "gone": {}, All: {}}, Images: map[string]eval.Geometry{"a": of(0.25), All: of(0.125)},
		Genetics: map[string]eval.Geometry{"a": of(0.005), All: {Persons: 1}}, Match: map[string]eval.Match{"a": {Own: 0.75, Others: 1.5}}}
	var got []string
	for _, r := range geometryRows(h) {
		got = append(got, fmt.Sprintf("%s %g %s %s", r.Name, r.Spread, r.Own, r.Others))
	}
	if want := []string{"image encoder 0.5  ", "a: images 0.25 0.75 1.50", "a: genetics 0.005  ", "all: images 0.125 0.00 0.00"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if w := collapseWarnings(h); len(w) != 1 || !strings.HasPrefix(w[0], "a: genetics: ") {
		t.Errorf("collapsed: %q", w)
	}
}

// TestComparedPanels: a line a run, of the mean of both directions.
func TestComparedPanels(t *testing.T) {
	check := func(there, back float64) []Row {
		r := eval.Retrieval{ImageToGenetics: eval.Direction{R10: there}, GeneticsToImage: eval.Direction{R10: back}, Candidates: 20}
		return []Row{{Kind: "validation", Step: 4, Retrieval: map[string]eval.Retrieval{"a": r}, Sets: map[string]eval.SetLoss{"a": {Loss: 3, Chance: 4, Candidates: 64}}}}
	}
	var b strings.Builder
	runs := []Run{{Name: "<one>", Rows: check(0.25, 0.75), Settings: []Fact{{"tau", "0.1"}}}, {Name: "two", Rows: check(0.5, 0.75), Settings: []Fact{{"tau", "0.2"}}}}
	if err := Compare(&b, runs); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.5, 0.625} {
		c := comparisonOf(runs[i : i+1])
		figures := c.panels(1, math.NaN(), meanRecall)
		if y := figures[0].chart.Series[0].Y; len(y) != 1 || y[0] != want {
			t.Errorf("run %d: %v, want %v", i, y, want)
		}
	}
	if page := b.String(); !strings.Contains(page, "&lt;one&gt;") || strings.Contains(page, "<one>") {
		t.Error("a name is not escaped")
	}
	if !math.IsNaN(meanRecall(Row{}, "a")) {
		t.Error("a modality that was not found has a recall")
	}
}

// TestFlowText: what remains and what was removed, and a part as it is.
func TestFlowText(t *testing.T) {
	for want, f := range map[string]Flow{"37 remain, 3 removed": {Remain: 37, Removed: 3}, "37 remain": {Remain: 37}, "1\u202f200": {Remain: 1200, Removed: 1, Part: true}} {
		if got := f.Text(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPresenceMatrix: few persons are a bound and no number; bars are shares of the most frequent combination.
func TestPresenceMatrix(t *testing.T) {
	m := presenceMatrix([]Presence{{Names: []string{"b"}, Persons: 40}, {Names: []string{"a", "b"}, Persons: 10}, {Persons: 4, Few: true}})
	want := []combination{{[]bool{false, true}, "b", "40", 100}, {[]bool{true, true}, "a + b", "10", 25}, {[]bool{false, false}, "images alone", "at most 4", 10}}
	for i, w := range want {
		if fmt.Sprint(m.Rows[i]) != fmt.Sprint(w) {
			t.Errorf("%+v, want %+v", m.Rows[i], w)
		}
	}
	if !slices.Equal(m.Names, []string{"a", "b"}) || m.More != "" {
		t.Errorf("%q, %q", m.Names, m.More)
	}
}

// TestSameAxes: panels have one scale, a little above their largest value and at most as long as given.
func TestSameAxes(t *testing.T) {
	line := func(y ...float64) chart {
		return chart{Level: math.NaN(), Series: []series{{Curve: Curve{X: []float64{1, 8}[:len(y)], Y: y}}}}
	}
	for _, c := range []struct{ longest, want float64 }{{2, 0.525}, {0.25, 0.25}} {
		for i, f := range sameAxes([]chart{line(0.125, 0.5), line(math.NaN())}, c.longest) {
			if math.Abs(f.chart.Y1-c.want) > 1e-12 || f.chart.X1 != 8 {
				t.Errorf("panel %d ends at %g, %g, want %g", i, f.chart.X1, f.chart.Y1, c.want)
			}
		}
	}
}

// TestMapNamesItsAxes: the share of the variance of each direction stands at its axis.
func TestMapNamesItsAxes(t *testing.T) {
	m := eval.Map{X: []float64{0, 1, 0.5}, Y: []float64{0, 0.5, 1}, Share: [2]float64{0.5, 0.25}, Splits: []string{"te<st"}, Split: []int{0, 0, 0}}
	maps := mapsOf(m, &Coloring{Name: "a<ge", Classes: []string{"<old"}, Class: []int{0, -1, 0}})
	if len(maps) != 1 {
		t.Fatalf("%d maps", len(maps))
	}
	svg := string(maps[0].SVG)
	for _, want := range []string{"first direction: 50 % of the variance", "second: 25 %", "by a&lt;ge", "&lt;old: 2; no value: 1"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %s", want, svg)
		}
	}
}

// TestCurvesOfAProbe: a ROC curve goes from false to true positives, precision stands over recall, and limits of agreement are 1.96 standard deviations about the mean.
func TestCurvesOfAProbe(t *testing.T) {
	p := newPlane(0, 1, 0, 1, "", "", "", "")
	at := func(x, y float64) string { return points(Curve{X: []float64{x}, Y: []float64{y}}, p.px, p.py) }
	r := Ranks{Name: "a", Curve: []measure.Point{{FalsePositive: 0.125, TruePositive: 0.75, Precision: 0.5}}, Share: 0.25}
	if svg := string(rocOf(r)); !strings.Contains(svg, at(0.125, 0.75)) {
		t.Errorf("no %s in %s", at(0.125, 0.75), svg)
	}
	if svg := string(precisionOf(r)); !strings.Contains(svg, at(0.75, 0.5)) {
		t.Errorf("no %s in %s", at(0.75, 0.5), svg)
	}
	x := Trait{Name: "t", Truth: make([]float64, 40), Prediction: make([]float64, 40)}
	for i := range x.Truth {
		x.Truth[i], x.Prediction[i] = float64(i), float64(i)+3+float64(2*(i%2)-1) // 2 or 4 above
	}
	sd := 1.96 * math.Sqrt(40.0/39)
	if svg, want := string(blandAltman(x)), fmt.Sprintf("mean difference 3, limits of agreement %.3g to %.3g", 3-sd, 3+sd); !strings.Contains(svg, want) {
		t.Errorf("no %q in %s", want, svg)
	}
}
