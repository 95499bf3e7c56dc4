package pgs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

func TestMatchAlleles(t *testing.T) {
	ag := genotype.Variant{Ref: "A", Alt: "G"}
	for _, c := range []struct {
		effect, other string
		v             genotype.Variant
		want          matchKind
	}{
		{"A", "G", ag, refAlt}, {"G", "A", ag, altRef}, {"T", "C", ag, refAltFlip}, {"C", "T", ag, altRefFlip}, {"A", "", ag, noOtherRef}, {"G", "", ag, noOtherAlt}, {"T", "", ag, noOtherRefFlip}, {"C", "", ag, noOtherAltFlip},
		{"A", "C", ag, noMatch}, {"A", "T", ag, noMatch}, {"A", "T", genotype.Variant{Ref: "A", Alt: "T"}, refAlt}, {"T", "A", genotype.Variant{Ref: "A", Alt: "T"}, altRef}, {"AC", "A", genotype.Variant{Ref: "A", Alt: "AC"}, altRef},
		{"TG", "T", genotype.Variant{Ref: "A", Alt: "AC"}, altRefFlip}, {"D", "d", genotype.Variant{Ref: "d", Alt: "D"}, altRef}, {"N", "A", ag, noMatch}, {"", "", ag, noMatch},
	} {
		if got := matchAlleles(c.effect, c.other, &c.v); got != c.want {
			t.Errorf("%s/%s on %+v is %d, want %d", c.effect, c.other, c.v, got, c.want)
		}
	}
}

// target has variants of every kind that rows may meet.
func target() []genotype.Variant {
	return []genotype.Variant{
		{Chrom: "chr1", ID: "rs1", Pos: 100, Ref: "A", Alt: "G"}, {Chrom: "1", ID: "rs2", Pos: 200, Ref: "A", Alt: "T"}, {Chrom: "1", ID: "rs3", Pos: 300, Ref: "C", Alt: "A"}, {Chrom: "1", ID: "rs3b", Pos: 300, Ref: "C", Alt: "G"}, {Chrom: "1", ID: "rs4", Pos: 400, Ref: "A", Alt: "C,G"},
		{Chrom: "1", ID: "1:500:A:C", Pos: 500, Ref: "A", Alt: "C"}, {Chrom: "X", ID: "rs6", Pos: 600, Ref: "T", Alt: "C"}, {Chrom: "1", ID: "rs7", Pos: 0, Ref: "A", Alt: "C"}, {Chrom: "1", ID: ".", Pos: 800, Ref: "A", Alt: "C"},
		{Chrom: "1", ID: "rs10", Pos: 900, Ref: "A", Alt: "G", Of: genotype.Allele{Alt: 1, Of: 3}}, {Chrom: "1", ID: "rs10", Pos: 900, Ref: "A", Alt: "T", Of: genotype.Allele{Alt: 2, Of: 3}}, {Chrom: "1", ID: "rs10", Pos: 900, Ref: "A", Alt: "AC", Of: genotype.Allele{Alt: 3, Of: 3}},
	}
}

const columns = "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"

// TestMatch: what becomes of each kind of row.
func TestMatch(t *testing.T) {
	x := genotype.NewIndex(target())
	for row, want := range map[string]string{
		"rs1\t1\t100\tG\tA\t1": "used 0 alt", "rs1\tchr1\t100\tA\tG\t1": "used 0 ref", "rs1\t01\t100\tT\tC\t1": "used 0 ref flipped", "rs9\t1\t101\tA\tG\t1": "absent", "rs1\t1\t\tA\tG\t1": "used 0 ref", "rs1\t\t\tC\tT\t1": "used 0 alt flipped",
		"rs2\t1\t200\tA\tT\t1": "ambiguous", "rs3\t1\t300\tC\tG\t1": "ambiguous", "rs3\t1\t300\tA\tC\t1": "used 2 alt", "rs3\t1\t300\tC\t\t1": "used 2 ref", "rs3\t1\t300\tG\t\t1": "ambiguous", "rs4\t1\t400\tA\tC\t1": "multiallelic", "rs4\t1\t400\tA\tT\t1": "multiallelic",
		"rs10\t1\t900\tG\tA\t1": "used 9 alt", "rs10\t\t\tAC\tA\t1": "used 11 alt", "rs10\t1\t900\tA\tG\t1": "used 11 whole", "rs10\t1\t900\tA\t\t1": "used 11 whole", "rs10\t1\t900\tT\tC\t1": "used 11 whole flipped", "rs10\t1\t900\tA\tT\t1": "ambiguous", "rs10\t1\t900\tG\tAC\t1": "multiallelic", "rs10\t1\t900\tT\tA\t1": "ambiguous",
		"rs1\t1\t100\tA\tC\t1": "mismatched", "1:500:A:C\t\t\tC\t\t1": "used 5 alt", "chr1:800\t\t\tC\tA\t1": "used 8 alt", "1_800_A_C\t\t\tA\t\t1": "used 8 ref", "1:800:A:G\t\t\tA\t\t1": "mismatched",
		"rs6\t23\t600\tC\tT\t1": "used 6 alt", "rs7\t1\t700\tC\tA\t1": "absent", "rs7\t\t\tC\tA\t1": "used 7 alt", "\t\t\tC\tA\t1": "unsupported", ".\t1\t800\tA\tC\t1": "used 8 ref",
	} {
		s, err := ReadSet(write(t, t.TempDir(), "s.txt", columns+row+"\n"), x, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, c := range Causes() {
			if s.Counts.Of(c) > 0 {
				got += string(c)
			}
		}
		for _, u := range s.terms {
			got += fmt.Sprintf("used %d %s", u.variant, map[term]string{{}: "ref", {alt: true}: "alt", {whole: true}: "whole"}[term{alt: u.alt, whole: u.whole}])
		}
		if s.Counts.Flipped > 0 {
			got += " flipped"
		}
		if got != want || (s.Low == nil) != strings.HasPrefix(want, "used") {
			t.Errorf("%q: %s, want %s", row, got, want)
		}
	}
}

// TestDuplicates: of two rows of one variant, or of REF of one record, none is used, however they name it; rows of different models are no duplicates. Ambiguous ones are used if wanted.
func TestDuplicates(t *testing.T) {
	x := genotype.NewIndex(target())
	text := columns + "rs1\t1\t100\tG\tA\t1\nrs1\t\t\tA\tG\t2\nrs3\t1\t300\tA\tC\t1\nrs2\t1\t200\tA\tT\t4\n"
	s, err := ReadSet(write(t, t.TempDir(), "s.txt", text), x, Options{KeepAmbiguous: true, MinOverlap: 0.5})
	if c := s.Counts; err != nil || c.Duplicate != 2 || c.Used != 2 || c.Matched != 4 || s.Low != nil || !slices.Equal(s.weights, []float64{4, 1}) {
		t.Errorf("%+v %v %v", s.Counts, s.weights, err)
	}
	if s, err = ReadSet(s.Path, x, Options{MinOverlap: 0.5}); err != nil || s.Low == nil || s.Low.Code != 312 || s.Counts.Ambiguous != 1 {
		t.Errorf("%+v %v", s.Counts, err)
	}
	text = columns + "rs10\t1\t900\tA\tG\t1\nrs10\t1\t900\tA\tAC\t2\nrs10\t1\t900\tAC\tA\t4\nrs10\t1\t900\tG\tA\t8\n" // REF of a record twice
	if s, err = ReadSet(write(t, t.TempDir(), "s.txt", text), x, Options{MinOverlap: 0.5}); err != nil || s.Counts.Duplicate != 2 || !slices.Equal(s.weights, []float64{8, 4}) {
		t.Errorf("%+v %v %v", s.Counts, s.weights, err)
	}
	text = columns + "rs10\t1\t900\tA\tG\t1\nrs10\t1\t900\tAC\tA\t4\n" // and once, beside its last alternative allele
	if s, err = ReadSet(write(t, t.TempDir(), "s.txt", text), x, Options{}); err != nil || !slices.Equal(s.weights, []float64{4, 1}) {
		t.Errorf("%+v %v %v", s.Counts, s.weights, err)
	}
	head := "rsID\teffect_allele\teffect_weight\tis_dominant\n"
	if s, err = ReadSet(write(t, t.TempDir(), "s.txt", head+"rs1\tG\t1\tTRUE\nrs1\tG\t1\tFALSE\n"), x, Options{}); err != nil || s.Counts.Used != 2 {
		t.Errorf("%+v %v", s.Counts, err)
	}
}

// TestDiagnose: the cause of a bad match is named.
func TestDiagnose(t *testing.T) {
	var list []genotype.Variant
	rows := map[string]string{}
	for i := range 40 {
		id, pos := fmt.Sprintf("rs%d", i), 1000*(i+1)
		list = append(list, genotype.Variant{Chrom: "7", ID: id, Pos: pos, Ref: "A", Alt: "G"})
		line := func(id, chrom string, pos int, other string) string {
			return fmt.Sprintf("%s\t%s\t%d\tG\t%s\t1", id, chrom, pos, other)
		}
		rows["another genome build"] += line(id, "7", pos+333, "A") + "\n"
		rows["count from 0"] += line("", "7", pos-1, "A") + "\n"
		rows["chromosomes of which there are no"] += line("", "8", pos, "A") + "\n"
		rows["other alleles"] += line("", "7", pos, "C") + "\n"
		rows["other variants"] += line("", "7", pos+333, "A") + "\n"
		rows["harmonised"] += line("", "7", pos+333, "A") + fmt.Sprintf("\t7\t%d\n", pos)
	}
	x := genotype.NewIndex(list)
	for want, text := range rows {
		head, o := columns, Options{MinOverlap: 0.75}
		if want == "harmonised" {
			head = strings.Replace(columns, "weight\n", "weight\thm_chr\thm_pos\n", 1)
			o.Positions = Author
		}
		s, err := ReadSet(write(t, t.TempDir(), "s.txt", head+text), x, o)
		if err != nil || s.Low == nil {
			t.Fatal(want, err)
		}
		Diagnose(s, x, genome.Unknown, o)
		if !strings.Contains(s.Low.Cause, want) {
			t.Errorf("want %q: %v", want, s.Low)
		}
	}
	s, err := ReadSet(write(t, t.TempDir(), "s.txt", "#genome_build=GRCh38\n"+columns+rows["other variants"]), x, Options{MinOverlap: 0.75})
	if err != nil {
		t.Fatal(err)
	}
	if Diagnose(s, x, genome.GRCh37, Options{}); !strings.Contains(s.Low.Cause, "GRCh38") || !strings.Contains(s.Low.Fix, "GRCh37") {
		t.Errorf("%v", s.Low)
	}
}

// TestNames: two scores of one name are E301.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	x := genotype.NewIndex(target())
	a, b := write(t, dir, "PGS1.chr1.txt", "rs1 G 1\n"), write(t, dir, "pgs1.txt", "rs1 G 1\n")
	for _, list := range [][]string{{a, b}, {a, a}} {
		_, err := ReadSets(context.Background(), list, x, Options{}, func(int, int) {})
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != 301 {
			t.Errorf("%v: %v", list, err)
		}
	}
}
