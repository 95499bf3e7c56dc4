package vcf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// code is the number of what is wrong with a VCF or BCF.
const code = 207

// A file is a VCF or BCF.
type file struct {
	about   genotype.About
	persons []genotype.Person
	sites   []genotype.Variant
	places  []place           // of each variant
	alleles []genotype.Allele // of each variant
	head    header
	words   genotype.Words
	multi   int  // variants of more than two alleles
	many    int  // those of too many, left out
	dosed   bool // the header names fields of dosages
}

// A header is what stands before the variants.
type header struct {
	binary  bool
	words   dictionary // of BCF
	contigs dictionary
	lines   int
}

// Options say how a file is read.
type Options struct {
	Regions  []genotype.Interval // disjoint: where the file has an index, variants elsewhere are not listed; nil: all are
	Faults   *data.Faults
	Progress func(done, total int) // may be nil
}

// Open opens a VCF, plain or compressed by bgzip or gzip, or a BCF. What is wrong with it is E207, with the ids of persons also E102, E120 and E121.
func Open(path string, o Options) (genotype.File, error) {
	faults := o.Faults
	h, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer h.Close()
	f := &file{about: genotype.About{Format: "VCF", Path: path, PersonsPath: path, VariantsPath: path}}
	t, err := f.start(h)
	if err != nil {
		return nil, err
	}
	if err := f.readHeader(t, faults); err != nil {
		return nil, err
	}
	indexed, err := f.listAll(t, h, o)
	if err != nil {
		return nil, err
	}
	if !indexed && len(f.sites) == 0 && faults.Found() == 0 {
		return nil, table.Empty(path, "there are no variants")
	}
	if f.multi > 0 {
		f.about.Notes = append(f.about.Notes, fmt.Sprintf("%s: %d variants with more than two alleles are read as one for each alternative allele.", filepath.Base(path), f.multi))
	}
	if f.many > 0 {
		f.about.Notes = append(f.about.Notes, fmt.Sprintf("W217: %s: %d variants with more than %d alternative alleles are left out.", filepath.Base(path), f.many, genotype.MostAlts))
	}
	return f, nil
}

// add takes a variant of so many alleles: where they are more than two, one for each alternative allele.
func (f *file) add(v genotype.Variant, alleles int, at place) {
	alts := alleles - 1
	switch {
	case alts > genotype.MostAlts:
		f.many++
		return
	case alts > 1:
		f.multi++
	}
	list := v.Alt
	for alt := 1; alt <= alts; alt++ {
		of := genotype.Allele{Alt: uint8(alt), Of: uint8(alts)}
		if alts > 1 {
			v.Alt, v.Of = f.words.Allele(genotype.Alternative(list, alt)), of
		}
		f.sites, f.places, f.alleles = append(f.sites, v), append(f.places, at), append(f.alleles, of)
	}
}

// listAll lists the variants: by an index where there is one that helps, else by reading through.
func (f *file) listAll(t *text, h *os.File, o Options) (indexed bool, err error) {
	if _, ok := t.s.(*bgzf); ok && len(o.Regions) > 0 {
		stretches, ok, err := f.stretches(o.Regions)
		if err != nil {
			return false, err
		}
		if ok {
			return true, f.listStretches(t, stretches)
		}
	}
	return false, f.list(t, h, o.Faults, o.Progress)
}

func (f *file) start(h *os.File) (*text, error) {
	s, err := newSource(h)
	if err != nil {
		return nil, f.unreadable(0, err)
	}
	return &text{s: s}, nil
}

// unreadable is the problem of a line or record that cannot be read.
func (f *file) unreadable(line int, err error) error {
	var p *data.Problem
	if errors.As(err, &p) {
		return err
	}
	return &data.Problem{Code: code, File: f.about.Path, Line: line, What: "the " + f.about.Format + " cannot be read", Err: err, Expected: "a whole file", Cause: "it was copied or written in part, or is damaged", Fix: "copy or write it again"}
}

func (f *file) bad(line int, what, expected, found string) *data.Problem {
	return &data.Problem{Code: code, File: f.about.Path, Line: line, What: what, Expected: expected, Found: found, Cause: "damage, or another kind of file", Fix: "write the file again with bcftools view"}
}

// readHeader reads the lines that begin with #.
func (f *file) readHeader(t *text, faults *data.Faults) error {
	begin, err := t.bytes(len(bcfMagic))
	if err != nil {
		return f.unreadable(0, err)
	}
	if bytes.HasPrefix(begin, []byte(bcfMagic)) {
		f.about.Format, f.head.binary = "BCF", true
		return f.readBinaryHeader(t, faults)
	}
	if begin[0] != '#' {
		p := f.bad(1, "this is not a VCF", "##fileformat=VCFv4", fmt.Sprintf("%q", begin))
		if known, ok := data.FormatOf(append(bytes.Clone(begin), t.piece...)); ok {
			p.Cause, p.Fix = "the file is "+known.Name, known.Fix
		}
		return p
	}
	if err := t.seek(0); err != nil {
		return f.unreadable(0, err)
	}
	for {
		line, err := t.line()
		if err != nil {
			return f.noColumns(err)
		}
		f.head.lines++
		if done, err := f.headerLine(line, faults); done || err != nil {
			return err
		}
	}
}

func (f *file) noColumns(err error) error {
	if err == io.EOF {
		return f.bad(f.head.lines, "the header ends without a line of columns", "#CHROM POS ID REF ALT ...", "the end of the file")
	}
	return f.unreadable(f.head.lines+1, err)
}

// Columns of a VCF.
const (
	chromColumn = iota
	posColumn
	idColumn
	refColumn
	altColumn
	formatColumn = 8
	firstPerson  = 9
)

// headerLine takes one line; done is true after that of the columns, which names the persons.
func (f *file) headerLine(line []byte, faults *data.Faults) (done bool, err error) {
	if bytes.HasPrefix(line, []byte("##")) {
		for _, field := range []string{"DS", "HDS", "GP"} {
			f.dosed = f.dosed || bytes.HasPrefix(line, []byte("##FORMAT=<ID="+field+","))
		}
		return false, nil
	}
	names := bytes.Split(line, []byte("\t"))
	if string(names[0]) != "#CHROM" {
		return false, f.bad(f.head.lines, "the header has a line that is neither ## nor #CHROM", "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT and persons, with tabs between", fmt.Sprintf("%.60q", line))
	}
	if len(names) <= firstPerson {
		p := f.bad(f.head.lines, "the file holds no genotypes", "FORMAT and a column for each person", fmt.Sprintf("%d columns", len(names)))
		p.Cause, p.Fix = "a file of sites only, such as one of annotations", "name the file that has the genotypes"
		return false, p
	}
	ids := table.IDs{Path: f.about.Path}
	for _, name := range names[firstPerson:] {
		id := string(name)
		f.persons = append(f.persons, genotype.Person{IID: id, Founder: true})
		if err := faults.Take(ids.AddPerson("", id, f.head.lines)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// list reads where the variants are.
func (f *file) list(t *text, h *os.File, faults *data.Faults, progress func(done, total int)) error {
	st, err := h.Stat()
	if err != nil {
		return table.Unreadable(f.about.Path, err)
	}
	const often = 1 << 12
	for n := 1; ; n++ {
		at := t.at()
		v, alleles, err := f.nextSite(t, n)
		if err == io.EOF {
			if progress != nil {
				progress(n, n)
			}
			return nil
		}
		var p *data.Problem
		if errors.As(err, &p) {
			if err := faults.Take(err); err != nil {
				return err
			}
		} else if err != nil {
			return f.unreadable(int(v.Line), err)
		}
		f.add(v, alleles, at)
		if progress != nil && n%often == 0 {
			done, total := int(int64(at)>>placeBits>>20), int(st.Size()>>20)
			progress(min(done, total-1), total)
		}
	}
}

// nextSite reads the next variant, passing over its genotypes. alleles is how many it has, 0 of a blank line.
func (f *file) nextSite(t *text, n int) (v genotype.Variant, alleles int, err error) {
	if f.head.binary {
		return f.binarySite(t, n)
	}
	at := f.head.lines + n
	v.Line = int32(at)
	line, err := t.line()
	if err != nil || len(line) == 0 {
		return v, 0, err
	}
	return f.textSite(line, at)
}

func (f *file) About() genotype.About { return f.about }

func (f *file) Persons() []genotype.Person { return f.persons }

func (f *file) Variants() []genotype.Variant { return f.sites }

func (f *file) Dosed(int) bool { return f.dosed }

func (f *file) Each(ctx context.Context, variants []int, visit genotype.Visit) error {
	h, err := input.Open(f.about.Path, input.NoLimit)
	if err != nil {
		return table.Unreadable(f.about.Path, err)
	}
	defer h.Close()
	t, err := f.start(h)
	if err != nil {
		return err
	}
	r := newRow(len(f.persons))
	for k, v := range variants {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if k == 0 || f.places[v] != f.places[variants[k-1]] { // else it is another allele of the same
			if err := t.seek(f.places[v]); err != nil {
				return f.unreadable(int(f.sites[v].Line), err)
			}
			if err := r.read(t, f.head.binary); err != nil {
				return f.undecoded(v, err)
			}
		}
		r.reset(f.alleles[v])
		if f.head.binary {
			err = r.takeBinary(f.head.words)
		} else {
			err = r.takeText()
		}
		if err != nil {
			return f.undecoded(v, err)
		}
		hard, dosage := r.genotypes()
		if err := visit(k, hard, dosage); err != nil {
			return err
		}
	}
	return nil
}

// A personError says of which person a genotype cannot be read.
type personError struct {
	person int
	what   string
	found  string
}

func (e *personError) Error() string { return e.what }

// undecoded is the problem of a variant's genotypes.
func (f *file) undecoded(v int, err error) error {
	var e *personError
	site := f.sites[v]
	if !errors.As(err, &e) {
		return f.unreadable(int(site.Line), fmt.Errorf("variant %s: %w", site.ID, err))
	}
	p := f.bad(int(site.Line), fmt.Sprintf("variant %s: %s", site.ID, e.what), "calls of two alleles such as 0/1 and ./., of one, or dosages from 0 to 2, one for each alternative allele", fmt.Sprintf("%q, of person %d", e.found, e.person+1))
	if e.what == halfCall {
		p.Cause, p.Fix = "a caller that knew one allele of two", "plink2 --vcf IN --vcf-half-call missing --make-pgen --out NEW"
	}
	return p
}
