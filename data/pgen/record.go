package pgen

import (
	"encoding/binary"
	"errors"

	"contig-gpu/data/genotype"
)

// Bits of a record's type: the main track in the lowest three, and what follows it.
const (
	mainTrack     = 7
	manyAlleles   = 1 << 3
	phase         = 1 << 4
	dosageTrack   = 3 << 5
	dosageSome    = 1 << 5 // a list of persons
	dosageAll     = 2 << 5
	dosageBits    = 3 << 5 // a bit of each person
	absentDosage  = 0xffff
	groupPersons  = 64 // of a list of differences
	oneBit        = 1
	ldSame, ldInv = 2, 3
	allRef        = 4
	allAlt        = 6
	allMissing    = 7
)

func linked(kind byte) bool { return kind&mainTrack == ldSame || kind&mainTrack == ldInv }

var (
	errShort   = errors.New("the record ends too early")
	errPerson  = errors.New("the record names a person who is not there")
	errTrack   = errors.New("the record is of a type that is not known")
	errNoBase  = errors.New("the record differs from one that is not there")
	errAlleles = errors.New("the record has more than two alleles, and the .pvar names two")
)

// A record is bytes that are read from the front.
type record struct {
	b       []byte
	idBytes int
	persons int
}

func (r *record) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, errShort
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out, nil
}

// varint is little-endian, seven bits a byte.
func (r *record) varint() (int, error) {
	v := uint64(0)
	for i, c := range r.b {
		const most = 5 // bytes of 32 bits
		if i == most {
			return 0, errPerson
		}
		v |= uint64(c&127) << (7 * i)
		if c < 128 {
			r.b = r.b[i+1:]
			return int(v), nil
		}
	}
	return 0, errShort
}

// differences visits the persons of a list, in their order, with the code that each has, 0 where the list has none.
func (r *record) differences(coded bool, visit func(person int, code byte)) error {
	n, err := r.varint()
	if err != nil || n == 0 {
		return err
	}
	if n > r.persons {
		return errPerson
	}
	groups := (n + groupPersons - 1) / groupPersons
	first, err := r.take(groups * r.idBytes)
	if err != nil {
		return err
	}
	if _, err := r.take(groups - 1); err != nil { // the bytes of each group
		return err
	}
	var codes []byte
	if coded {
		if codes, err = r.take((n + 3) / 4); err != nil {
			return err
		}
	}
	person := 0
	for k := range n {
		if k%groupPersons == 0 {
			person = 0
			for j := range r.idBytes {
				person |= int(first[k/groupPersons*r.idBytes+j]) << (8 * j)
			}
		} else {
			step, err := r.varint()
			if err != nil {
				return err
			}
			person += step
		}
		if person >= r.persons {
			return errPerson
		}
		code := byte(0)
		if coded {
			code = codes[k/4] >> (2 * (k & 3)) & 3
		}
		visit(person, code)
	}
	return nil
}

// main decodes the main track into hard calls. base has those of the row that this one differs from.
func (r *record) main(kind byte, hard, base []byte, quads *[256][4]byte) error {
	patch := func(person int, code byte) { hard[person] = code }
	switch t := kind & mainTrack; t {
	case 0:
		b, err := r.take((r.persons + 3) / 4)
		if err == nil {
			genotype.Unpack(hard, b, quads)
		}
		return err
	case oneBit:
		if err := r.twoCodes(hard); err != nil {
			return err
		}
		return r.differences(true, patch)
	case ldSame, ldInv:
		copy(hard, base)
		if err := r.differences(true, patch); err != nil || t == ldSame {
			return err
		}
		for i, c := range hard {
			hard[i] = [4]byte{2, 1, 0, genotype.Missing}[c&3]
		}
		return nil
	case allRef, allAlt, allMissing:
		fill(hard, t-allRef)
		return r.differences(true, patch)
	}
	return errTrack
}

func fill(hard []byte, code byte) {
	for i := range hard {
		hard[i] = code
	}
}

// twoCodes reads the two most common codes and a bit of each person.
func (r *record) twoCodes(hard []byte) error {
	head, err := r.take(1)
	if err != nil {
		return err
	}
	lo := head[0] >> 2
	hi := lo + head[0]&3
	if lo > genotype.Missing || hi > genotype.Missing {
		return errTrack
	}
	b, err := r.take((r.persons + 7) / 8)
	if err != nil {
		return err
	}
	codes := [2]byte{lo, hi}
	var four [16][4]byte // what four bits are
	for bits := range four {
		for k := range four[bits] {
			four[bits][k] = codes[bits>>k&1]
		}
	}
	n := len(hard) / 8
	for i, c := range b[:n] {
		*(*[4]byte)(hard[8*i:]) = four[c&15]
		*(*[4]byte)(hard[8*i+4:]) = four[c>>4]
	}
	for i := 8 * n; i < len(hard); i++ {
		hard[i] = codes[b[n]>>(i&7)&1]
	}
	return nil
}

// skipPhase passes over the phases of heterozygous calls.
func (r *record) skipPhase(hard []byte) error {
	het := 0
	for _, c := range hard {
		if c == 1 {
			het++
		}
	}
	b, err := r.take((het + 8) / 8)
	if err != nil || len(b) == 0 || b[0]&1 == 0 {
		return err
	}
	phased := 0
	for i := 1; i <= het; i++ {
		phased += int(b[i/8] >> (i & 7) & 1)
	}
	_, err = r.take((phased + 7) / 8)
	return err
}

// dosages writes the dosages of the persons who have some over those of their hard calls.
func (r *record) dosages(kind byte, dosage []float32) error {
	var who []int
	switch kind & dosageTrack {
	case dosageSome:
		if err := r.differences(false, func(person int, _ byte) { who = append(who, person) }); err != nil {
			return err
		}
	case dosageBits:
		b, err := r.take((r.persons + 7) / 8)
		if err != nil {
			return err
		}
		for i := range dosage {
			if b[i>>3]>>(i&7)&1 == 1 {
				who = append(who, i)
			}
		}
	case dosageAll:
		b, err := r.take(dosageBytes * r.persons)
		if err != nil {
			return err
		}
		for i := range dosage {
			setDosage(dosage, i, b[dosageBytes*i:])
		}
		return nil
	}
	b, err := r.take(dosageBytes * len(who))
	if err != nil {
		return err
	}
	for k, i := range who {
		setDosage(dosage, i, b[dosageBytes*k:])
	}
	return nil
}

// setDosage sets one that is there; what is more than two copies is two.
func setDosage(dosage []float32, i int, b []byte) {
	if d := binary.LittleEndian.Uint16(b); d != absentDosage {
		dosage[i] = float32(min(d, 2*genotype.Unit)) / genotype.Unit
	}
}
