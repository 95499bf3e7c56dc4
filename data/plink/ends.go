package plink

import (
	"fmt"
	"io"
	"math"
	"path/filepath"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

const (
	endsRead  = 1024 // variants looked at, spread over the file, or up to twice as many: a millisecond or two
	endsLeast = 16   // fewer variants than this say nothing about the last person
	endsSure  = 1024 // so many say that there is no such person, if nobody else is like it
	endsBytes = 16   // of a row: the last person, and up to 63 before it
	endsFar   = 6    // standard deviations of the share of genotypes that are two copies of A1, beyond which nobody else is like the last person
)

// checkEnds looks at the last bytes of rows spread over the file. Bits beyond the last person must be zero: if not, the .fam is too short (E202). If the
// last person has two copies of A1 everywhere, which is what zero bits say, it may be too long, or A1 the common allele: that is E202 where many
// variants say so and the persons before are not like that, and else a warning, which is returned.
func checkEnds(f io.ReaderAt, prefix string, persons, variants int) (warning string, err error) {
	b := rowBytes(persons)
	step, n := max(1, variants/endsRead), min(b, endsBytes)
	used := uint((persons-1)%4 + 1) // persons in the last byte
	seen, padded := 0, 0
	homs := make([]int, 4*(n-1)+int(used)) // of each person looked at, the last one last: genotypes of two copies of A1
	buf := make([]byte, n)
	for v := 0; v < variants; v += step {
		if _, err := f.ReadAt(buf, headerBytes+int64(v)*int64(b)+int64(b-n)); err != nil {
			return "", table.Unreadable(prefix+".bed", err)
		}
		seen++
		if buf[n-1]>>(2*used) != 0 {
			padded++
		}
		for i := range homs {
			if buf[i/4]>>(2*(i%4))&3 == HomA1 {
				homs[i]++
			}
		}
	}
	if padded > 0 {
		return "", &data.Problem{Code: 202, File: prefix + ".fam", What: fmt.Sprintf("the .bed has genotypes beyond the last person in %d of %d rows looked at: the .fam has too few lines", padded, seen),
			Expected: "zero bits after the last person", Found: fmt.Sprintf("%d persons in the .fam", persons),
			Cause: "lines were removed from the .fam without plink", Fix: "restore the .fam; remove persons with plink --remove --make-bed"}
	}
	others, last := homs[:len(homs)-1], homs[len(homs)-1]
	if last < seen || seen < endsLeast || alike(others, seen) {
		return "", nil
	}
	if seen < endsSure {
		return fmt.Sprintf("W215: %s: the last person has two copies of A1 at all of %d variants, and others are far from it: if lines were added to the .fam without plink, there is no such person.",
			filepath.Base(prefix)+".fam", seen), nil
	}
	return "", &data.Problem{Code: 202, File: prefix + ".fam", What: fmt.Sprintf("the last person has two copies of A1 at all of %d variants: the .fam has too many lines", seen),
		Expected: "a person with ordinary genotypes", Found: fmt.Sprintf("%d persons in the .fam; those before the last have two copies at %.0f %% of the variants", persons, 100*mean(others)/float64(seen)),
		Cause: "lines were added to the .fam without plink", Fix: "restore the .fam that belongs to the .bed"}
}

// alike says whether somebody with two copies of A1 at all variants is one of these, of whom each has so many. Of few persons nothing is known.
func alike(homs []int, variants int) bool {
	const few = 4
	if len(homs) < few {
		return true
	}
	m, squares := mean(homs), 0.0
	for _, n := range homs {
		squares += (float64(n) - m) * (float64(n) - m)
	}
	return float64(variants)-m <= endsFar*math.Sqrt(squares/float64(len(homs)))
}

func mean(counts []int) float64 {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / float64(len(counts))
}
