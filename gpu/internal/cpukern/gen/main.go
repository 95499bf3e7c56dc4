// Command gen writes the assembly of package cpukern: micro-kernels of matrix products for AVX2 and AVX-512
// and the transposition that packs their operands.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// maxRunLog is the binary logarithm of maxRun in package cpukern: the most terms of one chain of additions.
const maxRunLog = 5

// A tile is one micro-kernel: rows x vecs vectors of width bytes with elements of size bytes.
type tile struct {
	name              string
	rows, vecs, width int
	size              int
}

func (t tile) vec() VecVirtual {
	if t.width == 64 {
		return ZMM()
	}
	return YMM()
}

func (t tile) zero(v VecVirtual) {
	if t.width == 64 {
		VPXORD(v, v, v)
		return
	}
	VXORPS(v, v, v)
}

func (t tile) fma(a, b, c Op) {
	if t.size == 8 {
		VFMADD231PD(a, b, c)
		return
	}
	VFMADD231PS(a, b, c)
}

func (t tile) add(a, b, c Op) {
	if t.size == 8 {
		VADDPD(a, b, c)
		return
	}
	VADDPS(a, b, c)
}

func (t tile) mul(a, b, c Op) {
	if t.size == 8 {
		VMULPD(a, b, c)
		return
	}
	VMULPS(a, b, c)
}

func (t tile) broadcast(m, v Op) {
	if t.size == 8 {
		VBROADCASTSD(m, v)
		return
	}
	VBROADCASTSS(m, v)
}

func (t tile) shift() Op { return Imm(map[int]uint64{4: 2, 8: 3}[t.size]) }

// sums returns cleared accumulators.
func (t tile) sums() [][]VecVirtual {
	c := make([][]VecVirtual, t.rows)
	for i := range c {
		for range t.vecs {
			v := t.vec()
			t.zero(v)
			c[i] = append(c[i], v)
		}
	}
	return c
}

// param returns a parameter as a memory operand.
func param(name string) Op {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// local returns 8 bytes of the stack frame.
func local() Mem { return AllocLocal(8) }

func (t tile) generate() {
	elem := map[int]string{4: "float32", 8: "float64"}[t.size]
	TEXT(t.name, NOSPLIT, fmt.Sprintf("func(a *%s, tab *int, taps, tapStep, cin, step int, b, c *%s, ldc, add int, sums *%s)", elem, elem, elem))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is a micro of %d rows and %d columns.", t.name, t.rows, t.vecs*t.width/t.size))
	sums := t.sums()
	b := Load(Param("b"), GP64())
	end, step, tapStep, run, runs := local(), local(), local(), local(), local()
	MOVQ(I32(0), runs)
	t.setUp(end, step, tapStep)
	Label("tap")
	rows := t.rowPointers()
	ix := GP64()
	XORQ(ix, ix)
	Label("run")
	runEnd(ix, step, end, run)
	next := func(how begin) {
		t.term(sums, rows, ix, b, how)
		ADDQ(U32(uint32(t.vecs*t.width)), b)
		ADDQ(step, ix)
		CMPQ(ix, run)
	}
	INCQ(runs)
	CMPQ(runs, Imm(2))
	JLT(LabelRef("term"))
	JEQ(LabelRef("second"))
	next(adding)
	JNE(LabelRef("term"))
	JMP(LabelRef("ran"))
	Label("second")
	next(setting)
	JEQ(LabelRef("ran"))
	Label("term")
	next(onward)
	JNE(LabelRef("term"))
	Label("ran")
	CMPQ(ix, end)
	JNE(LabelRef("run"))
	MOVQ(tapStep, ix)
	ADDQ(ix, param("a"))
	DECQ(param("taps"))
	JNZ(LabelRef("tap"))
	t.store(sums, runs)
	VZEROUPPER()
	RET()
}

// eachSum visits every sum with its place in the memory at parameter sums.
func (t tile) eachSum(sums [][]VecVirtual, visit func(m Mem, v VecVirtual)) {
	p := Load(Param("sums"), GP64())
	for i, row := range sums {
		for j, v := range row {
			visit(Mem{Base: p, Disp: (i*t.vecs + j) * t.width}, v)
		}
	}
}

// runEnd sets run to where the terms of the next run end: maxRun terms on, or at end.
func runEnd(ix Register, step, end, run Mem) {
	r := GP64()
	MOVQ(step, r)
	SHLQ(Imm(maxRunLog), r)
	ADDQ(ix, r)
	CMPQ(r, end)
	CMOVQGT(end, r)
	MOVQ(r, run)
}

// setUp turns steps into bytes, and puts the bytes from the first term of a tap past its last into end.
func (t tile) setUp(end, step, tapStep Mem) {
	r, n := GP64(), GP64()
	MOVQ(param("step"), r)
	SHLQ(t.shift(), r)
	MOVQ(r, step)
	MOVQ(param("cin"), n)
	IMULQ(r, n)
	MOVQ(n, end)
	MOVQ(param("tapStep"), r)
	SHLQ(t.shift(), r)
	MOVQ(r, tapStep)
}

// rowPointers loads a + tab[i] for every row.
func (t tile) rowPointers() []GPVirtual {
	rows := make([]GPVirtual, t.rows)
	tab, a := GP64(), GP64()
	MOVQ(param("tab"), tab)
	MOVQ(param("a"), a)
	for i := range rows {
		rows[i] = GP64()
		if i == t.rows-1 {
			MOVQ(Mem{Base: tab, Disp: 8 * i}, tab)
			LEAQ(Mem{Base: a, Index: tab, Scale: uint8(t.size)}, rows[i])
			break
		}
		MOVQ(Mem{Base: tab, Disp: 8 * i}, rows[i])
		LEAQ(Mem{Base: a, Index: rows[i], Scale: uint8(t.size)}, rows[i])
	}
	return rows
}

// begin says what a term does with the sums of the run before it.
type begin int

const (
	onward  begin = iota // it belongs to the same run
	setting              // put them into memory, and begin from zero
	adding               // add them to those in memory, and begin from zero
)

// term adds one outer product.
func (t tile) term(sums [][]VecVirtual, rows []GPVirtual, ix, b Register, how begin) {
	var memory Register
	if how != onward {
		memory = Load(Param("sums"), GP64())
	}
	cols := make([]VecVirtual, t.vecs)
	for j := range cols {
		cols[j] = t.vec()
		VMOVUPS(Mem{Base: b, Disp: j * t.width}, cols[j])
	}
	PREFETCHT0(Mem{Base: b, Disp: 8 * t.vecs * t.width})
	if t.vecs*t.width > 64 {
		PREFETCHT0(Mem{Base: b, Disp: 8*t.vecs*t.width + 64})
	}
	tmp := []VecVirtual{t.vec(), t.vec()}
	for i, r := range rows {
		v := tmp[i%2]
		t.broadcast(Mem{Base: r, Index: ix, Scale: 1}, v)
		for j, s := range sums[i] {
			if how == onward {
				t.fma(cols[j], v, s)
				continue
			}
			m := Mem{Base: memory, Disp: (i*t.vecs + j) * t.width}
			if how == adding {
				t.add(m, s, s)
			}
			VMOVUPS(s, m)
			t.mul(cols[j], v, s)
		}
	}
}

// store writes the sums to c, or adds them.
func (t tile) store(sums [][]VecVirtual, runs Mem) {
	CMPQ(runs, Imm(1))
	JEQ(LabelRef("total"))
	t.eachSum(sums, func(m Mem, v VecVirtual) { t.add(m, v, v) })
	Label("total")
	c, ldc := Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	SHLQ(t.shift(), ldc)
	CMPQ(param("add"), Imm(0))
	JEQ(LabelRef("set"))
	p := GP64()
	MOVQ(c, p)
	for _, row := range sums {
		for j, v := range row {
			t.add(Mem{Base: p, Disp: j * t.width}, v, v)
		}
		ADDQ(ldc, p)
	}
	Label("set")
	for _, row := range sums {
		for j, v := range row {
			VMOVUPS(v, Mem{Base: c, Disp: j * t.width})
		}
		ADDQ(ldc, c)
	}
}

func main() {
	ConstraintExpr("amd64")
	for _, t := range []tile{
		{"microAVX2F32", 6, 2, 32, 4}, {"microAVX2F64", 6, 2, 32, 8},
		{"microAVX512F32", 12, 2, 64, 4}, {"microAVX512F64", 12, 2, 64, 8},
	} {
		t.generate()
		t.pack(t.rows, "Rows")
		t.pack(t.vecs*t.width/t.size, "Cols")
	}
	transpose()
	for _, t := range []tile{{width: 32, size: 4}, {width: 32, size: 8}, {width: 64, size: 4}, {width: 64, size: 8}} {
		t.paths()
	}
	Generate()
}
