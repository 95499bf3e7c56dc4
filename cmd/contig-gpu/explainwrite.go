package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"

	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/model/explain/heldout"
	"contig-gpu/model/explain/rank"
)

// write fills the folder: tables, results by person, the summary, the report.
func (e *explanation) write(ctx context.Context, dir string) error {
	for _, p := range e.parts {
		if err := e.writeTables(dir, p); err != nil {
			return err
		}
		if err := p.writeDecoys(dir); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, string) error{e.writePrivate, e.writeMaps, e.writeSummary, e.writeReport} {
		if err := step(ctx, dir); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// tableHead are the columns of the tables of features and groups.
func tableHead() []string {
	return []string{"feature", "chromosome", "position", "counted_allele", "group", "mean_abs", "mean", "sd", "low", "high", "decoy_mean_abs", "p", "q"}
}

// writeTables writes <modality>.tsv, .details.tsv and .groups.tsv, largest mean |A| first.
func (e *explanation) writeTables(dir string, p *part) error {
	base := filepath.Join(dir, url.PathEscape(p.name))
	order := p.order()
	lines, details := [][]string{tableHead()}, [][]string{{"feature", "trait", "other_allele", "share_positive", "correlation", "increase", "increase_low", "increase_high", "residual"}}
	for _, j := range order {
		f := p.features[j]
		chromosome, position := p.placeOf(j)
		pv, qv := tested(p.test, j)
		lines = append(lines, []string{p.names()[j], chromosome, position, at(p.table.Stats().Allele, j), p.unitOf[j], decimal(f.MeanAbs), decimal(f.Mean), decimal(f.SD), decimal(f.Low), decimal(f.High), p.decoyOf(j), pv, qv})
		details = append(details, append([]string{p.names()[j], at(p.traits, j), at(p.table.Stats().Other, j), decimal(f.Positive), decimal(f.Correlation)}, increase(p.test, j)...))
	}
	if err := writePublic(base+".tsv", lines); err != nil {
		return err
	}
	if err := writePublic(base+".details.tsv", details); err != nil {
		return err
	}
	return writePublic(base+".groups.tsv", append([][]string{tableHead()}, p.groupLines()...))
}

// order returns the features from the largest mean |A| on.
func (p *part) order() []int {
	v := make([]float64, len(p.features))
	for j, f := range p.features {
		v[j] = f.MeanAbs
	}
	return rank.Largest(v)
}

// groupLines are the lines of units and, where features have places, of chromosomes: in column group stands what they are.
func (p *part) groupLines() [][]string {
	v := make([]float64, len(p.groups))
	for u, g := range p.groups {
		v[u] = g.MeanAbs
	}
	var out [][]string
	for _, u := range rank.Largest(v) {
		g := p.groups[u]
		chromosome, position, allele, mean, sd := "NA", "NA", "NA", math.NaN(), math.NaN()
		if g.Feature >= 0 {
			chromosome, position = p.placeOf(g.Feature)
			allele, mean, sd = at(p.table.Stats().Allele, g.Feature), p.features[g.Feature].Mean, p.features[g.Feature].SD
		}
		pv, qv := tested(p.groupTest, u)
		out = append(out, []string{p.units[u].Name, chromosome, position, allele, p.grouping, decimal(g.MeanAbs), decimal(mean), decimal(sd), decimal(g.Low), decimal(g.High), p.decoyOfUnit(u), pv, qv})
	}
	return append(out, p.chromosomeLines()...)
}

// chromosomeLines are a line for each chromosome: the feature with the largest mean |A| stands for it.
func (p *part) chromosomeLines() [][]string {
	if p.places == nil {
		return nil
	}
	seen := map[string]bool{}
	var out [][]string
	for _, j := range p.order() {
		c := genome.Chromosome(p.places[j].Chromosome)
		if seen[c] {
			continue
		}
		seen[c] = true
		chromosome, position := p.placeOf(j)
		f := p.features[j]
		out = append(out, []string{"chromosome " + c, chromosome, position, at(p.table.Stats().Allele, j), "chromosome", decimal(f.MeanAbs), decimal(f.Mean), decimal(f.SD), decimal(f.Low), decimal(f.High), "NA", "NA", "NA"})
	}
	return out
}

// placeOf returns the chromosome and position of a feature, NA where it has none.
func (p *part) placeOf(j int) (chromosome, position string) {
	if p.places == nil || p.places[j].Chromosome == "" {
		return "NA", "NA"
	}
	return genome.Chromosome(p.places[j].Chromosome), strconv.Itoa(p.places[j].Position)
}

// tested returns p and q of a unit.
func tested(r *heldout.Result, u int) (p, q string) {
	if r == nil {
		return "NA", "NA"
	}
	return decimal(r.Units[u].P), decimal(r.Q[u])
}

// increase returns what exchanging a unit does to the loss, in nats, its interval, and whether residuals were exchanged.
func increase(r *heldout.Result, u int) []string {
	if r == nil {
		return []string{"NA", "NA", "NA", "NA"}
	}
	return []string{decimal(r.Units[u].Mean), decimal(r.Units[u].Low), decimal(r.Units[u].High), strconv.FormatBool(r.Residual[u])}
}

// at returns an element, NA where there is none or it is empty.
func at(list []string, j int) string {
	if j >= len(list) || list[j] == "" {
		return "NA"
	}
	return list[j]
}

// decimal writes a number, NA where there is none.
func decimal(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "NA"
	}
	return strconv.FormatFloat(v, 'g', 9, 64)
}

// writePublic writes a table without ids.
func writePublic(path string, lines [][]string) error {
	return folder.WriteFile(path, 0o644, func(w io.Writer) error { return writeFields(w, lines) })
}

// A summary is explain.json.
type summary struct {
	Version      string                     `json:"version"`
	Checkpoint   string                     `json:"checkpoint_sha256"` // its first digits
	Persons      int                        `json:"persons"`
	Reference    int                        `json:"reference"`
	Of           string                     `json:"of"`
	Methods      []string                   `json:"methods"`
	Baseline     string                     `json:"baseline"`
	Seed         uint64                     `json:"seed"`
	Precision    string                     `json:"precision"`
	Modalities   map[string]modalitySummary `json:"modalities"`
	Completeness map[string]map[string]gap  `json:"completeness"` // relative gaps, by modality and method
	FDR          float64                    `json:"fdr"`
	Discoveries  map[string]int             `json:"discoveries"` // features at FDR
	Groups       map[string]int             `json:"group_discoveries"`
	Decoys       map[string]int             `json:"decoy_discoveries,omitempty"` // groups, of --decoys
	Agreement    map[string][][]maybe       `json:"agreement"`                   // of methods, by modality
	Caveat       string                     `json:"caveat"`
	Notes        []string                   `json:"notes,omitempty"`
}

type modalitySummary struct {
	Persons   int    `json:"persons"`
	Reference int    `json:"reference"`
	Features  int    `json:"features"`
	Grouping  string `json:"grouping"`
	Groups    int    `json:"groups"`
	Build     string `json:"build,omitempty"`
}

type gap struct {
	Median maybe `json:"median"`
	Worst  maybe `json:"worst"`
}

// maybe is a number, null where it is not finite.
type maybe float64

// MarshalJSON writes null for what JSON has no number for.
func (m maybe) MarshalJSON() ([]byte, error) {
	if v := float64(m); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(m))
}

// gapOf returns median and worst of gaps.
func gapOf(gaps []float64) gap {
	s := slices.Sorted(slices.Values(gaps))
	if len(s) == 0 {
		return gap{maybe(math.NaN()), maybe(math.NaN())}
	}
	return gap{maybe((s[(len(s)-1)/2] + s[len(s)/2]) / 2), maybe(s[len(s)-1])}
}

func (e *explanation) summary() summary {
	s := summary{Version: version, Checkpoint: e.digest(), Persons: len(e.persons), Reference: len(e.reference), Of: e.set.of.String(), Baseline: e.set.Baseline, Seed: e.set.Seed, Precision: e.precision(),
		FDR: e.set.FDR, Caveat: notAttribution, Notes: e.notes, Modalities: map[string]modalitySummary{}, Completeness: map[string]map[string]gap{}, Discoveries: map[string]int{}, Groups: map[string]int{}, Decoys: map[string]int{}, Agreement: map[string][][]maybe{}}
	for _, m := range e.set.methods {
		s.Methods = append(s.Methods, m.String())
	}
	for _, p := range e.parts {
		s.Modalities[p.name] = modalitySummary{len(p.persons), len(p.reference), len(p.names()), p.grouping, len(p.units), string(p.build)}
		s.Completeness[p.name], s.Discoveries[p.name], s.Groups[p.name] = map[string]gap{}, discoveries(p.test), discoveries(p.groupTest)
		if p.decoys != nil {
			s.Decoys[p.name] = len(p.decoys.Claimed)
		}
		for method, g := range p.gaps {
			s.Completeness[p.name][method] = gapOf(g)
		}
		for _, row := range p.agreement {
			var r []maybe
			for _, v := range row {
				r = append(r, maybe(v))
			}
			s.Agreement[p.name] = append(s.Agreement[p.name], r)
		}
	}
	return s
}

func (e *explanation) writeSummary(_ context.Context, dir string) error {
	return folder.WriteFile(filepath.Join(dir, "explain.json"), 0o644, func(w io.Writer) error {
		j := json.NewEncoder(w)
		j.SetIndent("", "  ")
		return j.Encode(e.summary())
	})
}

// conclude says what was found.
func (e *explanation) conclude() {
	for _, p := range e.parts {
		for _, l := range append(e.conclusions(p), p.notes...) {
			e.say("%s: %s", p.name, l)
		}
	}
	e.say("%s", notAttribution)
	e.say("report: %s", filepath.Join(e.set.Out, reportName))
}

// conclusions are what is said of a modality: completeness, discoveries.
func (e *explanation) conclusions(p *part) []string {
	var out []string
	for _, m := range e.set.methods {
		if g, ok := p.gaps[m.String()]; ok {
			x := gapOf(g)
			out = append(out, fmt.Sprintf("completeness gap of %s: median %.2g, worst %.2g of |f(x) - f(baseline)|, %d persons", m, float64(x.Median), float64(x.Worst), len(g)))
		}
	}
	if p.test != nil {
		out = append(out, fmt.Sprintf("%d of %d features are used by this network at q <= %g (held-out test of %d persons)", discoveries(p.test), len(p.names()), e.set.FDR, p.test.Persons))
	}
	if p.groupTest != nil && p.grouping != "feature" {
		out = append(out, fmt.Sprintf("%d of %d groups (by %s) are used by this network at q <= %g (held-out test)", discoveries(p.groupTest), len(p.units), p.grouping, e.set.FDR))
	}
	if p.decoys != nil {
		out = append(out, fmt.Sprintf("%d of %d groups (by %s) are claimed to be associated with the images at q <= %g (%d trainings with decoys)", len(p.decoys.Claimed), len(p.units), p.grouping, e.set.FDR, len(p.decoys.W)))
		if p.decoys.Note != "" {
			out = append(out, "W904: "+p.decoys.Note)
		}
	}
	return out
}
