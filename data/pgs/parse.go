package pgs

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

func blank(s string) bool { return s == "" || data.Missing(s) }

// parse makes the current row.
func (f *File) parse() error {
	r := &f.row
	*r = Row{Line: f.lines.Line()}
	if id := f.field(f.at.id); !blank(id) {
		r.ID = id
	}
	if err := f.place(); err != nil {
		return err
	}
	r.Effect, r.Other = f.word(allele(f.field(f.at.effect))), ""
	if other := f.field(f.at.other); !blank(other) {
		r.Other = f.word(allele(other))
	} else if guess := f.field(f.at.guess); !blank(guess) && !strings.ContainsAny(guess, "/,") {
		r.Other = f.word(allele(guess))
	}
	f.skip()
	if r.Skip == "" {
		if err := f.model(); err != nil {
			return err
		}
	}
	if r.Skip == "" && r.ID == "" && r.Pos == 0 {
		r.Skip = "neither an id nor a position"
	}
	return nil
}

// allele returns an allele in upper case where it is written in bases; codes such as D and d stay what they are.
func allele(s string) string {
	if up := strings.ToUpper(s); isSequence(up) {
		return up
	}
	return s
}

// skip finds rows that no sum over variants can have.
func (f *File) skip() {
	r := &f.row
	switch {
	case f.yes(f.at.interaction):
		r.Skip = skipInteraction
	case f.yes(f.at.haplotype), f.yes(f.at.diplotype):
		r.Skip = skipHaplotype
		if hla(r) {
			r.Skip = skipHLA
		}
	case hla(r):
		r.Skip = skipHLA
	case blank(r.Effect):
		r.Skip = skipAllele
	}
}

func hla(r *Row) bool {
	return strings.HasPrefix(strings.ToUpper(r.ID), "HLA") || strings.Contains(r.Effect, "*") || strings.Contains(r.ID, "*") || strings.HasPrefix(strings.ToUpper(r.Effect), "HLA")
}

// model reads the weights, and what they weigh.
func (f *File) model() error {
	r := &f.row
	dominant, recessive := f.yes(f.at.dominant), f.yes(f.at.recessive)
	switch strings.ToLower(f.field(f.at.kind)) {
	case "dominant":
		dominant = true
	case "recessive":
		recessive = true
	}
	if dominant && recessive {
		return f.badRow("a row is both dominant and recessive", "one of is_dominant and is_recessive", "both TRUE", "columns out of order", "correct the row")
	}
	switch {
	case dominant:
		r.Model = Dominant
	case recessive:
		r.Model = Recessive
	}
	if f.at.dosage[0] >= 0 && (len(f.at.weights) == 0 || blank(f.field(f.at.weights[0])) || strings.EqualFold(f.field(f.at.kind), "nonadditive")) {
		r.Model = ByDosage
		for k, c := range f.at.dosage {
			v, err := f.weight(c)
			if err != nil {
				return err
			}
			r.Weights[k] = v
		}
		return nil
	}
	for k, c := range f.at.weights {
		v, err := f.weight(c)
		if err != nil {
			return err
		}
		f.weights[k] = v
	}
	r.Weight = f.weights[0]
	return nil
}

// weight reads a weight; one that is missing or no number is E107.
func (f *File) weight(column int) (float64, error) {
	text := f.field(column)
	v, ok := table.Number(text)
	if !ok || table.Missing(v) {
		p := table.NotNumber(f.Path, f.lines.Line(), fmt.Sprintf("weight, column %d", column+1), text)
		p.What, p.Expected = "a row has no weight", "a number such as -1.5 or 2e-3"
		if blank(text) {
			p.Cause, p.Fix = "a missing value", "remove the row, or write 0"
		}
		return 0, p
	}
	return v, nil
}
