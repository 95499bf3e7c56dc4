package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ahead is how many rows before its use a row is asked of memory.
const ahead = 8

// pack generates the copying of rows of count elements.
func (t tile) pack(count int, what string) {
	elem := map[int]string{4: "float32", 8: "float64"}[t.size]
	name := strings.Replace(t.name, "micro", "pack"+what, 1)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n int, tab *int, src, dst *%s)", elem))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is a packer of rows of %d elements.", name, count))
	n, tab := Load(Param("n"), GP64()), Load(Param("tab"), GP64())
	src, dst := Load(Param("src"), GP64()), Load(Param("dst"), GP64())
	at := GP64()
	Label("row")
	MOVQ(Mem{Base: tab, Disp: 8 * ahead}, at)
	for o := 0; o < count*t.size; o += 64 {
		PREFETCHT0(Mem{Base: src, Index: at, Scale: uint8(t.size), Disp: o})
	}
	MOVQ(Mem{Base: tab}, at)
	for o := 0; o < count*t.size; {
		o += move(Mem{Base: src, Index: at, Scale: uint8(t.size), Disp: o}, Mem{Base: dst, Disp: o}, count*t.size-o)
	}
	ADDQ(Imm(8), tab)
	ADDQ(U32(uint32(count*t.size)), dst)
	DECQ(n)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// move copies up to left bytes, and returns how many.
func move(from, to Mem, left int) int {
	switch {
	case left >= 32:
		v := YMM()
		VMOVUPS(from, v)
		VMOVUPS(v, to)
		return 32
	case left >= 16:
		v := XMM()
		VMOVUPS(from, v)
		VMOVUPS(v, to)
		return 16
	}
	var v Register = GP64()
	MOVQ(from, v)
	MOVQ(v, to)
	return 8
}
