package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"html"
	"regexp"
	"strings"
	"testing"
)

// holdsAlone is what every page for others holds to: one script and what a browser may do of it, nothing from outside, drawings with
// names that are well-formed, links within the page that lead somewhere.
func holdsAlone(t *testing.T, page string) {
	t.Helper()
	scripts := regexp.MustCompile(`(?s)<script[^>]*>(.*?)</script>`).FindAllStringSubmatch(page, -1)
	if len(scripts) != 1 || !strings.HasPrefix(scripts[0][0], "<script>") {
		t.Fatalf("%d scripts", len(scripts))
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`).FindStringSubmatch(page)
	if policy == nil || !strings.Contains(policy[1], "default-src 'none'") || !strings.Contains(policy[1], "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy %q is not of the script", policy)
	}
	if n := len(scripts[0][1]); n > 2<<10 {
		t.Errorf("the script has %d bytes", n)
	}
	for _, bad := range []string{"http:", "https:", "//", "<link", "@import", "<iframe", "<object", "<form", " onclick", " onload", "fetch(", "XMLHttpRequest", "NaN", "Inf"} {
		text := regexp.MustCompile(`base64,[^"]*"`).ReplaceAllString(page, "")
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]*)"|url\(([^)]*)\)`).FindAllStringSubmatch(page, -1) {
		to := m[1] + m[2]
		switch {
		case strings.HasPrefix(to, "#"):
			if !strings.Contains(page, ` id="`+to[1:]+`"`) {
				t.Errorf("nothing has the name %s", to)
			}
		case strings.HasPrefix(to, "data:text/csv;base64,"), strings.HasPrefix(to, "data:image/jpeg;base64,"):
		case strings.Contains(to, ":"), strings.HasPrefix(to, "/"), strings.Contains(to, ".."):
			t.Errorf("a reference to %.80s", to)
		}
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%v in %.200s", err, svg)
		}
		if !strings.Contains(svg, `aria-hidden="true"`) && (!strings.Contains(svg, "<title>") || !strings.Contains(svg, "<desc>")) {
			t.Errorf("a drawing without a name: %.200s", svg)
		}
	}
}

// TestPageHoldsAlone, whatever a run has.
func TestPageHoldsAlone(t *testing.T) {
	whole, bare := longRun(5, 3), longRun(2, 1)
	whole.Color = &Coloring{Name: "a <column>", Classes: []string{"x & y"}, Class: make([]int, 800)}
	bare.Heldout, bare.Look, bare.Flow, bare.Sessions, bare.Images = nil, nil, nil, nil, nil
	one := longRun(1, 1)
	one.Rows = one.Rows[:3]
	for _, p := range []Page{whole, bare, one, {}} {
		page := pageOf(t, p)
		holdsAlone(t, page)
		// Without its script it has all the same: values in words in each drawing, and sections that need nothing to be shown.
		for _, part := range []string{`id="result"`, `id="curves"`, `id="cohort"`, `id="embedding"`, `id="speed"`, `id="reproduce"`, `id="files"`, `id="words"`, "<main>", "<title>"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page lacks %s", part)
			}
		}
	}
}

// TestPageShowsAll: each part of a page has what its run has.
func TestPageShowsAll(t *testing.T) {
	p := longRun(5, 3)
	p.Images = nil
	p.Changed = []Change{{"tau", "0.1", "0.25"}}
	p.Sources = []Source{{"modality-00", 9000, 400, "abc123"}}
	p.Memory = []Fact{{"Planned", "1 GiB"}}
	p.Files = []FileEntry{{"metrics.jsonl", "3 kB", "lines"}}
	page := html.UnescapeString(pageOf(t, p))
	for _, want := range []string{
		"in the manifest</b><span>9\u202f000 remain</span>", "8\u202f000 remain, 1\u202f000 removed: without genetics", // flow
		"modality-00</th><td>400</td><td>12</td><td class=\"t wrap\">rare</td>", // features
		"first direction: 31 % of the variance", "second: 12 %", "By split", "By modalities present", "test (400)", "other combinations (267)",
		"33.3</td><td>0.500</td><td>-2.50</td>", "1.25</td><td>1.98</td>", "it has collapsed", // geometry
		"steps 58.8 %", "waiting for images 11.8 %", "evaluation 28.2 %", "checkpoints 1.2 %",
		"resumed after step 40", "yesterday", "40 to 50", "Planned</dt><dd>1 GiB",
		`scope="col">setting</th><th class="t" scope="col">default</th><th class="t" scope="col">here</th>`, "tau</th><td class=\"t\">0.1</td><td class=\"t\">0.25</td>",
		"abc123", `<a href="metrics.jsonl">metrics.jsonl</a>, 3 kB: lines`, "trained at 224", "✓ 3 of 100", "50 of 100",
		`<a href="#w-recall">`, `<dt id="w-recall">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	p.Heldout["test"] = heldoutOf([]string{"a"}, 1) // of another checkpoint than the metrics' last line
	if page := pageOf(t, p); strings.Contains(page, "variance") || strings.Contains(page, "effective rank</th>") {
		t.Error("the page shows the embedding of another checkpoint")
	}
}

// TestCompareHoldsAlone: several runs, a colour and a mark each, of which one is of an older version.
func TestCompareHoldsAlone(t *testing.T) {
	var b strings.Builder
	a, old := longRun(5, 2), longRun(6, 1)
	runs := []Run{{Name: "first <run>", Rows: a.Rows, Heldout: a.Heldout, Command: "contig-gpu train --tau 1", Settings: []Fact{{"tau", "1"}}}, {Name: "second", Rows: old.Rows, Settings: []Fact{{"tau", "2"}}}}
	if err := Compare(&b, runs); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	holdsAlone(t, page)
	for _, want := range []string{"first &lt;run&gt;", `<th scope="row">tau</th><td class="t">1</td><td class="t">2</td>`, `class="line r1 k1" data-n="second"`, "k in % of the candidates", "first &lt;run&gt;, image encoder", "contig-gpu train --tau 1", "Learning rate"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	a.Heldout["test"] = heldoutOf([]string{"modality-00"}, 1) // of another checkpoint than the metrics
	b.Reset()
	if err := Compare(&b, runs); err != nil || strings.Contains(b.String(), "k in % of the candidates") || strings.Contains(b.String(), "image encoder</th>") {
		t.Errorf("the page shows the embedding of another checkpoint: %v", err)
	}
	var many []Run
	for range 4 {
		p := longRun(1000, 12)
		many = append(many, Run{Name: "a run", Rows: p.Rows, Heldout: p.Heldout})
	}
	b.Reset()
	if err := Compare(&b, many); err != nil || b.Len() > mostBytes {
		t.Errorf("%d bytes of four long runs, %v", b.Len(), err)
	}
}
