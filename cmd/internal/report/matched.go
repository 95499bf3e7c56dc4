package report

import (
	"html/template"
	"io"
)

// Matched is the page that says which rows of scoring files have a variant. It holds nothing of persons.
type Matched struct {
	Title, Build string
	Persons      int
	MinOverlap   float64
	Scores       []MatchedScore
}

// A MatchedScore is one scoring file.
type MatchedScore struct {
	Name, Trait, File, Positions, Build string
	Rows, Matched, Flipped, Used, ByID  int
	Causes                              []MatchedCause
	Notes                               []string
	Low, Fix                            string // why it is left out, and what to do; "" where it is not
}

// A MatchedCause is why rows are not used, with the first of them.
type MatchedCause struct {
	Name     string
	Count    int
	Examples []string
}

// Share is the part of the rows that are used.
func (m MatchedScore) Share() float64 { return 100 * float64(m.Used) / float64(max(1, m.Rows)) }

// WriteMatched writes the page as one HTML document without scripts or references to anything outside.
func WriteMatched(w io.Writer, p Matched) error {
	t, err := template.New("matched").Funcs(template.FuncMap{"count": grouped}).Parse(matchedPage)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

const matchedPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}}</title>
<style>
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#555;--line:#e2e2e2;--paper:#fff;--box:#f5f5f5;--a:#0072b2;--hit:#d55e00}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#b0b0b0;--line:#3a3a3a;--paper:#161616;--box:#222;--a:#56b4e9;--hit:#ff9d5c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:2em auto;padding:0 1em;overflow-wrap:break-word}
h1{font-size:1.6em}.note{color:var(--soft);font-size:13px}.wide{overflow-x:auto}.low{color:var(--hit)}
table{border-collapse:collapse;font-size:13.5px}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}td:first-child,th:first-child{text-align:left}
rect.all{fill:var(--line)}rect.used{fill:var(--a)}details{margin:.6em 0}summary{cursor:pointer}code{font-size:12.5px}
</style></head><body>
<h1>{{.Title}}</h1>
<p>{{count (len .Scores)}} scoring files, {{count .Persons}} persons. Genome build of the genotypes: {{.Build}}. Scores with less than {{.MinOverlap}} of their rows used are left out.</p>
<div class="wide"><table><tr><th>score</th><th></th><th>rows</th><th>matched</th><th>other strand</th><th>used</th><th>share</th></tr>
{{range .Scores}}<tr><td>{{.Name}}{{with .Trait}} ({{.}}){{end}}</td><td><svg width="120" height="12" role="img" aria-label="share of rows used"><rect class="all" width="120" height="12"/><rect class="used" width="{{printf "%.1f%%" .Share}}" height="12"/></svg></td><td>{{count .Rows}}</td><td>{{count .Matched}}</td><td>{{count .Flipped}}</td><td>{{count .Used}}</td><td{{if .Low}} class="low"{{end}}>{{printf "%.1f" .Share}} %</td></tr>
{{end}}</table></div>
<h2>Rows that are not used</h2>
{{range .Scores}}<details{{if .Low}} open{{end}}><summary>{{.Name}}: {{count .Used}} of {{count .Rows}} rows used</summary>
<p class="note">{{.File}}; {{.Positions}} positions, build {{.Build}}.{{if .ByID}} {{count .ByID}} rows have no position and were found by their id.{{end}}{{range .Notes}} {{.}}{{end}}</p>
{{with .Low}}<p class="low">Left out. {{.}}.</p>{{end}}{{with .Fix}}<p>What to do: {{.}}.</p>{{end}}
{{range .Causes}}<p>{{.Name}}: {{count .Count}}{{range .Examples}}<br><code>{{.}}</code>{{end}}</p>
{{end}}</details>
{{end}}</body></html>
`
