package pgs

import (
	"encoding/binary"
	"math"
	"math/bits"

	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

// How a variant is summed.
const (
	hardCalls = iota
	dosages
)

// A slot holds one variant of a block, of the persons who are scored.
type slot struct {
	at      int64 // of the terms that it is for
	kind    int
	hard    []byte
	dosage  []float32 // NaN is missing, +Inf one who has no such chromosome
	freq    float64   // of ALT among founders
	haploid bool
}

// A census is what frequencies are counted with.
type census struct {
	founder, male []byte // per person of the genotypes, 3 where they are one: a mask of a hard call
	founders      int
	maleFounders  int
}

func newCensus(persons []genotype.Person) *census {
	c := &census{founder: make([]byte, len(persons)), male: make([]byte, len(persons))}
	for i, p := range persons {
		if p.Founder {
			c.founder[i] = genotype.Missing
			c.founders++
		}
	}
	if c.founders == 0 { // nobody is one: all are taken
		for i := range c.founder {
			c.founder[i] = genotype.Missing
		}
		c.founders = len(persons)
	}
	for i, p := range persons {
		if p.Sex == 1 {
			c.male[i] = c.founder[i]
			c.maleFounders += int(c.founder[i] / genotype.Missing)
		}
	}
	return c
}

// tally returns the copies of ALT and the missing calls of the persons of a mask.
func tally(hard, mask []byte) (copies, missing int) {
	const low = 0x0101010101010101
	i := 0
	for ; i+8 <= len(hard); i += 8 {
		x := binary.LittleEndian.Uint64(hard[i:]) & binary.LittleEndian.Uint64(mask[i:])
		a, b := x&low, x>>1&low
		both := bits.OnesCount64(a & b)
		copies += bits.OnesCount64(a) + 2*bits.OnesCount64(b) - genotype.Missing*both
		missing += both
	}
	for ; i < len(hard); i++ {
		switch c := hard[i] & mask[i]; c {
		case genotype.Missing:
			missing++
		default:
			copies += int(c)
		}
	}
	return copies, missing
}

// hardFrequency returns that of ALT among founders; on X, of which males have one, their copies count half.
func (c *census) hardFrequency(hard []byte, chrom string) float64 {
	copies, missing := tally(hard, c.founder)
	total := 2 * (c.founders - missing)
	n := float64(copies)
	if chrom == "X" || chrom == "Y" {
		ofMales, missingMales := tally(hard, c.male)
		males := c.maleFounders - missingMales
		if n, total = n-float64(ofMales)/2, total-males; chrom == "Y" {
			n, total = float64(ofMales)/2, males
		}
	}
	return ratio(n, float64(total))
}

func (c *census) dosageFrequency(dosage []float32, chrom string) float64 {
	sum, total := 0.0, 0.0
	for i, d := range dosage {
		if c.founder[i] == 0 || d != d {
			continue
		}
		male := c.male[i] != 0
		switch {
		case male && (chrom == "X" || chrom == "Y"):
			sum, total = sum+float64(d)/2, total+1
		case chrom != "Y":
			sum, total = sum+float64(d), total+2
		}
	}
	return ratio(sum, total)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// take fills a slot from a variant of all persons: hard calls, or dosages where hard is nil.
func (s *slot) take(chrom string, hard []byte, dosage []float32, c *census, persons []genotype.Person, rows []int) {
	chrom = genome.Chromosome(chrom)
	s.haploid, s.kind = chrom == "MT" || chrom == "Y", dosages
	if hard != nil {
		s.freq = c.hardFrequency(hard, chrom)
	} else {
		s.freq = c.dosageFrequency(dosage, chrom)
	}
	if chrom == "Y" {
		s.ofMales(hard, dosage, persons, rows)
		return
	}
	if hard != nil {
		s.kind = hardCalls
		if s.hard == nil {
			s.hard = make([]byte, len(rows))
		}
		for k, r := range rows {
			s.hard[k] = hard[r]
		}
		return
	}
	if s.dosage == nil {
		s.dosage = make([]float32, len(rows))
	}
	for k, r := range rows {
		s.dosage[k] = dosage[r]
	}
}

// ofMales takes a variant of the Y chromosome.
func (s *slot) ofMales(hard []byte, dosage []float32, persons []genotype.Person, rows []int) {
	if s.dosage == nil {
		s.dosage = make([]float32, len(rows))
	}
	for k, r := range rows {
		switch {
		case persons[r].Sex != 1:
			s.dosage[k] = float32(math.Inf(1))
		case hard == nil:
			s.dosage[k] = dosage[r]
		case hard[r] == genotype.Missing:
			s.dosage[k] = float32(math.NaN())
		default:
			s.dosage[k] = float32(hard[r])
		}
	}
}
