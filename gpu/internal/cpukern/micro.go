package cpukern

import "unsafe"

//go:generate go -C gen run . -out ../kern_amd64.s -stubs ../kern_amd64.go -pkg cpukern

// Float is an element type of the kernels.
type Float interface{ float32 | float64 }

// A micro computes one tile: c[i][j] (+)= sum over taps t and terms q < cin of a[tab[i] + t*tapStep + q*step]
// times b[t*cin+q][j], b being packed rows of as many columns as the tile has; ldc is the elements between
// rows of c, and add != 0 adds to c. taps and cin are at least 1, step is positive. sums is scratch of a tile.
//
// No chain of additions is longer than it must be: runs of at most maxRun terms of a tap are summed from zero, the
// runs of a call are added to each other in sums, and their total to c. With K terms the rounding error grows with
// the square root of maxRun + K/maxRun in place of K (Higham 2002, section 4.2: blocked summation).
type micro[F Float] func(a *F, tab *int, taps, tapStep, cin, step int, b, c *F, ldc, add int, sums *F)

// maxRun is the most terms of one chain of additions. The error of a block of 256 terms is least at 16, its square
// root; 32 halves the passes through sums, 5 % of the time at 16, for an eighth more error.
const maxRun = 32

// kernels are the kernels of one instruction set for one element type.
type kernels[F Float] struct {
	rows, cols int // of a tile
	micro      micro[F]
	// transpose turns n 8x8 blocks of 8 rows at src into 8n rows at dst; nil: there is none.
	transpose func(n int, src *F, lds int, dst *F, ldd int)
	// packRows and packCols copy n >= 1 rows of a tile's rows or columns of elements, the i-th from
	// src[tab[i]], one behind the other to dst. tab has prefetch entries more. nil: there are none.
	packRows, packCols func(n int, tab *int, src, dst *F)
}

// prefetch is how many entries past the rows packers read of their table.
const prefetch = 8

// maxCols is the most columns of a tile of any kernel, maxTile its most elements.
const (
	maxCols = 32
	maxTile = 12 * maxCols
)

// pick returns the kernels of p's instruction set.
func pick[F Float](p *Pool) kernels[F] {
	var k kernels[F]
	switch k := any(&k).(type) {
	case *kernels[float32]:
		*k = kernels32(p.isa)
	case *kernels[float64]:
		*k = kernels64(p.isa)
	}
	return k
}

// portable returns the Go twin: 3x4 sums fit the 15 registers that Go has for numbers on amd64.
func portable[F Float]() kernels[F] { return kernels[F]{rows: 3, cols: 4, micro: microGo[F]} }

// at returns the address of the i-th element from p.
func at[F Float](p *F, i int) *F {
	return (*F)(unsafe.Add(unsafe.Pointer(p), i*int(unsafe.Sizeof(*p))))
}

func microGo[F Float](a *F, tab *int, taps, tapStep, cin, step int, b, c *F, ldc, add int, _ *F) {
	var sums [3][4]F
	rows := unsafe.Slice(tab, 3)
	for t := range taps {
		for q := 0; q < cin; q += maxRun {
			var s [3][4]F
			o, n := t*tapStep+q*step, min(maxRun, cin-q)
			m := (n-1)*step + 1
			terms(&s, unsafe.Slice(at(a, rows[0]+o), m), unsafe.Slice(at(a, rows[1]+o), m), unsafe.Slice(at(a, rows[2]+o), m),
				step, unsafe.Slice(at(b, (t*cin+q)*4), n*4))
			for i := range s {
				addRow(&sums[i], &s[i])
			}
		}
	}
	for i := range sums {
		row := (*[4]F)(unsafe.Pointer(at(c, i*ldc)))
		if add == 0 {
			*row = sums[i]
			continue
		}
		addRow(row, &sums[i])
	}
}

func addRow[F Float](y, x *[4]F) {
	y[0] += x[0]
	y[1] += x[1]
	y[2] += x[2]
	y[3] += x[3]
}

// terms adds to s the outer products of every step-th element of three rows with rows of four in b.
func terms[F Float](s *[3][4]F, x, y, z []F, step int, b []F) {
	s00, s01, s02, s03 := s[0][0], s[0][1], s[0][2], s[0][3]
	s10, s11, s12, s13 := s[1][0], s[1][1], s[1][2], s[1][3]
	s20, s21, s22, s23 := s[2][0], s[2][1], s[2][2], s[2][3]
	for i := 0; i < len(x) && len(b) >= 4; i += step {
		v := x[i]
		s00 += v * b[0]
		s01 += v * b[1]
		s02 += v * b[2]
		s03 += v * b[3]
		v = y[i]
		s10 += v * b[0]
		s11 += v * b[1]
		s12 += v * b[2]
		s13 += v * b[3]
		v = z[i]
		s20 += v * b[0]
		s21 += v * b[1]
		s22 += v * b[2]
		s23 += v * b[3]
		b = b[4:]
	}
	s[0], s[1], s[2] = [4]F{s00, s01, s02, s03}, [4]F{s10, s11, s12, s13}, [4]F{s20, s21, s22, s23}
}
