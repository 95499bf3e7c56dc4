package pgen

import (
	"encoding/binary"
	"fmt"
	"io"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// The third byte of a .pgen: how rows are stored.
const (
	modeBed       = 0x01 // as in a .bed
	modeHard      = 0x02 // rows of one width: hard calls,
	modeDosage    = 0x03 // dosages behind them,
	modePhased    = 0x04 // and phased dosages behind those
	modeStandard  = 0x10
	modeExtended  = 0x11 // with parts that may be passed over
	fixedHeader   = 12
	variantBlock  = 1 << 16 // variants of a block of the header
	dosageBytes   = 2
	magic         = "\x6c\x1b"
	externalIndex = 0x20 // and 0x21
)

// An index says where the record of each row is, and of which type.
type index struct {
	mode     byte
	persons  int
	idBytes  int // of a person's number in a record
	kind     []byte
	length   []uint32
	start    []int64 // of the first record of each block of variants
	partial  []int64 // of every partialStep-th record within its block
	size     int64   // of the file
	fixed    int     // bytes of a row of one width, 0 where they differ
	fixedAt  int64
	fixedHas byte // type of rows of one width
}

// partialStep is how far apart offsets are kept; those between are summed.
const partialStep = 64

// readIndex reads the header of a .pgen of so many rows and persons, as the other files say.
func readIndex(f io.ReaderAt, size int64, path string, rows, persons int) (*index, error) {
	x := &index{size: size, persons: persons, idBytes: idBytes(persons)}
	head := make([]byte, fixedHeader)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, table.Unreadable(path, err)
	}
	head = head[:n]
	if n < 3 || string(head[:2]) != magic {
		return nil, notPgen(path, head)
	}
	x.mode = head[2]
	if x.mode == modeBed {
		return x, x.setFixed(path, rows, 3, 0)
	}
	if x.mode == externalIndex || x.mode == externalIndex+1 {
		p := damaged(path, "the .pgen has its index in another file (.pgi)", "a .pgen that holds its index", fmt.Sprintf("mode %#x", x.mode))
		p.Cause, p.Fix = "written in one pass by a program that streams", "plink2 --pfile IN --make-pgen --out NEW"
		return nil, p
	}
	if n < fixedHeader {
		return nil, damaged(path, "the .pgen ends within its header", "12 bytes or more", fmt.Sprintf("%d bytes", size))
	}
	m, of := int(binary.LittleEndian.Uint32(head[3:])), int(binary.LittleEndian.Uint32(head[7:]))
	if m != rows || of != persons {
		p := damaged(path, "the .pgen holds another number of variants or persons than .pvar and .psam list", fmt.Sprintf("%d variants, %d persons", rows, persons), fmt.Sprintf("%d variants, %d persons", m, of))
		p.Cause, p.Fix = "a .pvar or .psam that was edited, or of another set", "copy all three again from one place; choose with plink2 --keep, --extract and --make-pgen"
		return nil, p
	}
	format := head[fixedHeader-1]
	switch x.mode {
	case modeHard, modeDosage, modePhased:
		at := int64(fixedHeader)
		if format>>6 == 3 {
			at += int64(rows+7) / 8
		}
		return x, x.setFixed(path, rows, at, map[byte]int{modeHard: 0, modeDosage: dosageBytes, modePhased: 2 * dosageBytes}[x.mode])
	case modeStandard, modeExtended:
		return x, x.readBlocks(f, path, rows, format)
	}
	p := damaged(path, "the .pgen is stored in a way that is not known", "mode 0x10", fmt.Sprintf("mode %#x", x.mode))
	p.Fix = "plink2 --pfile IN --make-pgen --out NEW, by the plink2 that wrote it"
	return nil, p
}

func notPgen(path string, head []byte) error {
	p := damaged(path, "this is not a .pgen", "the first bytes 6C 1B", fmt.Sprintf("% X", head[:min(len(head), 3)]))
	if f, ok := data.FormatOf(head); ok {
		p.Cause, p.Fix = "the file is "+f.Name, f.Fix
	}
	return p
}

func damaged(path, what, expected, found string) *data.Problem {
	return &data.Problem{Code: code, File: path, What: what, Expected: expected, Found: found, Cause: "copied in part, damaged, or another file under this name", Fix: "copy the fileset again"}
}

// idBytes returns how many bytes a person's number in a record has: those that hold the number of all, which is one more than the last.
func idBytes(persons int) int {
	switch {
	case persons < 1<<8:
		return 1
	case persons < 1<<16:
		return 2
	case persons < 1<<24:
		return 3
	}
	return 4
}

// setFixed sets rows of one width, each with so many bytes a person beyond its hard calls.
func (x *index) setFixed(path string, rows int, at int64, beyond int) error {
	x.fixed, x.fixedAt = (x.persons+3)/4+beyond*x.persons, at
	if beyond > 0 {
		x.fixedHas = dosageAll
	}
	if want := at + int64(rows)*int64(x.fixed); x.size != want {
		return damaged(path, "the .pgen has another size than its variants and persons take", fmt.Sprintf("%d bytes", want), fmt.Sprintf("%d bytes", x.size))
	}
	return nil
}

// readBlocks reads types and lengths of records that differ in width. What the header says is held against the size of the file before anything is made of it.
func (x *index) readBlocks(f io.ReaderAt, path string, rows int, format byte) error {
	short := func() error {
		return damaged(path, "the .pgen is shorter than its header says", "records of all variants", fmt.Sprintf("%d bytes", x.size))
	}
	if format&15 > 7 {
		return damaged(path, "the .pgen has types of records that are not known", "a format byte of 0 to 7", fmt.Sprint(format&15))
	}
	wide, lengthBytes, countBytes := format&15 >= 4, int64(format&3)+1, int64(format>>4&3)
	blocks := (rows + variantBlock - 1) / variantBlock
	at := fixedHeader + 8*int64(blocks)
	if at+int64(rows)*lengthBytes+int64(rows)/2 > x.size {
		return short()
	}
	x.kind, x.length, x.start = make([]byte, rows), make([]uint32, rows), make([]int64, blocks)
	starts := make([]byte, 8*blocks)
	if _, err := f.ReadAt(starts, fixedHeader); err != nil {
		return table.Unreadable(path, err)
	}
	for b := range blocks {
		lo, n := b*variantBlock, min(variantBlock, rows-b*variantBlock)
		kinds := int64(n)
		if !wide {
			kinds = int64(n+1) / 2
		}
		body := make([]byte, kinds+int64(n)*lengthBytes)
		if at+int64(len(body)) > x.size {
			return short()
		}
		if _, err := f.ReadAt(body, at); err != nil {
			return table.Unreadable(path, err)
		}
		at += int64(len(body)) + int64(n)*countBytes
		if format>>6 == 3 {
			at += int64(n+7) / 8
		}
		x.start[b] = int64(binary.LittleEndian.Uint64(starts[8*b:]))
		end := x.fill(lo, n, wide, body[:kinds], body[kinds:], int(lengthBytes))
		if x.start[b] < at && b == 0 || x.start[b] < 0 || end > x.size || end < x.start[b] {
			return short()
		}
	}
	return nil
}

// fill takes the types and lengths of n records from lo on and returns where the last ends.
func (x *index) fill(lo, n int, wide bool, kinds, lengths []byte, width int) int64 {
	end := x.start[lo/variantBlock]
	for i := range n {
		k := lo + i
		if wide {
			x.kind[k] = kinds[i]
		} else {
			x.kind[k] = kinds[i/2] >> (4 * (i & 1)) & 15
		}
		for b := range width {
			x.length[k] |= uint32(lengths[i*width+b]) << (8 * b)
		}
		if i%partialStep == 0 {
			x.partial = append(x.partial, end)
		}
		end += int64(x.length[k])
	}
	return end
}

// record returns where the record of a row is, its length and its type.
func (x *index) record(row int) (at int64, length int, kind byte) {
	if x.fixed > 0 || x.kind == nil {
		return x.fixedAt + int64(row)*int64(x.fixed), x.fixed, x.fixedHas
	}
	at = x.partial[row/partialStep]
	for k := row - row%partialStep; k < row; k++ {
		at += int64(x.length[k])
	}
	return at, int(x.length[row]), x.kind[row]
}

// base returns the row that an LD-compressed row differs from: the last one before it that is not compressed so, within its block. -1 where there is none.
func (x *index) base(row int) int {
	for k := row - 1; k >= row-row%variantBlock; k-- {
		if !linked(x.kind[k]) {
			return k
		}
	}
	return -1
}
