package bgen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"contig-gpu/data/genotype"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

var (
	errShort   = errors.New("its data are shorter than they say")
	errPloidy  = errors.New("persons who do not have two copies")
	errAlleles = errors.New("it has another number of alleles in its data than in its list")
	errPersons = errors.New("its data are of another number of persons than the file")
	errBits    = errors.New("probabilities of more than 32 bits, or of none")
	errLong    = errors.New("its data say that they are longer than two copies of two alleles can be")
)

// leastMemory is what unpacking may take of memory however few persons there are: a window.
const leastMemory = 16 << 20

// Parts of unpacked data, in bytes.
const (
	dataHead = 8 // persons, alleles, least and most ploidy
	dataTail = 2 // phased, bits
	mostBits = 32
	isAbsent = 0x80
	ploidy   = 0x3f
	diploid  = 2
)

// A decoder decodes genotypes.
type decoder struct {
	head    header
	refLast bool
	zlib    io.ReadCloser
	zstd    *zstd.Decoder
	plain   []byte
	hard    []byte
	dosage  []float32
	table   []float32 // dosage of allele 1 by the sum of its parts
	parts   uint64    // that the table is of: 2^bits - 1
}

func newDecoder(h header, refLast bool) (*decoder, error) {
	d := &decoder{head: h, refLast: refLast, hard: make([]byte, h.persons), dosage: make([]float32, h.persons)}
	var err error
	if h.pack == packedZstd {
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(d.most(), leastMemory))))
	}
	return d, err
}

func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

// most is how many bytes the data of two alleles and two copies take at most.
func (d *decoder) most() int { return dataHead + dataTail + d.head.persons*(1+diploid*mostBits/8) + 1 }

// unpack returns the data as they are before compression.
func (d *decoder) unpack(b []byte) ([]byte, error) {
	if d.head.pack == packedNot {
		return b, nil
	}
	if len(b) < 4 {
		return nil, errShort
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n > d.most() {
		return nil, errLong
	}
	if cap(d.plain) < n {
		d.plain = make([]byte, n)
	}
	d.plain = d.plain[:n]
	if d.head.pack == packedZstd {
		out, err := d.zstd.DecodeAll(b[4:], d.plain[:0])
		if err == nil && len(out) != n {
			err = errShort
		}
		return out, err
	}
	in := bytes.NewReader(b[4:])
	if d.zlib == nil {
		z, err := zlib.NewReader(in)
		if err != nil {
			return nil, err
		}
		d.zlib = z
	} else if err := d.zlib.(zlib.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(d.zlib, d.plain); err != nil {
		return nil, fmt.Errorf("%w (%v)", errShort, err)
	}
	return d.plain, nil
}

// decode returns hard calls, or dosages where some are none.
func (d *decoder) decode(b []byte) ([]byte, []float32, error) {
	b, err := d.unpack(b)
	if err != nil {
		return nil, nil, err
	}
	n := d.head.persons
	if len(b) < dataHead+dataTail+n {
		return nil, nil, errShort
	}
	if int(binary.LittleEndian.Uint32(b)) != n {
		return nil, nil, errPersons
	}
	if binary.LittleEndian.Uint16(b[4:]) != 2 {
		return nil, nil, errAlleles
	}
	who, phased, width := b[dataHead:][:n], b[dataHead+n], uint(b[dataHead+n+1])
	if width < 1 || width > mostBits || phased > 1 {
		return nil, nil, errBits
	}
	values := 0
	for _, w := range who {
		if p := w & ploidy; p != diploid && (w&isAbsent == 0 || p > 0) {
			return nil, nil, errPloidy
		} else {
			values += int(p)
		}
	}
	packed := b[dataHead+n+dataTail:]
	if len(packed) < (values*int(width)+7)/8 {
		return nil, nil, errShort
	}
	d.setTable(width)
	d.fill(who, phased == 1, width, packed)
	if genotype.Hard(d.hard, d.dosage) {
		return d.hard, nil, nil
	}
	return nil, d.dosage, nil
}

// mostTable is the widest probability whose dosages are in a table.
const mostTable = 16

func (d *decoder) setTable(width uint) {
	parts := uint64(1)<<width - 1
	if d.parts == parts {
		return
	}
	d.parts, d.table = parts, nil
	if width > mostTable {
		return
	}
	d.table = make([]float32, diploid*parts+1)
	for sum := range d.table {
		d.table[sum] = d.copies(uint64(sum))
	}
}

// copies returns the dosage of ALT of two copies in which allele 1 has so many parts.
func (d *decoder) copies(sum uint64) float32 {
	first := min(float64(sum)/float64(d.parts), diploid)
	if d.refLast {
		return genotype.Round(first)
	}
	return genotype.Round(diploid - first)
}

// fill computes dosages: of phased copies the two stored values are the probabilities of allele 1; else of two copies of it, and of one.
func (d *decoder) fill(who []byte, phased bool, width uint, packed []byte) {
	double := uint64(2)
	if phased {
		double = 1
	}
	q := bitReader{b: packed}
	for i, w := range who {
		if w&ploidy == 0 { // and missing
			d.dosage[i] = nan()
			continue
		}
		sum := double * q.next(width)
		sum += q.next(width)
		switch {
		case w&isAbsent != 0:
			d.dosage[i] = nan()
		case d.table != nil:
			d.dosage[i] = d.table[min(sum, uint64(len(d.table)-1))]
		default:
			d.dosage[i] = d.copies(sum)
		}
	}
}

// A bitReader reads little-endian values of a few bits.
type bitReader struct {
	b    []byte
	have uint
	bits uint64
}

func (q *bitReader) next(width uint) uint64 {
	for q.have < width {
		if q.have <= 32 && len(q.b) >= 4 {
			q.bits |= uint64(binary.LittleEndian.Uint32(q.b)) << q.have
			q.b, q.have = q.b[4:], q.have+32
			continue
		}
		q.bits |= uint64(q.b[0]) << q.have
		q.b, q.have = q.b[1:], q.have+8
	}
	v := q.bits & (1<<width - 1)
	q.bits >>= width
	q.have -= width
	return v
}
