package safetensors

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/model/checkpoint/strict"
)

// Numbers of the catalogue of errors.
const (
	codeNotSafetensors = 710 // no header where one should be
	codeHeader         = 711 // the header is not what the format asks for
	codeOffsets        = 712 // tensors overlap, leave holes or do not fit their shape
	codeType           = 719 // an element type that is not known
	codeTruncated      = 713 // fewer or more bytes than the header says
	codeDamaged        = 714 // bytes that are not those that were written
)

// A File is the content of one file.
type File struct {
	Path     string
	Metadata map[string]string
	Tensors  []Tensor // in the order of their bytes

	index  map[string]int
	digest string // as it stands in the file; "": it has none
}

// Lookup returns the tensor called name and whether there is one.
func (f *File) Lookup(name string) (Tensor, bool) {
	i, ok := f.index[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Sealed reports whether the file has a digest, which was compared.
func (f *File) Sealed() bool { return f.digest != "" }

// Read reads a whole file. What is wrong with its content is a *data.Problem.
func Read(path string) (*File, error) {
	return ReadWhere(path, func(*File) (func(Tensor) bool, error) { return all, nil })
}

func all(Tensor) bool { return true }

// ReadWhere reads those tensors of a file that choose asks for, or none where it has an error. It is given names, types, shapes
// and metadata, which are known to fit the file's size: until it has answered no more memory is taken than for the header. The Data
// of the others are nil; they are read for the digest alone, which is compared where the file has one (E714).
func ReadWhere(path string, choose func(*File) (func(Tensor) bool, error)) (*File, error) {
	r, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer r.Close()
	st, err := r.Stat()
	if err != nil {
		return nil, unreadable(path, err)
	}
	return decode(path, r, int(st.Size()), choose)
}

// ReadHeader reads names, types, shapes and metadata alone. The digest is not compared.
func ReadHeader(path string) (*File, error) {
	errEnough := errors.New("enough")
	var head *File
	_, err := ReadWhere(path, func(f *File) (func(Tensor) bool, error) {
		head = f
		return nil, errEnough
	})
	if err == errEnough {
		err = nil
	}
	return head, err
}

// Decode reads a file's bytes; path is for errors.
func Decode(path string, raw []byte) (*File, error) {
	return decode(path, bytes.NewReader(raw), len(raw), func(*File) (func(Tensor) bool, error) { return all, nil })
}

func decode(path string, r io.ReaderAt, size int, choose func(*File) (func(Tensor) bool, error)) (*File, error) {
	head := make([]byte, min(size, data.FormatBytes))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, unreadable(path, err)
	}
	n, err := headerLength(path, head, size)
	if err != nil {
		return nil, err
	}
	header := make([]byte, n)
	if err := readFull(path, r, header, 8); err != nil {
		return nil, err
	}
	f := &File{Path: path, index: map[string]int{}}
	ps, err := f.decodeHeader(header)
	if err != nil {
		return nil, err
	}
	if err := f.place(ps, size-8-n); err != nil {
		return nil, err
	}
	keep, err := choose(f)
	if err != nil {
		return nil, err
	}
	return f, f.load(r, 8+n, keep)
}

// readFull reads len(b) bytes at an offset; that there are fewer by now is E713.
func readFull(path string, r io.ReaderAt, b []byte, at int) error {
	n, err := r.ReadAt(b, int64(at))
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return (&File{Path: path}).badLength(at+len(b), at+n)
	}
	return unreadable(path, err)
}

// load reads the bytes of the tensors that keep wants, which begin at base, and compares the digest.
func (f *File) load(r io.ReaderAt, base int, keep func(Tensor) bool) error {
	sizes, from := make([]int, len(f.Tensors)), make([]int, len(f.Tensors))
	for i, t := range f.Tensors {
		sizes[i], from[i] = t.Len()*t.DType.Size(), base
		base += sizes[i]
		if keep(t) {
			f.Tensors[i].Data = make([]byte, sizes[i])
		}
	}
	bs := blocksOf(sizes, func(i int) bool { return f.Sealed() || f.Tensors[i].Data != nil })
	var sums [][sha256.Size]byte
	if f.Sealed() {
		sums = make([][sha256.Size]byte, len(bs))
	}
	spare := make([][]byte, workers(len(bs)))
	err := parallel(len(bs), func(w, i int) error {
		b, into := bs[i], []byte(nil)
		switch d := f.Tensors[b.tensor].Data; {
		case d != nil:
			into = d[b.from:b.to]
		case spare[w] == nil:
			spare[w] = make([]byte, digestBlock)
			fallthrough
		default:
			into = spare[w][:b.to-b.from]
		}
		if err := readFull(f.Path, r, into, from[b.tensor]+b.from); err != nil {
			return err
		}
		if f.Sealed() {
			sums[i] = sha256.Sum256(into)
		}
		return nil
	})
	if err != nil || !f.Sealed() {
		return err
	}
	if got := digestOf(f.Metadata, f.Tensors, sizes, sums); got != f.digest {
		return Damaged(f.Path, "digest "+strict.Quote(f.digest), "digest "+strict.Quote(got))
	}
	return nil
}

func unreadable(path string, err error) error {
	return &data.Problem{Code: codeNotSafetensors, File: path, What: "the file cannot be read", Err: err, Fix: "give the path of a .safetensors file"}
}

// Damaged is the problem of a file whose bytes are not those that were written (E714).
func Damaged(path, expected, found string) error {
	return &data.Problem{Code: codeDamaged, File: path, What: "the file is not as it was written: its digest does not fit its content", Expected: expected, Found: found,
		Cause: "a disk, a memory or a copy that changed some of it; or a program that changed it and kept the digest", Fix: "copy the file again, or take another checkpoint"}
}
