package frame

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

const npyFix = "write it again: numpy.save(OUT, array.astype('float32'))"

// An npy is a NumPy array of two dimensions, or of one, which is a column.
type npy struct {
	path          string
	f             *os.File
	start         int64
	rows, columns int
	fortran       bool
	num           numeric
}

// mostHeader is the longest header of an .npy that is read.
const mostHeader = 1 << 16

func openNPY(path string) (matrix, error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	n := &npy{path: path, f: f}
	if err := n.open(); err != nil {
		f.Close()
		return nil, err
	}
	return n, nil
}

func (n *npy) open() error {
	var head [12]byte
	if _, err := io.ReadFull(n.f, head[:10]); err != nil {
		return damaged(n.path, "the NumPy array ends within its header", err.Error(), npyFix)
	}
	length, at := int(binary.LittleEndian.Uint16(head[8:])), int64(10)
	if head[6] >= 2 {
		if _, err := io.ReadFull(n.f, head[10:12]); err != nil {
			return damaged(n.path, "the NumPy array ends within its header", err.Error(), npyFix)
		}
		length, at = int(binary.LittleEndian.Uint32(head[8:])), 12
	}
	if head[6] < 1 || head[6] > 3 || length > mostHeader {
		return damaged(n.path, "the header of the NumPy array is not understood", fmt.Sprintf("version %d, a header of %d bytes", head[6], length), npyFix)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(n.f, text); err != nil {
		return damaged(n.path, "the NumPy array ends within its header", err.Error(), npyFix)
	}
	n.start = at + int64(length)
	return n.header(string(text))
}

// header reads the dictionary that NumPy writes.
func (n *npy) header(text string) error {
	bad := func() error {
		return damaged(n.path, "the NumPy array is of a kind that is not read", fmt.Sprintf("%.120q", strings.TrimSpace(text)), npyFix)
	}
	descr := regexp.MustCompile(`'descr'\s*:\s*'([<>|=]?)([fiub])([1248])'`).FindStringSubmatch(text)
	order := regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`).FindStringSubmatch(text)
	shape := regexp.MustCompile(`'shape'\s*:\s*\(\s*(\d+)\s*,?\s*(\d*)\s*,?\s*\)`).FindStringSubmatch(text)
	if descr == nil || order == nil || shape == nil {
		return bad()
	}
	size, _ := strconv.Atoi(descr[3])
	n.num = numeric{size: size, big: descr[1] == ">", float: descr[2] == "f", signed: descr[2] == "i"}
	if n.num.float && size == 1 || descr[2] == "b" && size != 1 {
		return bad()
	}
	n.fortran = order[1] == "True"
	var err error
	if n.rows, err = strconv.Atoi(shape[1]); err != nil {
		return bad()
	}
	n.columns = 1
	if shape[2] != "" {
		if n.columns, err = strconv.Atoi(shape[2]); err != nil {
			return bad()
		}
	}
	if n.rows == 0 || n.columns == 0 {
		return table.Empty(n.path, "the array is empty")
	}
	st, err := n.f.Stat()
	if err != nil {
		return table.Unreadable(n.path, err)
	}
	if have := st.Size() - n.start; int64(n.rows) > have || int64(n.columns) > have/int64(n.rows) || int64(n.rows)*int64(n.columns)*int64(size) != have {
		p := damaged(n.path, "the array has another size than its header says", fmt.Sprintf("%d bytes of values", have), npyFix)
		p.Expected = fmt.Sprintf("%d x %d values of %d bytes", n.rows, n.columns, size)
		return p
	}
	return nil
}

func (n *npy) shape() (int, int) { return n.rows, n.columns }
func (n *npy) step() (int, int)  { return 1, 1 }
func (n *npy) close() error      { return n.f.Close() }

func (n *npy) numeric() numeric { return n.num }

func (n *npy) read(r0, r1, c0, c1 int, dst []byte) error {
	size := n.num.size
	if !n.fortran {
		width := (c1 - c0) * size
		if c0 == 0 && c1 == n.columns { // rows behind each other
			return n.at(r0*n.columns, dst[:(r1-r0)*width])
		}
		for r := r0; r < r1; r++ {
			if err := n.at(r*n.columns+c0, dst[(r-r0)*width:(r-r0+1)*width]); err != nil {
				return err
			}
		}
		return nil
	}
	run := make([]byte, (r1-r0)*size)
	for c := c0; c < c1; c++ {
		if err := n.at(c*n.rows+r0, run); err != nil {
			return err
		}
		for i := range r1 - r0 {
			copy(dst[(i*(c1-c0)+c-c0)*size:], run[i*size:(i+1)*size])
		}
	}
	return nil
}

// at reads values that lie behind each other, from the given one on.
func (n *npy) at(from int, dst []byte) error {
	if _, err := n.f.ReadAt(dst, n.start+int64(from)*int64(n.num.size)); err != nil {
		return table.Unreadable(n.path, err)
	}
	return nil
}

// numeric is how a number lies in bytes.
type numeric struct {
	size               int
	big, float, signed bool
}

// value decodes one number.
func (n numeric) value(b []byte) float64 {
	var u uint64
	for k := range n.size {
		at := k
		if n.big {
			at = n.size - 1 - k
		}
		u |= uint64(b[at]) << (8 * k)
	}
	switch {
	case n.float && n.size == 8:
		return math.Float64frombits(u)
	case n.float && n.size == 4:
		return float64(math.Float32frombits(uint32(u)))
	case n.float:
		return half(uint16(u))
	case n.signed:
		shift := 64 - 8*n.size
		return float64(int64(u<<shift) >> shift)
	}
	return float64(u)
}

// half decodes an IEEE 754 number of 16 bits.
func half(h uint16) float64 {
	sign, exp, frac := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}
