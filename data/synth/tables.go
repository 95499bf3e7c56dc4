package synth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// writeTable writes a wide table, person_id first, with the persons of the given rows.
func (w *world) writeTable(path string, columns []column, rows []int) error {
	var b bytes.Buffer
	b.WriteString("person_id")
	for _, c := range columns {
		b.WriteString("\t" + c.name)
	}
	b.WriteByte('\n')
	for _, i := range rows {
		b.WriteString(w.people[i].iid)
		for _, c := range columns {
			fmt.Fprintf(&b, "\t"+c.format, c.values[i])
		}
		b.WriteByte('\n')
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// writeScores writes one .sscore file per score, as plink2 --score does: SCORE1_AVG is the sum over alleles divided
// by their number.
func (w *world) writeScores(dir string, rows []int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, s := range w.scores {
		counts, dosages := w.alleleCounts(w.variantsOf(s))
		var b bytes.Buffer
		b.WriteString("#FID\tIID\tALLELE_CT\tNAMED_ALLELE_DOSAGE_SUM\tSCORE1_AVG\n")
		for _, i := range rows {
			p := w.people[i]
			average := s.values[i] / float64(max(counts[i], 1))
			fmt.Fprintf(&b, "%s\t%s\t%d\t%d\t%.6g\n", p.fid, p.iid, counts[i], dosages[i], average)
		}
		if err := os.WriteFile(filepath.Join(dir, s.name+".sscore"), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// variantsOf returns the SNPs that a score says it is a sum of: its property's, or the first ones where it has none.
func (w *world) variantsOf(s score) []driver {
	if s.property != idle {
		return w.snps[s.property]
	}
	first := make([]driver, min(causalSNPs, len(w.geno.snps)))
	for j := range first {
		first[j].index = j
	}
	return first
}

// alleleCounts returns per person twice the number of a score's SNPs, as after imputation, and the copies of
// the named alleles among the calls.
func (w *world) alleleCounts(variants []driver) (counts, dosages []int) {
	counts, dosages = make([]int, len(w.people)), make([]int, len(w.people))
	for _, d := range variants {
		for i, c := range w.geno.calls[d.index] {
			counts[i] += 2
			if c != missingCall {
				dosages[i] += int(c)
			}
		}
	}
	return counts, dosages
}

// phenotypes follow the traits that images show, with noise of their own.
func (w *world) phenotypes() []column {
	out := []column{{name: "glaucoma", format: "%.0f"}, {name: "spherical_equivalent", format: "%.2f"},
		{name: "intraocular_pressure", format: "%.1f"}, {name: "pulse_pressure", format: "%.0f"}}
	for c := range out {
		out[c].values = make([]float64, len(w.people))
	}
	r := stream(w.o.Seed, "phenotypes", 0)
	for i, t := range w.traits {
		if t[cupRatio]+0.5*r.NormFloat64() > 1.2 {
			out[0].values[i] = 1
		}
		out[1].values[i] = -0.3 + 1.6*t[discSize] + 0.9*r.NormFloat64()
		out[2].values[i] = 15.6 + 2.2*t[cupRatio] + 2.4*r.NormFloat64()
		out[3].values[i] = math.Round(55 - 8*t[vesselWidth] + 7*r.NormFloat64())
	}
	return out
}

// writeDataTOML names what was written, a section each.
func (w *world) writeDataTOML(path string) error {
	var b bytes.Buffer
	b.WriteString("# The genetic sources of this cohort. Paths are relative to this file.\n")
	if w.o.SNPs > 0 {
		b.WriteString("\n[snps]\nfiles = [\"cohort\"]\nselect = {every = 1}\ncount = \"a1\"\nimpute = \"mean\"\nstandardize = \"2pq\"\n")
	}
	if len(w.scores) > 0 {
		b.WriteString("\n[pgs]\nsscore = \"pgs/*.sscore\"\n")
	}
	if len(w.genes) > 0 {
		b.WriteString("\n[burden]\ntable = \"burden.tsv\"\n")
	}
	if len(w.covariates) > 0 {
		b.WriteString("\n[covariates]\ntable = \"covariates.tsv\"\n")
	}
	b.WriteString("\n[split]\ntrain = 0.7\nval = 0.1\ntest = 0.2\nseed = 42\n")
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// The form of truth.json.
type (
	truth struct {
		Seed       uint64          `json:"seed"`
		Effect     float64         `json:"effect"`
		Persons    int             `json:"persons"`
		Properties []truthProperty `json:"properties"`
	}
	truthProperty struct {
		Name       string       `json:"name"`
		Shows      string       `json:"shows"`
		R2         float64      `json:"r2"`           // of the trait with its liability
		Burden     float64      `json:"burden_share"` // of the liability
		SNPs       []truthCause `json:"snps"`
		Genes      []truthCause `json:"genes"`
		Scores     []truthCause `json:"scores"`
		Covariates []truthCause `json:"covariates"`
	}
	truthCause struct {
		Name   string  `json:"name"`
		Allele string  `json:"allele,omitempty"`
		Weight float64 `json:"weight"` // per standard deviation
		R2     float64 `json:"r2"`     // of the trait with this alone, in this cohort
	}
)

// writeTruth writes what drives each property; nothing does at effect 0.
func (w *world) writeTruth(path string) error {
	out := truth{Seed: w.o.Seed, Effect: w.o.Effect, Persons: len(w.people)}
	for k, p := range properties() {
		t := truthProperty{Name: p.name, Shows: p.shows, SNPs: []truthCause{}, Genes: []truthCause{}, Scores: []truthCause{}, Covariates: []truthCause{}}
		if w.o.Effect > 0 {
			w.causes(&t, k, p)
		}
		out.Properties = append(out.Properties, t)
	}
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// causes fills in what drives property k.
func (w *world) causes(t *truthProperty, k int, p property) {
	trait := w.trait(k)
	for _, d := range w.snps[k] {
		x, _ := w.geno.standardised(d.index)
		t.SNPs = append(t.SNPs, truthCause{w.geno.snps[d.index].id, w.geno.snps[d.index].a1, d.weight, r2(trait, x)})
	}
	for _, d := range w.carriers[k] {
		t.Genes = append(t.Genes, truthCause{w.genes[d.index].name, "", d.weight, r2(trait, w.genes[d.index].values)})
	}
	for _, s := range w.scores {
		if s.property == k {
			t.Scores = append(t.Scores, truthCause{s.name, "", 1, r2(trait, s.values)})
		}
	}
	if c := p.covariate; c >= 0 && c < len(w.covariates) {
		t.Covariates = append(t.Covariates, truthCause{w.covariates[c].name, "", 1, r2(trait, w.covariates[c].values)})
	}
	if len(t.SNPs)+len(t.Covariates) > 0 {
		t.R2 = w.o.Effect * w.o.Effect * liabilityR2
	}
	if len(t.Genes) > 0 {
		t.Burden = p.burden
	}
}

// trait returns one property's trait of every person.
func (w *world) trait(k int) []float64 {
	out := make([]float64, len(w.traits))
	for i, t := range w.traits {
		out[i] = t[k]
	}
	return out
}

// r2 returns the squared correlation of a and b, rounded to what a reader needs; 0 where one is constant.
func r2(a, b []float64) float64 {
	a, b = append([]float64(nil), a...), append([]float64(nil), b...)
	standardise(a)
	standardise(b)
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	sum /= float64(len(a))
	return math.Round(sum*sum*1e4) / 1e4
}
