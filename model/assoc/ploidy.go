package assoc

import "slices"

// A Ploidy says how many copies of a chromosome people have.
type Ploidy uint8

const (
	Diploid Ploidy = iota // two
	XLinked               // males have one, and their calls are 0 and 2
	YLinked               // males have one, others none
	Haploid               // everybody has one, such as of mitochondria
)

// Chromosomes are options that test X, Y and MT as plink2 --glm does with --xchr-model 2: on Y those who are not male are left out, and where a chromosome is there once effects are of one copy. ploidy is by variant,
// male by person of the genotypes.
func (o Options) Chromosomes(ploidy []Ploidy, male []bool) Options {
	once := func(p Ploidy) bool { return p == YLinked || p == Haploid }
	if !slices.ContainsFunc(ploidy, once) {
		return o
	}
	others := make([]bool, len(male))
	for i, m := range male {
		others[i] = !m
	}
	o.Masked = func(v int) []bool {
		if ploidy[v] == YLinked {
			return others
		}
		return nil
	}
	o.Copies = func(v int) float64 {
		if once(ploidy[v]) {
			return 1
		}
		return 2
	}
	return o
}

// A Population is the persons whose linkage disequilibrium counts.
type Population struct {
	Persons []int  // places among those of the genotypes
	Male    []bool // by person of Persons
}

// clean writes the calls of the population as plink has them: no call of a person who has no copy, none of a heterozygote with one copy.
func (p Population) clean(dst, hard []byte, ploidy Ploidy) []byte {
	dst = dst[:0]
	for i, person := range p.Persons {
		code := hard[person]
		switch {
		case ploidy == Diploid || ploidy == XLinked && !p.Male[i]:
		case code == 1 || ploidy == YLinked && !p.Male[i]:
			code = missingCall
		}
		dst = append(dst, code)
	}
	return dst
}
