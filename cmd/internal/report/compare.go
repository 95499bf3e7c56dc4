package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
)

// A Run is one of those that a page compares. It must hold no ids.
type Run struct {
	Name, Status string
	Facts        []Fact
	Rows         []Row
	Settings     []Fact // those that are not the same in all runs, in the same order in all
}

// Compare writes a page about several runs: what each found, the settings that differ, their losses and recalls over the same axes.
func Compare(w io.Writer, runs []Run) error {
	t, err := template.New("compare").Parse(comparePage)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range runs {
		names = append(names, modalities(r.Rows)...)
	}
	slices.Sort(names)
	names = append(slices.Compact(names), allName)
	var legend []card
	for i, r := range runs {
		legend = append(legend, card{Finding: Finding{Name: r.Name}, Hue: hue(i)})
	}
	return t.Execute(w, map[string]any{"Runs": runs, "Style": template.CSS(style), "Legend": legend, "Found": foundBy(runs, names), "Settings": differing(runs),
		"Losses": runPanels(runs, names, most, 1, func(r Row, m string) float64 {
			if s := r.Sets[m]; s.Candidates > 0 {
				return s.Loss / s.Chance
			}
			return math.NaN()
		}),
		"Recalls": runPanels(runs, names, 1, math.NaN(), func(r Row, m string) float64 {
			if f, ok := r.Retrieval[m]; ok {
				return (f.ImageToGenetics.R10 + f.GeneticsToImage.R10) / 2
			}
			return math.NaN()
		})})
}

// A foundRow is what all runs found of a modality.
type foundRow struct {
	Name  string
	Cells []string
}

func foundBy(runs []Run, names []string) []foundRow {
	var out []foundRow
	for _, m := range names {
		row := foundRow{Name: m}
		for _, r := range runs {
			text := "–"
			if shown := shownRows(r.Rows); len(shown) > 0 {
				last := shown[len(shown)-1]
				if f, ok := last.Retrieval[m]; ok {
					x := Finding{m, f.Verdict(), f}
					text = fmt.Sprintf("%s: %s, %s back (%s, chance %.3f)", x.Verdict, withInterval(f.ImageToGenetics.R10, f.ImageToGenetics.R10Interval),
						withInterval(f.GeneticsToImage.R10, f.GeneticsToImage.R10Interval), last.Kind, x.chance10())
				}
			}
			row.Cells = append(row.Cells, text)
		}
		out = append(out, row)
	}
	return out
}

// differing turns the settings of runs into rows.
func differing(runs []Run) []foundRow {
	var out []foundRow
	if len(runs) == 0 {
		return nil
	}
	for i, s := range runs[0].Settings {
		row := foundRow{Name: s.Name}
		for _, r := range runs {
			row.Cells = append(row.Cells, r.Settings[i].Value)
		}
		out = append(out, row)
	}
	return out
}

// runPanels draws a panel a modality with a line a run, of the validations.
func runPanels(runs []Run, names []string, longest, level float64, value func(r Row, m string) float64) []figure {
	var charts []chart
	for _, m := range names {
		c := chart{Title: m, Modality: -1, Level: level, LevelName: "chance"}
		any := false
		for i, r := range runs {
			x := curve(r.Name, Of(r.Rows, "validation"), func(row Row) float64 { return value(row, m) })
			any = any || slices.ContainsFunc(x.Y, finite)
			c.Series = append(c.Series, series{Curve: x, Class: fmt.Sprintf("r%d", i%colours), Marks: true})
		}
		if any {
			charts = append(charts, c)
		}
	}
	return sameAxes(charts, longest)
}

const comparePage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>contig-gpu: {{len .Runs}} runs</title>
<style>{{.Style}}</style></head><body>
<header><h1>contig-gpu: {{len .Runs}} runs</h1></header>
<main>
<section><h2>Runs</h2><div class="cards">
{{range $i, $r := .Runs}}<div class="card {{(index $.Legend $i).Hue}}"><h3>{{.Name}}</h3><p>{{.Status}}</p><dl class="facts">{{range .Facts}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{end}}</dl></div>
{{end}}</div></section>
<section><h2>What each found: recall@10, image to genetics and back</h2>
<div class="scroll" tabindex="0"><table><caption>Of the test split, or of the last validation where nothing was tested</caption><thead><tr><th class="t" scope="col">modality</th>{{range .Runs}}<th class="t" scope="col">{{.Name}}</th>{{end}}</tr></thead><tbody>
{{range .Found}}<tr><th scope="row">{{.Name}}</th>{{range .Cells}}<td class="t">{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div></section>
<section><h2>Settings that differ</h2>
{{if .Settings}}<div class="scroll" tabindex="0"><table><thead><tr><th class="t" scope="col">setting</th>{{range .Runs}}<th class="t" scope="col">{{.Name}}</th>{{end}}</tr></thead><tbody>
{{range .Settings}}<tr><th scope="row">{{.Name}}</th>{{range .Cells}}<td class="t">{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div>{{else}}<p>None.</p>{{end}}</section>
<section><h2>Validation loss as a share of that of chance</h2><div class="panels">{{range .Losses}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div></section>
<section><h2>Validation: recall@10, mean of both directions</h2><div class="panels">{{range .Recalls}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div></section>
</main></body></html>
`
