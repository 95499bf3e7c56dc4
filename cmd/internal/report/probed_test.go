package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/model/measure"
)

// aProbe is a page with every figure and table.
func aProbe() Probed {
	value := func(name string, v float64) measure.Result {
		return measure.Result{Name: name, Value: v, Low: v - 0.125, High: v + 0.125}
	}
	curve := []measure.Point{{FalsePositive: 0, TruePositive: 0.5, Precision: 1}, {FalsePositive: 0.5, TruePositive: 0.75, Precision: 0.5}, {FalsePositive: 1, TruePositive: 1, Precision: 0.25}}
	trait := Trait{Name: "age"}
	for i := range 40 {
		trait.Truth, trait.Prediction = append(trait.Truth, float64(i)), append(trait.Prediction, 20+float64(i)/2)
	}
	difference := value("accuracy", 0.25)
	none := measure.Result{Name: "f<1>", Undefined: "the rows are of one class", Value: math.NaN(), Low: math.NaN(), High: math.NaN(), UndefinedDraws: 1400}
	return Probed{Title: "a <probe>", Facts: []Fact{{"task", "classes"}}, Results: []measure.Result{value("balanced_accuracy", 0.5), none}, Rankings: []Ranks{{"class 1", curve, 0.25}},
		Confusion: &ConfusionTable{[]string{"a", "b"}, [][]int{{3, 1}, {0, 0}}}, Bins: []measure.Bin{{Rows: 4, Confidence: 0.75, Accuracy: 0.5}, {}}, Traits: []Trait{trait},
		Against:   Comparison{"encoder", []ComparedMetric{{"balanced_accuracy", []ComparedFit{{"this", value("", 0.75), nil}, {"<other>", value("", 0.5), &difference}}}}},
		Fractions: Comparison{"fitted on", []ComparedMetric{{"r2.age", []ComparedFit{{"0.1: 63 persons", value("", 0.25), nil}}}}}, Notes: []string{"a < b"}}
}

// TestProbedPage: what was measured stands on the page, escaped, in tables that a phone shows: few columns, names that wrap.
func TestProbedPage(t *testing.T) {
	var b strings.Builder
	if err := WriteProbed(&b, aProbe()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"a &lt;probe&gt;", "<li>a &lt; b</li>", `<th scope="row">balanced_<wbr>accuracy</th><td class="t">0.5 [0.375, 0.625]</td>`, `f&lt;1&gt;</th><td class="t">undefined: the rows are of one class (1` + "\u202f" + `400 draws undefined)`,
		`<td>3 (75)</td><td>1 (25)</td>`, `<td>0 (0)</td><td>0 (0)</td>`,
		`<td class="t">this</td><td class="t">0.75 [0.625, 0.875]</td></tr>`, `<td class="t">&lt;other&gt;</td><td class="t">0.5 [0.375, 0.625]</td><td class="t">0.25 [0.125, 0.375]</td>`,
		`colspan="3">r2.<wbr>age</th>`, `<td class="t">0.1: 63 persons</td><td class="t">0.25 [0.125, 0.375]</td></tr>`, "by chance 0.25", "4 rows, confidence 0.75, accuracy 0.5"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "http") || strings.Count(page, ">difference</th>") != 1 {
		t.Error("a script, something outside, or a column of differences that there are not")
	}
	for _, table := range strings.Split(page, "<table")[1:] {
		head, _, _ := strings.Cut(table, "</thead>")
		if n := strings.Count(head, "<th"); n > 4 || !strings.Contains(head, `class="fits"`) {
			t.Errorf("%d columns: %s", n, head)
		}
	}
}

var (
	svgText  = regexp.MustCompile(`<text[^>]* y="(-?[\d.]+)"[^>]*>([^<]*)</text>`)
	gridLine = regexp.MustCompile(`<line class="(?:grid|level)"[^>]* y1="([\d.]+)"`)
	viewBox  = regexp.MustCompile(`viewBox="0 (-?[\d.]+) [\d.]+ ([\d.]+)"`)
	circle   = regexp.MustCompile(`<circle( class="k")?`)
)

// TestPlaneNamesItsAxes: what an axis is stands beside the plot and inside the picture, on no line; dots have the colour of the theme.
func TestPlaneNamesItsAxes(t *testing.T) {
	p := aProbe()
	for name, svg := range map[string]string{"true positive rate": string(rocOf(p.Rankings[0])), "precision": string(precisionOf(p.Rankings[0])), "accuracy": string(calibrationOf(p.Bins)), "prediction less truth": string(blandAltman(p.Traits[0]))} {
		box, at := viewBox.FindStringSubmatch(svg), ""
		for _, m := range svgText.FindAllStringSubmatch(svg, -1) {
			if m[2] == name {
				at = m[1]
			}
		}
		y, err := strconv.ParseFloat(at, 64)
		if box == nil || err != nil {
			t.Errorf("%s: %v, %v", name, box, err)
			continue
		}
		var top float64
		fmt.Sscan(box[1], &top)
		if y-10 < top {
			t.Errorf("%s: at %g it begins above the picture's %g", name, y, top)
		}
		for _, m := range gridLine.FindAllStringSubmatch(svg, -1) {
			if line, _ := strconv.ParseFloat(m[1], 64); line < y+3 {
				t.Errorf("%s: at %g it lies on the line at %g", name, y, line)
			}
		}
		for _, m := range circle.FindAllStringSubmatch(svg, -1) {
			if m[1] == "" {
				t.Errorf("%s: a dot without a colour", name)
			}
		}
	}
}
