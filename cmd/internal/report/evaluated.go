package report

import (
	"html/template"
	"io"

	"contig-gpu/model/measure"
)

// Evaluated is all that a report of eval shows. It must hold no ids.
type Evaluated struct {
	Title     string
	Facts     []Fact
	Retrieval []string // lines, as Lines makes them
	Targets   []EvaluatedTarget
	Notes     []string
}

// An EvaluatedTarget is one probe: some of its metrics, and the page with all.
type EvaluatedTarget struct {
	Name, Task, Page string
	Rows             int
	Results          []measure.Result
}

// WriteEvaluated writes the page as one HTML document that refers to the targets' pages and to nothing outside.
func WriteEvaluated(w io.Writer, e Evaluated) error {
	t, err := template.New("eval").Funcs(template.FuncMap{"words": resultWords}).Parse(evaluatedPage)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		Evaluated
		Style template.CSS
	}{e, template.CSS(style)})
}

const evaluatedPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Title}}</title>
<style>{{.Style}}</style></head><body>
<a class="skip" href="#targets">Skip to the targets</a>
<header><h1>{{.Title}}</h1>
<dl class="facts">{{range .Facts}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{end}}</dl></header>
<main>
{{if .Retrieval}}<section id="retrieval"><h2>Retrieval of held-out persons</h2><pre>{{range .Retrieval}}{{.}}
{{end}}</pre></section>{{end}}
<section id="targets"><h2>What the features tell: a linear probe of each target</h2>
{{if .Targets}}<p class="note">On the test split of each target. In brackets: 95 % intervals, by drawing persons anew, 1000 times.</p>
<div class="scroll" tabindex="0"><table><thead><tr><th class="t" scope="col">target</th><th class="t" scope="col">task</th><th scope="col">rows</th><th class="t" scope="col">metrics</th></tr></thead><tbody>
{{range .Targets}}<tr><th scope="row"><a href="{{.Page}}">{{.Name}}</a></th><td class="t">{{.Task}}</td><td>{{.Rows}}</td><td class="t">{{range .Results}}{{.Name}} {{words .}}<br>{{end}}</td></tr>
{{end}}</tbody></table></div>{{else}}<p class="note">data.toml has no section [target.NAME].</p>{{end}}
</section>
<section id="notes"><h2>How it was made</h2><ul>{{range .Notes}}<li>{{.}}</li>
{{end}}</ul></section>
</main></body></html>
`
