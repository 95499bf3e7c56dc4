package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/heldout"
	"contig-gpu/model/explain/rank"
)

// What the report's swarm shows.
const (
	swarmFeatures = 20
	swarmDots     = 400 // at most, of a feature
	leastPersons  = 5   // whose mean a dot is where single participants are not to be seen
)

// writeReport writes report.html. It holds no ids, and values of single persons only where none is a participant or --pictures is given.
func (e *explanation) writeReport(_ context.Context, dir string) error {
	page := report.Explained{Title: "contig-gpu explain", Summary: e.sentences(), Caveat: notAttribution, Meaning: meaning(e.set.of, e.set.base), FDR: e.set.FDR, Notes: e.notes}
	single := e.set.Pictures || drawn(e.explainedImages())
	page.Pictures, page.NoPictures = e.gallery()
	page.Legend = e.legend()
	for i, p := range e.parts {
		m, err := e.modality(i, p, single)
		if err != nil {
			return err
		}
		page.Modalities = append(page.Modalities, m)
		if p.places != nil {
			if page.Build = string(p.build); p.build == genome.Unknown {
				page.Build = "unknown (the positions fit both GRCh37 and GRCh38, or neither); the axis is as long as the data reach"
			}
		}
	}
	settings, err := json.MarshalIndent(e.shown(), "", "  ")
	if err != nil {
		return err
	}
	page.Settings = string(settings)
	return folder.WriteFile(filepath.Join(dir, reportName), 0o644, func(w io.Writer) error { return report.WriteExplained(w, page) })
}

// explainedImages are the images of all who are explained.
func (e *explanation) explainedImages() (out []data.Image) {
	for _, p := range e.persons {
		for _, i := range e.cohort.Persons[p].Images {
			out = append(out, e.cohort.Images[i])
		}
	}
	return out
}

// shown are the settings that the report shows: no names of files, which may hold ids.
func (e *explanation) shown() map[string]any {
	s := e.summary()
	return map[string]any{"version": s.Version, "checkpoint_sha256": s.Checkpoint, "persons": e.whose(), "of": s.Of, "methods": s.Methods, "baseline": s.Baseline, "steps": e.set.Steps, "tolerance": e.set.Tolerance,
		"draws": e.set.Draws, "noise": e.set.Noise, "fdr": s.FDR, "seed": s.Seed, "window": e.set.Window, "precision": s.Precision, "device": e.dev.Name()}
}

func (e *explanation) sentences() []string {
	var methods []string
	for _, m := range e.set.methods {
		methods = append(methods, m.String())
	}
	out := []string{fmt.Sprintf("%d persons (%s) explained against a reference batch of %d. Function: %s. Method of the tables: %s, baseline %s.",
		len(e.persons), e.whose(), len(e.reference), e.set.of, methods[0], e.set.Baseline)}
	return append(out, "Precision: "+e.precision()+". Device: "+e.dev.Name()+".")
}

// meaning says what the sign of an attribution means, and against what.
func meaning(of explain.Of, base explain.Baseline) string {
	text := "Positive: the feature's value makes the person's match worse than at the baseline; negative: better."
	if of == explain.Similarity {
		text = "Positive: the feature's value brings the person's image and genetics together; negative: it moves them apart."
	}
	return text + map[explain.Baseline]string{explain.Zero: " The baseline is 0: of centred features the mean of training.", explain.Mean: " The baseline is the mean of the reference.",
		explain.Persons: " The baselines are persons drawn from the reference."}[base]
}

// modality returns a modality as the report shows it.
func (e *explanation) modality(i int, p *part, single bool) (report.Modality, error) {
	m := report.Modality{Name: p.name, Persons: len(p.persons), Grouping: p.grouping, Notes: append(e.conclusions(p), p.notes...), Null: nullUses, Chromosomes: p.axis()}
	order := p.order()
	for _, j := range order {
		m.Features = append(m.Features, p.ranked(j))
	}
	if p.grouping != "feature" {
		m.Groups = p.rankedGroups()
	}
	if p.test != nil && slices.Contains(p.test.Residual, true) {
		m.Null += nullAdds
	}
	if p.decoys != nil {
		m.Claimed, m.ClaimedNull = p.rankedClaims(), nullDecoys
	}
	for _, x := range e.set.methods {
		m.Methods = append(m.Methods, x.String())
		if g, ok := p.gaps[x.String()]; ok {
			allowed := 0.0
			if x != explain.DeepLift && e.set.Steps == 0 {
				allowed = e.set.Tolerance
			}
			m.Gaps = append(m.Gaps, report.Gaps{Method: x.String(), Values: g, Allowed: allowed})
		}
	}
	if len(m.Methods) > 1 {
		m.Agreement = p.agreement
	}
	m.Dot = "A dot is a person."
	if !single {
		m.Dot = fmt.Sprintf("A dot is the mean of %d persons who are next to each other.", leastPersons)
	}
	var err error
	m.Swarm, err = e.swarm(i, order[:min(swarmFeatures, len(order))], single)
	return m, err
}

// ranked returns a feature as the report shows it.
func (p *part) ranked(j int) report.Ranked {
	f := p.features[j]
	r := report.Ranked{Name: p.names()[j], MeanAbs: f.MeanAbs, Mean: f.Mean, Low: f.Low, High: f.High, P: math.NaN(), Q: math.NaN()}
	if p.traits != nil {
		r.Trait = p.traits[j]
	}
	if p.places != nil {
		r.Chromosome, r.Position = genome.Chromosome(p.places[j].Chromosome), p.places[j].Position
	}
	r.P, r.Q = numbersOf(p.test, j)
	return r
}

func (p *part) rankedGroups() []report.Ranked {
	v := make([]float64, len(p.groups))
	for u, g := range p.groups {
		v[u] = g.MeanAbs
	}
	var out []report.Ranked
	for _, u := range rank.Largest(v) {
		g := p.groups[u]
		if g.Feature < 0 {
			continue
		}
		r := p.ranked(g.Feature)
		r.Name, r.Trait, r.MeanAbs, r.Low, r.High = p.units[u].Name, "", g.MeanAbs, g.Low, g.High
		r.P, r.Q = numbersOf(p.groupTest, u)
		out = append(out, r)
	}
	return out
}

// rankedClaims returns the groups that decoys claim, with decoys' q.
func (p *part) rankedClaims() []report.Ranked {
	var out []report.Ranked
	for _, u := range p.decoys.Claimed {
		g := p.groups[u]
		r := p.ranked(g.Feature)
		r.Name, r.Trait, r.MeanAbs, r.Low, r.High = p.units[u].Name, "", g.MeanAbs, g.Low, g.High
		r.P, r.Q = math.NaN(), p.decoys.Q[u]
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b report.Ranked) int { return cmp.Compare(a.Q, b.Q) })
	return out
}

func numbersOf(r *heldout.Result, u int) (p, q float64) {
	if r == nil {
		return math.NaN(), math.NaN()
	}
	return r.Units[u].P, r.Q[u]
}

// axis returns the chromosomes that features lie on, as long as the build says or, where it is not known, as the data reach.
func (p *part) axis() []report.Chromosome {
	reach := map[string]int{}
	for _, x := range p.places {
		if c := genome.Chromosome(x.Chromosome); c != "" && x.Position > 0 {
			reach[c] = max(reach[c], x.Position, p.build.Length(c))
		}
	}
	var out []report.Chromosome
	for c, n := range reach {
		out = append(out, report.Chromosome{Name: c, Length: n})
	}
	slices.SortFunc(out, func(a, b report.Chromosome) int {
		if d := genome.Order(a.Name) - genome.Order(b.Name); d != 0 {
			return d
		}
		return map[bool]int{true: -1, false: 1}[a.Name < b.Name]
	})
	return out
}

// swarm returns the dots of features: of single persons, or means of groups of persons with like attributions.
func (e *explanation) swarm(i int, features []int, single bool) ([]report.Swarm, error) {
	p := e.parts[i]
	out, x := make([]report.Swarm, len(features)), make([]float32, len(p.names()))
	for k, j := range features {
		out[k].Name = p.names()[j]
		if p.traits != nil && p.traits[j] != "" {
			out[k].Name = p.traits[j]
		}
	}
	stride := 1 + (len(p.persons)-1)/swarmDots
	n := 0
	err := e.work.each(i, p.files(), len(x), e.set.methods[0], func(r *record) error {
		if n++; single && n%stride != 0 {
			return nil
		}
		p.table.Row(r.person, x)
		for k, j := range features {
			out[k].Value, out[k].Score = append(out[k].Value, float64(x[j])), append(out[k].Score, float64(r.a[j]))
		}
		return nil
	})
	if !single {
		for k := range out {
			out[k] = merged(out[k])
		}
	}
	return out, err
}

// merged returns dots that are means of at least leastPersons persons each, who are next to each other in attribution.
func merged(s report.Swarm) report.Swarm {
	order := rank.Largest(s.Score)
	n := len(order) / leastPersons
	n = min(n, swarmDots)
	out := report.Swarm{Name: s.Name}
	for k := range n {
		part := order[k*len(order)/n : (k+1)*len(order)/n]
		value, score := 0.0, 0.0
		for _, i := range part {
			value, score = value+s.Value[i], score+s.Score[i]
		}
		out.Value, out.Score = append(out.Value, value/float64(len(part))), append(out.Score, score/float64(len(part)))
	}
	return out
}
