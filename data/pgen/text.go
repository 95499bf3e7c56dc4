package pgen

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// code is the number of what is wrong with a fileset.
const code = 205

// fields cuts a line at tabs and blanks, up to so many fields.
func fields(line string, dst []string, most int) []string {
	dst = dst[:0]
	for len(dst) < most {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			break
		}
		n := strings.IndexAny(line, " \t")
		if n < 0 {
			n = len(line)
		}
		dst = append(dst, line[:n])
		line = line[n:]
	}
	return dst
}

// A reader visits the rows of a .pvar or .psam.
type reader struct {
	path   string
	faults *data.Faults
	l      *table.Lines
	names  []string // columns of the header; nil: there is none
	row    []string
	rows   int
}

// each visits rows after the header, whose first column is one of those given.
func (r *reader) each(first []string, start func() error, visit func() error) ([]string, error) {
	l, err := table.Open(r.path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Collect(r.faults)
	r.l = l
	most := 0
	for l.Next() {
		text := l.Text()
		if strings.HasPrefix(text, "#") {
			if name, _, _ := strings.Cut(text, "\t"); r.rows == 0 && r.names == nil && slices.Contains(first, strings.Fields(name)[0]) {
				r.names = strings.Fields(strings.TrimPrefix(text, "#"))
			}
			continue
		}
		if r.rows == 0 {
			if err := start(); err != nil {
				return nil, err
			}
			most = max(len(r.names), 6)
		}
		r.row = fields(text, r.row, most)
		if err := r.faults.Take(visit()); err != nil {
			return nil, err
		}
		r.rows++
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if r.rows == 0 {
		return nil, table.Empty(r.path, "the "+strings.TrimSuffix(filepath.Ext(r.path), ".zst")+" has no lines")
	}
	return l.Notes(), nil
}

// column returns where a column is, -1 where it is not.
func (r *reader) column(name string) int { return slices.Index(r.names, name) }

// at returns a field of the row, "" where it ends before.
func (r *reader) at(column int) string {
	if column < 0 || column >= len(r.row) {
		return ""
	}
	return r.row[column]
}

func (r *reader) bad(what, expected, found, cause string) error {
	return &data.Problem{Code: code, File: r.path, Line: r.l.Line(), What: what, Expected: expected, Found: found, Cause: cause, Fix: "make the fileset again with plink2 --make-pgen"}
}

// readPersons reads a .psam, or a .fam: it has no header.
func readPersons(path string, faults *data.Faults) ([]genotype.Person, []string, error) {
	if out, gone := plainPersons(path); out != nil {
		return out, withdrawn(path, gone), nil
	}
	return listPersons(path, faults)
}

// listPersons is readPersons, line by line.
func listPersons(path string, faults *data.Faults) ([]genotype.Person, []string, error) {
	r := &reader{path: path, faults: faults}
	var out []genotype.Person
	ids := table.IDs{Path: path}
	fid, iid, pat, mat, sex, gone := 0, 1, 2, 3, 4, 0
	notes, err := r.each([]string{"#FID", "#IID"}, func() error {
		if r.names == nil {
			return nil
		}
		fid, iid, pat, mat, sex = r.column("FID"), r.column("IID"), r.column("PAT"), r.column("MAT"), r.column("SEX")
		if iid < 0 {
			return r.bad("the header has no column IID", "#IID, or #FID and IID", strings.Join(r.names[:min(len(r.names), 5)], " "), "another file under this name")
		}
		return nil
	}, func() error {
		p := genotype.Person{FID: strings.Clone(r.at(fid)), IID: strings.Clone(r.at(iid)), Sex: sexOf(r.at(sex)), Founder: none(r.at(pat)) && none(r.at(mat))}
		out = append(out, p)
		if table.Placeholder(p.IID) {
			gone++
		}
		if p.IID == "" {
			return r.bad("the line has too few fields", "an IID", fmt.Sprintf("%d fields", len(r.row)), "a truncated line")
		}
		return ids.AddPerson(p.FID, p.IID, r.l.Line())
	})
	return out, append(notes, withdrawn(path, gone)...), err
}

func withdrawn(path string, persons int) []string {
	if persons == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d persons have negative ids: withdrawn, or placeholders.", filepath.Base(path), persons)}
}

func none(parent string) bool { return parent == "" || parent == "0" || parent == "NA" }

func sexOf(word string) int {
	switch word {
	case "1", "M", "m":
		return 1
	case "2", "F", "f":
		return 2
	}
	return 0
}

// The columns of a .pvar without header, which are those of a .bim: with centimorgans, or without.
const (
	bimColumns   = 6
	shortColumns = 5
)

// readVariants reads a .pvar, or a .bim: it has no header. It returns its rows: ALT is as it is written, also where there are several.
func readVariants(path string, faults *data.Faults) ([]genotype.Variant, []string, error) {
	if list := plainVariants(path); list != nil {
		return list, nil, nil
	}
	return listVariants(path, faults)
}

// listVariants is readVariants, line by line.
func listVariants(path string, faults *data.Faults) ([]genotype.Variant, []string, error) {
	r := &reader{path: path, faults: faults}
	var list []genotype.Variant
	var w genotype.Words
	chrom, pos, id, ref, alt := 0, 0, 1, 0, 0
	notes, err := r.each([]string{"#CHROM"}, func() error {
		if r.names == nil {
			pos, ref, alt = 3, 5, 4
			if r.row = fields(r.l.Text(), r.row, bimColumns); len(r.row) == shortColumns {
				pos, ref, alt = 2, 4, 3
			}
			return nil
		}
		chrom, pos, id, ref, alt = r.column("CHROM"), r.column("POS"), r.column("ID"), r.column("REF"), r.column("ALT")
		if min(chrom, pos, id, ref, alt) < 0 {
			return r.bad("the header lacks columns", "#CHROM POS ID REF ALT", strings.Join(r.names[:min(len(r.names), 5)], " "), "another file under this name")
		}
		return nil
	}, func() error {
		alts := r.at(alt)
		at, err := strconv.Atoi(r.at(pos))
		list = append(list, genotype.Variant{Chrom: w.Chrom(r.at(chrom)), ID: w.ID(r.at(id)), Pos: at, Ref: w.Allele(r.at(ref)), Alt: w.Allele(alts), Line: int32(r.l.Line())})
		if alts == "" || r.at(ref) == "" {
			return r.bad("the line has too few fields", "chromosome, position, id, REF and ALT", fmt.Sprintf("%d fields", len(r.row)), "a truncated line")
		}
		if err != nil {
			return r.bad("the position is no whole number", "base pairs", fmt.Sprintf("%q", r.at(pos)), "columns in another order, or scientific notation")
		}
		return nil
	})
	return list, notes, err
}
