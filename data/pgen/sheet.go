package pgen

import (
	"slices"
	"strings"

	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// Cells of a row that are cut: of a .pvar or .psam whose columns lie behind them, the other reader takes care.
const cells = 16

// A sheet is a .pvar or .psam that is written as plink2 writes it.
type sheet struct {
	first []string // what its header begins with
	names []string
}

// headLine takes a line that begins with #.
func (s *sheet) headLine(line string) bool {
	if name, _, _ := strings.Cut(line, "\t"); s.names == nil && slices.Contains(s.first, strings.Fields(name)[0]) {
		s.names = strings.Fields(strings.TrimPrefix(line, "#"))
	}
	return true
}

// columns returns where columns are: of a file without a header, the places given. -1 is none.
func (s *sheet) columns(names []string, bare []int) []int {
	if s.names == nil {
		return bare
	}
	at := make([]int, len(names))
	for i, n := range names {
		at[i] = slices.Index(s.names, n)
	}
	return at
}

// plainPersons reads a .psam or .fam; nil: it is unusual, or at fault.
func plainPersons(path string) (out []genotype.Person, gone int) {
	h := &sheet{first: []string{"#FID", "#IID"}}
	s := table.Sheet{Head: h.headLine, Least: 2, Room: func(rows, about int) { out = slices.Grow(out, max(0, about-len(out)))[:rows] }, Rows: func(text string, row, _ int) bool {
		at := h.columns([]string{"FID", "IID", "PAT", "MAT", "SEX"}, []int{0, 1, 2, 3, 4})
		var store table.Store
		var f [cells]string
		n := 0
		cell := func(c int) string {
			if c < 0 || c >= n {
				return ""
			}
			return f[c]
		}
		for ok := true; text != ""; row++ {
			first := text[0]
			if n, text, ok = table.Cells(text, f[:]); !ok || first == '#' || cell(at[1]) == "" || slices.Max(at) >= cells {
				return false
			}
			out[row] = genotype.Person{FID: store.Keep(cell(at[0])), IID: store.Keep(cell(at[1])), Sex: sexOf(cell(at[4])), Founder: none(cell(at[2])) && none(cell(at[3]))}
		}
		return true
	}}
	if !s.Read(path) {
		return nil, 0
	}
	gone, ok := table.PlainPeople(len(out), func(i int) (fid, iid string) { return out[i].FID, out[i].IID })
	if !ok {
		return nil, 0
	}
	return out, gone
}

// plainVariants reads a .pvar or .bim; nil: it is unusual, or at fault. ALT is as it is written, also where there are several.
func plainVariants(path string) (out []genotype.Variant) {
	h := &sheet{first: []string{"#CHROM"}}
	const least = 2 * shortColumns
	s := table.Sheet{Head: h.headLine, Least: least, Room: func(rows, about int) { out = slices.Grow(out, max(0, about-len(out)))[:rows] }, Rows: func(text string, row, line int) bool {
		at := h.columns([]string{"CHROM", "POS", "ID", "REF", "ALT"}, []int{0, 3, 1, 5, 4})
		last := slices.Max(at)
		if slices.Min(at) < 0 || last >= cells {
			return false
		}
		var w genotype.Words
		var f [cells]string
		for n, ok := 0, true; text != ""; row, line = row+1, line+1 {
			first := text[0]
			n, text, ok = table.Cells(text, f[:])
			pos, whole := table.Whole(f[at[1]])
			if !ok || n <= last || first == '#' || !whole {
				return false
			}
			out[row] = genotype.Variant{Chrom: w.Chrom(f[at[0]]), Pos: pos, ID: w.ID(f[at[2]]), Ref: w.Allele(f[at[3]]), Alt: w.Allele(f[at[4]]), Line: int32(line)}
		}
		return true
	}}
	if !s.Read(path) {
		return nil
	}
	return out
}
