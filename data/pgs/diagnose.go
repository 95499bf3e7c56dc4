package pgs

import (
	"fmt"
	"strings"

	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

// A survey is what else a file's rows would match, counted to say why so few do.
type survey struct {
	rows, placed int
	other        int // by the other positions of the file
	byID         int // by id, though the row has a place
	before       int // one base pair before, or behind
	behind       int
	elsewhere    int // on chromosomes of which there are no variants
	strange      string
}

// few is the share of rows that must be explained by one thing before it is called the cause.
const few = 0.2

// Diagnose reads a scoring file again and says why too few of its rows have a variant; build is that of the genotypes, as far as it is known. What is wrong
// with the file itself was said when it was read.
func Diagnose(s *Set, x *genotype.Index, build genome.Build, o Options) {
	v, err := look(s, x, o)
	if err != nil {
		return
	}
	p, c := s.Low, s.Counts
	share := func(n int) bool { return n > 0 && float64(n) >= few*float64(c.Rows) }
	more := func(n int) bool { return share(n) && n > c.Matched }
	chromosomes := strings.Join(x.Chromosomes(), ", ")
	p.Cause, p.Fix = "other variants than the score was made of: an array that was not imputed, or variants filtered out", "score imputed genotypes, or accept it with a lower --min-overlap"
	switch {
	case !x.Placed() && c.Absent > 0:
		p.Cause, p.Fix = "the variants have no positions, and the score's rows have", "give genotypes with positions"
	case more(v.other):
		which, key := "author's positions (chr_name, chr_position)", "author"
		if s.Positions == Author {
			which, key = "harmonised positions (hm_chr, hm_pos)", "harmonised"
		}
		p.Cause = fmt.Sprintf("the genotypes are of another genome build: by the file's %s %d rows have a variant", which, v.other)
		p.Fix = "get the file that is harmonised to the build of the genotypes, or give --positions " + key
	case s.Build != genome.Unknown && build != genome.Unknown && s.Build != build:
		p.Cause = fmt.Sprintf("the score's positions are of %s, and the genotypes of %s, as far as their positions tell", s.Build, build)
		p.Fix = fmt.Sprintf("get the file that is harmonised to %s (NAME_hmPOS_%s.txt.gz)", build, build)
	case more(v.byID):
		p.Cause = fmt.Sprintf("positions of another genome build: %d rows have a variant of their id, elsewhere", v.byID)
		p.Fix = "get the file that is harmonised to the build of the genotypes"
	case more(v.before) || more(v.behind):
		p.Cause, p.Fix = fmt.Sprintf("positions that count from 0: %d rows have a variant one base pair beside", max(v.before, v.behind)), "write positions that count from 1"
	case share(v.elsewhere):
		p.Cause = fmt.Sprintf("%d rows are on chromosomes of which there are no variants; the genotypes have %s", v.elsewhere, chromosomes)
		p.Fix = "give the genotypes of all chromosomes"
		if v.strange != "" {
			p.Cause += fmt.Sprintf("; the score has, for one, %q", v.strange)
		}
	case share(c.Mismatched):
		p.Cause, p.Fix = "other alleles at the same places: another genome build, other variants, or codes such as 1 and 2", "compare some rows with the genotypes' variants"
	case share(c.Ambiguous):
		p.Cause, p.Fix = "A/T and C/G variants, whose strand cannot be told", "where both are on the same strand, give --keep-ambiguous"
	case share(c.Duplicate):
		p.Cause, p.Fix = "variants with two rows, of which nothing says which is meant", "keep one row for each variant"
	case share(c.Unsupported):
		p.Cause, p.Fix = "interactions, haplotypes or HLA alleles, which are no sums over variants", "use the program that the score was published with"
	}
	s.explainIDs(x, c)
}

// explainIDs says what ids look like on both sides, where rows are found by id and most are not.
func (s *Set) explainIDs(x *genotype.Index, c Counts) {
	p := s.Low
	first := s.Examples[CauseAbsent]
	if len(first) == 0 || len(x.Variants) == 0 || float64(c.Absent) < few*float64(c.Rows) {
		return
	}
	p.Found += fmt.Sprintf("\nabsent, for one: %s; the genotypes have, for one: %s %s:%d", first[0], x.Variants[0].ID, x.Variants[0].Chrom, x.Variants[0].Pos)
}

// look counts what else the rows of a file would match.
func look(s *Set, x *genotype.Index, o Options) (survey, error) {
	var v survey
	f, err := Open(s.Path, o.Positions)
	if err != nil {
		return v, err
	}
	defer f.Close()
	var found []int32
	matches := func(r *Row, chrom string, pos int) int {
		found = x.At(found[:0], chrom, pos)
		return fits(r, x, found)
	}
	for f.Next() {
		r := f.Row()
		v.rows++
		if r.Pos == 0 {
			continue
		}
		v.placed++
		found = x.ByID(found[:0], r.ID)
		v.byID += fits(r, x, found)
		v.before += matches(r, r.Chrom, r.Pos-1)
		v.behind += matches(r, r.Chrom, r.Pos+1)
		if !x.Has(r.Chrom) {
			v.elsewhere++
			if genome.GRCh38.Length(r.Chrom) == 0 && v.strange == "" {
				v.strange = strings.Clone(r.Chrom)
			}
		}
	}
	if err := f.Err(); err != nil {
		return v, err
	}
	return v, v.otherPositions(s, x)
}

// otherPositions counts what the positions match that were not used.
func (v *survey) otherPositions(s *Set, x *genotype.Index) error {
	which := Author
	if s.Positions == Author {
		which = Harmonised
	}
	f, err := Open(s.Path, which)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Positions == s.Positions {
		return nil
	}
	var found []int32
	for f.Next() {
		if r := f.Row(); r.Pos > 0 {
			found = x.At(found[:0], r.Chrom, r.Pos)
			v.other += fits(r, x, found)
		}
	}
	return f.Err()
}

// fits is 1 where a row's alleles are those of one of the variants.
func fits(r *Row, x *genotype.Index, found []int32) int {
	for _, i := range found {
		if matchAlleles(r.Effect, r.Other, &x.Variants[i]) != noMatch {
			return 1
		}
	}
	return 0
}
