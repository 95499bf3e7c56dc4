package synth

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Sections of data.toml that Write makes, which are the keys of Options.Missing.
const (
	sectionSNPs       = "snps"
	sectionScores     = "pgs"
	sectionGenes      = "burden"
	sectionCovariates = "covariates"
)

// Options say how large a cohort is and what is planted in it. The same Options give the same bytes.
type Options struct {
	Persons         int                // at least 2; with BFile the first so many of its people, 0 for all
	ImagesPerPerson int                // 1: one eye; 2: both; more: both eyes at further visits
	ImageSize       int                // side of the square images in pixels
	SNPs            int                // 0 leaves [snps] out; with BFile its SNPs are taken and this is ignored
	Scores          int                // polygenic scores; 0 leaves [pgs] out
	Genes           int                // 0 leaves [burden] out
	IdleScores      int                // further scores that drive nothing, behind the others
	IdleOverlap     float64            // correlation of each of them with one of Scores, beside which it says nothing of the images; 0: of none
	IdleGenes       int                // further genes that drive nothing, behind the others
	Covariates      int                // columns; 0 leaves [covariates] out
	Missing         map[string]float64 // by section of data.toml: the share of persons without it
	MissingCalls    float64            // the share of genotype calls that are missing
	Effect          float64            // 0: images independent of genetics; 1: traits follow genetics closely
	Seed            uint64
	BFile           string // PREFIX of a .bed, .bim and .fam to plant the effects on; "" simulates genotypes
	Masks           bool   // write where the disc and the vessels are: masks.tsv
}

// DefaultDemo returns the cohort that a first run trains on: drawn in seconds, learned in minutes.
func DefaultDemo() Options {
	return Options{Persons: 900, ImagesPerPerson: 2, ImageSize: 64, SNPs: 400, Scores: 24, Genes: 60, Covariates: 6,
		Missing:      map[string]float64{sectionSNPs: 0.05, sectionScores: 0.05, sectionGenes: 0.05, sectionCovariates: 0.05},
		MissingCalls: 0.005, Effect: 1, Seed: 1}
}

// Validate reports the first option that makes no cohort.
func (o *Options) Validate() error {
	for _, c := range []struct {
		name       string
		value, min int
	}{{"persons", o.Persons, o.minPersons()}, {"images per person", o.ImagesPerPerson, 1}, {"image size", o.ImageSize, 8},
		{"SNPs", o.SNPs, 0}, {"scores", o.Scores, 0}, {"genes", o.Genes, 0}, {"covariates", o.Covariates, 0},
		{"idle scores", o.IdleScores, 0}, {"idle genes", o.IdleGenes, 0}} {
		if c.value < c.min {
			return fmt.Errorf("synth: %s: %d, want at least %d", c.name, c.value, c.min)
		}
	}
	if o.BFile == "" && o.SNPs+o.Scores+o.Genes+o.Covariates+o.IdleScores+o.IdleGenes == 0 {
		return fmt.Errorf("synth: no SNPs, scores, genes or covariates: nothing to learn from")
	}
	if !(o.Effect >= 0 && o.Effect <= 1) {
		return fmt.Errorf("synth: effect %g, want 0 to 1", o.Effect)
	}
	if !(o.IdleOverlap >= 0 && o.IdleOverlap < 1) {
		return fmt.Errorf("synth: overlap of idle scores %g, want at least 0 and less than 1", o.IdleOverlap)
	}
	if o.IdleOverlap > 0 && (o.Scores == 0 || o.IdleScores == 0) {
		return fmt.Errorf("synth: an overlap of idle scores with others: want scores of both kinds, found %d idle and %d others", o.IdleScores, o.Scores)
	}
	return o.validateRates()
}

func (o *Options) minPersons() int {
	if o.BFile != "" {
		return 0
	}
	return fewestPersons
}

func (o *Options) validateRates() error {
	if !(o.MissingCalls >= 0 && o.MissingCalls < 1) {
		return fmt.Errorf("synth: rate of missing calls %g, want at least 0 and less than 1", o.MissingCalls)
	}
	known := []string{sectionSNPs, sectionScores, sectionGenes, sectionCovariates}
	for _, name := range slices.Sorted(maps.Keys(o.Missing)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("synth: missing rate of %q: want one of %s", name, strings.Join(known, ", "))
		}
		if r := o.Missing[name]; !(r >= 0 && r <= 1) {
			return fmt.Errorf("synth: missing rate of %s is %g, want 0 to 1", name, r)
		}
	}
	return nil
}

// A Summary counts what Write made.
type Summary struct {
	Dir                           string
	Persons, Images               int
	SNPs, Scores, Genes           int
	Covariates                    int
	With                          map[string]int // by section of data.toml: the persons that have it
	Manifest, DataTOML, TruthJSON string         // paths
}
