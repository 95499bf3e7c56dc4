package report

import (
	"bytes"
	"html/template"
	"image"
	"io"
	"maps"
	"slices"

	"contig-gpu/model/eval"
)

// Page is all that a report shows. It must hold no ids.
type Page struct {
	Title    string
	Status   string                  // running, finished or why it stopped
	Facts    []Fact                  // when, where, what
	Summary  []string                // sentences at the top
	Rows     []Row                   // of metrics.jsonl
	Heldout  map[string]eval.Heldout // by kind, validation or test; none of older runs
	Color    *Coloring               // of the map's dots, beside split and presence; nil: no such
	Cohort   []string                // what joining counted, one line each
	Flow     []Flow                  // how many were left at each step of joining
	Presence []Presence              // which modalities participants have, the most frequent first
	Look     *Look                   // at images; nil: of an older run
	Command  string                  // that began the run
	Changed  []Change                // settings that are not the recipe's
	Config   string                  // config.toml
	Sources  []Source                // what was read
	Clip     float64                 // the largest gradient norm; 0: not clipped
	Memory   []Fact                  // planned, and at most
	Sessions []Session               // that worked on it, in order
	Files    []FileEntry             // of the run folder
	Images   []image.Image
	NoImages string // why images are missing; "" where none are
}

// A Fact is a line of the page's head.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Change is a setting that is not what its recipe says.
type Change struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Here    string `json:"here"`
}

// A Source is what was read: images, or the table of a modality.
type Source struct {
	Name           string // "images" or a modality
	Rows, Features int
	Digest         string // of the training persons' values, or of the images' bytes
}

// A FileEntry is a file of the run folder, its name relative to the page.
type FileEntry struct{ Name, Size, What string }

// Write writes the page as one HTML document without references to anything outside: with a script that a page is whole without, and
// with the data of its figures where they leave it small.
func Write(w io.Writer, p Page) error {
	t, err := parsed()
	if err != nil {
		return err
	}
	v, err := values(p)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := t.Execute(&page, v); err != nil {
		return err
	}
	if v["Data"] = fitting(v["Links"].(map[string]*dataLink), page.Len()); len(v["Data"].(map[string]*dataLink)) > 0 {
		page.Reset()
		if err := t.Execute(&page, v); err != nil {
			return err
		}
	}
	_, err = page.WriteTo(w)
	return err
}

// parsed are the templates of a page.
func parsed() (*template.Template, error) {
	t := template.New("report").Funcs(template.FuncMap{"count": grouped, "inc": func(i int) int { return i + 1 }})
	for _, text := range []string{frameParts, headParts, resultParts, curveParts, cohortParts, embeddingParts, speedParts, reproduceParts, wordParts} {
		if _, err := t.Parse(text); err != nil {
			return nil, err
		}
	}
	return t.Parse(page)
}

// values are what the templates show of a page.
func values(p Page) (map[string]any, error) {
	pictures, err := thumbnails(p.Images)
	if err != nil {
		return nil, err
	}
	script, policy := inline()
	shown, set := shownRows(p.Rows), panelsOf(p.Rows, p.Sessions)
	v := map[string]any{"Page": p, "Style": template.CSS(style), "Script": script, "Policy": policy, "Markers": markers(len(set.names)), "Keys": set.keys(),
		"Pictures": pictures, "Tables": tables(shown), "Losses": set.losses(), "Recalls": set.recalls(), "Speed": set.speed(p.Clip), "Shares": shares(p.Rows),
		"Persons": flowOf(p.Flow, true), "Features": flowOf(p.Flow, false), "Matrix": presenceMatrix(p.Presence), "Looks": p.Look.figures(), "Warnings": Memorised(p.Rows), "Data": map[string]*dataLink{}}
	if n := len(shown); n > 0 {
		last := shown[n-1]
		found := Findings(last.Retrieval)
		v["Cards"], v["Forest"], v["Split"], v["Step"], v["Verdict"] = cards(found), forest(found), splitName(last.Kind), last.Step, verdictText(found)
		if h, ok := p.Heldout[last.Kind]; ok && h.Step == last.Step {
			addHeldout(v, set, h, p.Color)
		}
	}
	v["Links"] = links(v)
	return v, nil
}

// addHeldout adds what an evaluation left beside its metrics, of the evaluation that the page shows.
func addHeldout(v map[string]any, set panels, h eval.Heldout, by *Coloring) {
	v["Ranks"], v["Maps"], v["Geometry"], v["Bars"] = set.everyRank(h), mapsOf(h.Map, by), geometryRows(h), rankBars(h.Queries)
	v["Warnings"] = append(v["Warnings"].([]string), collapseWarnings(h)...)
	v["Dots"] = dotsOf(h.Map)
}

// links are the data of a page's figures.
func links(v map[string]any) map[string]*dataLink {
	out := map[string]*dataLink{}
	for _, name := range []string{"Losses", "Recalls", "Ranks", "Speed"} {
		if figures, _ := v[name].([]figure); len(figures) > 0 {
			out[name] = linkTo(map[string]string{"Losses": "losses.csv", "Recalls": "recall-at-10.csv", "Ranks": "recall-at-k.csv", "Speed": "optimisation.csv"}[name], linesOf(figures))
		}
	}
	if t := v["Tables"].([]table); len(t) > 0 {
		out["Tables"] = linkTo("retrieval.csv", numbersOf(t))
	}
	if dots, ok := v["Dots"].([][]string); ok && len(v["Maps"].([]colouredMap)) > 0 {
		out["Maps"] = linkTo("map.csv", dots)
	}
	maps.DeleteFunc(out, func(_ string, l *dataLink) bool { return l == nil })
	return out
}

// keys are the modalities with their colours and marks.
func (p panels) keys() []key {
	var out []key
	for i, name := range p.names {
		out = append(out, keyOf(i, name))
	}
	return slices.Clip(out)
}
