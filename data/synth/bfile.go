package synth

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"contig-gpu/data"
)

// First bytes of a PLINK 1 .bed in variant-major order, and its codes as copies of a1.
const bedMagic = "\x6c\x1b\x01"

func fromCode(code byte) uint8 { return [4]uint8{2, missingCall, 1, 0}[code] }
func toCode(copies uint8) byte { return [4]byte{3, 2, 0, 1}[copies] }

// readBFile reads PREFIX.bed, .bim and .fam, of at most limit persons (0: all).
func readBFile(prefix string, limit int) (genotypes, []person, error) {
	people, err := readFam(prefix + ".fam")
	if err != nil {
		return genotypes{}, nil, err
	}
	snps, err := readBim(prefix + ".bim")
	if err != nil {
		return genotypes{}, nil, err
	}
	calls, err := readBed(prefix+".bed", len(snps), len(people))
	if err != nil {
		return genotypes{}, nil, err
	}
	if limit > 0 && limit < len(people) {
		people = people[:limit]
		for j := range calls {
			calls[j] = calls[j][:limit]
		}
	}
	return genotypes{snps: snps, calls: calls}, people, nil
}

func readFam(path string) ([]person, error) {
	var people []person
	seen := map[string]int{}
	err := eachLine(path, func(line int, f []string) error {
		if first, ok := seen[f[1]]; ok {
			return &data.Problem{Code: 120, File: path, Line: line, What: "the same IID twice",
				Expected: "one line per person", Found: fmt.Sprintf("the IID of line %d again", first), Fix: "remove or rename one"}
		}
		seen[f[1]] = line
		sex, err := strconv.Atoi(f[4])
		if err != nil || sex < 0 || sex > 2 {
			sex = 0
		}
		people = append(people, person{fid: f[0], iid: f[1], sex: sex})
		return nil
	})
	if err == nil && len(people) < 2 {
		err = &data.Problem{Code: 203, File: path, What: "too few persons", Expected: "at least 2", Found: strconv.Itoa(len(people))}
	}
	return people, err
}

func readBim(path string) ([]snp, error) {
	var snps []snp
	err := eachLine(path, func(line int, f []string) error {
		position, err := strconv.Atoi(f[3])
		if err != nil {
			return &data.Problem{Code: 203, File: path, Line: line, What: "column 4 is no position", Expected: "base pairs", Found: strconv.Quote(f[3])}
		}
		snps = append(snps, snp{chrom: f[0], id: f[1], position: position, a1: f[4], a2: f[5]})
		return nil
	})
	if err == nil && len(snps) == 0 {
		err = &data.Problem{Code: 203, File: path, What: "no SNPs", Expected: "one per line", Found: "an empty file"}
	}
	return snps, err
}

// eachLine calls f with the six fields of each line of a .bim or .fam file.
func eachLine(path string, f func(line int, fields []string) error) error {
	raw, err := readInput(path)
	if err != nil {
		return err
	}
	s := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	s.Buffer(nil, len(raw)+64)
	for line := 1; s.Scan(); line++ {
		fields := strings.Fields(s.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 6 {
			return &data.Problem{Code: 203, File: path, Line: line, What: "wrong number of columns",
				Expected: "6, separated by blanks or tabs", Found: strconv.Itoa(len(fields)), Cause: "another kind of file under this name"}
		}
		if err := f(line, fields); err != nil {
			return err
		}
	}
	return s.Err()
}

func readInput(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, &data.Problem{Code: 203, File: path, What: "cannot read it", Expected: "PREFIX.bed, PREFIX.bim and PREFIX.fam",
			Fix: "give the prefix without the ending", Err: err}
	}
	return raw, nil
}

func readBed(path string, snps, persons int) ([][]uint8, error) {
	raw, err := readInput(path)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(raw, []byte(bedMagic)) {
		return nil, &data.Problem{Code: 201, File: path, What: "not a variant-major PLINK 1 .bed",
			Expected: fmt.Sprintf("first bytes % x", bedMagic), Found: fmt.Sprintf("% x", raw[:min(3, len(raw))]),
			Fix: "convert it: plink2 --bfile PREFIX --make-bed"}
	}
	stride := (persons + 3) / 4
	if want := len(bedMagic) + snps*stride; len(raw) != want {
		return nil, &data.Problem{Code: 201, File: path, What: "wrong size",
			Expected: fmt.Sprintf("3+%d*%d = %d bytes: .bim has %d SNPs, .fam %d persons", snps, stride, want, snps, persons),
			Found:    fmt.Sprintf("%d bytes", len(raw)), Cause: "file truncated, or .bim and .fam from another set"}
	}
	calls := make([][]uint8, snps)
	for j := range calls {
		row := raw[len(bedMagic)+j*stride:][:stride]
		if pad := persons % 4; pad != 0 && row[stride-1]>>(2*pad) != 0 {
			return nil, &data.Problem{Code: 202, File: path, What: fmt.Sprintf("pad bits of SNP %d are not zero", j+1),
				Cause: ".fam has too few lines", Fix: "take the .fam that was written with this .bed"}
		}
		calls[j] = make([]uint8, persons)
		for i := range calls[j] {
			calls[j][i] = fromCode(row[i>>2] >> (2 * (i & 3)) & 3)
		}
	}
	return calls, nil
}
