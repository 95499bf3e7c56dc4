package report

import (
	"html/template"
	"image"
	"io"
	"math"
)

// Explained is all that a report of explanations shows. It must hold no ids.
type Explained struct {
	Title      string
	Summary    []string // sentences at the top
	Caveat     string   // what an attribution is not, one sentence
	Meaning    string   // what the sign of an attribution says
	FDR        float64  // false discovery rate of the table of discoveries
	Build      string   // of the genome
	Modalities []Modality
	Pictures   []Picture
	Legend     string // what their colours mean
	NoPictures string // why pictures are missing; "" where none are
	Notes      []string
	Settings   string
}

// A Modality is one table of genetics in a report of explanations.
type Modality struct {
	Name        string
	Persons     int
	Features    []Ranked // largest MeanAbs first
	Groups      []Ranked // likewise; by what they are grouped says Grouping
	Grouping    string
	Chromosomes []Chromosome // of the axis; none where features have no place
	Swarm       []Swarm      // the features of largest MeanAbs, largest first
	Dot         string       // what a dot of the swarm is
	Gaps        []Gaps       // by method
	Methods     []string
	Agreement   [][]float64 // rank correlation of methods, by pair
	Null        string      // what the q-values are about: the null hypothesis, a sentence
	Claimed     []Ranked    // groups that decoys claim; ClaimedNull: by which null hypothesis, "" where there were no decoys
	ClaimedNull string
	Notes       []string
}

// Ranked is a feature or a group with its numbers; NaN where one does not apply.
type Ranked struct {
	Name, Trait string // Trait: in plain words, may be ""
	Chromosome  string
	Position    int
	MeanAbs     float64
	Mean        float64
	Low, High   float64 // interval of MeanAbs
	P, Q        float64
}

// A Chromosome is a stretch of the axis.
type Chromosome struct {
	Name   string
	Length int // base pairs
}

// A Swarm has the dots of a feature.
type Swarm struct {
	Name         string
	Value, Score []float64 // of the feature, standardised; of the attribution
}

// Gaps are the completeness gaps of a method over persons: |sum A - (f(x) - f(b))| / |f(x) - f(b)|.
type Gaps struct {
	Method  string
	Values  []float64
	Allowed float64 // tolerance; 0: none
}

// A Picture is a heat map over an image.
type Picture struct {
	Caption string
	Image   image.Image
}

// shown are how many features the plots and tables of a report have.
const (
	shownBars  = 25
	shownSwarm = 20
	shownFound = 200
)

// WriteExplained writes the page as one HTML document without scripts or references to anything outside.
func WriteExplained(w io.Writer, p Explained) error {
	t, err := template.New("explained").Funcs(template.FuncMap{"num": short, "count": func(n int) string { return grouped(n) }}).Parse(explainedPage)
	if err != nil {
		return err
	}
	var sections []section
	for _, m := range p.Modalities {
		sections = append(sections, m.section(p.FDR))
	}
	var images []image.Image
	for _, x := range p.Pictures {
		images = append(images, x.Image)
	}
	urls, err := embed(images)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Page": p, "Sections": sections, "URLs": urls})
}

// A section is a modality as the page shows it.
type section struct {
	Modality
	Manhattan, Bars, GroupBars, Swarms template.HTML
	Histograms                         []template.HTML
	Found, FoundGroups                 []Ranked
	More, MoreGroups                   int // discoveries beyond those shown
	AnyQ, AnyGroupQ                    bool
}

func (m Modality) section(fdr float64) section {
	s := section{Modality: m}
	if len(m.Chromosomes) > 0 {
		s.Manhattan = template.HTML(manhattan(m.Features, m.Chromosomes, fdr))
	}
	s.Bars = template.HTML(bars(m.Features[:min(shownBars, len(m.Features))], fdr))
	if len(m.Groups) > 0 {
		s.GroupBars = template.HTML(bars(m.Groups[:min(shownBars, len(m.Groups))], fdr))
	}
	if len(m.Swarm) > 0 {
		s.Swarms = template.HTML(swarm(m.Swarm[:min(shownSwarm, len(m.Swarm))]))
	}
	for _, g := range m.Gaps {
		s.Histograms = append(s.Histograms, template.HTML(histogram(g)))
	}
	s.Found, s.More, s.AnyQ = found(m.Features, fdr)
	s.FoundGroups, s.MoreGroups, s.AnyGroupQ = found(m.Groups, fdr)
	return s
}

// found returns those with q at most fdr, in their order, how many more there are than are shown, and whether there is any q.
func found(all []Ranked, fdr float64) (list []Ranked, more int, any bool) {
	for _, r := range all {
		any = any || !math.IsNaN(r.Q)
		if r.Q <= fdr {
			if len(list) == shownFound {
				more++
				continue
			}
			list = append(list, r)
		}
	}
	return list, more, any
}
