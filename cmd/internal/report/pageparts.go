package report

// cohortParts are the flow of participants, who has what, and what images look like.
const cohortParts = `{{define "cohort"}}<section id="cohort"><h2>Cohort</h2>
{{if .Persons}}<h3>Participants</h3><ol class="flow">{{range .Persons}}<li class="{{if .Removed}}less{{end}}{{if .Part}} part{{end}}"><b>{{.Step}}</b><span>{{.Text}}{{with .Why}}: {{.}}{{end}}</span></li>
{{end}}</ol>{{end}}
{{if .Matrix.Rows}}<h3>Who has what</h3><div class="scroll" tabindex="0"><table class="bars"><caption>Combinations of <a href="#w-modality">modalities</a>: ● has it, ○ has not</caption><thead><tr>{{range .Matrix.Names}}<th class="turn" scope="col"><span>{{.}}</span></th>{{end}}<th scope="col">participants</th><th class="t" scope="col">share of the most frequent</th></tr></thead><tbody>
{{range .Matrix.Rows}}<tr title="{{.Name}}">{{range .Has}}<td class="dot">{{if .}}●{{else}}<span class="no">○</span>{{end}}</td>{{end}}<td>{{.Count}}</td><td><span class="bar" style="width:{{printf "%.1f" .Width}}%"></span></td></tr>
{{end}}</tbody></table></div>{{with .Matrix.More}}<p class="note">{{.}}</p>{{end}}{{end}}
{{if .Features}}<h3>Features</h3><div class="scroll" tabindex="0"><table><caption>Of each modality, in training</caption><thead><tr><th class="t" scope="col">modality</th><th scope="col">kept</th><th scope="col">removed</th><th class="t" scope="col">why</th></tr></thead><tbody>
{{range .Features}}<tr><th scope="row">{{.Of}}</th><td>{{count .Remain}}</td><td>{{count .Removed}}</td><td class="t wrap">{{.Why}}</td></tr>
{{end}}</tbody></table></div>{{end}}
{{if .Looks}}<h3>Images</h3><p class="note">{{.Page.Look.Images}} of {{count .Page.Look.Of}}, evenly from all, as they were before the training. Upright: the size that they are trained at.</p>{{template "panels" .Looks}}{{end}}
{{with .Page.Cohort}}<details{{if not $.Persons}} open{{end}}><summary>What joining counted</summary><pre tabindex="0">{{range .}}{{.}}
{{end}}</pre></details>{{else}}<p>The run has no record of it.</p>{{end}}
{{if or .Pictures .Page.NoImages}}<h3>Example images</h3>
{{if .Pictures}}<p>Training images as the encoder sees them.</p><div class="images">{{range .Pictures}}<img alt="training image" src="{{.}}">{{end}}</div>
{{end}}{{with .Page.NoImages}}<p>{{.}}</p>
{{end}}{{end}}</section>
{{end}}`

// embeddingParts are the map and how embeddings lie.
const embeddingParts = `{{define "geometry"}}<div class="scroll" tabindex="0"><table class="tight"><caption>How embeddings of unit length lie. <a href="#w-rank">Effective rank</a>, <a href="#w-spread">spread</a>, <a href="#w-uniformity">uniformity</a> and <a href="#w-alignment">alignment</a> say whether they collapsed.</caption><thead><tr><th class="t" scope="col">of</th><th scope="col">participants</th><th scope="col">dimensions</th><th scope="col">effective rank</th><th scope="col">spread</th><th scope="col">uniformity</th><th scope="col">alignment</th><th scope="col">of strangers</th></tr></thead><tbody>
{{range .}}<tr><th scope="row">{{.Name}}</th><td>{{.Persons}}</td><td>{{.Dimensions}}</td><td>{{printf "%.1f" .EffectiveRank}}</td><td>{{printf "%.3f" .Spread}}</td><td>{{printf "%.2f" .Uniformity}}</td><td>{{.Own}}</td><td>{{.Others}}</td></tr>
{{end}}</tbody></table></div>{{end}}
{{define "embedding"}}<section id="embedding"><h2>Embedding</h2>
{{if .Maps}}<p class="note">The image encoder's features of participants, on the two directions in which they differ most (principal components). Dots stand for participants, in no order. Dots of a kind that keep to themselves differ in something that the encoder sees: an origin, a camera, a modality.</p>
<div class="panels">{{range .Maps}}<figure><figcaption>{{.Title}}</figcaption>{{.SVG}}<p>{{range .Keys}}{{template "key" .}}{{end}}</p></figure>
{{end}}</div>{{template "data" .Data.Maps}}{{end}}
{{with .Geometry}}{{template "geometry" .}}{{end}}
{{if not .Geometry}}<p>No embedding was recorded: nothing was evaluated yet, or the run is of an older version.</p>{{end}}</section>
{{end}}`

// speedParts are how the training went, and what its time went into.
const speedParts = `{{define "speed"}}<section id="speed"><h2>Optimisation and speed</h2>
{{if .Speed}}{{template "panels" .Speed}}{{template "data" .Data.Speed}}{{end}}
{{if .Shares}}<h3>What the time went into</h3><div class="stack" aria-hidden="true">{{range .Shares}}{{if ge .Percent 0.1}}<span class="{{.Hue}}" style="flex-grow:{{printf "%.2f" .Percent}}"></span>{{end}}{{end}}</div>
<p>{{range $i, $s := .Shares}}{{if $i}}; {{end}}<span class="swatch {{$s.Hue}}" aria-hidden="true"></span>{{$s.Text}}{{end}}</p>{{end}}
{{with .Page.Memory}}<h3>Memory</h3><dl class="facts">{{range .}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{end}}</dl>{{end}}
{{with .Page.Sessions}}<h3>Sessions</h3><div class="scroll" tabindex="0"><table><caption>Processes that worked on the run; marks at the top of the curves show where one went on</caption><thead><tr><th scope="col">session</th><th class="t" scope="col">started</th><th class="t" scope="col">until</th><th class="t" scope="col">host</th><th class="t" scope="col">device</th><th scope="col">steps</th></tr></thead><tbody>
{{range $i, $s := .}}<tr><th scope="row">{{inc $i}}</th><td class="t">{{.Started}}</td><td class="t">{{.Ended}}</td><td class="t">{{.Host}}</td><td class="t wrap">{{.Device}}</td><td>{{.From}} to {{.To}}</td></tr>
{{end}}</tbody></table></div>{{end}}</section>
{{end}}`

// reproduceParts are the command, settings, sources and files.
const reproduceParts = `{{define "reproduce"}}<section id="reproduce"><h2>Reproduce</h2>
{{with .Page.Command}}<button class="copy" type="button" hidden>copy the command</button><pre tabindex="0">{{.}}</pre>
{{end}}{{with .Page.Changed}}<div class="scroll" tabindex="0"><table><caption>Settings that are not the recipe's</caption><thead><tr><th class="t" scope="col">setting</th><th class="t" scope="col">default</th><th class="t" scope="col">here</th></tr></thead><tbody>
{{range .}}<tr><th scope="row">{{.Name}}</th><td class="t">{{.Default}}</td><td class="t">{{.Here}}</td></tr>
{{end}}</tbody></table></div>
{{end}}{{with .Page.Sources}}<details><summary>What was read</summary><div class="scroll" tabindex="0"><table><caption>Digests of the training participants' values, and of the images' bytes</caption><thead><tr><th class="t" scope="col">source</th><th scope="col">rows</th><th scope="col">features</th><th class="t" scope="col">SHA-256</th></tr></thead><tbody>
{{range .}}<tr><th scope="row">{{.Name}}</th><td>{{count .Rows}}</td><td>{{count .Features}}</td><td class="t"><code>{{.Digest}}</code></td></tr>
{{end}}</tbody></table></div></details>
{{end}}<details><summary>All settings</summary><pre tabindex="0">{{.Page.Config}}</pre></details>
<p class="note">The same bytes are to be expected on the same kind of device with the same version.</p></section>
<section id="files"><h2>Files</h2>
{{with .Page.Files}}<ul>{{range .}}<li><a href="{{.Name}}">{{.Name}}</a>, {{.Size}}: {{.What}}</li>
{{end}}</ul>{{end}}</section>
{{end}}`

// wordParts are the glossary.
const wordParts = `{{define "words"}}<section id="words"><h2>Words</h2><dl>
<dt id="w-recall">recall@k</dt><dd>The share of participants whose own partner (the genetics of their image, or the image of their genetics) is among the k most similar of all candidates.</dd>
<dt id="w-candidates">candidates</dt><dd>All participants of the split who have an image and the modality.</dd>
<dt id="w-chance">chance</dt><dd>What a model gets that tells nobody apart: k of all candidates for recall@k, the logarithm of the candidates for the loss.</dd>
<dt id="w-modality">modality</dt><dd>One kind of genetics or one table: each is compared with images on its own.</dd>
<dt id="w-interval">95 % interval</dt><dd>Where the value would lie, in 95 of 100 cases, had other participants of the same population been held out. It says nothing of another seed or another population.</dd>
<dt id="w-split">validation, test</dt><dd>Participants who are not trained on: the first choose the checkpoint, the second are looked at once, at the end.</dd>
<dt id="w-rank">effective rank</dt><dd>In how many directions embeddings differ, each counted by its share: 1 where all lie on a line; at most the dimensions, and below the participants looked at.</dd>
<dt id="w-spread">spread</dt><dd>0 where everybody has the same embedding, which is a collapse; near 1 where embeddings lie all around.</dd>
<dt id="w-uniformity">uniformity</dt><dd>How evenly embeddings fill the sphere: 0 where all are the same, −4 at best.</dd>
<dt id="w-alignment">alignment</dt><dd>The mean squared distance between a participant's image and genetics, 0 to 4; to be read against that of strangers, which is about 2 where nothing is told apart.</dd>
<dt id="w-projection">projection head</dt><dd>The layers between the encoder's features and the embeddings that are compared; they are left out when the encoder is used.</dd>
<dt id="w-temperature">temperature (tau)</dt><dd>Similarities are divided by it in the loss: the smaller, the more the hardest strangers count.</dd>
</dl></section>
{{end}}`
