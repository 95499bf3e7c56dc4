package vcf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// pieceBytes is the most bytes of a piece of text: those of a BGZF block.
const pieceBytes = 1 << 16

// A place is where something begins: the place of its piece in the file, shifted by placeBits, and the byte within.
type place int64

const placeBits = 17 // for the end of a piece is one as well

var errBlock = errors.New("a block of the compressed file is damaged")

// A source gives the text of a file piece by piece.
type source interface {
	next() (piece []byte, at int64, err error) // io.EOF at the end
	seek(at int64) error                       // to the piece at a place that next gave
}

// newSource returns that of a file by its first bytes.
func newSource(f *os.File) (source, error) {
	head := make([]byte, blockHead)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch head = head[:n]; {
	case bgzfBytes(head) > 0:
		return &bgzf{file: f}, nil
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		s := &packed{file: f}
		return s, s.restart()
	}
	return &plain{file: f}, nil
}

// plain is text as it is.
type plain struct {
	file *os.File
	at   int64
	buf  [pieceBytes]byte
}

func (s *plain) next() ([]byte, int64, error) {
	n, err := s.file.ReadAt(s.buf[:], s.at)
	if n > 0 {
		err = nil
	}
	at := s.at
	s.at += int64(n)
	return s.buf[:n], at, err
}

func (s *plain) seek(at int64) error {
	s.at = at
	return nil
}

// packed is gzip that is no BGZF: its pieces are counted, and it can only be read through.
type packed struct {
	file *os.File
	z    *gzip.Reader
	at   int64
	buf  [pieceBytes]byte
}

func (s *packed) restart() error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	s.at = 0
	var err error
	if s.z == nil {
		s.z, err = gzip.NewReader(s.file)
		return err
	}
	return s.z.Reset(s.file)
}

func (s *packed) next() ([]byte, int64, error) {
	n, err := io.ReadFull(s.z, s.buf[:])
	if n > 0 && (errors.Is(err, io.ErrUnexpectedEOF) && n < pieceBytes || err == nil) {
		err = nil
	}
	at := s.at
	s.at++
	return s.buf[:n], at, err
}

func (s *packed) seek(at int64) error {
	if at < s.at {
		if err := s.restart(); err != nil {
			return err
		}
	}
	for s.at < at {
		if _, _, err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// bgzf is text in blocks that are compressed each for itself.
type bgzf struct {
	file  *os.File
	at    int64
	raw   [pieceBytes]byte
	plain [pieceBytes]byte
	z     io.ReadCloser
}

// Sizes of a block, in bytes.
const (
	blockHead  = 18
	blockTail  = 8
	leastBlock = blockHead + blockTail
)

// bgzfBytes returns the length of a block by its head, 0 where it is none.
func bgzfBytes(b []byte) int {
	if len(b) < blockHead || !bytes.Equal(b[:4], []byte{0x1f, 0x8b, 8, 4}) || string(b[12:16]) != "BC\x02\x00" || b[10] != 6 || b[11] != 0 {
		return 0
	}
	return int(binary.LittleEndian.Uint16(b[16:])) + 1
}

func (s *bgzf) next() ([]byte, int64, error) {
	for {
		at := s.at
		b, err := s.block()
		if err != nil || len(b) > 0 {
			return b, at, err
		}
	}
}

// block reads one block, which may be empty.
func (s *bgzf) block() ([]byte, error) {
	n, err := s.file.ReadAt(s.raw[:], s.at)
	if n == 0 {
		return nil, err
	}
	size := bgzfBytes(s.raw[:n])
	if size < leastBlock || size > n {
		return nil, fmt.Errorf("%w (byte %d)", errBlock, s.at)
	}
	in := bytes.NewReader(s.raw[blockHead : size-blockTail])
	want := int(binary.LittleEndian.Uint32(s.raw[size-4:]))
	if want > pieceBytes {
		return nil, fmt.Errorf("%w (byte %d)", errBlock, s.at)
	}
	if s.z == nil {
		s.z = flate.NewReader(in)
	} else if err := s.z.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	out := s.plain[:want]
	if _, err := io.ReadFull(s.z, out); err != nil {
		return nil, fmt.Errorf("%w (byte %d): %v", errBlock, s.at, err)
	}
	if crc32.ChecksumIEEE(out) != binary.LittleEndian.Uint32(s.raw[size-blockTail:]) {
		return nil, fmt.Errorf("%w (byte %d)", errBlock, s.at)
	}
	s.at += int64(size)
	return out, nil
}

func (s *bgzf) seek(at int64) error {
	s.at = at
	return nil
}

// A text is a source as a whole, read from the front.
type text struct {
	s     source
	piece []byte // what is left of it
	from  int64  // its place
	off   int    // of what is left, within it
	long  []byte // of a line, or of bytes, that goes on over pieces
}

// mostBytes is the most that one line or record may have, as errTooLong says.
const mostBytes = 64 << 20

var errTooLong = errors.New("a line or record is longer than 64 MiB")

// at returns the place of what is read next.
func (t *text) at() place { return place(t.from<<placeBits | int64(t.off)) }

// seek goes to a place that at gave, which lies behind what was read or in another piece.
func (t *text) seek(p place) error {
	from, off := int64(p)>>placeBits, int(int64(p)&(1<<placeBits-1))
	if from != t.from || t.piece == nil || off < t.off {
		if err := t.s.seek(from); err != nil {
			return err
		}
		if err := t.fill(); err != nil {
			return err
		}
	}
	return t.skipTo(off)
}

func (t *text) fill() error {
	b, at, err := t.s.next()
	if err != nil {
		t.piece = nil
		return err
	}
	t.piece, t.from, t.off = b, at, 0
	return nil
}

func (t *text) skipTo(off int) error {
	if off < t.off || off-t.off > len(t.piece) {
		return errBlock
	}
	t.piece, t.off = t.piece[off-t.off:], off
	return nil
}

// line returns the next line without its end, and io.EOF after the last.
func (t *text) line() ([]byte, error) {
	t.long = t.long[:0]
	for {
		if len(t.piece) == 0 {
			if err := t.fill(); err == io.EOF && len(t.long) > 0 {
				return bytes.TrimSuffix(t.long, []byte("\r")), nil
			} else if err != nil {
				return nil, err
			}
		}
		n := bytes.IndexByte(t.piece, '\n')
		if n >= 0 && len(t.long) == 0 {
			line := t.piece[:n]
			t.drop(n + 1)
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if n >= 0 {
			t.long = append(t.long, t.piece[:n]...)
			t.drop(n + 1)
			return bytes.TrimSuffix(t.long, []byte("\r")), nil
		}
		if len(t.long)+len(t.piece) > mostBytes {
			return nil, errTooLong
		}
		t.long = append(t.long, t.piece...)
		t.drop(len(t.piece))
	}
}

func (t *text) drop(n int) { t.piece, t.off = t.piece[n:], t.off+n }

// bytes returns the next n bytes; io.EOF where there is nothing more, io.ErrUnexpectedEOF where there are fewer.
func (t *text) bytes(n int) ([]byte, error) {
	if n > mostBytes {
		return nil, errTooLong
	}
	if len(t.piece) >= n && n > 0 {
		b := t.piece[:n]
		t.drop(n)
		return b, nil
	}
	t.long = t.long[:0]
	for len(t.long) < n {
		if len(t.piece) == 0 {
			if err := t.fill(); err == io.EOF && len(t.long) > 0 {
				return nil, io.ErrUnexpectedEOF
			} else if err != nil {
				return nil, err
			}
		}
		k := min(n-len(t.long), len(t.piece))
		t.long = append(t.long, t.piece[:k]...)
		t.drop(k)
	}
	return t.long, nil
}

// skip passes over n bytes.
func (t *text) skip(n int64) error {
	for n > 0 {
		if len(t.piece) == 0 {
			if err := t.fill(); err == io.EOF {
				return io.ErrUnexpectedEOF
			} else if err != nil {
				return err
			}
		}
		k := min(n, int64(len(t.piece)))
		t.drop(int(k))
		n -= k
	}
	return nil
}
