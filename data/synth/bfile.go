package synth

import (
	"fmt"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/plink"
)

// fromCode and toCode turn the codes of a .bed into copies of a1 and back.
func fromCode(code byte) uint8 {
	return [4]uint8{plink.HomA1: 2, plink.Missing: missingCall, plink.Het: 1, plink.HomA2: 0}[code]
}

func toCode(copies uint8) byte {
	return [4]byte{plink.HomA2, plink.Het, plink.HomA1, missingCall: plink.Missing}[copies]
}

// fewestPersons is how many a cohort has at least.
const fewestPersons = 2

// readBFile reads PREFIX.bed, .bim and .fam (PREFIX may end in .bed), of at most limit persons (0: all). Persons are known by their IID alone in what
// is written, so that one in two families is E120; fewer than two persons are E203.
func readBFile(prefix string, limit int) (genotypes, []person, error) {
	set, err := plink.Open([]string{prefix})
	if err != nil {
		return genotypes{}, nil, err
	}
	people, err := peopleOf(strings.TrimSuffix(prefix, ".bed")+".fam", set.Samples)
	if err != nil {
		return genotypes{}, nil, err
	}
	if limit > 0 && limit < len(people) {
		people = people[:limit]
	}
	packed, err := set.Read(everyone(len(set.Variants)), everyone(len(people)))
	if err != nil {
		return genotypes{}, nil, err
	}
	g := genotypes{snps: make([]snp, len(set.Variants)), calls: make([][]uint8, len(set.Variants))}
	for j, v := range set.Variants {
		g.snps[j] = snp{chrom: v.Chrom, id: v.ID, position: v.Pos, a1: v.Alt, a2: v.Ref}
		g.calls[j] = make([]uint8, len(people))
		for i := range people {
			g.calls[j][i] = fromCode(packed.Code(i, j))
		}
	}
	return g, people, nil
}

func peopleOf(fam string, samples []plink.Sample) ([]person, error) {
	people := make([]person, len(samples))
	seen := make(map[string]int, len(samples))
	for i, s := range samples {
		if first, ok := seen[s.IID]; ok {
			return nil, &data.Problem{Code: 120, File: fam, What: fmt.Sprintf("the IID %q is there twice", s.IID), Expected: "an IID of its own for every person",
				Found: fmt.Sprintf("persons %d and %d", first+1, i+1), Cause: "one IID in two families", Fix: "remove or rename one"}
		}
		seen[s.IID] = i
		people[i] = person{fid: s.FID, iid: s.IID, sex: s.Sex}
	}
	if len(people) < fewestPersons {
		return nil, &data.Problem{Code: 203, File: fam, What: "too few persons", Expected: fmt.Sprintf("at least %d", fewestPersons), Found: strconv.Itoa(len(people)),
			Cause: "a fileset of one person", Fix: "give a fileset of more"}
	}
	return people, nil
}
