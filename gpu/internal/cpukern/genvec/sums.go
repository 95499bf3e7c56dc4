package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// group is the rows that are added in float32 before their sum goes into float64.
const group = 8

// A columnSum is a sum over rows, by column, into the float64 at acc: load gets what rows share, and term adds a
// row, whose elements lie at from.
type columnSum struct {
	acc, x Register
	load   func(j Register)
	term   func(total VecVirtual, from Mem)
}

// generate runs over groups of rows, then over the rows that are left.
func (a columnSum) generate() {
	n, c, c3, j := ptr("rows"), ptr("c"), GP64(), GP64()
	SHLQ(Imm(2), c)
	LEAQ(Mem{Base: c, Index: c, Scale: 2}, c3)
	SUBQ(Imm(group), n)
	JLT(LabelRef("rest"))
	Label("group")
	loop(c, j, "column", func() { a.column(j, c, c3, group) })
	LEAQ(Mem{Base: a.x, Index: c, Scale: group}, a.x)
	SUBQ(Imm(group), n)
	JGE(LabelRef("group"))
	Label("rest")
	ADDQ(Imm(group), n)
	JEQ(LabelRef("done"))
	Label("row")
	loop(c, j, "single", func() { a.column(j, c, c3, 1) })
	ADDQ(c, a.x)
	DECQ(n)
	JNZ(LabelRef("row"))
	Label("done")
	end()
}

// column adds 8 columns of rows.
func (a columnSum) column(j, c, c3 Register, rows int) {
	total, p := zero(), GP64()
	a.load(j)
	LEAQ(at(a.x, j), p)
	for r := range rows {
		if r == 4 {
			LEAQ(Mem{Base: p, Index: c, Scale: 4}, p)
		}
		a.term(total, []Mem{{Base: p}, {Base: p, Index: c, Scale: 1}, {Base: p, Index: c, Scale: 2}, {Base: p, Index: c3, Scale: 1}}[r%4])
	}
	widen(a.acc, j, total)
}

// widen adds 8 float32 to the 8 float64 whose half is j bytes past p.
func widen(p, j Register, v VecVirtual) {
	lo, hi, upper := YMM(), YMM(), XMM()
	VCVTPS2PD(v.AsX(), lo)
	VEXTRACTF128(Imm(1), v, upper)
	VCVTPS2PD(upper, hi)
	for i, w := range []VecVirtual{lo, hi} {
		m := Mem{Base: p, Index: j, Scale: 2, Disp: bytes * i}
		VADDPD(m, w, w)
		VMOVUPD(w, m)
	}
}

func columnSums() {
	begin("colSumAVX2", "func(acc *float64, x *float32, rows, c int)", "adds the rows of x to acc;"+rowsDoc)
	acc, x := ptr("acc"), ptr("x")
	columnSum{acc, x, func(Register) {}, func(total VecVirtual, from Mem) { VADDPS(from, total, total) }}.generate()

	begin("colSqDevAVX2", "func(acc *float64, x, mean *float32, rows, c int)", "adds (x - mean)^2 of every row to acc;"+rowsDoc)
	acc, x, mean := ptr("acc"), ptr("x"), ptr("mean")
	var m VecVirtual
	columnSum{acc, x, func(j Register) { m = load(mean, j) }, func(total VecVirtual, from Mem) {
		v := YMM()
		VMOVUPS(from, v)
		VSUBPS(m, v, v)
		VFMADD231PS(v, v, total)
	}}.generate()
	for _, relu := range []bool{false, true} {
		reduce(relu)
	}
	widening()
}

func reduce(relu bool) {
	begin(variant("bnReduce", false, relu), "func(s1, s2, dy, y, x, mean *float32, rows, c int)", "adds d and d * (x - mean) of every row, as BNReduce;"+rowsDoc)
	s1, s2, dy, x, mean := ptr("s1"), ptr("s2"), ptr("dy"), ptr("x"), ptr("mean")
	images := []Register{dy, x}
	var y Register
	if relu {
		y = ptr("y")
		images = append(images, y)
	}
	z := zero()
	matrix(func(j Register) {
		d := load(dy, j)
		if relu {
			mask(d, load(y, j), z)
		}
		v, a, b := load(x, j), YMM(), load(s2, j)
		VSUBPS(at(mean, j), v, v)
		VADDPS(at(s1, j), d, a)
		VMOVUPS(a, at(s1, j))
		VFMADD231PS(d, v, b)
		VMOVUPS(b, at(s2, j))
	}, images...)
}

// widening generates the end of bnReduce's groups.
func widening() {
	begin("widenAVX2", "func(acc *float64, x *float32, n int)", "adds x to acc and clears x; n > 0 is a multiple of 8.")
	acc, x, n, j := ptr("acc"), ptr("x"), ptr("n"), GP64()
	SHLQ(Imm(2), n)
	z := zero()
	loop(n, j, "next", func() {
		v := load(x, j)
		VMOVUPS(z, at(x, j))
		widen(acc, j, v)
	})
	end()
}
