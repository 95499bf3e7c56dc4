package plink

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// A Set is one or more filesets of the same persons, their variants one after the other.
type Set struct {
	Samples  []Sample
	Variants []Variant
	Notes    []string
	files    []part
	faults   *data.Faults
}

// A part is one fileset: its variants are those from first on.
type part struct {
	bed      string
	first, n int
}

// Open reads the .fam and .bim of each prefix (".bed" at its end is cut off) and checks each .bed: its magic number and
// size (E201), its pad bits and last person (E202). All filesets must have the same .fam (E204).
func Open(prefixes []string) (*Set, error) { return Check(prefixes, nil) }

// Check is Open, but that faults takes what is wrong, and the reading goes on with the next line or fileset. A set with faults is for its
// persons and variants only: genotypes are those of the filesets without.
func Check(prefixes []string, faults *data.Faults) (*Set, error) {
	s := &Set{faults: faults}
	for _, p := range prefixes {
		if err := faults.Take(s.add(strings.TrimSuffix(p, ".bed"), s.Samples == nil)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Set) add(prefix string, first bool) error {
	l := readLists(prefix)
	fam, famNotes, famErr := l.readFam(prefix+".fam", s.faults)
	if err := s.faults.Take(famErr); err != nil {
		return err
	}
	bim, bimNotes, bimErr := l.readBim(prefix+".bim", s.faults)
	if err := s.faults.Take(bimErr); err != nil {
		return err
	}
	s.Notes = append(append(s.Notes, famNotes...), bimNotes...)
	if first {
		s.Samples = fam
	} else if famErr == nil {
		if err := s.faults.Take(s.sameSamples(prefix+".fam", fam)); err != nil {
			return err
		}
	}
	if famErr != nil || bimErr != nil { // taken: of the .bed there is nothing to compare with
		return nil
	}
	warning, err := checkBed(prefix, len(fam), len(bim))
	if err != nil {
		return err
	}
	if warning != "" {
		s.Notes = append(s.Notes, warning)
	}
	s.files = append(s.files, part{bed: prefix + ".bed", first: len(s.Variants), n: len(bim)})
	if s.Variants == nil {
		s.Variants = slices.Clip(bim)
		return nil
	}
	s.Variants = append(s.Variants, bim...)
	return nil
}

func (s *Set) sameSamples(path string, fam []Sample) error {
	p := &data.Problem{Code: 204, File: path, What: "the filesets hold other persons, or hold them in another order",
		Cause: "chromosome files from different releases or filters", Fix: "make all with the same plink --keep list and --indiv-sort"}
	if len(fam) != len(s.Samples) {
		p.Expected = fmt.Sprintf("%d persons as in the first .fam", len(s.Samples))
		p.Found = fmt.Sprintf("%d", len(fam))
		return p
	}
	for i := range fam {
		if fam[i].FID != s.Samples[i].FID || fam[i].IID != s.Samples[i].IID {
			p.Line = i + 1
			p.Expected = s.Samples[i].FID + " " + s.Samples[i].IID
			p.Found = fam[i].FID + " " + fam[i].IID
			return p
		}
	}
	return nil
}

// Where returns the .bim that holds a variant and its line there, for errors.
func (s *Set) Where(variant int) (bim string, line int) {
	return strings.TrimSuffix(s.part(variant).bed, ".bed") + ".bim", int(s.Variants[variant].Line)
}

func (s *Set) part(variant int) part {
	for _, p := range s.files {
		if variant >= p.first && variant < p.first+p.n {
			return p
		}
	}
	panic(fmt.Sprintf("plink: variant %d of %d", variant, len(s.Variants)))
}

const headerBytes = 3

func rowBytes(persons int) int { return (persons + 3) / 4 }

func checkBed(prefix string, persons, variants int) (warning string, err error) {
	path := prefix + ".bed"
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return "", table.Unreadable(path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", table.Unreadable(path, err)
	}
	if err := checkMagic(f, path, st.Size()); err != nil {
		return "", err
	}
	want := int64(headerBytes) + int64(variants)*int64(rowBytes(persons))
	if st.Size() != want {
		return "", sizeProblem(path, st.Size(), want, persons, variants)
	}
	return checkEnds(f, prefix, persons, variants)
}

func checkMagic(f *os.File, path string, size int64) error {
	var head [headerBytes]byte
	if size > 0 {
		if _, err := f.ReadAt(head[:min(size, headerBytes)], 0); err != nil {
			return table.Unreadable(path, err)
		}
	}
	p := &data.Problem{Code: 201, File: path, What: "this is not a PLINK 1 .bed", Expected: "the first bytes 6C 1B 01",
		Found: fmt.Sprintf("% X", head[:min(size, headerBytes)]), Cause: "another format under this name", Fix: "make it with plink --make-bed"}
	switch {
	case size == 0:
		p.What, p.Found, p.Cause = "the .bed is empty", "no bytes", "the program that wrote it failed, or the disk was full"
	case head == [headerBytes]byte{0x6c, 0x1b, 0x01}:
		return nil
	case head == [headerBytes]byte{0x6c, 0x1b, 0x00}:
		p.What = "the .bed is sample-major"
		p.Cause = "written by a very old plink"
		p.Fix = "plink1.9 --bfile " + strings.TrimSuffix(filepath.Base(path), ".bed") + " --make-bed --out NEW"
	case head[0] == 0x6c && head[1] == 0x1b:
		p.Cause = "a plink2 .pgen under this name"
		p.Fix = "plink2 --pfile IN --make-bed --out NEW"
	default:
		begin := make([]byte, min(size, data.FormatBytes))
		if _, err := f.ReadAt(begin, 0); err != nil {
			return table.Unreadable(path, err)
		}
		if format, ok := data.FormatOf(begin); ok {
			p.Cause, p.Fix = "the file is "+format.Name, format.Fix
		}
	}
	return p
}

func sizeProblem(path string, got, want int64, persons, variants int) error {
	b := rowBytes(persons)
	p := &data.Problem{Code: 201, File: path, What: fmt.Sprintf("expected 3+%d*%d=%d, found %d: .bim has %d, .fam %d; file truncated or .bim/.fam from another set",
		variants, b, want, got, variants, persons), Expected: fmt.Sprintf("%d bytes", want), Found: fmt.Sprintf("%d bytes", got),
		Cause: "the .bed was copied in part, or its .bim or .fam was edited or comes from another set", Fix: "copy all three again from one place"}
	body := got - headerBytes
	switch {
	case got > 0 && body%int64(variants) == 0:
		n := 4 * body / int64(variants)
		p.Cause = fmt.Sprintf("the .fam has another number of lines than the .bed has persons: its size fits %d to %d", n-3, n)
	case body%int64(b) == 0 && body > 0:
		p.Cause = fmt.Sprintf("the .bim has another number of lines, or the .bed is cut: its size fits %d variants", body/int64(b))
	}
	return p
}
