package report

// explainedPage is the page of explanations: styles with colours for light and dark, and no script.
const explainedPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Page.Title}}</title>
<style>
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#555;--line:#e2e2e2;--paper:#fff;--box:#f5f5f5;--a:#0072b2;--b:#56b4e9;--up:#d55e00;--down:#0072b2;--hit:#d55e00}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#b0b0b0;--line:#3a3a3a;--paper:#161616;--box:#222;--a:#56b4e9;--b:#9ad4f5;--up:#f0894a;--down:#56b4e9;--hit:#ff9d5c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:2em auto;padding:0 1em;overflow-wrap:break-word}
h1{font-size:1.6em}h2{font-size:1.3em;margin-top:2.2em;border-bottom:1px solid var(--line)}h3{font-size:1.05em;margin:1.6em 0 .3em}
.caveat{border-left:4px solid var(--hit);padding:.5em 1em;background:var(--box)}.note,figcaption+p{color:var(--soft);font-size:13px}
.wide{overflow-x:auto}.wide svg{min-width:640px}.wide svg.half{min-width:330px;max-width:620px;width:100%}svg{max-width:100%;height:auto}svg text{font-size:11px;fill:var(--soft)}svg.half text{font-size:12px}svg .name{fill:var(--ink);font-size:11px}
.grid{stroke:var(--line)}.zero{stroke:var(--soft)}.limit{stroke:var(--hit);stroke-dasharray:4 3}.whisker{stroke:var(--ink);fill:none}
.p0{fill:var(--a)}.p1{fill:var(--b)}.hit,.mark{fill:var(--hit)}svg .mark{fill:var(--hit)}.up{fill:var(--up)}.down{fill:var(--down)}
.v0{fill:#2166ac}.v1{fill:#4393c3}.v2{fill:#92c5de}.v3{fill:#a8a8a8}.v4{fill:#f4a582}.v5{fill:#d6604d}.v6{fill:#b2182b}
.key span{display:inline-block;width:1.1em;height:.8em;vertical-align:middle}
.plots{display:flex;flex-wrap:wrap;gap:1.5em}figure{margin:0;max-width:100%}figcaption{font-weight:600}
table{border-collapse:collapse;font-size:13.5px}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}td:first-child,th:first-child,td.l,th.l{text-align:left}
.images{display:flex;flex-wrap:wrap;gap:10px}.images figure{width:160px}.images img{width:160px;height:160px;object-fit:contain;image-rendering:auto;background:#000}.images figcaption{font-weight:400;font-size:12px;color:var(--soft)}
pre{background:var(--box);padding:1em;overflow:auto;font-size:12px}
</style></head><body>
<h1>{{.Page.Title}}</h1>
{{range .Page.Summary}}<p>{{.}}</p>
{{end}}<p class="caveat">{{.Page.Caveat}}</p>
<p>{{.Page.Meaning}}</p>
{{$fdr := .Page.FDR}}{{$build := .Page.Build}}{{range .Sections}}<h2>{{.Name}}</h2>
<p>{{count (len .Features)}} features, {{count .Persons}} persons.{{if .Manhattan}} Genome build: {{$build}}.{{end}}</p>
{{range .Notes}}<p class="note">{{.}}</p>
{{end}}{{with .Manhattan}}<h3>Mean |A| along the genome</h3>{{.}}
{{end}}<h3>Features with the largest mean |A|</h3>
<p class="note">A ranking, not a list of discoveries. Whiskers: 95 % bootstrap interval over persons. Orange: positive on average, blue: negative. ●: q ≤ {{$fdr}}.</p>
{{.Bars}}
{{with .GroupBars}}<h3>Groups with the largest mean |A|</h3>{{.}}
{{end}}{{if .AnyQ}}<h3>Discoveries</h3>
<p>{{.Null}}</p>
{{if .Found}}<div class="wide"><table><tr><th>feature</th><th class="l">place</th><th>mean |A|</th><th>p</th><th>q</th></tr>
{{range .Found}}<tr><td>{{.Name}}{{with .Trait}} ({{.}}){{end}}</td><td class="l">{{with .Chromosome}}{{.}}:{{end}}{{with .Position}}{{.}}{{end}}</td><td>{{num .MeanAbs}}</td><td>{{num .P}}</td><td>{{num .Q}}</td></tr>
{{end}}</table></div>{{with .More}}<p class="note">and {{.}} more in the table of features</p>{{end}}
{{else}}<p>No feature has q ≤ {{$fdr}}.</p>
{{end}}{{end}}{{if .AnyGroupQ}}<h3>Discoveries by {{.Grouping}}</h3>
{{if .FoundGroups}}<div class="wide"><table><tr><th>{{.Grouping}}</th><th class="l">place</th><th>mean |A|</th><th>p</th><th>q</th></tr>
{{range .FoundGroups}}<tr><td>{{.Name}}</td><td class="l">{{with .Chromosome}}{{.}}:{{end}}{{with .Position}}{{.}}{{end}}</td><td>{{num .MeanAbs}}</td><td>{{num .P}}</td><td>{{num .Q}}</td></tr>
{{end}}</table></div>{{with .MoreGroups}}<p class="note">and {{.}} more in the table of groups</p>{{end}}
{{else}}<p>No {{.Grouping}} has q ≤ {{$fdr}}.</p>
{{end}}{{end}}{{if .ClaimedNull}}<h3>Claims by decoys</h3>
<p>{{.ClaimedNull}}</p>
{{if .Claimed}}<div class="wide"><table><tr><th>{{.Grouping}}</th><th class="l">place</th><th>mean |A|</th><th>q</th></tr>
{{range .Claimed}}<tr><td>{{.Name}}</td><td class="l">{{with .Chromosome}}{{.}}:{{end}}{{with .Position}}{{.}}{{end}}</td><td>{{num .MeanAbs}}</td><td>{{num .Q}}</td></tr>
{{end}}</table></div>
{{else}}<p>No {{.Grouping}} is claimed at q ≤ {{$fdr}}.</p>
{{end}}{{end}}{{if .Swarms}}<h3>Attribution against the feature's value</h3>
<p class="note key">{{.Dot}} Value of the feature: low <svg width="84" height="12"><rect class="v0" width="12" height="12"/><rect class="v1" x="12" width="12" height="12"/><rect class="v2" x="24" width="12" height="12"/><rect class="v3" x="36" width="12" height="12"/><rect class="v4" x="48" width="12" height="12"/><rect class="v5" x="60" width="12" height="12"/><rect class="v6" x="72" width="12" height="12"/></svg> high</p>
{{.Swarms}}
{{end}}{{if .Histograms}}<h3>Completeness</h3><div class="plots">{{range .Histograms}}{{.}}{{end}}</div>
{{end}}{{if .Agreement}}<h3>Agreement of methods</h3>
<p class="note">Rank correlation (Spearman) of mean |A| over features.</p>
{{$names := .Methods}}<div class="wide"><table><tr><th></th>{{range $names}}<th>{{.}}</th>{{end}}</tr>
{{range $i, $row := .Agreement}}<tr><td>{{index $names $i}}</td>{{range $row}}<td>{{num .}}</td>{{end}}</tr>
{{end}}</table></div>
{{end}}{{end}}{{if or .Page.Pictures .Page.NoPictures}}<h2>Where in the image</h2>
{{with .Page.NoPictures}}<p>{{.}}</p>
{{end}}{{if .Page.Pictures}}<p class="note">{{.Page.Legend}}</p>
<div class="images">{{range $i, $p := .Page.Pictures}}<figure><img alt="heat map" src="{{index $.URLs $i}}"><figcaption>{{$p.Caption}}</figcaption></figure>{{end}}</div>
{{end}}{{end}}{{if .Page.Notes}}<h2>Notes</h2><pre>{{range .Page.Notes}}{{.}}
{{end}}</pre>{{end}}<h2>Settings</h2><pre>{{.Page.Settings}}</pre>
</body></html>
`
