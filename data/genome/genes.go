package genome

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Problems with a table of genes, and with a table of names.
const (
	codeGenes = 906
	codeNames = 907
)

// A Gene is an interval of the genome, or any other that has a name.
type Gene struct {
	Name       string
	Chromosome string // as Chromosome returns it
	Start, End int    // base pairs, from 1, both included
}

// ReadGenes reads intervals from a BED (no header, at least four columns, from 0, the end excluded), a GTF (records of type gene; from 1)
// or a table whose header names gene, chrom, start and end (from 1, the end included). Which it is the first line tells.
// What is none of them is E906.
func ReadGenes(path string) ([]Gene, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	r := &geneReader{path: path}
	for l.Next() {
		text := l.Text()
		head := strings.ToLower(text)
		if strings.HasPrefix(text, "#") && r.parse == nil && !strings.HasPrefix(head, "#gene") && !strings.HasPrefix(head, "#chrom") {
			continue
		}
		if strings.HasPrefix(text, "track") || strings.HasPrefix(text, "browser") {
			continue
		}
		if err := r.line(l.Line(), text); err != nil {
			return nil, err
		}
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if len(r.genes) == 0 {
		return nil, &data.Problem{Code: codeGenes, File: path, What: "the table has no genes", Expected: "at least one interval", Found: "none",
			Cause: "a header alone, or a GTF without records of type gene", Fix: "give a BED, a GTF with gene records, or a table with the columns gene, chrom, start, end"}
	}
	return r.genes, nil
}

// A geneReader knows the form of a table once it has seen its first line.
type geneReader struct {
	path  string
	split table.Splitter
	parse func(fields []string) (Gene, bool, error)
	genes []Gene
}

func (r *geneReader) line(n int, text string) error {
	if r.parse == nil {
		header, err := r.begin(n, text)
		if err != nil || header {
			return err
		}
	}
	g, ok, err := r.parse(r.split.Split(text, nil))
	if err != nil {
		return &data.Problem{Code: codeGenes, File: r.path, Line: n, What: "this is no interval of a gene", Err: err, Expected: "a chromosome, and a start that is not behind the end",
			Found: fmt.Sprintf("%.80q", text), Cause: "columns in another order, or a broken line", Fix: "repair the line"}
	}
	if ok {
		r.genes = append(r.genes, g)
	}
	return nil
}

// begin finds out the form of the table; header says that the line is no interval.
func (r *geneReader) begin(n int, text string) (header bool, err error) {
	r.split = table.SplitterFor(r.path, text)
	f := r.split.Split(strings.TrimPrefix(text, "#"), nil)
	tabs := strings.Split(text, "\t")
	switch {
	case len(tabs) >= 9 && number(tabs[3]) && number(tabs[4]):
		r.split, r.parse = table.SplitterFor("x.tsv", text), gtf
		return false, nil
	case len(f) >= 4 && number(f[1]) && number(f[2]):
		r.parse = bed
		return false, nil
	}
	at := [4]int{}
	for i, names := range [4][]string{{"gene", "gene_name", "name", "symbol"}, {"chrom", "chr", "chromosome"}, {"start"}, {"end", "stop"}} {
		at[i] = slices.IndexFunc(f, func(s string) bool { return slices.Contains(names, strings.ToLower(s)) })
		if at[i] < 0 {
			return false, &data.Problem{Code: codeGenes, File: r.path, Line: n, What: "this is no table of genes", Expected: "a BED with names, a GTF, or a header with gene, chrom, start and end",
				Found: fmt.Sprintf("%.80q", text), Cause: "another kind of file, or a BED without a fourth column", Fix: "name the columns gene, chrom, start, end"}
		}
	}
	r.parse = func(f []string) (Gene, bool, error) { return named(f, at) }
	return true, nil
}

func number(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

func bed(f []string) (Gene, bool, error) {
	if len(f) < 4 {
		return Gene{}, false, fmt.Errorf("%d fields", len(f))
	}
	return gene(f[3], f[0], f[1], f[2], 1)
}

// gtf takes records of type gene. Their names are in the last column: gene_name "BRCA2"; else gene_id.
func gtf(f []string) (Gene, bool, error) {
	if len(f) < 9 {
		return Gene{}, false, fmt.Errorf("%d fields", len(f))
	}
	if f[2] != "gene" {
		return Gene{}, false, nil
	}
	name := attribute(f[8], "gene_name")
	if name == "" {
		name = attribute(f[8], "gene_id")
	}
	return gene(name, f[0], f[3], f[4], 0)
}

// attribute returns the value of a key in the last column of a GTF.
func attribute(text, key string) string {
	for _, part := range strings.Split(text, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), " "); ok && k == key {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}

func named(f []string, at [4]int) (Gene, bool, error) {
	if len(f) <= slices.Max(at[:]) {
		return Gene{}, false, fmt.Errorf("%d fields", len(f))
	}
	return gene(f[at[0]], f[at[1]], f[at[2]], f[at[3]], 0)
}

// gene makes an interval; shift turns a start that counts from 0 into one from 1.
func gene(name, chrom, start, end string, shift int) (Gene, bool, error) {
	lo, err := strconv.Atoi(start)
	if err != nil {
		return Gene{}, false, err
	}
	hi, err := strconv.Atoi(end)
	if err != nil {
		return Gene{}, false, err
	}
	g := Gene{Name: name, Chromosome: Chromosome(chrom), Start: lo + shift, End: hi}
	switch {
	case name == "":
		return g, false, fmt.Errorf("no name")
	case chrom == "":
		return g, false, fmt.Errorf("no chromosome")
	case g.Start < 1 || g.End < g.Start:
		return g, false, fmt.Errorf("from %s to %s", start, end)
	}
	return g, true, nil
}
