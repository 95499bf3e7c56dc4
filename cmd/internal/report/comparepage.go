package report

import "fmt"

// A foundRow is what all runs found of a modality, or have as a setting.
type foundRow struct {
	Name  string
	Cells []string
}

// found is what each run found of each modality, in words.
func (c comparison) found() []foundRow {
	var out []foundRow
	for _, m := range c.names {
		row := foundRow{Name: m}
		for _, r := range c.runs {
			text := "–"
			if f, kind, ok := r.shown(m); ok {
				text = fmt.Sprintf("%s: %s, %s back (%s, chance %.3f)", f.Verdict, withInterval(f.ImageToGenetics.R10, f.ImageToGenetics.R10Interval),
					withInterval(f.GeneticsToImage.R10, f.GeneticsToImage.R10Interval), kind, f.chance10())
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

const comparePage = `{{template "begin" .}}
<a class="skip" href="#result">Skip to the result</a>
<header><h1>contig-gpu: {{len .Runs}} runs</h1></header>
<nav aria-label="Sections"><a href="#result">Result</a><a href="#settings">Settings</a><a href="#curves">Curves</a><a href="#embedding">Embedding</a><a href="#speed">Optimisation</a><a href="#reproduce">Reproduce</a><a href="#words">Words</a></nav>
<main>
<section><h2>Runs</h2><div class="cards">
{{range $i, $r := .Runs}}<div class="card {{(index $.Legend $i).Hue}}"><h3>{{template "key" (index $.Legend $i)}}</h3><p>{{.Status}}</p><dl class="facts">{{range .Facts}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{end}}</dl></div>
{{end}}</div></section>
<section id="result"><h2>What each found: recall@10, image to genetics and back</h2>
<figure>{{.Forest}}</figure>
<div class="scroll" tabindex="0"><table><caption>Of the test split, or of the last validation where nothing was tested</caption><thead><tr><th class="t" scope="col">modality</th>{{range .Runs}}<th class="t" scope="col">{{.Name}}</th>{{end}}</tr></thead><tbody>
{{range .Found}}<tr><th scope="row">{{.Name}}</th>{{range .Cells}}<td class="t">{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div>
{{if .Ranks}}<h3>Recall@k, for every k</h3><p class="note">Solid: image to genetics. Broken: genetics to image. Dotted: <a href="#w-chance">chance</a>.</p>{{template "panels" .Ranks}}{{end}}</section>
<section id="settings"><h2>Settings that differ</h2>
{{if .Settings}}<div class="scroll" tabindex="0"><table><thead><tr><th class="t" scope="col">setting</th>{{range .Runs}}<th class="t" scope="col">{{.Name}}</th>{{end}}</tr></thead><tbody>
{{range .Settings}}<tr><th scope="row">{{.Name}}</th>{{range .Cells}}<td class="t">{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div>{{else}}<p>None.</p>{{end}}</section>
<section id="curves"><h2>Learning curves</h2><p>{{range .Legend}}{{template "key" .}}{{end}}</p>
<h3>Validation loss as a share of that of chance</h3>{{template "panels" .Losses}}
<h3>Validation: recall@10, mean of both directions</h3>{{template "panels" .Recalls}}</section>
<section id="embedding"><h2>Embedding</h2>{{if .Geometry}}{{template "geometry" .Geometry}}{{else}}<p>No embedding was recorded.</p>{{end}}</section>
<section id="speed"><h2>Optimisation and speed</h2>{{template "panels" .Speed}}</section>
<section id="reproduce"><h2>Reproduce</h2>{{range .Runs}}{{if .Command}}<h3>{{.Name}}</h3><pre tabindex="0">{{.Command}}</pre>{{end}}{{end}}</section>
{{template "words" .}}
</main>{{.Script}}</body></html>
`
