package report

// probedPage is the page of a probe: the styles of all pages, and no script.
const probedPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Title}}</title>
<style>{{.Style}}</style></head><body>
<a class="skip" href="#result">Skip to the result</a>
<header><h1>{{.Title}}</h1>
<dl class="facts">{{range .Facts}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{end}}</dl></header>
<main>
<section id="result"><h2>Result on the test split</h2>
{{with .Undefined}}<p class="warn">Nothing could be fitted: {{.}}</p>
{{end}}{{if .Shown}}<p class="note">In brackets: 95 % bootstrap intervals over persons, 1000 draws. A metric that is 0/0 is undefined, and left out of means.</p>
<div class="scroll" tabindex="0"><table class="fits"><thead><tr><th class="t" scope="col">metric</th><th class="t" scope="col">value</th></tr></thead><tbody>
{{range .Shown}}<tr><th scope="row">{{parts .Name}}</th><td class="t">{{.Text}}{{with .Draws}} ({{.}}){{end}}</td></tr>
{{end}}</tbody></table></div>{{end}}
</section>
{{define "comparison"}}<div class="scroll" tabindex="0"><table class="fits"><thead><tr><th class="t" scope="col">{{.Fit}}</th><th class="t" scope="col">value</th>{{if .Differences}}<th class="t" scope="col">difference</th>{{end}}</tr></thead>
{{range .Metrics}}<tbody><tr><th class="t" scope="rowgroup" colspan="3">{{parts .Name}}</th></tr>
{{range .Rows}}<tr><td class="t">{{.Name}}</td><td class="t">{{words .Value}}</td>{{with .Difference}}<td class="t">{{words .}}</td>{{end}}</tr>
{{end}}</tbody>{{end}}</table></div>{{end}}
{{if .Against.Metrics}}<section id="against"><h2>Against other encoders</h2>
<p class="note">The same persons, splits and method. Differences: this encoder less the other, by resamples that both share; an interval that does not contain 0 tells them apart.</p>
{{template "comparison" .Against}}</section>{{end}}
{{if .Fractions.Metrics}}<section id="fractions"><h2>How many labels it takes</h2>
<p class="note">Fitted on a share of the training persons; those of a smaller share are among those of a larger.</p>
{{template "comparison" .Fractions}}</section>{{end}}
{{with .Confusion}}<section id="confusion"><h2>Confusion matrix</h2>
<div class="scroll" tabindex="0"><table class="fits"><caption>Rows: truth. Columns: prediction. In brackets: per cent of the row.</caption><thead><tr><th></th>{{range .Names}}<th scope="col">{{.}}</th>{{end}}</tr></thead><tbody>
{{$names := .Names}}{{range $i, $row := .Count}}<tr><th scope="row">{{index $names $i}}</th>{{range $row}}<td>{{.}} ({{shade $row .}})</td>{{end}}</tr>
{{end}}</tbody></table></div></section>{{end}}
{{if .ROC}}<section id="curves"><h2>ROC curves</h2><div class="panels">{{range .ROC}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div><h2>Precision and recall</h2><div class="panels">{{range .PR}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div>{{with .MoreRankings}}<p class="note">and {{.}} more in metrics.json</p>{{end}}</section>{{end}}
{{with .Calibration}}<section id="calibration"><h2>Calibration</h2><div class="panels"><figure>{{.}}</figure></div></section>{{end}}
{{if .Differences}}<section id="agreement"><h2>Agreement of prediction and truth</h2><p class="note">Bland-Altman. A dot is the mean of five persons or more who are next to each other. Dotted: the mean difference, and 1.96 standard deviations about it.</p>
<div class="panels">{{range .Differences}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div></section>{{end}}
<section id="notes"><h2>How it was made</h2><ul>{{range .Notes}}<li>{{.}}</li>
{{end}}</ul></section>
</main></body></html>
`
