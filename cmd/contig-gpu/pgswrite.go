package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/data/genotype"
	"contig-gpu/data/pgs"
)

// write fills the folder.
func (s *scoring) write(dir string) error {
	families := slices.ContainsFunc(s.persons, func(p genotype.Person) bool { return p.FID != "" && p.FID != "0" })
	for _, set := range s.sets {
		if set.Low != nil {
			continue
		}
		for k, name := range set.Names {
			path := filepath.Join(dir, url.PathEscape(name)+".sscore")
			if err := writePrivate(path, func(w io.Writer) error { return s.writeScore(w, set, k, families) }); err != nil {
				return err
			}
		}
	}
	if err := folder.WriteFile(filepath.Join(dir, "match.tsv"), 0o644, func(w io.Writer) error { return writeFields(w, matchTable(s.sets)) }); err != nil {
		return err
	}
	return folder.WriteFile(filepath.Join(dir, "match.html"), 0o644, func(w io.Writer) error { return report.WriteMatched(w, s.page()) })
}

// writeScore writes one score as plink2 does with cols=nallele,dosagesum,scoreavgs,scoresums.
func (s *scoring) writeScore(w io.Writer, set *pgs.Set, k int, families bool) error {
	b := bufio.NewWriter(w)
	head, name := "#IID", data.Plain(set.Names[k])
	if families {
		head = "#FID\tIID"
	}
	fmt.Fprintf(b, "%s\tALLELE_CT\tNAMED_ALLELE_DOSAGE_SUM\t%s_AVG\t%s_SUM\n", head, name, name)
	var line []byte
	for i, r := range s.sums.Rows {
		p, score := s.persons[r], s.sums.Of(set, k, i)
		line = line[:0]
		if families {
			line = append(append(line, orZero(p.FID)...), '\t')
		}
		line = append(line, p.IID...)
		for _, v := range []float64{score.Alleles, score.Dosage, score.Average, score.Sum} {
			line = appendScore(append(line, '\t'), v)
		}
		if _, err := b.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return b.Flush()
}

func orZero(fid string) string {
	if fid == "" {
		return "0"
	}
	return fid
}

// scoreDigits are written of a value: more than single precision, in which scores are kept, has.
const scoreDigits = 12

func appendScore(dst []byte, v float64) []byte {
	if math.IsNaN(v) {
		return append(dst, "nan"...)
	}
	if v == 0 {
		v = 0 // never -0
	}
	return strconv.AppendFloat(dst, v, 'g', scoreDigits, 64)
}

// matchTable is match.tsv: a line each score.
func matchTable(sets []*pgs.Set) [][]string {
	lines := [][]string{{"score", "variants", "matched", "flipped", "ambiguous", "absent", "mismatched", "used", "multiallelic", "duplicate", "unsupported", "by_id", "overlap", "positions", "build", "status", "cause"}}
	for _, set := range sets {
		c, status, cause := set.Counts, "ok", ""
		if set.Low != nil {
			status, cause = "left out", set.Low.Cause
		}
		for _, name := range set.Names {
			line := []string{name}
			for _, n := range []int{c.Rows, c.Matched, c.Flipped, c.Ambiguous, c.Absent, c.Mismatched, c.Used, c.Multiallelic, c.Duplicate, c.Unsupported, c.ByID} {
				line = append(line, strconv.Itoa(n))
			}
			lines = append(lines, append(line, strconv.FormatFloat(c.Overlap(), 'f', 4, 64), set.Positions, string(set.Build), status, cause))
		}
	}
	return lines
}

// page is match.html.
func (s *scoring) page() report.Matched {
	page := report.Matched{Title: "contig-gpu pgs", Build: buildText(s.build), Persons: len(s.sums.Rows), MinOverlap: s.o.MinOverlap}
	for _, set := range s.sets {
		c := set.Counts
		m := report.MatchedScore{Name: set.Title(), Trait: set.Head["trait_reported"], File: filepath.Base(set.Path), Rows: c.Rows, Matched: c.Matched, Flipped: c.Flipped, Used: c.Used, ByID: c.ByID,
			Positions: set.Positions, Build: string(set.Build)}
		for model, text := range map[pgs.Model]string{pgs.Dominant: "dominant", pgs.Recessive: "recessive", pgs.ByDosage: "by weights for 0, 1 and 2 copies"} {
			if n := set.Models[model]; n > 0 {
				m.Notes = append(m.Notes, fmt.Sprintf("%d rows are %s.", n, text))
			}
		}
		slices.Sort(m.Notes)
		if set.Low != nil {
			m.Low, m.Fix = capital(set.Low.Cause), set.Low.Fix
		}
		for _, cause := range pgs.Causes() {
			if n := c.Of(cause); n > 0 {
				m.Causes = append(m.Causes, report.MatchedCause{Name: string(cause), Count: n, Examples: set.Examples[cause]})
			}
		}
		page.Scores = append(page.Scores, m)
	}
	return page
}
