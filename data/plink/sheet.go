package plink

import (
	"slices"
	"sync"

	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// What a line takes at least: fields of one byte, and what separates them.
const (
	leastFam = 2 * textColumns
	leastBim = 2 * shortColumns
)

// lists are a .fam and .bim that are written as plink writes them.
type lists struct {
	fam  []Sample // nil: unusual, or at fault
	gone int
	bim  []Variant
}

// readLists reads both at once.
func readLists(prefix string) *lists {
	l := &lists{}
	var wait sync.WaitGroup
	wait.Go(func() { l.fam, l.gone = plainFam(prefix + ".fam") })
	l.bim = plainBim(prefix + ".bim")
	wait.Wait()
	return l
}

func plainFam(path string) ([]Sample, int) {
	var out []Sample
	s := table.Sheet{Least: leastFam, Room: func(rows, about int) { out = slices.Grow(out, max(0, about-len(out)))[:rows] }, Rows: func(text string, row, _ int) bool {
		var store table.Store
		var f [textColumns]string
		for ; text != ""; row++ {
			n, rest, ok := table.Cells(text, f[:])
			if !ok || n < textColumns || text[0] == '#' {
				return false
			}
			out[row] = Sample{FID: store.Keep(f[0]), IID: store.Keep(f[1]), Sex: sex(f[4]), Founder: f[2] == "0" && f[3] == "0"}
			text = rest
		}
		return true
	}}
	if !s.Read(path) || out[0].FID == "FID" {
		return nil, 0
	}
	gone, ok := table.PlainPeople(len(out), func(i int) (fid, iid string) { return out[i].FID, out[i].IID })
	if !ok {
		return nil, 0
	}
	return out, gone
}

func plainBim(path string) []Variant {
	var out []Variant
	s := table.Sheet{Least: leastBim, Room: func(rows, about int) { out = slices.Grow(out, max(0, about-len(out)))[:rows] }, Rows: func(text string, row, line int) bool {
		var w genotype.Words
		var f [textColumns]string
		for ; text != ""; row, line = row+1, line+1 {
			n, rest, ok := table.Cells(text, f[:])
			pos, whole := table.Whole(f[3])
			if !ok || n < textColumns || text[0] == '#' || !whole {
				return false
			}
			out[row] = Variant{Chrom: w.Chrom(f[0]), ID: w.ID(f[1]), Pos: pos, Alt: w.Allele(f[4]), Ref: w.Allele(f[5]), Line: int32(line)}
			text = rest
		}
		return true
	}}
	if !s.Read(path) {
		return nil
	}
	return out
}
