package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"contig-gpu/model/eval"
)

// Page is all that a report shows. It must hold no ids.
type Page struct {
	Title    string
	Status   string      // running, finished or why it stopped
	Facts    []Fact      // when, where, what
	Summary  []string    // sentences at the top
	Rows     []Row       // of metrics.jsonl
	Cohort   []string    // what joining counted, one line each
	Presence []Presence  // which modalities participants have, the most frequent first
	Command  string      // that began the run
	Changed  []Change    // settings that are not the recipe's
	Config   string      // config.toml
	Clip     float64     // the largest gradient norm; 0: not clipped
	Files    []FileEntry // of the run folder
	Images   []image.Image
	NoImages string // why images are missing; "" where none are
}

// A Fact is a line of the page's head.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Presence is a combination of modalities and how many participants have exactly these.
type Presence struct {
	Names   []string `json:"names"`
	Persons int      `json:"persons"` // few: at most that many
	Few     bool     `json:"few,omitempty"`
}

// A Change is a setting that is not what its recipe says.
type Change struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Here    string `json:"here"`
}

// A FileEntry is a file of the run folder, its name relative to the page.
type FileEntry struct{ Name, Size, What string }

// Write writes the page as one HTML document without references to anything outside and without scripts.
func Write(w io.Writer, p Page) error {
	pictures, err := embed(p.Images)
	if err != nil {
		return err
	}
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	shown := shownRows(p.Rows)
	v := map[string]any{"Page": p, "Style": template.CSS(style), "Pictures": pictures, "Tables": tables(shown), "Losses": lossPanels(p.Rows), "Recalls": recallPanels(p.Rows), "Speed": speedPanels(p.Rows, p.Clip),
		"Presence": presenceRows(p.Presence), "Warnings": Memorised(p.Rows)}
	if n := len(shown); n > 0 {
		last := shown[n-1]
		found := Findings(last.Retrieval)
		v["Cards"], v["Forest"], v["Split"], v["Step"], v["Verdict"] = cards(found), forest(found), splitName(last.Kind), last.Step, verdictText(found)
	}
	return t.Execute(w, v)
}

func splitName(kind string) string {
	if kind == "test" {
		return "held-out test"
	}
	return kind
}

// A card is a finding with what its card shows.
type card struct {
	Finding
	Hue, Symbol string
	Times       string
	Chance      float64
	Ways        []way
}

// A way is one direction of retrieval.
type way struct {
	name string
	d    eval.Direction
}

// Text says recall@10 with its interval.
func (w way) Text() string { return w.name + " " + withInterval(w.d.R10, w.d.R10Interval) }

// One says recall@1 with its interval.
func (w way) One() string { return withInterval(w.d.R1, w.d.R1Interval) }

func directions(r eval.Retrieval) []way {
	return []way{{"image to genetics", r.ImageToGenetics}, {"genetics to image", r.GeneticsToImage}}
}

func cards(found []Finding) []card {
	var out []card
	for i, f := range found {
		symbol := map[eval.Verdict]string{eval.Learnt: "✓", eval.OneWay: "◐", eval.NotAbove: "✗"}[f.Verdict]
		c := card{Finding: f, Hue: hue(f.colour(i)), Symbol: symbol, Chance: f.chance10(), Ways: directions(f.Retrieval)}
		if f.Candidates > 0 {
			c.Times = fmt.Sprintf("%.1f and %.1f times chance", Times(f.ImageToGenetics.R10, c.Chance), Times(f.GeneticsToImage.R10, c.Chance))
		}
		out = append(out, c)
	}
	return out
}

// verdictText says in a sentence what was learnt.
func verdictText(found []Finding) string {
	var parts []string
	for _, v := range []eval.Verdict{eval.Learnt, eval.OneWay, eval.NotAbove} {
		var names []string
		for _, f := range found {
			if f.Verdict == v && f.Name != allName {
				names = append(names, f.Name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, string(v)+": "+strings.Join(names, ", "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, "; ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

func curve(name string, rows []Row, value func(Row) float64) Curve {
	c := Curve{Name: name}
	for _, r := range rows {
		c.X, c.Y = append(c.X, float64(r.Step)), append(c.Y, value(r))
	}
	return c
}

func smooth(c Curve) Curve {
	c.Y = Smooth(c.Y, float64(len(c.Y))/40)
	return c
}

// modalities returns those of the evaluations, or of the steps where there is none yet, in their order of colours.
func modalities(rows []Row) []string {
	for _, r := range slices.Backward(rows) {
		if len(r.Sets) > 0 {
			return slices.Sorted(maps.Keys(r.Sets))
		}
	}
	for _, r := range rows {
		if r.Kind == "step" {
			return slices.Sorted(maps.Keys(r.Losses))
		}
	}
	return nil
}

// bestStep is the step of the checkpoint that was tested, or that of the best retrieval so far; 0: there is none.
func bestStep(rows []Row) int {
	if tests := Of(rows, "test"); len(tests) > 0 {
		return tests[len(tests)-1].Step
	}
	best, at := math.Inf(-1), 0
	for _, r := range Of(rows, "validation") {
		sum := 0.0
		for _, w := range directions(r.Retrieval[allName]) {
			sum += w.d.R1 + w.d.R5 + w.d.R10
		}
		if sum > best {
			best, at = sum, r.Step
		}
	}
	return at
}

// most is the largest value that panels of losses show, in shares of chance: what is above lies at their edge.
const most = 2.0

// lossPanels are the losses as shares of that of chance, one panel a modality with the same axes.
func lossPanels(rows []Row) []figure {
	steps, checks, best := Of(rows, "step"), Of(rows, "validation"), bestStep(rows)
	var charts []chart
	for i, m := range modalities(rows) {
		training := smooth(curve("training loss / chance", steps, func(r Row) float64 {
			v, _ := ofChance(r.Losses[m])
			return v
		}))
		c := chart{Title: m, Modality: i, Level: 1, LevelName: "chance", Best: best, Series: []series{{Curve: training, Class: "thin"}}}
		validation := curve("validation loss / chance", checks, func(r Row) float64 {
			if s := r.Sets[m]; s.Candidates > 0 {
				return s.Loss / s.Chance
			}
			return math.NaN()
		})
		if len(validation.X) > 0 {
			c.Series = append(c.Series, series{Curve: validation, Marks: true})
		}
		if len(training.X) > 0 || len(validation.X) > 0 {
			charts = append(charts, c)
		}
	}
	return sameAxes(charts, most)
}

// recallPanels are recall@10 of the validation split in both directions, one panel a modality with the same axes.
func recallPanels(rows []Row) []figure {
	checks, best := Of(rows, "validation"), bestStep(rows)
	if len(checks) == 0 || len(checks[0].Retrieval) == 0 {
		return nil
	}
	var charts []chart
	for i, f := range Findings(checks[len(checks)-1].Retrieval) {
		c := chart{Title: f.Name, Modality: f.colour(i), Level: f.chance10(), LevelName: "chance", Best: best}
		for k, w := range directions(f.Retrieval) {
			s := series{Curve: curve(w.name, checks, func(r Row) float64 { return directions(r.Retrieval[f.Name])[k].d.R10 }), Marks: true}
			if k == 1 {
				s.Class = "dash"
			}
			c.Series = append(c.Series, s)
		}
		charts = append(charts, c)
	}
	return sameAxes(charts, 1)
}

// sameAxes draws charts over the same axes, the y axis at most as long as given.
func sameAxes(charts []chart, longest float64) []figure {
	top, last := 0.0, 0.0
	for _, c := range charts {
		for _, s := range c.Series {
			for i, y := range s.Y {
				if last = max(last, s.X[i]); finite(y) {
					top = max(top, y)
				}
			}
		}
		if finite(c.Level) {
			top = max(top, c.Level)
		}
	}
	var out []figure
	for _, c := range charts {
		c.Y1, c.X1 = min(longest, top*1.05), last
		out = append(out, figure{c.Title, c.draw()})
	}
	return out
}

// speedPanels are the learning rate, the gradient norm with its limit, and the speed.
func speedPanels(rows []Row, clip float64) []figure {
	steps := Of(rows, "step")
	if len(steps) == 0 {
		return nil
	}
	limit := math.NaN()
	if clip > 0 {
		limit = clip
	}
	var out []figure
	for _, c := range []chart{
		{Title: "Learning rate", Level: math.NaN(), Series: []series{{Curve: curve("learning rate", steps, func(r Row) float64 { return r.LR })}}},
		{Title: "Gradient norm (smoothed)", Level: limit, LevelName: "clipped to", Series: []series{{Curve: smooth(curve("gradient norm", steps, func(r Row) float64 { return r.GradNorm }))}}},
		{Title: "Images per second (smoothed)", Level: math.NaN(), Series: []series{{Curve: smooth(curve("images per second", steps, func(r Row) float64 { return r.Rate }))}}},
	} {
		c.Modality = -1
		out = append(out, figure{c.Title, c.draw()})
	}
	return out
}

type figure struct {
	Title string
	SVG   template.HTML
}

// A presenceRow is a combination with the width of its bar, in percent of the largest.
type presenceRow struct {
	Names string
	Count string
	Width float64
}

func presenceRows(all []Presence) []presenceRow {
	top := 1
	for _, p := range all {
		top = max(top, p.Persons)
	}
	var out []presenceRow
	for _, p := range all {
		r := presenceRow{strings.Join(p.Names, " + "), grouped(p.Persons), 100 * float64(p.Persons) / float64(top)}
		if p.Few {
			r.Count = "at most " + r.Count
		}
		if r.Names == "" {
			r.Names = "images alone"
		}
		out = append(out, r)
	}
	return out
}

// A table is one row of the retrieval tables: one modality, one direction.
type table struct {
	Kind          string
	Step          int
	Modality, Way string
	eval.Direction
	Candidates    int
	Chance, Times float64
	Verdict       eval.Verdict
}

// One says R@1 with its interval, Ten R@10.
func (t table) One() string { return withInterval(t.R1, t.R1Interval) }

// Ten says R@10 with its interval.
func (t table) Ten() string { return withInterval(t.R10, t.R10Interval) }

// shownRows are the validation and the test of the same checkpoint; the last validation where nothing was tested.
func shownRows(rows []Row) []Row {
	var shown []Row
	tests, checks := Of(rows, "test"), Of(rows, "validation")
	if n := len(checks); n > 0 {
		shown = append(shown, checks[n-1])
	}
	if n := len(tests); n > 0 {
		for _, v := range checks {
			if v.Step == tests[n-1].Step {
				shown[0] = v
			}
		}
		shown = append(shown, tests[n-1])
	}
	return shown
}

// tables shows evaluations in numbers.
func tables(shown []Row) []table {
	var out []table
	for _, row := range shown {
		for _, f := range Findings(row.Retrieval) {
			for _, w := range directions(f.Retrieval) {
				out = append(out, table{row.Kind, row.Step, f.Name, w.name, w.d, f.Candidates, f.ChanceR1, Times(w.d.R1, f.ChanceR1), f.Verdict})
			}
		}
	}
	return out
}

// Times returns how many times chance a share is, 0 where there was nothing to find.
func Times(share, chance float64) float64 {
	if chance == 0 {
		return 0
	}
	return share / chance
}

func embed(images []image.Image) ([]template.URL, error) {
	var out []template.URL
	for _, im := range images {
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			return nil, fmt.Errorf("report: example image: %w", err)
		}
		out = append(out, template.URL("data:image/png;base64,"+base64.StdEncoding.EncodeToString(b.Bytes())))
	}
	return out, nil
}
