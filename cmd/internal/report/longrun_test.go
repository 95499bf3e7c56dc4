package report

import (
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/model/eval"
)

// longRun is a run of many validations and modalities, with all that a page can show.
func longRun(validations, modalities int) Page {
	var names []string
	for m := range modalities {
		names = append(names, fmt.Sprintf("modality-%02d", m))
	}
	p := Page{Title: "a <run>", Status: "Finished", Clip: 1, Command: "contig-gpu train", Config: strings.Repeat("batch = 64\n", 120), Look: &Look{32, 5000, []int{200, 300, 300, 512}, []float64{0.1, 0.2, 0.21, 0.4}, 224}}
	evaluation := func(kind string, step int) Row {
		r := Row{Kind: kind, Step: step, Retrieval: map[string]eval.Retrieval{}, Sets: map[string]eval.SetLoss{}, Seconds: Seconds{Evaluation: 2}}
		for m, name := range append(slices.Clone(names), All) {
			up := 0.1 + 0.8*float64(step%997)/997*float64(m+1)/float64(len(names)+1)
			r.Retrieval[name] = by(up, up/2)
			if name != All {
				r.Sets[name] = eval.SetLoss{Loss: 4 - up, Candidates: 64, Chance: math.Log(64)}
			}
		}
		return r
	}
	for v := 1; v <= validations; v++ {
		for s := range 10 {
			r := Row{Kind: "step", Step: 10*(v-1) + s + 1, Epoch: v, Losses: map[string]Loss{}, LR: 0.001, GradNorm: 2 + math.Sin(float64(s)), Rate: 100, Seconds: Seconds{Step: 0.5, Load: 0.1, Checkpoint: 0.01}}
			for m, name := range names {
				r.Losses[name] = Loss{4 - float64(m)/10 + 0.3*math.Sin(float64(v*s)), 64}
			}
			p.Rows = append(p.Rows, r)
		}
		p.Rows = append(p.Rows, evaluation("validation", 10*v))
	}
	p.Rows = append(p.Rows, evaluation("test", 10*validations))
	p.Heldout = map[string]eval.Heldout{"test": heldoutOf(names, 10*validations)}
	for k := range 2000 {
		c := Presence{Persons: 9000 - k}
		for m, name := range names {
			if k>>m&1 == 0 {
				c.Names = append(c.Names, name)
			}
		}
		p.Presence = append(p.Presence, c)
	}
	p.Flow = []Flow{{Of: Participants, Step: "in the manifest", Remain: 9000}, {Of: Participants, Step: "joined", Remain: 8000, Removed: 1000, Why: "without genetics"}, {Of: "modality-00", Remain: 400, Removed: 12, Why: "rare"}}
	p.Sessions = []Session{{Started: "yesterday", To: 40}, {Started: "today", From: 40, To: 10 * validations}}
	im := image.NewRGBA(image.Rect(0, 0, 448, 448))
	for i := range im.Pix {
		im.Set(i%448, i/448, color.RGBA{uint8(i * 7), uint8(i / 448), uint8(i % 251), 255})
	}
	for range 12 {
		p.Images = append(p.Images, im)
	}
	return p
}

func heldoutOf(names []string, step int) eval.Heldout {
	h := eval.Heldout{Step: step, Recall: map[string]eval.Recall{}, Images: map[string]eval.Geometry{}, Genetics: map[string]eval.Geometry{}, Match: map[string]eval.Match{}, Encoder: eval.Geometry{Persons: 200, Dimensions: 512, EffectiveRank: 33.3, Spread: 0.5, Uniformity: -2.5},
		Queries: []eval.Query{{ToGenetics: 3, ToImage: 50, Candidates: 100}}}
	for _, name := range append(slices.Clone(names), All) {
		r := eval.Recall{}
		for k := 1; k <= 100; k++ {
			r.K, r.ToGenetics, r.ToImage = append(r.K, k), append(r.ToGenetics, math.Sqrt(float64(k)/100)), append(r.ToImage, float64(k)/100)
		}
		h.Recall[name] = r
		if name != All {
			h.Images[name], h.Genetics[name], h.Match[name] = eval.Geometry{Persons: 100, Spread: 0.4}, eval.Geometry{Persons: 90, Spread: 0.001}, eval.Match{Own: 1.25, Others: 1.98}
		}
	}
	h.Map = eval.Map{Share: [2]float64{0.31, 0.12}, Splits: []string{"test", "train"}, Combinations: [][]string{names, names[:1]}}
	for i := range 800 {
		h.Map.X, h.Map.Y = append(h.Map.X, math.Sin(float64(i))), append(h.Map.Y, math.Cos(float64(3*i)))
		h.Map.Split, h.Map.Combination = append(h.Map.Split, i%2), append(h.Map.Combination, i%3-1)
	}
	return h
}

func pageOf(t *testing.T, p Page) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("CONTIG_REPORT"); path != "" { // to be looked at
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// mostBytes is what a page has at most, of any run.
const mostBytes = 300_000

// TestLongRunsAreSmall: a page stays small whatever the number of validations, modalities, combinations and the size of pictures; a small
// one has the data of all its figures.
func TestLongRunsAreSmall(t *testing.T) {
	for _, c := range []struct{ validations, modalities int }{{1000, 12}, {40, 12}, {1000, 1}} {
		if page := pageOf(t, longRun(c.validations, c.modalities)); len(page) > mostBytes {
			t.Errorf("%d validations of %d modalities: %d bytes", c.validations, c.modalities, len(page))
		}
	}
	small := longRun(5, 2)
	small.Images = nil
	page := pageOf(t, small)
	for _, name := range []string{"losses.csv", "recall-at-10.csv", "recall-at-k.csv", "retrieval.csv", "map.csv", "optimisation.csv"} {
		if strings.Count(page, `download="`+name+`"`) != 1 {
			t.Errorf("a small page lacks %s", name)
		}
	}
	long := pageOf(t, longRun(1000, 12))
	if strings.Count(long, "<polyline") < 12*6 || !strings.Contains(long, "1980 more combinations") {
		t.Errorf("a long page lacks panels")
	}
}

// linked returns a table that a page has as a link.
func linked(t *testing.T, page, name string) [][]string {
	t.Helper()
	m := regexp.MustCompile(`download="` + name + `" href="data:text/csv;base64,([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no link to %s", name)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(m[1], "&#43;", "+"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// TestDataOfFigures: the tables that can be saved have the numbers of the metrics, and the drawn lines have those of the tables.
func TestDataOfFigures(t *testing.T) {
	p := longRun(5, 2)
	p.Images = nil
	page := pageOf(t, p)
	checks := Of(p.Rows, "validation")
	recalls := linked(t, page, "recall-at-10.csv")
	if fmt.Sprint(recalls[0]) != "[step modality-00: image to genetics modality-00: genetics to image modality-01: image to genetics modality-01: genetics to image all: image to genetics all: genetics to image]" || len(recalls) != 1+len(checks) {
		t.Errorf("%d rows of %v", len(recalls), recalls[0])
	}
	for i, row := range recalls[1:] {
		for k, name := range []string{"modality-00", "modality-00", "modality-01", "modality-01", "all", "all"} {
			want := directions(checks[i].Retrieval[name])[k%2].d.R10
			if got, err := strconv.ParseFloat(row[1+k], 64); err != nil || math.Abs(got-want) > 1e-5 || row[0] != strconv.Itoa(checks[i].Step) {
				t.Errorf("step %s: %s, want %v", row[0], row[1+k], want)
			}
		}
	}
	losses := linked(t, page, "losses.csv")
	for _, row := range losses[1:] {
		step, _ := strconv.Atoi(row[0])
		if (row[2] != "") != (step%10 == 0) {
			t.Errorf("step %d has the validation loss %q", step, row[2])
		}
		if row[2] != "" {
			s := checks[step/10-1].Sets["modality-00"]
			if got, _ := strconv.ParseFloat(row[2], 64); math.Abs(got-s.Loss/s.Chance) > 1e-5 {
				t.Errorf("step %d: %v, want %v", step, got, s.Loss/s.Chance)
			}
		}
	}
	if dots := linked(t, page, "map.csv"); len(dots) != 801 || dots[1][2] != "test" || dots[1][3] != "other combinations" || dots[3][3] != "modality-00" {
		t.Errorf("%d dots, %v", len(dots), dots[:4])
	}
	if k := linked(t, page, "recall-at-k.csv"); k[0][0] != "k" || k[10][0] != "10" || k[10][1] != number(math.Sqrt(0.1)) {
		t.Errorf("recall at k: %v", k[10])
	}
	holdLines(t, page, recalls)
}

// holdLines reads values out of the panels of recall@10 as the script does.
func holdLines(t *testing.T, page string, want [][]string) {
	t.Helper()
	part := page[strings.Index(page, "Validation: recall@10"):]
	part = part[:strings.Index(part, "</section>")]
	column := 0
	for _, svg := range regexp.MustCompile(`(?s)<svg class="chart.*?</svg>`).FindAllString(part, -1) {
		var x1, y0, y1 float64
		if _, err := fmt.Sscanf(regexp.MustCompile(`data-a="([^"]*)"`).FindStringSubmatch(svg)[1], "%g %g %g", &x1, &y0, &y1); err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile(`points="([^"]*)"`).FindAllStringSubmatch(svg, -1) {
			column++
			for i, point := range strings.Fields(line[1]) {
				var x, y float64
				if _, err := fmt.Sscanf(point, "%f,%f", &x, &y); err != nil {
					t.Fatal(err)
				}
				step, value := (x-54)/(308-54)*x1, y0+(166-y)/(166-10)*(y1-y0)
				wantStep, _ := strconv.ParseFloat(want[1+i][0], 64)
				wantValue, _ := strconv.ParseFloat(want[1+i][column], 64)
				if math.Abs(step-wantStep) > 0.05 || math.Abs(value-wantValue) > 1e-4 {
					t.Errorf("line %d, point %d: %v at %v, want %v at %v", column, i, value, step, wantValue, wantStep)
				}
			}
		}
	}
	if column != len(want[0])-1 {
		t.Errorf("%d lines of %d", column, len(want[0])-1)
	}
}

// TestThinned: at most so many points, evenly, the first and the last among them.
func TestThinned(t *testing.T) {
	c := Curve{}
	for i := range 1000 {
		c.X, c.Y = append(c.X, float64(i)), append(c.Y, float64(-i))
	}
	if got := thinned(c, 4); !slices.Equal(got.X, []float64{0, 333, 666, 999}) || got.Y[3] != -999 {
		t.Errorf("%+v", got)
	}
}
