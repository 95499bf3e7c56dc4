package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pairs interleaves neighbouring rows of an 8x8 block.
func pairs(r []VecVirtual) []VecVirtual {
	t := make([]VecVirtual, 8)
	for i := range 4 {
		t[2*i], t[2*i+1] = YMM(), YMM()
		VUNPCKLPS(r[2*i+1], r[2*i], t[2*i])
		VUNPCKHPS(r[2*i+1], r[2*i], t[2*i+1])
	}
	return t
}

// quads joins pairs into columns of four rows.
func quads(t []VecVirtual) []VecVirtual {
	u := make([]VecVirtual, 8)
	for i := range u {
		u[i] = YMM()
		h := i &^ 3
		lo, hi := t[h+i%4/2], t[h+i%4/2+2]
		VSHUFPS(Imm([]uint64{0x44, 0xEE}[i%2]), hi, lo, u[i])
	}
	return u
}

// columns joins quads into the rows of the transposed block.
func columns(u []VecVirtual) []VecVirtual {
	o := make([]VecVirtual, 8)
	for i := range 4 {
		o[i], o[i+4] = YMM(), YMM()
		VPERM2F128(Imm(0x20), u[4+i], u[i], o[i])
		VPERM2F128(Imm(0x31), u[4+i], u[i], o[i+4])
	}
	return o
}

func transpose() {
	TEXT("transposeAVX2", NOSPLIT, "func(n int, src *float32, lds int, dst *float32, ldd int)")
	Pragma("noescape")
	Doc("transposeAVX2 transposes n >= 1 neighbouring 8x8 blocks of the 8 rows at src into 8n rows of 8 at dst.")
	n, s, ld := Load(Param("n"), GP64()), Load(Param("src"), GP64()), Load(Param("lds"), GP64())
	d, ldd := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64())
	SHLQ(Imm(2), ld)
	SHLQ(Imm(2), ldd)
	Label("block")
	p := GP64()
	MOVQ(s, p)
	r := make([]VecVirtual, 8)
	for i := range r {
		r[i] = YMM()
		VMOVUPS(Mem{Base: p}, r[i])
		ADDQ(ld, p)
	}
	for _, v := range columns(quads(pairs(r))) {
		VMOVUPS(v, Mem{Base: d})
		ADDQ(ldd, d)
	}
	ADDQ(Imm(32), s)
	DECQ(n)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
