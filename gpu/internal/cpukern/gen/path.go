package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The kernels of Path (see its twins in Go): columns are pathVecs vectors, rows of weights lie pathCols elements apart.
const pathVecs, pathCols = 4, 64

func (t tile) lanes() int { return t.width / t.size }

func (t tile) open(name, args string) {
	elem := map[int]string{4: "float32", 8: "float64"}[t.size]
	isa := map[int]string{32: "AVX2", 64: "AVX512"}[t.width]
	TEXT(fmt.Sprintf("path%s%sF%d", name, isa, 8*t.size), NOSPLIT, "func("+fmt.Sprintf(args, elem)+")")
	Pragma("noescape")
}

func pointer(name string) Register { return Load(Param(name), GP64()) }

// vectors loads, or clears where from is nil.
func (t tile) vectors(from Register) []VecVirtual {
	vs := make([]VecVirtual, pathVecs)
	for i := range vs {
		vs[i] = t.vec()
		if from == nil {
			t.zero(vs[i])
		} else {
			VMOVUPS(Mem{Base: from, Disp: i * t.width}, vs[i])
		}
	}
	return vs
}

func (t tile) max(a, b, c Op) {
	if t.size == 8 {
		VMAXPD(a, b, c)
		return
	}
	VMAXPS(a, b, c)
}

func (t tile) pathForward() {
	t.open("Forward", "y *%[1]s, ldy int, w, bias *%[1]s, order *int, parts *%[1]s, counts *int, at *%[1]s, nodes int, floor *%[1]s")
	y, ldy, w, bias, order, parts := pointer("y"), pointer("ldy"), pointer("w"), pointer("bias"), pointer("order"), pointer("parts")
	counts, place, nodes, floor := pointer("counts"), pointer("at"), pointer("nodes"), pointer("floor")
	SHLQ(t.shift(), ldy)
	c, d := t.vectors(bias), t.vectors(nil)
	n, row := GP64(), GP64()
	a, b, v := t.vec(), t.vec(), t.vec()
	Label("node")
	MOVQ(Mem{Base: counts}, n)
	ADDQ(Imm(8), counts)
	TESTQ(n, n)
	JEQ(LabelRef("write"))
	Label("unit")
	MOVQ(Mem{Base: order}, row)
	ADDQ(w, row)
	t.broadcast(Mem{Base: parts}, a)
	t.broadcast(Mem{Base: parts, Disp: t.size}, b)
	for i := range c {
		VMOVUPS(Mem{Base: row, Disp: i * t.width}, v)
		t.fma(v, a, c[i])
		t.fma(v, b, d[i])
	}
	ADDQ(Imm(8), order)
	ADDQ(Imm(uint64(2*t.size)), parts)
	DECQ(n)
	JNZ(LabelRef("unit"))
	Label("write")
	t.broadcast(Mem{Base: place}, a)
	t.broadcast(Mem{Base: floor}, b)
	ADDQ(Imm(uint64(t.size)), place)
	for i := range c {
		t.mul(d[i], a, v)
		t.add(c[i], v, v)
		t.max(v, b, v)
		VMOVUPS(v, Mem{Base: y, Disp: i * t.width})
	}
	ADDQ(ldy, y)
	DECQ(nodes)
	JNZ(LabelRef("node"))
	VZEROUPPER()
	RET()
}

// above clears the lanes of g where the elements at m are not greater than floor.
func (t tile) above(m Mem, floor, g VecVirtual) {
	const greater = U8(0x1E)
	switch v := t.vec(); {
	case t.width == 64 && t.size == 8:
		k := K()
		VMOVUPD(m, v)
		VCMPPD(greater, floor, v, k)
		VMOVUPD_Z(g, k, g)
	case t.width == 64:
		k := K()
		VMOVUPS(m, v)
		VCMPPS(greater, floor, v, k)
		VMOVUPS_Z(g, k, g)
	case t.size == 8:
		VMOVUPD(m, v)
		VCMPPD(greater, floor, v, v)
		VANDPD(v, g, g)
	default:
		VMOVUPS(m, v)
		VCMPPS(greater, floor, v, v)
		VANDPS(v, g, g)
	}
}

func (t tile) pathTable() {
	t.open("Table", "table, dy, y *%[1]s, ld int, weight *%[1]s, nodes int, floor *%[1]s")
	table, dy, y, ld, weight, nodes := pointer("table"), pointer("dy"), pointer("y"), pointer("ld"), pointer("weight"), pointer("nodes")
	floor := t.vec()
	t.broadcast(Mem{Base: pointer("floor")}, floor)
	SHLQ(t.shift(), ld)
	line := pathVecs * t.width
	sums := t.vectors(nil)
	k, w, g := GP64(), t.vec(), t.vec()
	put := func() {
		for i, s := range sums {
			VMOVUPS(s, Mem{Base: table, Disp: i * t.width})
		}
	}
	add := func() {
		t.broadcast(Mem{Base: weight}, w)
		for i, s := range sums {
			t.mul(Mem{Base: dy, Disp: i * t.width}, w, g)
			t.above(Mem{Base: y, Disp: i * t.width}, floor, g)
			t.add(g, s, s)
		}
	}
	MOVQ(nodes, k)
	put()
	Label("before")
	ADDQ(U32(uint32(line)), table)
	add()
	put()
	ADDQ(ld, dy)
	ADDQ(ld, y)
	ADDQ(Imm(uint64(t.size)), weight)
	DECQ(k)
	JNZ(LabelRef("before"))
	IMUL3Q(U32(uint32(line)), nodes, k)
	ADDQ(k, table)
	for _, s := range sums {
		t.zero(s)
	}
	Label("from")
	SUBQ(ld, dy)
	SUBQ(ld, y)
	SUBQ(Imm(uint64(t.size)), weight)
	add()
	put()
	SUBQ(U32(uint32(line)), table)
	DECQ(nodes)
	JNZ(LabelRef("from"))
	VZEROUPPER()
	RET()
}

// fold returns a + b of neighbours in pairs of vectors, whose lanes pick lo and hi pick.
func (t tile) fold(vs []VecVirtual, lo, hi func(a, b, c VecVirtual)) []VecVirtual {
	var out []VecVirtual
	for i := 0; i < len(vs); i += 2 {
		v := t.vec()
		lo(vs[i], vs[i+1], v)
		hi(vs[i], vs[i+1], vs[i+1])
		t.add(vs[i+1], v, v)
		out = append(out, v)
	}
	return out
}

func (t tile) shuffle(mask uint8) func(a, b, c VecVirtual) {
	return func(a, b, c VecVirtual) {
		if t.width == 64 {
			VSHUFF64X2(U8(mask), b, a, c)
			return
		}
		VPERM2F128(U8(mask), b, a, c)
	}
}

// across adds the lanes of as many vectors as each has: the i-th lane becomes the i-th vector's sum.
func (t tile) across(vs []VecVirtual) VecVirtual {
	if t.size == 4 {
		vs = t.fold(vs, func(a, b, c VecVirtual) { VUNPCKLPS(b, a, c) }, func(a, b, c VecVirtual) { VUNPCKHPS(b, a, c) })
	}
	vs = t.fold(vs, func(a, b, c VecVirtual) { VUNPCKLPD(b, a, c) }, func(a, b, c VecVirtual) { VUNPCKHPD(b, a, c) })
	if t.width == 32 {
		return t.fold(vs, t.shuffle(0x20), t.shuffle(0x31))[0]
	}
	vs = t.fold(vs, t.shuffle(0x44), t.shuffle(0xEE))
	return t.fold(vs, t.shuffle(0x88), t.shuffle(0xDD))[0]
}

func (t tile) pathBackward() {
	t.open("Backward", "sums, w, table *%[1]s, which *int, groups int")
	sums, w, table, which, groups := pointer("sums"), pointer("w"), pointer("table"), pointer("which"), pointer("groups")
	Label("group")
	row := GP64()
	var units []VecVirtual
	for u := range t.lanes() {
		MOVQ(Mem{Base: which, Disp: 8 * u}, row)
		acc, v := t.vec(), t.vec()
		for i := range pathVecs {
			from := Mem{Base: table, Index: row, Scale: 1, Disp: i * t.width}
			VMOVUPS(Mem{Base: w, Disp: u*pathCols*t.size + i*t.width}, v)
			if i == 0 {
				t.mul(from, v, acc)
			} else {
				t.fma(from, v, acc)
			}
		}
		units = append(units, acc)
	}
	total := t.across(units)
	t.add(Mem{Base: sums}, total, total)
	VMOVUPS(total, Mem{Base: sums})
	ADDQ(U32(uint32(t.width)), sums)
	ADDQ(U32(uint32(8*t.lanes())), which)
	ADDQ(U32(uint32(t.lanes()*pathCols*t.size)), w)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

func (t tile) paths() {
	t.pathForward()
	t.pathTable()
	t.pathBackward()
}
