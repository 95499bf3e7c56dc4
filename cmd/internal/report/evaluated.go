package report

import (
	"html/template"
	"io"

	"contig-gpu/model/eval"
	"contig-gpu/model/measure"
)

// Evaluated is all that a report of eval shows. It must hold no ids.
type Evaluated struct {
	Title     string
	Facts     []Fact
	Retrieval map[string]eval.Retrieval
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
	found := Findings(e.Retrieval)
	return t.Execute(w, struct {
		Evaluated
		Style   template.CSS
		Verdict string
		Forest  template.HTML
		Cards   []card
	}{e, template.CSS(style), verdictText(found), forest(found), cards(found)})
}

const evaluatedPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Title}}</title>
<style>{{.Style}}</style></head><body>
<a class="skip" href="#targets">Skip to the targets</a>
<header><h1>{{.Title}}</h1>
<dl class="facts">{{range .Facts}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{end}}</dl></header>
<main>
{{if .Cards}}<section id="retrieval"><h2>Retrieval of held-out persons</h2>
<p>{{.Verdict}}</p>
{{.Forest}}
<p class="note">How often a person's own genetics are among the ten nearest to the image, or the nearest, and the other way round. In brackets: 95 % intervals, by drawing persons anew.</p>
<div class="scroll" tabindex="0"><table><thead><tr><th class="t" scope="col">modality</th><th class="t" scope="col">verdict</th><th class="t" scope="col">direction</th><th scope="col">recall@10</th><th scope="col">chance</th><th scope="col">recall@1</th><th scope="col">candidates</th></tr></thead><tbody>
{{range $c := .Cards}}{{range $i, $w := .Ways}}<tr><th scope="row">{{$c.Name}}</th><td class="t">{{$c.Verdict}}</td><td class="t">{{$w.Direction}}</td><td>{{$w.Ten}}</td><td>{{printf "%.3f" $c.Chance}}</td><td>{{$w.One}}</td><td>{{$c.Candidates}}</td></tr>
{{end}}{{end}}</tbody></table></div></section>{{end}}
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
