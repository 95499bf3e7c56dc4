package report

// page is the order of a report's parts.
const page = `{{template "begin" .}}
<a class="skip" href="#result">Skip to the result</a>
{{template "head" .}}
<nav aria-label="Sections"><a href="#result">Result</a><a href="#curves">Curves</a><a href="#cohort">Cohort</a><a href="#embedding">Embedding</a><a href="#speed">Optimisation</a><a href="#reproduce">Reproduce</a><a href="#files">Files</a><a href="#words">Words</a></nav>
<main>
{{template "result" .}}{{template "curves" .}}{{template "cohort" .}}{{template "embedding" .}}{{template "speed" .}}{{template "reproduce" .}}{{template "words" .}}
</main>{{.Script}}</body></html>
`

// frameParts are what parts have in common.
const frameParts = `{{define "begin"}}<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">{{.Policy}}<meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Page.Title}}</title>
<style>{{.Style}}</style></head><body>{{.Markers}}{{end}}
{{define "panels"}}<div class="panels">{{range .}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div>{{end}}
{{define "data"}}{{with .}}<p class="data"><a download="{{.Name}}" href="{{.URL}}">{{.Text}}</a></p>{{end}}{{end}}
{{define "key"}}<span class="key"><svg class="{{.Hue}}" viewBox="0 0 10 10" aria-hidden="true"><path {{.Path}}/></svg>{{.Name}}</span>{{end}}`

// headParts are the sentence of the verdict, and the facts.
const headParts = `{{define "head"}}<header><h1>{{.Page.Title}}</h1>
{{with .Page.Status}}<p class="status">{{.}}</p>
{{end}}{{with .Verdict}}<p class="verdict">{{.}}</p>
{{end}}{{with .Page.Facts}}<dl class="facts">{{range .}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{end}}</dl>{{end}}</header>{{end}}`

// resultParts are cards, forest plot, numbers and recall at every k.
const resultParts = `{{define "result"}}<section id="result"><h2>Result{{if .Cards}} on the {{.Split}} split, checkpoint of step {{.Step}}{{end}}</h2>
{{if .Cards}}<div class="cards">
{{range .Cards}}<div class="card {{.Hue}}" data-modality="{{.Name}}" data-verdict="{{.Verdict}}"><h3>{{.Name}}</h3>
{{if .Candidates}}<p class="word"><span aria-hidden="true">{{.Symbol}}</span> {{if .Verdict}}{{.Verdict}}{{else}}no interval: an older run{{end}}</p><p>recall@10 of {{.Candidates}}:</p>{{range .Ways}}<p>{{.Text}}</p>{{end}}<p>{{.Times}} ({{printf "%.3f" .Chance}})</p><p>recall@1: {{range $i, $w := .Ways}}{{if $i}}, back {{end}}{{$w.One}}{{end}}</p>{{else}}<p>No held-out participant has it.</p>{{end}}</div>
{{end}}</div>
<p class="note">In brackets: 95 % <a href="#w-interval">intervals</a>, by drawing participants anew. Learnt: <a href="#w-recall">recall@10</a> above <a href="#w-chance">chance</a> in both directions. “all” is the mean of the similarities of all <a href="#w-modality">modalities</a> that two participants have in common: it may be high though single ones are not, and low though one is.</p>
<figure>{{.Forest}}</figure>
{{if .Ranks}}<h3>Recall@k, for every k</h3><p class="note">The share whose own partner is among the k most similar of all <a href="#w-candidates">candidates</a>. Solid: image to genetics. Broken: genetics to image. Dotted: chance.</p>
{{template "panels" .Ranks}}{{template "data" .Data.Ranks}}{{end}}
{{if .Bars}}<details><summary>Where the own partner of {{len .Bars}} of the participants ranks, by all modalities together</summary><div class="scroll" tabindex="0"><table class="ranks"><caption>Bars: the rank among the candidates, short is good. Which participants these are is not in this page.</caption><thead><tr><th scope="col">query</th><th class="t" scope="col">own genetics by the image</th><th class="t" scope="col">own image by the genetics</th></tr></thead><tbody>
{{range .Bars}}<tr><th scope="row">{{.Number}}</th><td class="t">{{if .ThereHit}}✓ {{end}}{{.There}} of {{.Candidates}}<span class="bar" style="width:{{printf "%.1f" .ThereW}}%"></span></td><td class="t">{{if .BackHit}}✓ {{end}}{{.Back}} of {{.Candidates}}<span class="bar" style="width:{{printf "%.1f" .BackW}}%"></span></td></tr>
{{end}}</tbody></table></div></details>{{end}}
<details><summary>All numbers</summary><div class="scroll" tabindex="0"><table class="numbers"><caption>Candidates are the participants of the split, ranked by the cosine similarity of the projected embeddings; the image embeddings of a participant are averaged.</caption>
<thead><tr><th class="t" scope="col">split</th><th scope="col">step</th><th class="t" scope="col">modality</th><th class="t" scope="col">direction</th><th scope="col">recall@1</th><th scope="col">recall@5</th><th scope="col">recall@10</th><th scope="col">median rank</th><th scope="col">candidates</th><th scope="col">chance of recall@1</th><th scope="col">recall@1 / chance</th><th class="t" scope="col">verdict</th></tr></thead><tbody>
{{range .Tables}}<tr><td class="t">{{.Kind}}</td><td>{{.Step}}</td><th scope="row">{{.Modality}}</th><td class="t">{{.Way}}</td><td class="t">{{.One}}</td><td>{{printf "%.3f" .R5}}</td><td class="t">{{.Ten}}</td><td>{{.MedianRank}}</td><td>{{.Candidates}}</td><td>{{printf "%.4f" .Chance}}</td><td>{{printf "%.1f" .Times}}</td><td class="t">{{.Verdict}}</td></tr>
{{end}}</tbody></table></div>{{template "data" .Data.Tables}}</details>
{{else}}<p>Nothing was evaluated yet.</p>
{{end}}{{range .Warnings}}<p class="warn">{{.}}</p>
{{end}}{{with .Page.Summary}}<details class="said"><summary>What the run said</summary>{{range .}}<p>{{.}}</p>
{{end}}</details>{{end}}</section>
{{end}}`

// curveParts are the learning curves.
const curveParts = `{{define "curves"}}<section id="curves"><h2>Learning curves</h2>
{{if .Keys}}<p>{{range .Keys}}{{template "key" .}}{{end}}</p>{{end}}
{{if .Losses}}<h3>Loss as a share of that of chance</h3><p class="note">Thin: training, smoothed, of a batch. Thick: validation, among sets of the same size whatever the batch. Dotted: <a href="#w-chance">chance</a> (1), a model that tells nobody apart. Upright: the best checkpoint; short, at the top: a session went on. Values above 2 lie at the edge. A training far below chance with a validation above it has memorised.</p>
{{template "panels" .Losses}}{{template "data" .Data.Losses}}{{end}}
{{if .Recalls}}<h3>Validation: recall@10</h3><p class="note">Solid, filled: image to genetics. Broken, hollow: genetics to image. Dotted: chance.</p>
{{template "panels" .Recalls}}{{template "data" .Data.Recalls}}{{end}}</section>
{{end}}`
