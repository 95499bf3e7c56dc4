package genome

import (
	"slices"

	"contig-gpu/data"
)

// A Build is a version of the human reference genome.
type Build string

// The builds whose lengths are known, and what is said where neither can be told.
const (
	GRCh37  Build = "GRCh37"
	GRCh38  Build = "GRCh38"
	Unknown Build = "unknown"
)

// lengths are in base pairs, in the order of chromosomes. Source: the assembly reports of GRCh37.p13 and GRCh38.p14 (Genome
// Reference Consortium); MT is the revised Cambridge sequence NC_012920.1 in both.
func lengths(b Build) []int {
	switch b {
	case GRCh37:
		return []int{249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747, 135006516, 133851895, 115169878,
			107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520, 48129895, 51304566, 155270560, 59373566, 16569}
	case GRCh38:
		return []int{248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422, 135086622, 133275309, 114364328,
			107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167, 46709983, 50818468, 156040895, 57227415, 16569}
	}
	return nil
}

// Length returns the base pairs of a chromosome, as Chromosome names it; 0: not known.
func (b Build) Length(chromosome string) int {
	if l, i := lengths(b), slices.Index(chromosomes(), chromosome); l != nil && i >= 0 {
		return l[i]
	}
	return 0
}

// Beyond counts the places that lie beyond the end of their chromosome in a build, which therefore is not theirs.
func (b Build) Beyond(places []data.Place) int {
	n := 0
	for _, p := range places {
		if l := b.Length(Chromosome(p.Chromosome)); l > 0 && p.Position > l {
			n++
		}
	}
	return n
}

// Detect returns the one build in which no place lies beyond the end of its chromosome; Unknown where both or neither are so.
func Detect(places []data.Place) Build {
	fits37, fits38 := GRCh37.Beyond(places) == 0, GRCh38.Beyond(places) == 0
	switch {
	case fits37 && !fits38:
		return GRCh37
	case fits38 && !fits37:
		return GRCh38
	}
	return Unknown
}
