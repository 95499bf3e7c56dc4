package plink

import (
	"fmt"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// A Variant is one line of a .bim.
type Variant struct {
	Chrom, ID string
	Pos       int // base pairs
	A1, A2    string
	Line      int // in the .bim
}

// A Sample is one line of a .fam.
type Sample struct {
	FID, IID string
	Sex      int // 1 male, 2 female, 0 unknown, which is whatever else stands there
}

// textColumns is the number of fields of a .bim and of a .fam.
const textColumns = 6

func eachRow(path, kind string, visit func(line int, f []string) error) ([]string, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	rows := 0
	for l.Next() {
		f := strings.Fields(l.Text())
		if len(f) != textColumns {
			return nil, &data.Problem{Code: 203, File: path, Line: l.Line(), What: "the line has another number of fields than a " + kind,
				Expected: "6 fields: " + columnsOf(kind), Found: fmt.Sprintf("%d", len(f)), Cause: "a truncated line, or another kind of file", Fix: "make the fileset again with plink --make-bed"}
		}
		if err := visit(l.Line(), f); err != nil {
			return nil, err
		}
		rows++
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if rows == 0 {
		return nil, table.Empty(path, "the "+kind+" has no lines")
	}
	return l.Notes(), nil
}

func columnsOf(kind string) string {
	if kind == ".fam" {
		return "FID IID father mother sex phenotype"
	}
	return "chromosome id centimorgan position A1 A2"
}

// readFam reads a .fam. Ids must be unlike each other as pairs of FID and IID.
func readFam(path string) ([]Sample, []string, error) {
	var out []Sample
	ids := table.IDs{Path: path}
	notes, err := eachRow(path, ".fam", func(line int, f []string) error {
		if err := table.CheckID(path, line, f[1]); err != nil {
			return err
		}
		out = append(out, Sample{FID: strings.Clone(f[0]), IID: strings.Clone(f[1]), Sex: sex(f[4])})
		return ids.Add(f[0]+"_"+f[1], line)
	})
	return out, notes, err
}

func sex(field string) int {
	n, err := strconv.Atoi(field)
	if err != nil || n < 0 || n > 2 {
		return 0
	}
	return n
}

func readBim(path string) ([]Variant, []string, error) {
	var out []Variant
	notes, err := eachRow(path, ".bim", func(line int, f []string) error {
		pos, err := strconv.Atoi(f[3])
		if err != nil {
			return &data.Problem{Code: 203, File: path, Line: line, What: "the fourth field of a .bim is a position", Expected: "a whole number",
				Found: fmt.Sprintf("%q", f[3]), Cause: "columns swapped, or another kind of file", Fix: "order the columns: " + columnsOf(".bim")}
		}
		out = append(out, Variant{Chrom: f[0], ID: f[1], Pos: pos, A1: f[4], A2: f[5], Line: line})
		return nil
	})
	return out, notes, err
}
