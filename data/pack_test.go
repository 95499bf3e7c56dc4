package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// drawn is a table whose features a function gives; every fourth person lacks it.
type drawn struct {
	width int
	value func(person, feature int) float32
}

func (d drawn) Name() string   { return "drawn" }
func (d drawn) Stats() *Stats  { return &Stats{Names: make([]string, d.width)} }
func (d drawn) Has(p int) bool { return p%4 != 2 }

func (d drawn) Row(p int, dst []float32) bool {
	for f := range dst {
		dst[f] = 0
		if d.Has(p) {
			dst[f] = d.value(p, f)
		}
	}
	return d.Has(p)
}

// unpacked returns row k of all rows as a device reads it.
func unpacked(p *Packed, codes []uint8, values []float32, k int) []float32 {
	out, stride := make([]float32, p.Features), p.Stride()
	for f := range out {
		switch {
		case p.Bits == 32:
			out[f] = values[k*stride+f]
		case p.LUT == nil:
			out[f] = float32(codes[k*stride+f])
		default:
			at := f * p.Bits
			code := int(codes[k*stride+at/8]) >> (at % 8) & (1<<p.Bits - 1)
			out[f] = p.LUT[f<<p.Bits+code]
		}
	}
	return out
}

// read returns all rows, taken some at a time.
func (p *Packed) read(step int) (codes []uint8, values []float32) {
	n := p.Stride()
	for lo := 0; lo < p.Rows(); lo += step {
		hi := min(p.Rows(), lo+step)
		if p.Bits == 32 {
			values = append(values, make([]float32, (hi-lo)*n)...)
			p.Values(values[lo*n:], lo, hi)
			continue
		}
		codes = append(codes, slices.Repeat([]uint8{0xff}, (hi-lo)*n)...)
		p.Codes(codes[lo*n:], lo, hi)
	}
	return codes, values
}

// checkPacked holds a packed table against Row, bit by bit, for every person.
func checkPacked(t *testing.T, x Table, persons, bits int) *Packed {
	t.Helper()
	p := Pack(x, persons)
	if p.Bits != bits {
		t.Fatalf("%d bits, want %d", p.Bits, bits)
	}
	codes, values := p.read(3)
	want := make([]float32, p.Features)
	rows := 0
	for i := range persons {
		k := int(p.Row[i])
		if has := x.Row(i, want); has != (k >= 0) {
			t.Fatalf("person %d: row %d, has %v", i, k, has)
		}
		if k < 0 {
			continue
		}
		if k != rows {
			t.Fatalf("person %d has row %d, want %d", i, k, rows)
		}
		rows++
		got := unpacked(p, codes, values, k)
		for f := range want {
			if math.Float32bits(got[f]) != math.Float32bits(want[f]) {
				t.Fatalf("person %d, feature %d of %d: %v, want %v", i, f, len(want), got[f], want[f])
			}
		}
	}
	if p.Rows() != rows {
		t.Fatalf("%d rows, want %d", p.Rows(), rows)
	}
	return p
}

func TestPack(t *testing.T) {
	nan, negative := float32(math.NaN()), float32(math.Copysign(0, -1))
	for name, c := range map[string]struct {
		bits  int
		value func(p, f int) float32
	}{
		"carriers":            {1, func(p, f int) float32 { return float32((p * (f + 3)) % 2) }},
		"carriers, scaled":    {1, func(p, f int) float32 { return []float32{-0.1, 7.3}[(p+f)%2] * float32(f+1) }},
		"constant":            {1, func(_, f int) float32 { return float32(f) / 3 }},
		"genotypes":           {2, func(p, f int) float32 { return []float32{-1.5, 0.25, 2, 0.01}[(p/2+f*p)%4] / float32(f+1) }},
		"NaN and both zeros":  {2, func(p, _ int) float32 { return []float32{nan, 0, negative}[p%3] }},
		"counts":              {8, func(p, f int) float32 { return float32((p*31 + f) % 256) }},
		"counts too high":     {32, func(p, f int) float32 { return float32((p + f) % 257) }},
		"counts and -0":       {32, func(p, _ int) float32 { return []float32{negative, 1, 2, 3, 4, 5, 6}[p%7] }},
		"counts, late a half": {32, func(p, f int) float32 { return float32(p%9) + float32(p/299*(f/4))/2 }},
		"scores":              {32, func(p, f int) float32 { return float32(p)/7 - float32(f) }},
	} {
		for _, width := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 33} {
			t.Run(fmt.Sprint(name, width), func(t *testing.T) {
				bits := c.bits
				if name == "counts, late a half" && width <= 4 {
					bits = 8
				}
				checkPacked(t, drawn{width, c.value}, 300, bits)
			})
		}
	}
}

// TestPackOneFeatureDecides: a table takes the form of its richest feature.
func TestPackOneFeatureDecides(t *testing.T) {
	value := func(p, f int) float32 {
		if f == 6 {
			return float32(p % 3)
		}
		return float32(p % 2)
	}
	checkPacked(t, drawn{7, value}, 40, 2)
	checkPacked(t, drawn{6, value}, 40, 1)
}

// TestPackNobody: a modality that nobody has takes no rows.
func TestPackNobody(t *testing.T) {
	p := Pack(drawn{3, nil}, 0)
	if p.Rows() != 0 || p.Stride() != 1 || len(p.LUT) != 6 {
		t.Errorf("%d rows of %d bytes, %d values", p.Rows(), p.Stride(), len(p.LUT))
	}
}

// TestPackOfAChangingTable: a value that was not there when the table was packed is told of, and is no other feature's.
func TestPackOfAChangingTable(t *testing.T) {
	for _, bits := range []int{1, 2} {
		for _, feature := range []int{0, 4} { // the last has nothing behind it
			changed := false
			p := Pack(drawn{5, func(person, f int) float32 {
				if changed && f == feature {
					return 9
				}
				return float32(person % (2 * bits))
			}}, 12)
			if p.Bits != bits {
				t.Fatalf("%d bits, want %d", p.Bits, bits)
			}
			changed = true
			message := panics(func() { p.encode(make([]uint8, p.Stride()), row(p)) })
			if !strings.Contains(message, "drawn changed between two reads") || !strings.Contains(message, fmt.Sprintf("feature %d is 9", feature)) {
				t.Errorf("%d bits, feature %d: %q", bits, feature, message)
			}
		}
	}
}

func row(p *Packed) []float32 {
	r := make([]float32, p.Features)
	p.table.Row(0, r)
	return r
}

func panics(f func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	f()
	return ""
}

// TestPackBytes: features of up to 256 values are codes of a byte, bit by bit what they were, where that takes less memory.
func TestPackBytes(t *testing.T) {
	dosage := func(steps int) func(p, f int) float32 {
		return func(p, f int) float32 {
			if p%41 == 3 {
				return 0.75 // missing: the mean
			}
			return (float32(p*(f+31)%steps)/127 - 1) * float32(f+2) / 3
		}
	}
	for _, width := range []int{1, 3, 17} {
		if p := checkPacked(t, drawn{width, dosage(255)}, 3000, 8); p.LUT == nil {
			t.Error("whole numbers")
		}
		checkPacked(t, drawn{width, dosage(509)}, 3000, 32)
		checkPacked(t, drawn{width, dosage(255)}, 400, 32)
		checkPacked(t, drawn{width, dosage(60)}, 458, 8)
	}
	var list []uint32
	for v := range uint32(256) {
		if !insert(&list, v*37%256) || !insert(&list, 0) {
			t.Fatal(list)
		}
	}
	if insert(&list, 256) || !slices.IsSorted(list) {
		t.Error("a value more than a byte has codes")
	}
	changed := false
	p := Pack(drawn{3, func(person, f int) float32 {
		if changed && f == 2 {
			return 9
		}
		return float32(person%200) + 0.25
	}}, 1000)
	changed = true
	if message := panics(func() { p.encode(make([]uint8, p.Stride()), row(p)) }); !strings.Contains(message, "changed between two reads") {
		t.Error(message)
	}
}
