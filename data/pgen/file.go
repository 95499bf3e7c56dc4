package pgen

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

// A file is a PLINK 2 fileset.
type file struct {
	about   genotype.About
	persons []genotype.Person
	sites   []genotype.Variant
	from    []source // of each variant; nil: a row is a variant
	x       *index
}

// Open opens a .pgen and what lies beside it under the same name: .pvar, .pvar.zst, .pvar.gz or .bim, and .psam or .fam. What is wrong with them is E205, or of a .psam also
// E102, E120 and E121. Faults, where there are some to take, make it go on with the next line; the file is then for its persons and variants only.
func Open(path string, faults *data.Faults) (genotype.File, error) {
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	psam, pvar := beside(stem, ".psam", ".fam"), beside(stem, ".pvar", ".pvar.zst", ".pvar.gz", ".bim")
	persons, notes, personsErr := readPersons(psam, faults)
	if err := faults.Take(personsErr); err != nil {
		return nil, err
	}
	rows, more, variantsErr := readVariants(pvar, faults)
	if err := faults.Take(variantsErr); err != nil {
		return nil, err
	}
	f := &file{about: genotype.About{Format: "PLINK 2 .pgen", Path: path, PersonsPath: psam, VariantsPath: pvar, Notes: append(notes, more...)}, persons: persons}
	if personsErr != nil || variantsErr != nil { // taken
		return f, nil
	}
	h, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer h.Close()
	st, err := h.Stat()
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	if f.x, err = readIndex(h, st.Size(), path, len(rows), len(persons)); err != nil {
		return f, err
	}
	f.sites, f.from, more = split(pvar, rows, func(row int) bool { return f.x.kind != nil && f.x.kind[row]&dosageTrack == 0 })
	f.about.Notes = append(f.about.Notes, more...)
	return f, nil
}

// beside returns the first of the files that is there, else the first.
func beside(stem string, ends ...string) string {
	for _, end := range ends {
		if _, err := os.Stat(stem + end); err == nil {
			return stem + end
		}
	}
	return stem + ends[0]
}

func (f *file) About() genotype.About { return f.about }

func (f *file) Persons() []genotype.Person { return f.persons }

func (f *file) Variants() []genotype.Variant { return f.sites }

func (f *file) Dosed(variant int) bool {
	if f.x == nil {
		return false
	}
	_, _, kind := f.x.record(int(f.source(variant).row))
	return kind&dosageTrack != 0
}

func (f *file) source(variant int) source {
	if f.from == nil {
		return source{int32(variant), genotype.Allele{Alt: 1, Of: 1}}
	}
	return f.from[variant]
}

func (f *file) Each(ctx context.Context, variants []int, visit genotype.Visit) error {
	h, err := input.Open(f.about.Path, input.NoLimit)
	if err != nil {
		return table.Unreadable(f.about.Path, err)
	}
	defer h.Close()
	d := newDecoder(f.x, h)
	for k, v := range variants {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		d.near = k+1 < len(variants) && variants[k+1] == v+1
		hard, dosage, err := d.read(f.source(v))
		if err != nil {
			p := damaged(f.about.Path, fmt.Sprintf("the record of variant %d cannot be decoded", f.source(v).row+1), "genotypes of every person", "")
			p.Err = err
			return p
		}
		if err := visit(k, hard, dosage); err != nil {
			return err
		}
	}
	return nil
}

// A decoder decodes rows.
type decoder struct {
	x      *index
	file   *os.File
	near   bool // the next row follows
	buf    []byte
	from   int64 // of buf in the file
	quads  *[256][4]byte
	hard   []byte
	base   []byte // calls of row baseRow
	baseAt int
	dosage []float32
}

func newDecoder(x *index, f *os.File) *decoder {
	codes := [4]byte{0, 1, 2, genotype.Missing}
	if x.mode == modeBed {
		codes = [4]byte{2, genotype.Missing, 1, 0}
	}
	return &decoder{x: x, file: f, quads: genotype.Quads(codes), hard: make([]byte, x.persons), baseAt: -1}
}

// ahead is how many bytes are read at a time where rows follow each other.
const ahead = 1 << 20

// bytes returns part of the file.
func (d *decoder) bytes(at int64, n int) ([]byte, error) {
	if at >= d.from && at+int64(n) <= d.from+int64(len(d.buf)) {
		return d.buf[at-d.from:][:n], nil
	}
	want := int64(n)
	if d.near {
		want = min(max(want, ahead), d.x.size-at)
	}
	if at < 0 || at+int64(n) > d.x.size {
		return nil, errShort
	}
	if int64(cap(d.buf)) < want {
		d.buf = make([]byte, want)
	}
	d.buf, d.from = d.buf[:want], at
	if _, err := d.file.ReadAt(d.buf, at); err != nil {
		d.buf = d.buf[:0]
		return nil, err
	}
	return d.buf[:n], nil
}

// read decodes a row: hard calls, or dosages where some of them are no hard calls.
func (d *decoder) read(from source) ([]byte, []float32, error) {
	row := int(from.row)
	at, n, kind := d.x.record(row)
	if linked(kind) {
		if err := d.readBase(row); err != nil {
			return nil, nil, err
		}
	}
	b, err := d.bytes(at, n)
	if err != nil {
		return nil, nil, err
	}
	r := &record{b: b, idBytes: d.x.idBytes, persons: d.x.persons}
	if err := r.main(kind, d.hard, d.base, d.quads); err != nil {
		return nil, nil, err
	}
	if !linked(kind) && d.x.kind != nil {
		d.keep(row)
	}
	switch {
	case from.Of > 1:
		return d.hard, nil, r.copiesOf(from, kind, d.hard)
	case kind&manyAlleles != 0:
		return nil, nil, errAlleles
	case kind&dosageTrack == 0:
		return d.hard, nil, nil
	}
	if kind&phase != 0 {
		if err := r.skipPhase(d.hard); err != nil {
			return nil, nil, err
		}
	}
	return d.withDosages(r, kind)
}

func (d *decoder) withDosages(r *record, kind byte) ([]byte, []float32, error) {
	if d.dosage == nil {
		d.dosage = make([]float32, d.x.persons)
	}
	copies := [4]float32{0, 1, 2, float32(math.NaN())}
	for i, c := range d.hard {
		d.dosage[i] = copies[c&3]
	}
	if err := r.dosages(kind, d.dosage); err != nil {
		return nil, nil, err
	}
	if genotype.Hard(d.hard, d.dosage) {
		return d.hard, nil, nil
	}
	return nil, d.dosage, nil
}

// keep keeps the calls of a row that others may differ from.
func (d *decoder) keep(row int) {
	if d.base == nil {
		d.base = make([]byte, d.x.persons)
	}
	copy(d.base, d.hard)
	d.baseAt = row
}

// readBase decodes what a row differs from.
func (d *decoder) readBase(row int) error {
	base := d.x.base(row)
	if base < 0 {
		return errNoBase
	}
	if base == d.baseAt {
		return nil
	}
	at, n, kind := d.x.record(base)
	b, err := d.bytes(at, n)
	if err != nil {
		return err
	}
	r := &record{b: b, idBytes: d.x.idBytes, persons: d.x.persons}
	if err := r.main(kind, d.hard, nil, d.quads); err != nil {
		return err
	}
	d.keep(base)
	return nil
}
