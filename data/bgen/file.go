package bgen

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// code is the number of what is wrong with a BGEN.
const code = 206

// Options say how a file is read.
type Options struct {
	RefLast  bool   // the second allele is REF, and not the first
	Sample   string // the .sample; "": that beside the file, if there is one
	Chrom    string // of variants that name no chromosome; "": their ids begin with it
	Faults   *data.Faults
	Progress func(done, total int) // may be nil
}

// A file is a BGEN.
type file struct {
	about   genotype.About
	head    header
	refLast bool
	persons []genotype.Person
	sites   []genotype.Variant
	spans   []span // of each variant
}

// A span is where the genotypes of a variant are, as they are stored, and the variant's place in the file, from 1.
type span struct {
	at     int64
	bytes  uint32
	number int32
	whole  bool // of the variant as a whole, as a .bgi has it
}

// Open opens a BGEN. What is wrong with it or its .sample is E206, with ids also E102, E120 and E121.
func Open(path string, o Options) (genotype.File, error) {
	h, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer h.Close()
	st, err := h.Stat()
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	f := &file{about: genotype.About{Format: "BGEN", Path: path, PersonsPath: path, VariantsPath: path}, refLast: o.RefLast}
	r := &reader{file: h, path: path, size: st.Size()}
	if err := f.head.read(r); err != nil {
		return nil, err
	}
	if err := f.readPersons(r, o); err != nil {
		return nil, err
	}
	l := &lister{f: f, r: r, chrom: o.Chrom, progress: o.Progress}
	indexed, err := l.fromIndex(path + ".bgi")
	if err != nil {
		return nil, err
	}
	if !indexed {
		if err := l.list(); err != nil {
			return nil, err
		}
	}
	if l.multi > 0 {
		f.about.Notes = append(f.about.Notes, fmt.Sprintf("W217: %s: %d variants with more than two alleles are left out.", filepath.Base(path), l.multi))
	}
	return f, nil
}

// readPersons takes ids from the file, the .sample, or both, which must agree.
func (f *file) readPersons(r *reader, o Options) error {
	var own []string
	var err error
	if f.head.ids {
		if own, err = f.head.readIDs(r); err != nil {
			return err
		}
	}
	sample := o.Sample
	if sample == "" {
		sample = strings.TrimSuffix(r.path, ".bgen") + ".sample"
		if _, err := os.Stat(sample); err != nil {
			sample = ""
		}
	}
	if sample == "" && own == nil {
		return &data.Problem{Code: code, File: r.path, What: "there are no ids of persons: none in the file, and no .sample", Expected: "ids in the file, or " + strings.TrimSuffix(filepath.Base(r.path), ".bgen") + ".sample beside it",
			Found: "neither", Cause: "the .sample has another name or was not copied", Fix: `name it: sample = "X.sample"`}
	}
	if sample == "" {
		return f.takeOwn(r.path, own, o.Faults)
	}
	f.about.PersonsPath = sample
	persons, notes, err := readSample(sample, o.Faults)
	if err != nil {
		return err
	}
	f.about.Notes = append(f.about.Notes, notes...)
	f.persons = persons
	if len(persons) != f.head.persons {
		return &data.Problem{Code: code, File: sample, What: "the .sample lists another number of persons than the BGEN holds", Expected: fmt.Sprintf("%d persons", f.head.persons), Found: fmt.Sprintf("%d", len(persons)),
			Cause: "a .sample of another application or release, or lines removed", Fix: "take the .sample that belongs to the file"}
	}
	return sameIDs(sample, persons, own)
}

func (f *file) takeOwn(path string, own []string, faults *data.Faults) error {
	ids := table.IDs{Path: path}
	for i, id := range own {
		if err := faults.Take(ids.AddPerson("", id, i+1)); err != nil {
			return err
		}
		f.persons = append(f.persons, genotype.Person{IID: id, Founder: true})
	}
	return nil
}

// sameIDs refuses a .sample of other persons than the file names, where it names any: programs that know none write anonymous ones.
func sameIDs(path string, persons []genotype.Person, own []string) error {
	for i, id := range own {
		p := persons[i]
		if id == p.IID || id == p.FID || id == p.FID+"_"+p.IID || strings.Contains(id, "anonymous") {
			continue
		}
		return &data.Problem{Code: code, File: path, What: fmt.Sprintf("the .sample and the BGEN name different persons, or in another order: person %d", i+1), Expected: fmt.Sprintf("%q, as in the BGEN", id), Found: fmt.Sprintf("%q", p.IID),
			Cause: "a .sample of another application or release", Fix: "take the .sample that belongs to the file, or remove it: the BGEN has ids"}
	}
	return nil
}

func (f *file) About() genotype.About { return f.about }

func (f *file) Persons() []genotype.Person { return f.persons }

func (f *file) Variants() []genotype.Variant { return f.sites }

// Dosed cannot be told before genotypes are unpacked.
func (f *file) Dosed(int) bool { return true }

func (f *file) Each(ctx context.Context, variants []int, visit genotype.Visit) error {
	h, err := input.Open(f.about.Path, input.NoLimit)
	if err != nil {
		return table.Unreadable(f.about.Path, err)
	}
	defer h.Close()
	d, err := newDecoder(f.head, f.refLast)
	if err != nil {
		return err
	}
	defer d.close()
	var buf []byte
	for k, v := range variants {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		s := f.spans[v]
		if cap(buf) < int(s.bytes) {
			buf = make([]byte, s.bytes)
		}
		buf = buf[:s.bytes]
		if _, err := h.ReadAt(buf, s.at); err != nil {
			return table.Unreadable(f.about.Path, err)
		}
		hard, dosage, err := f.decode(d, v, buf)
		if err != nil {
			return f.undecoded(v, err)
		}
		if err := visit(k, hard, dosage); err != nil {
			return err
		}
	}
	return nil
}

// decode decodes the genotypes of a variant.
func (f *file) decode(d *decoder, v int, b []byte) ([]byte, []float32, error) {
	if f.spans[v].whole {
		var err error
		if b, err = genotypesOf(b, f.sites[v].ID); err != nil {
			return nil, nil, err
		}
	}
	return d.decode(b)
}

func (f *file) undecoded(v int, err error) error {
	p := &data.Problem{Code: code, File: f.about.Path, What: fmt.Sprintf("variant %d (%s) cannot be decoded: %v", f.spans[v].number, f.sites[v].ID, err), Expected: "genotypes of every person, with two alleles and two copies each",
		Cause: "the file was copied in part or is damaged", Fix: "copy the file again"}
	if err == errPloidy {
		p.Cause = "variants of X, Y or MT, where some persons have one copy"
		p.Fix = "choose autosomes (region, extract), or write such genotypes as two copies"
	}
	return p
}

// nan is a missing dosage.
func nan() float32 { return float32(math.NaN()) }
