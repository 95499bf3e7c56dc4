package assoc

// A Ploidy says how many copies of a chromosome people have.
type Ploidy uint8

const (
	Diploid Ploidy = iota // two
	XLinked               // males have one, and their calls are 0 and 2
	YLinked               // males have one, others none
	Haploid               // everybody has one, such as of mitochondria
)

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
