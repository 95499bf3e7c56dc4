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
	"slices"

	"contig-gpu/model/eval"
)

// Page is all that a report shows. It must hold no ids.
type Page struct {
	Title    string
	Summary  []string // sentences at the top
	Rows     []Row    // of metrics.jsonl
	Cohort   []string // what joining counted, one line each
	Config   string   // config.toml
	Images   []image.Image
	NoImages string // why images are missing; "" where none are
}

// Write writes the page as one HTML document without references to anything outside.
func Write(w io.Writer, p Page) error {
	pictures, err := embed(p.Images)
	if err != nil {
		return err
	}
	t, err := template.New("report").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{
		"Page": p, "Plots": plots(p.Rows), "Pictures": pictures, "Tables": tables(p.Rows),
	})
}

type figure struct {
	Title string
	SVG   template.HTML
}

func plots(rows []Row) []figure {
	steps, checks := Of(rows, "step"), Of(rows, "validation")
	var out []figure
	add := func(title string, curves []Curve) {
		if len(curves) > 0 && len(curves[0].X) > 0 {
			out = append(out, figure{title, template.HTML(Plot("step", curves))})
		}
	}
	add("Training loss (smoothed) and validation loss", lossCurves(steps, checks))
	add("Training loss by modality (smoothed)", modalityCurves(steps))
	add("Validation retrieval: R@1 by modality and direction", retrievalCurves(checks))
	add("Learning rate", []Curve{curve("learning rate", steps, func(r Row) float64 { return r.LR })})
	add("Gradient norm (smoothed)", []Curve{smooth(curve("gradient norm", steps, func(r Row) float64 { return r.GradNorm }))})
	add("Throughput in images per second (smoothed)", []Curve{smooth(curve("images per second", steps, func(r Row) float64 { return r.Rate }))})
	return out
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

func lossCurves(steps, checks []Row) []Curve {
	out := []Curve{smooth(curve("training", steps, func(r Row) float64 { return r.Loss }))}
	if len(checks) > 0 {
		out = append(out, curve("validation", checks, func(r Row) float64 { return r.Loss }))
	}
	return out
}

func modalityCurves(steps []Row) []Curve {
	var out []Curve
	if len(steps) == 0 {
		return nil
	}
	for _, m := range slices.Sorted(maps.Keys(steps[0].Losses)) {
		out = append(out, smooth(curve(m, steps, func(r Row) float64 { return r.Losses[m].Loss })))
	}
	return out
}

func retrievalCurves(checks []Row) []Curve {
	if len(checks) == 0 {
		return nil
	}
	var out []Curve
	for _, m := range slices.Sorted(maps.Keys(checks[0].Retrieval)) {
		out = append(out, curve(m+", image to genetics", checks, func(r Row) float64 { return r.Retrieval[m].ImageToGenetics.R1 }),
			curve(m+", genetics to image", checks, func(r Row) float64 { return r.Retrieval[m].GeneticsToImage.R1 }))
	}
	return append(out, curve("chance", checks, func(r Row) float64 { return r.Retrieval["all"].ChanceR1 }))
}

// A table is one row of the retrieval tables: one modality, one direction.
type table struct {
	Kind          string
	Step          int
	Modality, Way string
	eval.Direction
	Candidates    int
	Chance, Times float64
}

// tables shows the test and the validation of the same checkpoint; the last validation where nothing was tested.
func tables(rows []Row) []table {
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
	var out []table
	for _, row := range shown {
		for _, m := range slices.Sorted(maps.Keys(row.Retrieval)) {
			r := row.Retrieval[m]
			for _, way := range []struct {
				name string
				d    eval.Direction
			}{{"image to genetics", r.ImageToGenetics}, {"genetics to image", r.GeneticsToImage}} {
				out = append(out, table{row.Kind, row.Step, m, way.name, way.d, r.Candidates, r.ChanceR1, Times(way.d.R1, r.ChanceR1)})
			}
		}
	}
	return out
}

// Times returns how many times chance r1 is, 0 where there was nothing to find.
func Times(r1, chance float64) float64 {
	if chance == 0 {
		return 0
	}
	return r1 / chance
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

const page = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Page.Title}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;color:#1c1c1c;max-width:1000px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #ddd}
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #eee}td:nth-child(-n+4),th:nth-child(-n+4){text-align:left;white-space:nowrap}
.plots{display:flex;flex-wrap:wrap;gap:1.5em}figure{margin:0}figcaption{font-weight:600}svg{max-width:100%;height:auto}svg text{font-size:11px;fill:#555}.grid{stroke:#e4e4e4}
.legend{max-width:460px;font-size:12px}.legend span{margin-right:1em;white-space:nowrap}
.images img{width:128px;height:128px;object-fit:cover;margin:2px;image-rendering:auto}pre{background:#f6f6f6;padding:1em;overflow:auto;font-size:12px}
</style></head><body>
<h1>{{.Page.Title}}</h1>
{{range .Page.Summary}}<p>{{.}}</p>
{{end}}{{if .Tables}}<h2>Retrieval</h2>
<p>Candidates are the persons of the split, ranked by the cosine similarity of the projected embeddings; the image embeddings of a person are averaged.</p>
<table><tr><th>split</th><th>step</th><th>modality</th><th>direction</th><th>R@1</th><th>R@5</th><th>R@10</th><th>median rank</th><th>candidates</th><th>chance R@1</th><th>R@1 / chance</th></tr>
{{range .Tables}}<tr><td>{{.Kind}}</td><td>{{.Step}}</td><td>{{.Modality}}</td><td>{{.Way}}</td><td>{{printf "%.3f" .R1}}</td><td>{{printf "%.3f" .R5}}</td><td>{{printf "%.3f" .R10}}</td><td>{{.MedianRank}}</td><td>{{.Candidates}}</td><td>{{printf "%.4f" .Chance}}</td><td>{{printf "%.1f" .Times}}</td></tr>
{{end}}</table>
{{end}}{{if .Plots}}<h2>Curves</h2><div class="plots">
{{range .Plots}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div>
{{end}}{{if or .Pictures .Page.NoImages}}<h2>Example images</h2>
{{if .Pictures}}<p>Training images as the encoder sees them.</p><div class="images">{{range .Pictures}}<img alt="training image" src="{{.}}">{{end}}</div>
{{end}}{{with .Page.NoImages}}<p>{{.}}</p>
{{end}}{{end}}<h2>Cohort</h2><pre>{{range .Page.Cohort}}{{.}}
{{end}}</pre>
<h2>Settings</h2><pre>{{.Page.Config}}</pre>
</body></html>
`
