package table

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

var (
	nan    = math.NaN()
	minus0 = math.Copysign(0, -1)
)

// kinds are columns by what they hold, with the bits that one takes.
var kinds = map[string]struct {
	bits   int
	values []float64
}{
	"carriers": {1, []float64{0, 1}}, "zero": {1, []float64{0}}, "genotypes": {2, []float64{0, 1, 2, nan}}, "carriers, some missing": {2, []float64{1, nan}},
	"counts": {8, []float64{0, 1, 2, 3, 17, 254, nan}}, "counts too high": {32, []float64{0, 255}}, "halves": {32, []float64{0, 0.5, 1}}, "-0": {32, []float64{0, minus0, 1}},
	"negative": {32, []float64{-1, 0, 1}}, "infinite": {32, []float64{0, math.Inf(1), math.Inf(-1)}},
	"scores": {32, []float64{math.MaxFloat32, float64(float32(-1e-38)), math.SmallestNonzeroFloat32, 1e10, 3.25}}, "almost counts": {32, []float64{float64(float32(253.99998)), 1 + 0x1p-23, 1 - 0x1p-24, 3}},
	"times": {64, []float64{1700000003, 1700000006, 1700000021, nan}}, "days before a far one": {64, []float64{-738000.1, -738000.2}}, "far halves, which are float32s": {32, []float64{4096.5, 4097.5}},
}

// filled returns rows of random values of the columns, narrowed so many at a time, and what was added.
func filled(seed uint64, columns [][]float64, rows, height int) (*Rows, [][]float64) {
	g := rand.New(rand.NewPCG(seed, 1))
	r := NewRows(len(columns))
	r.height = height
	var want [][]float64
	for range rows {
		row := make([]float64, len(columns))
		for j, values := range columns {
			row[j] = values[g.IntN(len(values))]
		}
		want = append(want, row)
		r.Add(row)
	}
	r.Close()
	return r, want
}

func checkRows(t *testing.T, r *Rows, want [][]float64) {
	t.Helper()
	var wait sync.WaitGroup
	for part := range 3 {
		wait.Go(func() {
			got := make([]float64, len(want[0]))
			for i := part; i < len(want); i += 3 {
				r.Row(i, got)
				for j, v := range want[i] {
					if math.Float64bits(got[j]) != math.Float64bits(v) {
						t.Errorf("row %d, column %d of %d: %v (%x), want %v (%x)", i, j, len(got), got[j], math.Float64bits(got[j]), v, math.Float64bits(v))
						return
					}
				}
			}
		})
	}
	wait.Wait()
}

// TestRows: values come back bit by bit, and take the bits of their kind.
func TestRows(t *testing.T) {
	for name, k := range kinds {
		for _, width := range []int{1, 3, 8, 13} {
			columns := make([][]float64, width)
			for j := range columns {
				columns[j] = k.values
			}
			const rows = 400
			r, want := filled(uint64(width), columns, rows, 1000)
			checkRows(t, r, want)
			if n := rows*((width*k.bits+7)/8) + width; r.Bytes() != n {
				t.Errorf("%s: %d rows of %d take %d bytes, want %d", name, rows, width, r.Bytes(), n)
			}
		}
	}
}

// TestRowsOfAllKinds: columns of different kinds lie beside each other, each in its own bits, however many rows are narrowed at a
// time.
func TestRowsOfAllKinds(t *testing.T) {
	g := rand.New(rand.NewPCG(7, 7))
	for _, height := range []int{1, 2, 7, 64} {
		var columns [][]float64
		var bits int
		for range 5 {
			for _, k := range kinds {
				for range g.IntN(4) {
					columns = append(columns, k.values)
					bits += k.bits
				}
			}
		}
		for _, rows := range []int{1, 7, 63, 64, 65, 200} {
			t.Run(fmt.Sprint(height, rows), func(t *testing.T) {
				r, want := filled(uint64(rows), columns, rows, height)
				checkRows(t, r, want)
				if most := rows*(bits/8+1) + (rows+height-1)/height*len(columns); r.Bytes() > most {
					t.Errorf("%d bytes, want at most %d", r.Bytes(), most)
				}
			})
		}
	}
}

// TestRowsBytes: what is counted is what is held, and what Add returns.
func TestRowsBytes(t *testing.T) {
	r := NewRows(9)
	r.height = 4
	row := make([]float64, 9)
	for i, want := range []int{0, 0, 0, 4*2 + 9, 17, 17, 17, 17 + 4*2, 25, 25, 25, 25 + 4*5 + 9} {
		if i == 11 {
			row[3] = 0.5
		}
		if got := r.Add(row); got != want {
			t.Errorf("%d rows: %d bytes, want %d", i+1, got, want)
		}
	}
	held := 0
	for i, b := range r.blocks {
		held += len(b.codes)
		if i == 0 || &b.bits[0] != &r.blocks[i-1].bits[0] {
			held += len(b.bits)
		}
	}
	if r.Close() != held || r.raw != nil {
		t.Errorf("%d bytes are counted, %d held", r.Bytes(), held)
	}
}
