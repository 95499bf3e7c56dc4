package report

import (
	"encoding/xml"
	"image"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"contig-gpu/model/eval"
)

const metrics = `{"kind":"step","step":1,"epoch":0,"loss":4.1,"losses":{"snps":{"loss":4.1}},"lr":0.1,"grad_norm":2,"images_per_second":9}
{"kind":"step","step":2,"epoch":0,"loss":3.1,"losses":{"snps":{"loss":3.1}},"lr":0.2,"grad_norm":1,"images_per_second":9}
{"kind":"validation","step":2,"loss":3.3,"losses":{"snps":3.3},"retrieval":{"all":{"image_to_genetics":{"r1":0.5,"r5":1,"r10":1,"median_rank":1},"genetics_to_image":{"r1":0.25},"candidates":40,"chance_r1":0.025}}}
`

func TestPageIsWholeAndSelfContained(t *testing.T) {
	rows, err := ReadMetrics(strings.NewReader(metrics))
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var b strings.Builder
	p := Page{Title: "a <run>", Rows: rows, Cohort: []string{"80 persons"}, Config: "seed = 1", Images: []image.Image{image.NewRGBA(image.Rect(0, 0, 4, 4))}}
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a &lt;run&gt;", "<polyline", "20.0", "data:image/jpeg;base64,", "80 persons", "seed = 1", "snps"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, outside := range []string{"http://", "https://", "<script src", "<link"} {
		if strings.Contains(b.String(), outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}

// TestTablesShowOneCheckpoint: beside a test stands the validation of the checkpoint that was tested, not the last one.
func TestTablesShowOneCheckpoint(t *testing.T) {
	of := func(kind string, step int, r1 float64) Row {
		return Row{Kind: kind, Step: step, Retrieval: map[string]eval.Retrieval{"all": {ImageToGenetics: eval.Direction{R1: r1}}}}
	}
	rows := []Row{of("validation", 2, 0.1), of("validation", 4, 0.2), of("validation", 6, 0.3)}
	for _, c := range []struct {
		rows []Row
		want []float64
	}{{rows, []float64{0.3}}, {append(rows, of("test", 4, 0.4)), []float64{0.2, 0.4}}, {[]Row{of("test", 4, 0.4)}, []float64{0.4}}} {
		var got []float64
		for i, line := range tables(shownRows(c.rows)) {
			if i%2 == 0 { // the other direction
				got = append(got, line.R1)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("R@1 %v, want %v", got, c.want)
		}
	}
}

// TestBestStep: that of the checkpoint that was tested, or before there was a test that of the best retrieval so far, by all k of both directions.
func TestBestStep(t *testing.T) {
	check := func(step int, there, back float64) Row {
		return Row{Kind: "validation", Step: step, Retrieval: map[string]eval.Retrieval{All: {ImageToGenetics: eval.Direction{R10: there}, GeneticsToImage: eval.Direction{R1: back}}}}
	}
	rows := []Row{check(10, 0.25, 0), check(20, 0.25, 0.5), check(30, 0.5, 0.125), {Kind: "step", Step: 40}}
	if got := bestStep(rows); got != 20 {
		t.Errorf("the best is that of step %d", got)
	}
	if got := bestStep(append(rows, Row{Kind: "test", Step: 30})); got != 30 {
		t.Errorf("that of step %d was tested", got)
	}
	if got := bestStep(rows[3:]); got != 0 {
		t.Errorf("without a validation there is step %d", got)
	}
}

func TestEmptyRun(t *testing.T) {
	if err := Write(io.Discard, Page{}); err != nil {
		t.Error(err)
	}
}

func TestCutMetrics(t *testing.T) {
	rows, err := ReadMetrics(strings.NewReader(metrics + `{"kind":"st`))
	if err != nil || len(rows) != 3 {
		t.Errorf("a cut last line: %d rows, %v", len(rows), err)
	}
	rows, err = ReadMetrics(strings.NewReader("nonsense\n" + metrics + strings.Repeat("x", 2<<20) + "\n{\"kind\":\"lost\"}\n"))
	if err != nil || len(rows) != 6 || len(Of(rows, Unreadable)) != 2 || len(Of(rows, Lost)) != 1 || len(Of(rows, "step")) == 0 {
		t.Errorf("damaged lines: %d rows, %v", len(rows), err)
	}
}

func TestChartIsXML(t *testing.T) {
	for _, y := range [][]float64{{1, 2, math.NaN()}, {3, 3, 3}, {math.Inf(1), math.NaN(), math.NaN()}, {-1e-9, 1e9, 5}} {
		svg := string(chart{Title: "a & b", Level: 0.5, LevelName: "c<", Best: 1, Series: []series{{Curve: Curve{"d<", []float64{0, 1, 2}, y}, Mark: 1}}}.draw())
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v: %v in %s", y, err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%v: %s", y, svg)
		}
	}
}

func TestSmooth(t *testing.T) {
	for i, v := range Smooth([]float64{2, 2, math.NaN(), 2}, 3) {
		if math.Abs(v-2) > 1e-15 {
			t.Errorf("constant smoothed to %v at %d", v, i)
		}
	}
}
