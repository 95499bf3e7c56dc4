package report

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"contig-gpu/model/eval"
)

// twigForm is a row of a forest plot: label, interval, chance, place of the mark, and words.
var twigForm = regexp.MustCompile(`<g class="([^"]*)"><text[^>]*>([^<]*)</text>(?:<path class="span" d="M([\d.]+) [\d.]+H([\d.]+)"/>)?<path class="chance" d="M([\d.]+) [^"]*"/><path class="([kh])" transform="translate\(([\d.]+) [\d.]+\)"[^>]*><title>([^<]*)</title>`)

// TestForestDrawsWhatWasFound: of each modality and direction the interval, chance and the value lie where the axis has them; back is hollow, what has no interval has no line.
func TestForestDrawsWhatWasFound(t *testing.T) {
	way := func(r, lo, hi float64) eval.Direction {
		return eval.Direction{R10: r, R10Interval: eval.Interval{Low: lo, High: hi}}
	}
	found := Findings(map[string]eval.Retrieval{
		"a<b": {ImageToGenetics: way(0.5, 0.375, 0.625), GeneticsToImage: way(0.75, 0.25, 1), Candidates: 40},
		All:   {ImageToGenetics: way(0.125, 0.0625, 0.25), GeneticsToImage: way(0.25, 0, 0), Candidates: 80},
		"no":  {},
	})
	svg := string(forest(found))
	rows := twigForm.FindAllStringSubmatch(svg, -1)
	if len(rows) != 4 {
		t.Fatalf("%d rows: %s", len(rows), svg)
	}
	for i, want := range []struct {
		label, hue       string
		r, lo, hi, level float64
	}{{"a&lt;b, image to genetics", "m m0", 0.5, 0.375, 0.625, 0.25}, {"a&lt;b, genetics to image", "m m0", 0.75, 0.25, 1, 0.25}, {"all, image to genetics", "m", 0.125, 0.0625, 0.25, 0.125}, {"all, genetics to image", "m", 0.25, 0, 0, 0.125}} {
		m := rows[i]
		at := func(v float64) string { return fmt.Sprintf("%.1f", forestX(v)) }
		lo, hi := at(want.lo), at(want.hi)
		if want.hi == 0 {
			lo, hi = "", ""
		}
		if m[1] != want.hue || m[2] != want.label || m[3] != lo || m[4] != hi || m[5] != at(want.level) || m[7] != fmt.Sprintf("%.1f", forestX(want.r)-5) || m[6] != []string{"k", "h"}[i%2] || !strings.HasPrefix(m[8], want.label+": recall@10 "+fmt.Sprintf("%.3f", want.r)) {
			t.Errorf("row %d: %q, want %+v", i, m[1:], want)
		}
	}
	if math.Abs(forestX(0)-forestLeft) > 1e-9 || math.Abs(forestX(1)-(forestW-forestRight)) > 1e-9 || !strings.Contains(svg, "a&lt;b: ") || strings.Contains(svg, "no:") {
		t.Errorf("the axis, or the words: %s", svg)
	}
}
