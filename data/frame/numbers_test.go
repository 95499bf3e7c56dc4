package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// TestNumbers: every kind of number, in both orders of bytes and of dimensions.
func TestNumbers(t *testing.T) {
	want := []float64{0, 1, 100, 2, 3, 117}
	for _, c := range []struct {
		descr string
		size  int
		bits  func(v float64) uint64
	}{
		{"f8", 8, math.Float64bits}, {"f4", 4, func(v float64) uint64 { return uint64(math.Float32bits(float32(v))) }}, {"i1", 1, func(v float64) uint64 { return uint64(v) }}, {"u2", 2, func(v float64) uint64 { return uint64(v) }},
		{"i4", 4, func(v float64) uint64 { return uint64(v) }}, {"i8", 8, func(v float64) uint64 { return uint64(v) }}, {"u8", 8, func(v float64) uint64 { return uint64(v) }},
		{"f2", 2, func(v float64) uint64 {
			return map[float64]uint64{0: 0, 1: 0x3c00, 100: 0x5640, 2: 0x4000, 3: 0x4200, 117: 0x5750}[v]
		}},
	} {
		for _, big := range []bool{false, true} {
			for _, fortran := range []bool{false, true} {
				order, word := "<", "False"
				if big {
					order = ">"
				}
				if fortran {
					word = "True"
				}
				head := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': %s, 'shape': (2, 3), }", order, c.descr, word)
				head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n"
				b := append(binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head))), head...)
				for k := range want {
					v := want[k]
					if fortran {
						v = want[k%2*3+k/2]
					}
					var raw [8]byte
					binary.LittleEndian.PutUint64(raw[:], c.bits(v))
					part := slices.Clone(raw[:c.size])
					if big {
						slices.Reverse(part)
					}
					b = append(b, part...)
				}
				dir := t.TempDir()
				o := Options{IDs: write(t, dir, "i", []byte("p\nq\n")), Names: write(t, dir, "n", []byte("a\nb\nc\n"))}
				w, err := Read(write(t, dir, "x", b), o, table.Selection{})
				if err != nil || !slices.Equal(slices.Concat(values(w)...), want) {
					t.Errorf("%s%s, fortran %s: %v %v", order, c.descr, word, w, err)
				}
			}
		}
	}
	for _, c := range []struct {
		n    numeric
		b    []byte
		want float64
	}{{numeric{size: 1, signed: true}, []byte{0xff}, -1}, {numeric{size: 2, signed: true, big: true}, []byte{0xff, 0xfe}, -2}, {numeric{size: 1}, []byte{0xff}, 255}, {numeric{size: 2, float: true}, []byte{0, 0xbc}, -1}, {numeric{size: 2, float: true}, []byte{1, 0}, math.Ldexp(1, -24)},
		{numeric{size: 2, float: true}, []byte{0, 0x7c}, math.Inf(1)}} {
		if got := c.n.value(c.b); got != c.want {
			t.Errorf("%+v of % x is %g, want %g", c.n, c.b, got, c.want)
		}
	}
}

type plainRow struct {
	A float64 `parquet:"a"`
	B int64   `parquet:"b"`
}

type numberRow struct {
	Value int64 `parquet:"value"`
	ID    int64 `parquet:"IID"`
}

type floatRow struct {
	Value int64   `parquet:"value"`
	ID    float64 `parquet:"person_id"`
}

type indexRow struct {
	Value string `parquet:"value"`
	ID    string `parquet:"__index_level_0__"`
}

// TestParquetIDs: whole numbers and an index are ids, floating point numbers are not, and there must be some.
func TestParquetIDs(t *testing.T) {
	w, err := Read(parquetOf(t, numberRow{1 << 40, 1000018}, numberRow{-3, 7}), Options{}, table.Selection{})
	if err != nil || !slices.Equal(w.IID, []string{"1000018", "7"}) || values(w)[0][0] != 1<<40 || values(w)[1][0] != -3 {
		t.Errorf("%v %v", w, err)
	}
	w, err = Read(parquetOf(t, indexRow{"2.5", "x"}, indexRow{"NA", "y"}), Options{}, table.Selection{})
	if err != nil || !slices.Equal(w.IID, []string{"x", "y"}) || !slices.Equal(w.Names, []string{"value"}) || values(w)[0][0] != 2.5 || !math.IsNaN(values(w)[1][0]) {
		t.Errorf("%v %v", w, err)
	}
	for path, code := range map[string]int{parquetOf(t, plainRow{1, 2}): 108, parquetOf(t, floatRow{1, 1000018}): 102, parquetOf(t, indexRow{"high", "x"}): 107, parquetOf(t, struct {
		ID string `parquet:"person_id"`
	}{"x"}): 401} {
		var p *data.Problem
		if _, err := Read(path, Options{}, table.Selection{}); !errors.As(err, &p) || p.Code != code {
			t.Errorf("%v, want E%d", err, code)
		}
	}
}

// TestBounds: an address behind the end of an HDF5 file is one of damage, whatever stands there.
func TestBounds(t *testing.T) {
	h, err := openFile5(filepath.Join("testdata", "plain.h5"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.f.Close()
	for _, c := range [][2]int64{{h.size, 1}, {h.size - 1, 2}, {-1, 1}, {0, -1}, {0, h.size + 1}} {
		var p *data.Problem
		if _, err := h.bytes(uint64(c[0]), c[1]); !errors.As(err, &p) || p.Code != 410 {
			t.Errorf("%v: %v", c, err)
		}
	}
	if b, err := h.bytes(uint64(h.size-1), 1); err != nil || len(b) != 1 {
		t.Error(err)
	}
}
