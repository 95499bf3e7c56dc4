package pgs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Problems of scoring files and of scores.
const (
	codeFile    = 310 // not understood as a scoring file
	codeRow     = 311 // a row that cannot be
	codeOverlap = 312 // too few of a score's rows have a variant
	codeNames   = 301 // two scores of one name
	codePersons = 313 // the genotypes have no person, or none that is wanted
)

// layout says where things stand in a row; -1 where they do not.
type layout struct {
	id, chrom, pos, effect, other, guess int
	accession                            int // the score's name
	dominant, recessive, kind            int // kind: the column effect_type
	interaction, haplotype, diplotype    int
	dosage                               [3]int
	weights                              []int // columns of weights
	names                                []string
	positions                            string // "harmonised" or "author"
}

// aliases are the names of columns, in lower case, in the order in which they are preferred.
func aliases(what string) []string {
	switch what {
	case "id":
		return []string{"rsid", "snp", "id", "variant_id", "snpid", "markername", "marker", "variant", "varid", "hm_rsid", "name"}
	case "chrom":
		return []string{"chr_name", "chr", "chrom", "chromosome"}
	case "pos":
		return []string{"chr_position", "pos", "bp", "position", "base_pair_location"}
	case "effect":
		return []string{"effect_allele", "a1", "allele", "ea", "allele1", "counted_allele", "effectallele"}
	case "other":
		return []string{"other_allele", "a2", "oa", "nea", "non_effect_allele", "reference_allele", "allele2", "otherallele"}
	case "weight":
		return []string{"effect_weight", "weight", "beta", "effect_size", "score", "effect", "posterior_effect"}
	}
	return []string{what}
}

// described are columns of the PGS Catalog, and of what programs write beside weights, that are no weights.
func described() []string {
	return []string{"locus_name", "imputation_method", "variant_description", "inclusion_criteria", "or", "hr", "se", "p", "pval", "pvalue", "p_value", "n", "info", "maf", "freq", "eaf", "effect_allele_frequency", "allelefrequency_effect", "variant_type",
		"hm_source", "hm_rsid", "hm_chr", "hm_pos", "hm_inferotherallele", "hm_match_chr", "hm_match_pos", "is_duplicated", "accession", "row_nr", "effect_type", "weight_type", "is_interaction", "is_haplotype", "is_diplotype", "is_dominant", "is_recessive",
		"dosage_0_weight", "dosage_1_weight", "dosage_2_weight"}
}

// named finds the columns by the names of a header; ok is false where it names no effect allele.
func named(fields []string, positions string) (l layout, ok bool) {
	lower := make([]string, len(fields))
	for i, f := range fields {
		lower[i] = strings.ToLower(strings.TrimPrefix(f, "#"))
	}
	at := func(what string) int {
		for _, a := range aliases(what) {
			if i := slices.Index(lower, a); i >= 0 {
				return i
			}
		}
		return -1
	}
	l = layout{id: at("id"), chrom: at("chrom"), pos: at("pos"), effect: at("effect"), other: at("other"), guess: at("hm_inferotherallele"), dominant: at("is_dominant"), recessive: at("is_recessive"),
		kind: at("effect_type"), accession: at("accession"), interaction: at("is_interaction"), haplotype: at("is_haplotype"), diplotype: at("is_diplotype"), positions: "author"}
	for k := range l.dosage {
		l.dosage[k] = at(fmt.Sprintf("dosage_%d_weight", k))
	}
	if hm := at("hm_pos"); hm >= 0 && at("hm_chr") >= 0 && positions != "author" {
		l.chrom, l.pos, l.positions = at("hm_chr"), hm, "harmonised"
	}
	if l.effect < 0 {
		return l, false
	}
	if w := at("weight"); w >= 0 {
		l.weights = []int{w}
		return l, true
	}
	used := []int{l.id, l.chrom, l.pos, l.effect, l.other, l.guess}
	for i, n := range lower {
		if !slices.Contains(used, i) && !slices.Contains(described(), n) && !strings.HasPrefix(n, "allelefrequency_") {
			l.weights, l.names = append(l.weights, i), append(l.names, fields[i])
		}
	}
	return l, len(l.weights) > 0 || l.dosage[1] >= 0
}

// plain finds the columns of a file without a header that names them: id, allele and weights, as plink2 --score takes them; or chromosome, id, position,
// two alleles and a weight, as PRS-CS writes them. header says that the line is none of weights: then its third field and those after it name the scores.
func plain(fields []string) (l layout, header, ok bool) {
	l = layout{accession: -1, id: 0, chrom: -1, pos: -1, effect: 1, other: -1, guess: -1, dominant: -1, recessive: -1, kind: -1, interaction: -1, haplotype: -1, diplotype: -1, dosage: [3]int{-1, -1, -1}, positions: "author"}
	if len(fields) < 3 {
		return l, false, false
	}
	if len(fields) == 6 && whole(fields[2]) && isSequence(strings.ToUpper(fields[3])) && isSequence(strings.ToUpper(fields[4])) && number(fields[5]) {
		l.chrom, l.id, l.pos, l.effect, l.other, l.weights = 0, 1, 2, 3, 4, []int{5}
		return l, false, true
	}
	numbers := 0
	for i := 2; i < len(fields); i++ {
		l.weights = append(l.weights, i)
		if number(fields[i]) {
			numbers++
		}
	}
	if numbers == 0 {
		l.names = fields[2:]
	}
	return l, numbers == 0, numbers == 0 || numbers == len(fields)-2
}

func number(s string) bool { v, err := strconv.ParseFloat(s, 64); return err == nil && finite(v) }

func whole(s string) bool { _, err := strconv.Atoi(s); return err == nil }

// notUnderstood is the problem of a first line that is neither a header nor an entry (E310).
func notUnderstood(path string, line int, text string) error {
	return &data.Problem{Code: codeFile, File: path, Line: line, What: "this is no scoring file", Expected: "a header with effect_allele and effect_weight, as the PGS Catalog has it, or lines of id, allele and weight",
		Found: fmt.Sprintf("%.120q", text), Cause: "another kind of file, or a header with names of its own", Fix: "name the columns rsID, chr_name, chr_position, effect_allele, other_allele, effect_weight"}
}

// badRow is the problem of a row that cannot be used as it stands (E311).
func (f *File) badRow(what, expected, found, cause, fix string) error {
	return &data.Problem{Code: codeRow, File: f.Path, Line: f.lines.Line(), What: what, Expected: expected, Found: found, Cause: cause, Fix: fix}
}

// ragged is the problem of a row with too few or too many fields.
func (f *File) ragged(got int) error {
	return table.Ragged(f.Path, f.lines.Line(), f.columns, got, f.split)
}
