package report

import (
	"encoding/xml"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// explainedSample has one modality along the genome, one without places, names to be escaped, and pictures.
func explainedSample() Explained {
	r := rand.New(rand.NewPCG(1, 2))
	snps := Modality{Name: "snps <b>", Persons: 164, Null: "Null.", Grouping: "gene", Dot: "A dot is the mean of 5 persons.", Methods: []string{"ig", "deeplift"}, Agreement: [][]float64{{1, 0.93}, {0.93, 1}}}
	for c := 1; c <= 22; c++ {
		name := string(rune('0'+c/10)) + string(rune('0'+c%10))
		name = strings.TrimPrefix(name, "0")
		snps.Chromosomes = append(snps.Chromosomes, Chromosome{name, 250000000 - 9000000*c})
		for k := range 20 {
			v := 0.001 * r.ExpFloat64()
			snps.Features = append(snps.Features, Ranked{Name: "rs" + name + strings.Repeat("7", k%4+3), Chromosome: name, Position: 1 + r.IntN(250000000-9000000*c), MeanAbs: v, Mean: v - 0.001, Low: 0.8 * v, High: 1.2 * v, P: math.NaN(), Q: math.NaN()})
		}
	}
	slices.SortFunc(snps.Features, func(a, b Ranked) int {
		if a.MeanAbs > b.MeanAbs {
			return -1
		}
		return 1
	})
	for i := range 12 {
		snps.Features[i].P, snps.Features[i].Q = 1e-5*float64(i+1), 0.01*float64(i+1)
	}
	snps.Groups = []Ranked{{Name: "GENE1", Chromosome: "1", Position: 5, MeanAbs: 0.01, Low: math.NaN(), High: math.NaN(), P: 0.01, Q: 0.04}}
	gaps := Gaps{Method: "ig", Allowed: 0.01}
	for _, f := range snps.Features[:20] {
		s := Swarm{Name: f.Name}
		for range 60 {
			v := float64(r.IntN(3)) - 1
			s.Value, s.Score = append(s.Value, v), append(s.Score, v*f.MeanAbs+0.0005*r.NormFloat64())
		}
		snps.Swarm = append(snps.Swarm, s)
	}
	for range 164 {
		gaps.Values = append(gaps.Values, math.Exp(-7+r.NormFloat64()))
	}
	snps.Gaps = []Gaps{gaps, {Method: "deeplift", Values: []float64{0, 1e-12, math.NaN()}}}
	scores := Modality{Name: "scores", Persons: 3, Features: []Ranked{{Name: "PGS000001", Trait: "Height <at> 20", MeanAbs: math.NaN(), Low: math.NaN(), High: math.NaN(), P: math.NaN(), Q: math.NaN()}}}
	return Explained{Title: "a <run>", Summary: []string{"164 persons explained."}, Caveat: "An attribution is not a cause.", Meaning: "Positive makes the match worse.", FDR: 0.1, Build: "GRCh38",
		Modalities: []Modality{snps, scores}, Pictures: []Picture{{"person 1, <snps>", image.NewRGBA(image.Rect(0, 0, 8, 8))}}, Settings: "seed = 1"}
}

// TestExplainedPage: the page is whole, escapes names, needs nothing from outside, and its drawings are well-formed. CONTIG_REPORT keeps it, to be looked at.
func TestExplainedPage(t *testing.T) {
	var b strings.Builder
	if err := WriteExplained(&b, explainedSample()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"a &lt;run&gt;", "snps &lt;b&gt;", "Height &lt;at&gt; 20", "An attribution is not a cause.", "data:image/png;base64,", "GENE1", "deeplift", "q ≤ 0.1", "prefers-color-scheme:dark"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"http://", "https://", "<script", "<link", "NaN", "Inf"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	drawings := strings.Split(page, "<svg")
	if len(drawings) < 6 {
		t.Errorf("%d drawings", len(drawings)-1)
	}
	for _, d := range drawings[1:] {
		svg := "<svg" + d[:strings.Index(d, "</svg>")] + "</svg>"
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%v in %.200s", err, svg)
		}
	}
	if path := os.Getenv("CONTIG_REPORT"); path != "" {
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExplainedOfNothing: a modality without features, a genome without points and gaps that are not finite draw nothing, and no division by zero.
func TestExplainedOfNothing(t *testing.T) {
	var b strings.Builder
	m := Modality{Name: "m", Chromosomes: []Chromosome{{"1", 100}}, Gaps: []Gaps{{Method: "ig", Values: []float64{math.NaN()}}}, Swarm: []Swarm{{Name: "x", Value: []float64{1}, Score: []float64{0}}}}
	if err := WriteExplained(&b, Explained{Modalities: []Modality{m}}); err != nil || strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Errorf("%v: %s", err, b.String())
	}
}
