package plink

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// A Variant is one line of a .bim: A1 is Alt and A2 is Ref, as plink2 has it.
type Variant = genotype.Variant

// A Sample is one line of a .fam.
type Sample = genotype.Person

// Fields that both plinks ask for: what follows the sixth is not read. A .bim whose first line has five lacks the centimorgans in all of them.
const (
	textColumns  = 6
	shortColumns = 5
)

// eachRow visits the lines of a .fam or .bim, cut at white space, double quotes around fields taken off. Lines before the first that begin with # are
// comments, as both plinks have it; later ones are E203, as plink2 has it.
func eachRow(path, kind string, faults *data.Faults, least func(first []string) int, visit func(line int, f []string) error) ([]string, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Collect(faults)
	rows, comments, columns := 0, 0, 0
	var f []string
	for l.Next() {
		f = table.Words(l.Text(), f)
		if strings.HasPrefix(l.Text(), "#") {
			if rows > 0 {
				if err := faults.Take(commentAmong(path, l.Line(), kind)); err != nil {
					return nil, err
				}
			}
			comments++
			continue
		}
		if rows == 0 {
			columns = least(f)
		}
		if len(f) < columns {
			if err := faults.Take(fewFields(path, l, kind, len(f), columns)); err != nil {
				return nil, err
			}
			f = append(f, make([]string, columns-len(f))...)
			_ = visit(l.Line(), f) // it counts as a row all the same; what is wrong with it has been said
		} else if err := faults.Take(visit(l.Line(), f)); err != nil {
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
	notes := l.Notes()
	if comments > 0 {
		notes = append(notes, fmt.Sprintf("%s begins with %d comment lines (left out).", filepath.Base(path), comments))
	}
	return notes, nil
}

func commentAmong(path string, line int, kind string) error {
	return &data.Problem{Code: 203, File: path, Line: line, What: "a comment line among the lines of a " + kind, Expected: "lines that begin with # before all others, if at all",
		Found: "a line that begins with #", Cause: "files pasted together, each with a comment or header", Fix: "remove the line"}
}

func fewFields(path string, l *table.Lines, kind string, got, want int) error {
	p := &data.Problem{Code: 203, File: path, Line: l.Line(), What: "the line has another number of fields than a " + kind,
		Expected: fmt.Sprintf("%d fields or more: %s", want, columnsOf(kind)), Found: fmt.Sprintf("%d", got), Cause: "a truncated line, or another kind of file", Fix: "make the fileset again with plink --make-bed"}
	switch {
	case strings.Count(l.Text(), ",") >= shortColumns-1:
		p.Cause, p.Fix = "commas between the fields", "separate them by spaces or tabs"
	case kind == ".fam" && got == shortColumns:
		p.Cause = "no column of a phenotype: plink 1.9 takes such a .fam with --no-pheno only"
		p.Fix = "add a sixth column with -9"
	}
	return p
}

func columnsOf(kind string) string {
	if kind == ".fam" {
		return "FID IID father mother sex phenotype"
	}
	return "chromosome id centimorgan position A1 A2"
}

// readFam reads a .fam. Ids must be unlike each other as pairs of FID and IID, but those of placeholders.
func (l *lists) readFam(path string, faults *data.Faults) ([]Sample, []string, error) {
	if l.fam != nil {
		return l.fam, withdrawn(path, l.gone), nil
	}
	var out []Sample
	ids := table.IDs{Path: path}
	gone := 0
	notes, err := eachRow(path, ".fam", faults, func([]string) int { return textColumns }, func(line int, f []string) error {
		if len(out) == 0 && f[0] == "FID" && f[1] == "IID" {
			return &data.Problem{Code: 203, File: path, Line: line, What: "the .fam begins with a header", Expected: "one line a person", Found: strings.Join(f[:textColumns], " "),
				Cause: "a program that writes headers, such as R", Fix: "remove the line, or begin it with #"}
		}
		if table.Placeholder(f[1]) {
			gone++
		}
		s := Sample{FID: strings.Clone(f[0]), IID: strings.Clone(f[1]), Sex: sex(f[4]), Founder: f[2] == "0" && f[3] == "0"}
		out = append(out, s)
		return ids.AddPerson(s.FID, s.IID, line)
	})
	return out, append(notes, withdrawn(path, gone)...), err
}

func withdrawn(path string, persons int) []string {
	if persons == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d persons have negative ids: withdrawn, or placeholders.", filepath.Base(path), persons)}
}

func sex(field string) int {
	n, err := strconv.Atoi(field)
	if err != nil || n < 0 || n > 2 {
		return 0
	}
	return n
}

func (l *lists) readBim(path string, faults *data.Faults) ([]Variant, []string, error) {
	if l.bim != nil {
		return l.bim, nil, nil
	}
	var out []Variant
	var w genotype.Words
	short := false
	notes, err := eachRow(path, ".bim", faults, func(first []string) int {
		short = len(first) <= shortColumns
		return min(textColumns, max(shortColumns, len(first)))
	}, func(line int, f []string) error {
		if short {
			f = []string{f[0], f[1], "0", f[2], f[3], f[4]}
		}
		pos, err := strconv.Atoi(f[3])
		out = append(out, Variant{Chrom: w.Chrom(f[0]), ID: w.ID(f[1]), Pos: pos, Alt: w.Allele(f[4]), Ref: w.Allele(f[5]), Line: int32(line)})
		if err != nil {
			return noPosition(path, line, f[3])
		}
		return nil
	})
	return out, notes, err
}

func noPosition(path string, line int, field string) error {
	p := &data.Problem{Code: 203, File: path, Line: line, What: "the fourth field of a .bim is a position", Expected: "a whole number",
		Found: fmt.Sprintf("%q", field), Cause: "columns swapped, or another kind of file", Fix: "order the columns: " + columnsOf(".bim")}
	switch strings.ToUpper(field) {
	case "BP", "POS", "POSITION":
		p.Cause, p.Fix = "a header", "remove the line, or begin it with #"
	}
	if v, ok := table.Number(field); ok && v == v {
		p.Cause = "a number with a decimal point, as programs write that took the positions for measures; plink reads up to the point"
		if strings.ContainsAny(field, "eE") {
			p.Cause = "scientific notation, as R writes 100000; plink reads the digits before it as the position"
		}
		p.Fix = "write positions as whole numbers (options(scipen = 999) or as.integer() in R)"
	}
	return p
}
