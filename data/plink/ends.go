package plink

import (
	"fmt"
	"io"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

const (
	endsRead  = 4096 // variants looked at, spread over the file: a few milliseconds
	endsLeast = 16   // fewer variants than this say nothing about the last person
)

// checkEnds looks at the last byte of rows spread over the file. Its bits beyond the last person must be zero: if not, the
// .fam is too short. If the last person has two copies of A1 everywhere, which is what zero bits say, it is too long.
func checkEnds(f io.ReaderAt, prefix string, persons, variants int) error {
	step := max(1, variants/endsRead)
	b := rowBytes(persons)
	used := uint((persons-1)%4 + 1) // persons in the last byte
	seen, padded, last := 0, 0, byte(0)
	var buf [1]byte
	for v := 0; v < variants; v += step {
		if _, err := f.ReadAt(buf[:], headerBytes+int64(v)*int64(b)+int64(b)-1); err != nil {
			return table.Unreadable(prefix+".bed", err)
		}
		seen++
		if buf[0]>>(2*used) != 0 {
			padded++
		}
		last |= buf[0] >> (2 * (used - 1)) & 3
	}
	switch {
	case padded > 0:
		return &data.Problem{Code: 202, File: prefix + ".fam", What: fmt.Sprintf("the .bed has genotypes beyond the last person in %d of %d rows looked at: the .fam has too few lines", padded, seen),
			Expected: "zero bits after the last person", Found: fmt.Sprintf("%d persons in the .fam", persons),
			Cause: "lines were removed from the .fam without plink", Fix: "restore the .fam; remove persons with plink --remove --make-bed"}
	case last == 0 && seen >= endsLeast:
		return &data.Problem{Code: 202, File: prefix + ".fam", What: fmt.Sprintf("the last person has two copies of A1 at all of %d variants: the .fam has too many lines", seen),
			Expected: "a person with ordinary genotypes", Found: fmt.Sprintf("%d persons in the .fam", persons),
			Cause: "lines were added to the .fam without plink", Fix: "restore the .fam that belongs to the .bed"}
	}
	return nil
}
