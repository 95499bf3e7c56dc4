package report

// style is of all pages about runs: light and dark, paper and phone.
const style = `
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#555;--paper:#fff;--box:#f5f5f5;--rule:#d4d4d4;--link:#00508c;--c0:#0072b2;--c1:#b34a00;--c2:#007a59;--c3:#a23b78;--c4:#6a51a3}
@media (prefers-color-scheme:dark){:root{--ink:#ececec;--soft:#b4b4b4;--paper:#161616;--box:#242424;--rule:#4a4a4a;--link:#8cc8ff;--c0:#56b4e9;--c1:#ff9d4d;--c2:#2cc69a;--c3:#f08bc2;--c4:#b9a5f0}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1060px;margin:0 auto;padding:0 1rem 3rem}
h1{font-size:1.6rem;margin:1rem 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--rule)}h3{font-size:1rem;margin:1rem 0 .3rem}
a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}.skip{position:absolute;left:-99rem}.skip:focus{left:0;background:var(--paper);padding:.5rem}
nav{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--rule);padding:.4rem 0;overflow-x:auto;white-space:nowrap}nav a{margin-right:1rem}
.verdict{font-size:1.15rem;font-weight:600}.status{color:var(--soft)}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.cards,.panels{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,230px),1fr))}.panels{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
.card{border:1px solid var(--rule);border-left:6px solid var(--ink);border-radius:4px;padding:.6rem .9rem;background:var(--box)}.card h3{margin:0;overflow-wrap:anywhere}.card p{margin:.15rem 0}.card .word{font-size:1.05rem;font-weight:600}
.m{--m:var(--ink)}.m0{--m:var(--c0)}.m1{--m:var(--c1)}.m2{--m:var(--c2)}.m3{--m:var(--c3)}.m4{--m:var(--c4)}.card.m{border-left-color:var(--m)}
figure{margin:0;break-inside:avoid}figcaption{font-weight:600;overflow-wrap:anywhere}svg{display:block;width:100%;height:auto}svg text{font-size:12px;fill:var(--soft)}
.grid{stroke:var(--rule)}.level{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:1.5 3}.best{stroke:var(--soft);stroke-width:1.2}.line{fill:none;stroke:var(--m);stroke-width:2.2}.line.thin{stroke-width:1;opacity:.75}.line.dash{stroke-dasharray:6 3}
svg.m circle{fill:var(--m)}svg.m circle.dash{fill:var(--paper);stroke:var(--m);stroke-width:1.5}.forest circle,.forest rect{fill:var(--m)}.span{stroke:var(--m);stroke-width:2.5}.chance{stroke:var(--ink);stroke-width:2.5}
svg .r0{--m:var(--c0)}svg .r1{--m:var(--c1)}svg .r2{--m:var(--c2)}svg .r3{--m:var(--c3)}svg .r4{--m:var(--c4)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}caption{text-align:left;color:var(--soft)}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid var(--rule)}td.t,th{white-space:nowrap}td.t,th.t,th[scope=row]{text-align:left}
.bar{display:block;height:.9rem;background:var(--c0)}.bars td:last-child{width:50%;text-align:left}
pre{background:var(--box);padding:.8rem;overflow:auto;font-size:.82rem}summary{cursor:pointer;padding:.3rem 0}.images img{width:128px;height:128px;object-fit:cover;margin:2px}.note{color:var(--soft)}.warn{border-left:6px solid var(--c1);padding-left:.7rem}
@media (max-width:600px){.forest{display:none}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{nav,.skip{display:none}table{font-size:7pt;max-width:100%}td,th{padding:.1rem .25rem;white-space:normal!important}pre{font-size:7pt;columns:2}body{max-width:none;font-size:9pt}.cards{grid-template-columns:repeat(3,1fr)}.panels{grid-template-columns:repeat(3,1fr)}details::details-content{content-visibility:visible;block-size:auto}pre{white-space:pre-wrap;overflow:visible}.scroll{overflow:visible}.card,tr{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}}
`

const page = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Page.Title}}</title>
<style>{{.Style}}</style></head><body>
<a class="skip" href="#result">Skip to the result</a>
<header><h1>{{.Page.Title}}</h1>
{{with .Page.Status}}<p class="status">{{.}}</p>
{{end}}{{with .Verdict}}<p class="verdict">{{.}}</p>
{{end}}{{with .Page.Facts}}<dl class="facts">{{range .}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{end}}</dl>{{end}}</header>
<nav aria-label="Sections"><a href="#result">Result</a><a href="#curves">Curves</a><a href="#cohort">Cohort</a><a href="#speed">Optimisation</a><a href="#reproduce">Reproduce</a><a href="#files">Files</a><a href="#words">Words</a></nav>
<main>
<section id="result"><h2>Result{{if .Cards}} on the {{.Split}} split, checkpoint of step {{.Step}}{{end}}</h2>
{{if .Cards}}<div class="cards">
{{range .Cards}}<div class="card {{.Hue}}" data-modality="{{.Name}}" data-verdict="{{.Verdict}}"><h3>{{.Name}}</h3>
{{if .Candidates}}<p class="word"><span aria-hidden="true">{{.Symbol}}</span> {{if .Verdict}}{{.Verdict}}{{else}}no interval: an older run{{end}}</p><p>recall@10 of {{.Candidates}}:</p>{{range .Ways}}<p>{{.Text}}</p>{{end}}<p>{{.Times}} ({{printf "%.3f" .Chance}})</p><p>recall@1: {{range $i, $w := .Ways}}{{if $i}}, back {{end}}{{$w.One}}{{end}}</p>{{else}}<p>No held-out participant has it.</p>{{end}}</div>
{{end}}</div>
<p class="note">In brackets: 95 % intervals, by drawing participants anew. Learnt: above chance in both directions. “all” is the mean of the similarities of all modalities that two participants have in common: it may be high though single ones are not, and low though one is.</p>
<figure>{{.Forest}}</figure>
<details><summary>All numbers</summary><div class="scroll" tabindex="0"><table><caption>Candidates are the participants of the split, ranked by the cosine similarity of the projected embeddings; the image embeddings of a participant are averaged.</caption>
<thead><tr><th class="t" scope="col">split</th><th scope="col">step</th><th class="t" scope="col">modality</th><th class="t" scope="col">direction</th><th scope="col">R@1</th><th scope="col">R@5</th><th scope="col">R@10</th><th scope="col">median rank</th><th scope="col">candidates</th><th scope="col">chance R@1</th><th scope="col">R@1 / chance</th><th class="t" scope="col">verdict</th></tr></thead><tbody>
{{range .Tables}}<tr><td class="t">{{.Kind}}</td><td>{{.Step}}</td><th scope="row">{{.Modality}}</th><td class="t">{{.Way}}</td><td class="t">{{.One}}</td><td>{{printf "%.3f" .R5}}</td><td class="t">{{.Ten}}</td><td>{{.MedianRank}}</td><td>{{.Candidates}}</td><td>{{printf "%.4f" .Chance}}</td><td>{{printf "%.1f" .Times}}</td><td class="t">{{.Verdict}}</td></tr>
{{end}}</tbody></table></div></details>
{{else}}<p>Nothing was evaluated yet.</p>
{{end}}{{range .Warnings}}<p class="warn">{{.}}</p>
{{end}}{{with .Page.Summary}}<details open><summary>What the run said</summary>{{range .}}<p>{{.}}</p>
{{end}}</details>{{end}}</section>
<section id="curves"><h2>Learning curves</h2>
{{if .Losses}}<h3>Loss as a share of that of chance</h3><p class="note">Thin: training, smoothed, of a batch. Thick: validation, among sets of the same size whatever the batch. Dotted: chance (1), a model that tells nobody apart. Upright: the best checkpoint. Values above 2 lie at the edge. A training far below chance with a validation above it has memorised.</p>
<div class="panels">{{range .Losses}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div>{{end}}
{{if .Recalls}}<h3>Validation: recall@10</h3><p class="note">Solid, filled: image to genetics. Broken, hollow: genetics to image. Dotted: chance.</p>
<div class="panels">{{range .Recalls}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div>{{end}}</section>
<section id="cohort"><h2>Cohort</h2>
{{if .Presence}}<div class="scroll" tabindex="0"><table class="bars"><caption>Which modalities participants have</caption><thead><tr><th class="t" scope="col">modalities</th><th scope="col">participants</th><th class="t" scope="col">share of the most frequent</th></tr></thead><tbody>
{{range .Presence}}<tr><th scope="row">{{.Names}}</th><td>{{.Count}}</td><td><span class="bar" style="width:{{printf "%.1f" .Width}}%"></span></td></tr>
{{end}}</tbody></table></div>{{end}}
{{with .Page.Cohort}}<pre tabindex="0">{{range .}}{{.}}
{{end}}</pre>{{else}}<p>The run has no record of it.</p>{{end}}
{{if or .Pictures .Page.NoImages}}<h3>Example images</h3>
{{if .Pictures}}<p>Training images as the encoder sees them.</p><div class="images">{{range .Pictures}}<img alt="training image" src="{{.}}">{{end}}</div>
{{end}}{{with .Page.NoImages}}<p>{{.}}</p>
{{end}}{{end}}</section>
<section id="speed"><h2>Optimisation and speed</h2>
{{if .Speed}}<div class="panels">{{range .Speed}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}</figure>
{{end}}</div>{{end}}</section>
<section id="reproduce"><h2>Reproduce</h2>
{{with .Page.Command}}<pre tabindex="0">{{.}}</pre>
{{end}}{{with .Page.Changed}}<div class="scroll" tabindex="0"><table><caption>Settings that are not the recipe's</caption><thead><tr><th class="t" scope="col">setting</th><th class="t" scope="col">recipe</th><th class="t" scope="col">here</th></tr></thead><tbody>
{{range .}}<tr><th scope="row">{{.Name}}</th><td class="t">{{.Default}}</td><td class="t">{{.Here}}</td></tr>
{{end}}</tbody></table></div>
{{end}}<details><summary>All settings</summary><pre tabindex="0">{{.Page.Config}}</pre></details>
<p class="note">The same bytes are to be expected on the same kind of device with the same version.</p></section>
<section id="files"><h2>Files</h2>
{{with .Page.Files}}<ul>{{range .}}<li><a href="{{.Name}}">{{.Name}}</a>, {{.Size}}: {{.What}}</li>
{{end}}</ul>{{end}}</section>
<section id="words"><h2>Words</h2><dl>
<dt>recall@k</dt><dd>The share of participants whose own partner (the genetics of their image, or the image of their genetics) is among the k most similar of all candidates.</dd>
<dt>candidates</dt><dd>All participants of the split who have an image and the modality.</dd>
<dt>chance</dt><dd>What a model gets that tells nobody apart: k of all candidates for recall@k, the logarithm of the candidates for the loss.</dd>
<dt>modality</dt><dd>One kind of genetics or one table: each is compared with images on its own.</dd>
<dt>95 % interval</dt><dd>Where the value would lie, in 95 of 100 cases, had other participants of the same population been held out. It says nothing of another seed or another population.</dd>
<dt>validation, test</dt><dd>Participants who are not trained on: the first choose the checkpoint, the second are looked at once, at the end.</dd>
</dl></section>
</main></body></html>
`
