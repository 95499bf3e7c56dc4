package pgs

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

// entries reads all of a scoring file.
func entries(path, positions string) (*File, []Row, [][]float64, error) {
	f, err := Open(path, positions)
	if err != nil {
		return nil, nil, nil, err
	}
	defer f.Close()
	var rows []Row
	var weights [][]float64
	for f.Next() {
		rows, weights = append(rows, *f.Row()), append(weights, slices.Clone(f.Weights()))
	}
	return f, rows, weights, f.Err()
}

const hmHead = "##PGS\n#format_version=2.0\n#pgs_id=PGS000009\n#trait_reported=Height=tall\n#genome_build=GRCh37\n#HmPOS_build=GRCh38\n"

// TestForms: one entry, in every form in which scoring files have it.
func TestForms(t *testing.T) {
	want := Row{ID: "rs1", Chrom: "6", Pos: 100, Effect: "A", Other: "G", Weight: -1.5e-3}
	for _, c := range []struct {
		name, text string
		positions  string
		drop       string // parts of the entry that the form does not have
		score      string
		build      genome.Build
	}{
		{"a.txt", hmHead + "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\thm_chr\thm_pos\nrs1\t6\t77\tA\tG\t-1.5e-3\t6\t100\n", Harmonised, "", "PGS000009", genome.GRCh38},
		{"a.txt", hmHead + "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\thm_chr\thm_pos\nrs1\tchr6\t100\ta\tg\t-0.0015\t7\t9\n", Author, "", "PGS000009", genome.GRCh37},
		{"a.b.txt", "#genome_build=hg19\nchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n06\t100\tA\tG\t-.0015\n", Harmonised, "id", "a", genome.GRCh37},
		{"a.txt", "#pgs_id=X.1\nrsID\teffect_allele\teffect_weight\nrs1\tA\t-.0015\n", Harmonised, "place other", "X_1", genome.Unknown},
		{"x.txt", "rsID\teffect_allele\teffect_weight\taccession\trow_nr\nrs1\tA\t-.0015\tPGS000012\t0\n", Harmonised, "place other", "PGS000012", genome.Unknown},
		{"a.txt", "rs1 A -.0015\n", Harmonised, "place other", "a", genome.Unknown},
		{"a.csv", "SNP,A1,BETA\nrs1,A,-.0015\n", Harmonised, "place other", "a", genome.Unknown},
		{"a.txt", "#ID\tA1\tBETA\nrs1\tA\t-.0015\n", Harmonised, "place other", "a", genome.Unknown},
		{"prscs.txt", "6\trs1\t100\tA\tG\t-1.5e-3\n", Harmonised, "", "prscs", genome.Unknown},
		{"a.txt", "rsID\tchr_name\teffect_allele\teffect_weight\thm_chr\thm_pos\thm_inferOtherAllele\nrs1\t6\tA\t-.0015\t6\t100\tG\n", Harmonised, "", "a", genome.Unknown},
		{"a.txt", "rsID\tchr_name\teffect_allele\teffect_weight\thm_chr\thm_pos\thm_inferOtherAllele\nrs1\t6\tA\t-.0015\t6\t100\tG/T\n", Harmonised, "other", "a", genome.Unknown},
	} {
		f, rows, _, err := entries(write(t, t.TempDir(), c.name, c.text), c.positions)
		if err != nil || len(rows) != 1 {
			t.Errorf("%q: %v, %v", c.text, rows, err)
			continue
		}
		w := want
		w.Line = strings.Count(c.text, "\n")
		if strings.Contains(c.drop, "id") {
			w.ID = ""
		}
		if strings.Contains(c.drop, "place") {
			w.Chrom, w.Pos = "", 0
		}
		if strings.Contains(c.drop, "other") {
			w.Other = ""
		}
		if rows[0] != w || f.Names[0] != c.score || f.Build() != c.build {
			t.Errorf("%q: %+v of %q, build %s", c.text, rows[0], f.Names, f.Build())
		}
	}
}

// TestModels: rows of each model, and those that no sum over variants can have.
func TestModels(t *testing.T) {
	head := "rsID\teffect_allele\teffect_weight\tis_dominant\tis_recessive\tis_interaction\tis_haplotype\tis_diplotype\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight\n"
	_, rows, _, err := entries(write(t, t.TempDir(), "m.txt", head+
		"rs1\tA\t2\tTRUE\tFALSE\t\t\t\t\t\t\nrs2\tA\t2\tFalse\tTrue\t\t\t\t\t\t\nrs3\tA\t\t\t\t\t\t\t0\t1.5\t9\nrs4\tA\t2\t\t\tTRUE\t\t\t\t\t\nrs5\tA\t2\t\t\t\tTRUE\t\t\t\t\nHLA-B*27:05\tP\t2\t\t\t\tTRUE\t\t\t\t\nrs6\tA\t2\n"), Harmonised)
	if err != nil || len(rows) != 7 {
		t.Fatal(rows, err)
	}
	for i, w := range [][3]float64{{0, 2, 2}, {0, 0, 2}, {0, 1.5, 9}} {
		if got := rows[i].weights(); got != w {
			t.Errorf("row %d: %v, want %v", i, got, w)
		}
	}
	for i, skip := range map[int]string{3: skipInteraction, 4: skipHaplotype, 5: skipHLA, 6: ""} {
		if rows[i].Skip != skip {
			t.Errorf("row %d is skipped for %q, want %q", i, rows[i].Skip, skip)
		}
	}
}

// TestSeveral: columns of weights beside each other are scores, named by the header or numbered.
func TestSeveral(t *testing.T) {
	for text, want := range map[string][]string{"ID\teffect_allele\tbig.one\tsecond\nrs1\tA\t1\t2\n": {"big_one", "second"}, "rs1 A 1 2\n": {"m_1", "m_2"}, "id allele x y\nrs1 A 1 2\n": {"x", "y"}, "variant effect x y\nrs1 A 1 2\n": {"x", "y"}} {
		f, _, weights, err := entries(write(t, t.TempDir(), "m.txt", text), Harmonised)
		if err != nil || !slices.Equal(f.Names, want) || len(weights) != 1 || !slices.Equal(weights[0], []float64{1, 2}) {
			t.Errorf("%q: %v %v %v", text, f, weights, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	head := "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
	for _, c := range []struct {
		text       string
		code, line int
	}{
		{"", 105, 0}, {"#pgs_id=X\n", 105, 0}, {"a b\n", 310, 1}, {"rs1 A one 2\n", 310, 1}, {"effect_allele\teffect_weight\nA\t1\n", 310, 1}, {"<html>\n", 125, 0},
		{head + "rs1\t1\t5\tA\tG\n", 106, 2}, {head + "rs1\t1\t5e5\tA\tG\t1\n", 311, 2}, {head + "rs1\t1\t5\tA\tG\t\n", 107, 2}, {head + "rs1\t1\t5\tA\tG\tNA\n", 107, 2}, {head + "rs1\t1\t5\tA\tG\t1,5\n", 107, 2},
		{head + "rs1\t1\t5\tA\tG\tinf\n", 107, 2}, {"rsID\teffect_allele\teffect_weight\tis_dominant\tis_recessive\nrs1\tA\t1\tTRUE\tTRUE\n", 311, 2}, {"rsID\teffect_allele\teffect_allele\teffect_weight\nrs1\tA\tA\t1\n", 108, 1},
	} {
		_, _, _, err := entries(write(t, t.TempDir(), "s.txt", c.text), Harmonised)
		if err == nil {
			_, err = ReadSet(write(t, t.TempDir(), "s.txt", c.text), genotype.NewIndex(nil), Options{})
		}
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Line != c.line {
			t.Errorf("%q: %v, want E%d on line %d", c.text, err, c.code, c.line)
		}
	}
}

// FuzzScores reads anything as a scoring file, matches and sums it.
func FuzzScores(f *testing.F) {
	for _, s := range []string{"rs1 A 1\n", hmHead + "rsID\teffect_allele\teffect_weight\thm_chr\thm_pos\nrs1\tA\t1\t1\t5\n", "1 rs1 5 A G .5\n", "rsID\teffect_allele\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight\nrs1\tA\t1\t2\t3\n"} {
		f.Add([]byte(s))
	}
	x := genotype.NewIndex([]genotype.Variant{{Chrom: "1", ID: "rs1", Pos: 5, Ref: "A", Alt: "G"}, {Chrom: "1", ID: "rs2", Pos: 5, Ref: "A", Alt: "C,T"}})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadSet(write(t, t.TempDir(), "x", string(b)), x, Options{MinOverlap: 0.5})
		var p *data.Problem
		if err != nil {
			if !errors.As(err, &p) {
				t.Fatalf("no Problem: %v", err)
			}
			return
		}
		c := s.Counts
		if sum := c.Used + c.Ambiguous + c.Duplicate + c.Absent + c.Mismatched + c.Multiallelic + c.Unsupported; sum != c.Rows {
			t.Fatalf("%+v adds up to %d", c, sum)
		}
		if s.Low != nil {
			Diagnose(s, x, genome.Unknown, Options{MinOverlap: 0.5})
		}
		for _, w := range s.weights {
			if math.IsNaN(w) || math.IsInf(w, 0) {
				t.Fatalf("weights %v", s.weights)
			}
		}
	})
}

// TestMemory: what is kept of a scoring file is its rows that have a variant, whatever else is in it.
func TestMemory(t *testing.T) {
	var b strings.Builder
	b.WriteString("rsID\teffect_allele\teffect_weight\tlocus_name\n")
	for i := range 60000 {
		fmt.Fprintf(&b, "rs%d\tA\t0.5\t%s\n", i, strings.Repeat("x", 200))
	}
	path := write(t, t.TempDir(), "big.txt", b.String())
	x := genotype.NewIndex([]genotype.Variant{{Chrom: "1", ID: "rs7", Pos: 5, Ref: "A", Alt: "G"}})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := ReadSet(path, x, Options{})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || s.Counts.Used != 1 || s.Counts.Rows != 60000 {
		t.Fatalf("%+v, %v", s, err)
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(s)
}
