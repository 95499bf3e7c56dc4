package genofile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// codeUnknown is the number of files of which no format is found.
const codeUnknown = 208

// Auto is the format of files whose content says what they are.
const Auto = "auto"

// Options say how files are read.
type Options struct {
	Format  string // one of Formats; "": Auto
	RefLast bool   // of BGEN, the last allele is REF and not the first
	Sample  string // of BGEN, the .sample; "": ids are in the file, or in the .sample beside it
	// Chroms are, of BGEN, the chromosomes of variants that name none: one for each path; nil: their ids begin with it.
	Chroms []string
	// Regions are disjoint: of files with an index, variants elsewhere need not be listed. nil: all are wanted.
	Regions []genotype.Interval
	Faults  *data.Faults
	// Progress is called as variants of a file are listed that has no list of them, nil: nobody asks.
	Progress func(done, total int)
}

// Formats are the words for formats, Auto first.
func Formats() []string {
	out := []string{Auto}
	for _, f := range formats() {
		out = append(out, f.word)
	}
	return out
}

// A format is how a file is recognised and opened.
type format struct {
	word string
	ends []string // of files of a prefix
	is   func(head []byte) bool
	open func(path string, o Options) (genotype.File, error)
}

// Open opens files, or prefixes of files, of the same persons. Where o.Faults takes what is wrong, the set is of the files without.
func Open(paths []string, o Options) (*genotype.Set, error) {
	s := &genotype.Set{}
	for i, p := range paths {
		chrom := ""
		if o.Chroms != nil {
			chrom = o.Chroms[i]
		}
		f, notes, err := openOne(p, chrom, o)
		if err == nil && f != nil {
			err = s.Add(f)
		}
		if err := o.Faults.Take(err); err != nil {
			return nil, err
		}
		s.Notes = append(s.Notes, notes...)
	}
	return s, nil
}

func openOne(path, chrom string, o Options) (genotype.File, []string, error) {
	found, fmt, notes, err := find(path, o.Format)
	if err != nil {
		return nil, nil, err
	}
	o.Chroms = []string{chrom}
	f, err := fmt.open(found, o)
	return f, notes, err
}

// find returns the file that a path or prefix means, and its format.
func find(path, word string) (string, format, []string, error) {
	if st, err := os.Stat(path); err == nil && !st.IsDir() {
		f, err := formatOf(path, word)
		return path, f, nil, err
	}
	var found []string
	var first format
	for _, f := range formats() {
		for _, end := range f.ends {
			if _, err := os.Stat(path + end); err == nil && (word == "" || word == Auto || word == f.word) {
				if found = append(found, path+end); len(found) == 1 {
					first = f
				}
			}
		}
	}
	switch {
	case len(found) == 0 && nothing(path):
		return "", format{}, nil, none(path)
	case len(found) == 0:
		return path, missing(path, word), nil, nil
	case len(found) > 1 && (word == "" || word == Auto):
		return found[0], first, []string{fmt.Sprintf("%s is read, of the %d files of that prefix.", filepath.Base(found[0]), len(found))}, nil
	}
	f, err := formatOf(found[0], word)
	return found[0], f, nil, err
}

// nothing says whether there is no file of PLINK 1 whose name begins so either, and the name is not that of a file: of those, readers say what is missing.
func nothing(path string) bool {
	return !there(path+".bim") && !there(path+".fam") && !slices.ContainsFunc(formats(), func(f format) bool {
		return slices.ContainsFunc(f.ends, func(end string) bool { return strings.HasSuffix(path, end) })
	})
}

// none is the problem of a prefix of nothing, or of a folder.
func none(path string) error {
	f, err := input.Open(path, input.NoLimit)
	if err == nil { // since
		f.Close()
	}
	p := table.Unreadable(path, err)
	p.Expected = "a file of genotypes, or the prefix of .bed, .pgen, .bgen, .vcf.gz, .vcf or .bcf"
	return p
}

// missing is the format of a path at which there is nothing: that which its name says, else PLINK 1, whose reader says what is missing.
func missing(path, word string) format {
	list := formats()
	for _, f := range list {
		if f.word == word || slices.ContainsFunc(f.ends, func(end string) bool { return strings.HasSuffix(path, end) }) {
			return f
		}
	}
	return list[0]
}

// formatOf tells the format of a file by its first bytes.
func formatOf(path, word string) (format, error) {
	head, err := begin(path)
	if err != nil {
		return format{}, err
	}
	for _, f := range formats() {
		if f.is(head) && (word == "" || word == Auto || word == f.word) {
			return f, nil
		}
	}
	if f := missing(path, word); word == f.word || slices.ContainsFunc(f.ends, func(end string) bool { return strings.HasSuffix(path, end) }) {
		return f, nil // its reader says what is wrong
	}
	p := &data.Problem{Code: codeUnknown, File: path, What: "no format of genotypes begins as this file does", Expected: ".bed, .pgen, BGEN, VCF or BCF, or their prefix",
		Found: fmt.Sprintf("a file that begins %.12q", head[:min(len(head), 12)]), Cause: "a file that belongs to genotypes, such as .bim, .pvar or .sample, or another one", Fix: "name the file of the genotypes, or the prefix"}
	if f, ok := data.FormatOf(head); ok {
		p.Cause, p.Fix = "the file is "+f.Name, f.Fix
	}
	return format{}, p
}
