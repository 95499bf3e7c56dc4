package synth

import (
	"fmt"
	"math"
	"slices"
)

// The properties of an image, indices into a person's traits.
const (
	hue = iota
	pigment
	saturation
	discSize
	cupRatio
	discHeight
	vesselWidth
	vesselDensity
	macula
	gradient
	tessellation
	vignette
	haze
	exudates
	traitCount
)

// liabilityR2 is the share of a trait's variance that its liability explains at effect 1.
const liabilityR2 = 0.96

// scoreR2 is the share of a score's variance that the polygenic sum explains.
const scoreR2 = 0.95

// commonMAF and geneticsSNPs choose causal SNPs: common ones, so many per property.
const (
	commonMAF   = 0.1
	causalSNPs  = 6
	hiddenSNPs  = 300 // simulated where none are to be written, for scores and traits to rest on
	causalGenes = 5
)

// A property is one thing to be seen in an image, and what moves it.
type property struct {
	name, shows string
	burden      float64 // share of genes in the genetic liability
	covariate   int     // index of the covariate that moves it instead of genetics, or -1
}

func properties() [traitCount]property {
	return [traitCount]property{
		hue:           {"hue", "colour of the fundus, from red to orange", 0.05, -1},
		pigment:       {"pigment", "darkness of the fundus", 0.05, -1},
		saturation:    {"saturation", "blue in the colour of the fundus", 0.7, -1},
		discSize:      {"disc_size", "radius of the optic disc", 0.05, -1},
		cupRatio:      {"cup_ratio", "radius of the cup over that of the disc", 0.05, -1},
		discHeight:    {"disc_height", "position of the disc, from top to bottom", 0.05, -1},
		vesselWidth:   {"vessel_width", "width of arteries and veins", 0.05, -1},
		vesselDensity: {"vessel_density", "number of branches of the vessels", 0.05, -1},
		macula:        {"macula", "darkness of the macula", 0.05, -1},
		gradient:      {"gradient", "illumination, from top to bottom", 0.7, -1},
		tessellation:  {"tessellation", "contrast of the choroidal pattern", 0.05, -1},
		vignette:      {"vignette", "darkness towards the rim", 0.7, -1},
		haze:          {"haze", "clouding by the lens", 0, 0},
		exudates:      {"exudates", "number of yellow spots", 0, 3},
	}
}

// A driver is one cause of a property: the column of its table, and its weight on the standardised scale.
type driver struct {
	index  int
	weight float64
}

// A world is a cohort before it is written.
type world struct {
	o          Options
	geno       genotypes
	people     []person
	scores     []score
	genes      []column
	covariates []column
	traits     [][]float64          // [person][property]
	snps       [traitCount][]driver // by property
	carriers   [traitCount][]driver
	progress   func(done, images int) // nil: nobody wants to know
}

// A column is one feature of a wide table.
type column struct {
	name   string
	values []float64 // by person
	format string    // of fmt, one value
}

// A score is one polygenic score.
type score struct {
	name     string
	property int       // or idle
	values   []float64 // by person
}

func newWorld(o Options) (*world, error) {
	w := &world{o: o}
	var err error
	switch {
	case o.BFile != "":
		if w.geno, w.people, err = readBFile(o.BFile, o.Persons); err != nil {
			return nil, err
		}
		w.o.Persons, w.o.SNPs = len(w.people), len(w.geno.snps)
	case o.SNPs > 0:
		w.geno, w.people = simulateGenotypes(o, o.SNPs), simulatePersons(o)
	default:
		w.geno, w.people = simulateGenotypes(o, hiddenSNPs), simulatePersons(o)
	}
	w.genes, w.covariates = simulateGenes(w.o), simulateCovariates(w.o, w.people)
	w.plant()
	w.geno.loseCalls(o.Seed, o.MissingCalls)
	return w, nil
}

// plant chooses what drives each property and computes the traits and scores that follow.
func (w *world) plant() {
	n := len(w.people)
	w.traits = make([][]float64, n)
	for i := range w.traits {
		w.traits[i] = make([]float64, traitCount)
	}
	pool, polygenic := w.causalPool(), make([][]float64, traitCount)
	for k, p := range properties() {
		liability := make([]float64, n)
		if p.covariate < 0 {
			polygenic[k] = w.polygenic(k, pool)
			liability = w.liability(k, p, polygenic[k])
		} else if p.covariate < len(w.covariates) {
			liability = slices.Clone(w.covariates[p.covariate].values)
			standardise(liability)
		}
		w.express(k, liability)
	}
	w.plantScores(polygenic)
}

// express turns a liability into the trait of each person.
func (w *world) express(k int, liability []float64) {
	r := stream(w.o.Seed, "trait noise", k)
	a := w.o.Effect * math.Sqrt(liabilityR2)
	for i, v := range liability {
		w.traits[i][k] = a*v + math.Sqrt(1-a*a)*r.NormFloat64()
	}
}

// causalPool returns SNPs in random order, the common ones first.
func (w *world) causalPool() []int {
	var common, other []int
	for _, j := range stream(w.o.Seed, "causal SNPs", 0).Perm(len(w.geno.snps)) {
		if _, maf := w.geno.standardised(j); maf >= commonMAF {
			common = append(common, j)
		} else if maf > 0 {
			other = append(other, j)
		}
	}
	return append(common, other...)
}

// polygenic returns the standardised weighted sum of a property's SNPs, and notes them.
func (w *world) polygenic(k int, pool []int) []float64 {
	r, sum := stream(w.o.Seed, "SNP weights", k), make([]float64, len(w.people))
	for c := range min(causalSNPs, len(pool)) {
		j := pool[(k*causalSNPs+c)%len(pool)]
		weight := signedWeight(r.Float64())
		x, _ := w.geno.standardised(j)
		for i := range sum {
			sum[i] += weight * x[i]
		}
		w.snps[k] = append(w.snps[k], driver{j, weight})
	}
	standardise(sum)
	return sum
}

// signedWeight maps [0, 1) to a weight of size 0.6 to 1.4 and either sign.
func signedWeight(u float64) float64 {
	if u < 0.5 {
		return -(0.6 + 1.6*u)
	}
	return 0.6 + 1.6*(u-0.5)
}

func (w *world) liability(k int, p property, polygenic []float64) []float64 {
	if w.o.Genes == 0 {
		return polygenic
	}
	r, sum := stream(w.o.Seed, "gene weights", k), make([]float64, len(w.people))
	for c := range min(causalGenes, w.o.Genes) {
		g := (k*causalGenes + c) % w.o.Genes
		weight := signedWeight(r.Float64())
		x := slices.Clone(w.genes[g].values)
		standardise(x)
		for i := range sum {
			sum[i] += weight * x[i]
		}
		w.carriers[k] = append(w.carriers[k], driver{g, weight})
	}
	standardise(sum)
	for i := range sum {
		sum[i] = math.Sqrt(1-p.burden)*polygenic[i] + math.Sqrt(p.burden)*sum[i]
	}
	return sum
}

// plantScores gives the genetic properties scores in turn, each a polygenic sum with an error of its own.
func (w *world) plantScores(polygenic [][]float64) {
	var genetic []int
	for k, p := range polygenic {
		if p != nil {
			genetic = append(genetic, k)
		}
	}
	for s := range w.o.Scores {
		k := genetic[s%len(genetic)]
		r, values := stream(w.o.Seed, "score", s), make([]float64, len(w.people))
		for i := range values {
			values[i] = math.Sqrt(scoreR2)*polygenic[k][i] + math.Sqrt(1-scoreR2)*r.NormFloat64()
		}
		w.scores = append(w.scores, score{scoreName(s), k, values})
	}
	w.addIdleScores()
}

// scoreName is no id of the PGS Catalog, whose PGS000001 is a published score.
func scoreName(s int) string { return fmt.Sprintf("SYN%06d", s+1) }

// idle is the property of a score that has none.
const idle = -1

// addIdleScores adds scores of traits that no image shows. Where they overlap with the others, each is correlated with one of
// these in turn and, given it, independent of the images.
func (w *world) addIdleScores() {
	own := math.Sqrt(1 - w.o.IdleOverlap*w.o.IdleOverlap)
	for s := range w.o.IdleScores {
		values := normals(stream(w.o.Seed, "idle score", s), len(w.people))
		if w.o.IdleOverlap > 0 {
			for i, v := range w.scores[s%w.o.Scores].values {
				values[i] = w.o.IdleOverlap*v + own*values[i]
			}
		}
		w.scores = append(w.scores, score{scoreName(w.o.Scores + s), idle, values})
	}
}

// simulateGenes draws carriers of rare variants: 2 to 15 per cent of the persons, gene by gene.
func simulateGenes(o Options) []column {
	genes := make([]column, o.Genes+o.IdleGenes)
	for g := range genes {
		r := stream(o.Seed, "gene", g)
		rate := 0.02 * math.Pow(7.5, r.Float64())
		values := make([]float64, o.Persons)
		for i := range values {
			if r.Float64() < rate {
				values[i] = 1
			}
		}
		genes[g] = column{fmt.Sprintf("GENE%04d", g+1), values, "%.0f"}
	}
	return genes
}

// simulateCovariates draws columns with the means and spreads of a cohort of the middle-aged; sex is the .fam's.
func simulateCovariates(o Options, people []person) []column {
	known := []struct {
		name     string
		mean, sd float64
		format   string
	}{{"age", 56.5, 8.1, "%.1f"}, {"sex", 0, 0, "%.0f"}, {"bmi", 27.4, 4.8, "%.1f"}, {"hba1c", 36.1, 6.5, "%.1f"},
		{"systolic", 139, 19, "%.0f"}, {"height", 168.5, 9.3, "%.1f"}}
	columns := make([]column, o.Covariates)
	for c := range columns {
		k := known[0]
		k.name, k.mean, k.sd, k.format = fmt.Sprintf("PC%d", c-len(known)+1), 0, 1, "%.4f"
		if c < len(known) {
			k = known[c]
		}
		values := normals(stream(o.Seed, "covariate", c), len(people))
		for i := range values {
			values[i] = k.mean + k.sd*values[i]
			if k.name == "sex" {
				values[i] = float64(people[i].sex % 2)
			}
		}
		columns[c] = column{k.name, values, k.format}
	}
	return columns
}
