package genotype

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func sites() *Set {
	s := &Set{}
	d := &drawn{persons: make([]Person, 2), sites: []Variant{
		{Chrom: "1", ID: "rs1", Pos: 100, Ref: "A", Alt: "G", Line: 1}, {Chrom: "chr1", ID: "rs2", Pos: 200, Ref: "AT", Alt: "A", Line: 2}, {Chrom: "01", ID: ".", Pos: 300, Ref: "C", Alt: "T", Line: 3}, {Chrom: "23", ID: "rs4", Pos: 400, Ref: "G", Alt: "C", Line: 4}, {Chrom: "X", ID: "1:100:A:G", Pos: 500, Ref: "A", Alt: "C", Line: 5},
	}}
	if err := s.Add(d); err != nil {
		panic(err)
	}
	return s
}

// TestSelect: variants are found by id, by place with or without alleles in any order, by intervals and regions.
func TestSelect(t *testing.T) {
	s := sites()
	for _, c := range []struct {
		list   string
		want   []int
		absent int
	}{
		{"rs1\nrs4 A\nnone\n", []int{0, 3}, 1}, {"chr1:200:A:AT\n1_300_t_c\n", []int{1, 2}, 0}, {"1:300\nX:400\n", []int{2, 3}, 0}, {"1:300:C:G\nrs1\n", []int{0}, 1},
		{"1:100:A:G\n", []int{0, 4}, 0}, {"SNP\nrs2\n", []int{1}, 0}, {"chr1\t99\t200\nX\t0\t400\tgene\n", []int{0, 1, 3}, 0}, {"chr1\t100\t200\n", []int{1}, 0},
	} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(c.list), 0o600); err != nil {
			t.Fatal(err)
		}
		got, absent, err := s.Extract(path, s.All())
		if err != nil || !slices.Equal(got, c.want) || absent != c.absent {
			t.Errorf("%q: %v, %d absent, %v; want %v, %d", c.list, got, absent, err, c.want, c.absent)
		}
	}
	for _, c := range []struct {
		region string
		want   []int
	}{{"1", []int{0, 1, 2}}, {"chr1:100-200", []int{0, 1}}, {"1:300", []int{2}}, {"X:401-1,000", []int{4}}} {
		i, err := ParseRegion(c.region)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Within([]Interval{i}, "", s.All())
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.region, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "1:x", "1:5-2", "1:-3", "1:5-"} {
		if i, err := ParseRegion(bad); err == nil {
			t.Errorf("%q is %v", bad, i)
		}
	}
}

// TestPanel: the allele of a panel is counted, whichever it is.
func TestPanel(t *testing.T) {
	s := sites()
	path := filepath.Join(t.TempDir(), "panel.tsv")
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("SNP\tA1\tbeta\nrs1\tA\t1\nrs2\ta\t2\n1:300:T:C\tT\t1\nrs4\tT\t1\nnone\tA\t1\n")
	variants, alt, absent, others, err := s.Panel(path, s.All())
	if got := fmt.Sprint(variants, alt, absent, others, err); got != "[0 1 2] [false true true] 1 1 <nil>" {
		t.Error(got)
	}
	for text, says := range map[string]string{"rs1\n": "E209", "none\tA\n": "E210"} {
		put(text)
		if _, _, _, _, err := s.Panel(path, s.All()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	put("1\t5\tx\n")
	if _, err := s.Within(nil, path, s.All()); err == nil || !strings.Contains(err.Error(), "E209") {
		t.Error(err)
	}
}
