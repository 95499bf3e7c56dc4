// Command genvec writes the vector kernels of streaming operations: AVX2 and FMA, 8 float32 at a time.
// Run in this folder: go run . -out ../vec_amd64.s -stubs ../vec_stub_amd64.go -pkg cpukern
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	greater   = U8(0x1E) // VCMPPS: ordered greater-than, quiet
	unordered = U8(3)    // VCMPPS: either is NaN
	lanes     = 8
	bytes     = 4 * lanes
)

func main() {
	ConstraintExpr("amd64")
	flat()
	rows()
	optimisers()
	Generate()
}

// begin opens a function whose pointers and counts are loaded by ptr.
func begin(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + " " + doc)
}

func end() {
	VZEROUPPER()
	RET()
}

func ptr(name string) Register { return Load(Param(name), GP64()) }

func zero() VecVirtual {
	z := YMM()
	VXORPS(z, z, z)
	return z
}

func load(p, j Register) VecVirtual {
	v := YMM()
	VMOVUPS(at(p, j), v)
	return v
}

func at(p, j Register) Mem { return Mem{Base: p, Index: j, Scale: 1} }

// loop runs body for j = 0, 32, ... bytes up to n elements, n > 0 a multiple of 8.
func loop(n, j Register, label string, body func()) {
	XORQ(j, j)
	Label(label)
	body()
	ADDQ(Imm(bytes), j)
	CMPQ(j, n)
	JLT(LabelRef(label))
}

// mask clears the lanes of d where y is not positive.
func mask(d, y, z VecVirtual) {
	VCMPPS(greater, z, y, y)
	VANDPS(y, d, d)
}

func flat() {
	begin("addAVX2", "func(y, a, b *float32, n int)", "computes y = a + b; n > 0 is a multiple of 8.")
	y, a, b, n, j := ptr("y"), ptr("a"), ptr("b"), ptr("n"), GP64()
	SHLQ(Imm(2), n)
	loop(n, j, "next", func() {
		v := load(a, j)
		VADDPS(at(b, j), v, v)
		VMOVUPS(v, at(y, j))
	})
	end()

	begin("reluAVX2", "func(y, x *float32, n int)", "computes y = max(x, 0), NaN where x is; n > 0 is a multiple of 8.")
	y, x, n, j := ptr("y"), ptr("x"), ptr("n"), GP64()
	SHLQ(Imm(2), n)
	z := zero()
	loop(n, j, "next", func() {
		v := YMM()
		VMAXPS(at(x, j), z, v)
		VMOVUPS(v, at(y, j))
	})
	end()

	begin("reluBackwardAVX2", "func(dx, dy, y *float32, n int)", "computes dx = dy where y > 0, else 0; n > 0 is a multiple of 8.")
	dx, dy, y, n, j := ptr("dx"), ptr("dy"), ptr("y"), ptr("n"), GP64()
	SHLQ(Imm(2), n)
	z = zero()
	loop(n, j, "next", func() {
		d, v := load(dy, j), load(y, j)
		mask(d, v, z)
		VMOVUPS(d, at(dx, j))
	})
	end()
	sumSquares()
	maximum()
}

func sumSquares() {
	begin("sumSquaresAVX2", "func(sum *float64, x *float32, n int)", "sets sum[0:4] to partial sums of x*x; n > 0 is a multiple of 8.")
	sum, x, n, j := ptr("sum"), ptr("x"), ptr("n"), GP64()
	SHLQ(Imm(2), n)
	a, b := zero(), zero()
	loop(n, j, "next", func() {
		lo, hi := YMM(), YMM()
		VCVTPS2PD(at(x, j), lo)
		VCVTPS2PD(Mem{Base: x, Index: j, Scale: 1, Disp: bytes / 2}, hi)
		VFMADD231PD(lo, lo, a)
		VFMADD231PD(hi, hi, b)
	})
	VADDPD(b, a, a)
	VMOVUPD(a, Mem{Base: sum})
	end()
}

func maximum() {
	begin("maxAVX2", "func(y, x *float32, arg *uint8, tap uint8, n int)", "takes x where greater than y or NaN and sets arg to tap there; n > 0 is a multiple of 8.")
	y, x, arg, n, j, k := ptr("y"), ptr("x"), ptr("arg"), ptr("n"), GP64(), GP64()
	t := Load(Param("tap"), GP8())
	wide := GP32()
	MOVBLZX(t, wide)
	taps := XMM()
	VMOVD(wide, taps)
	VPBROADCASTB(taps, taps)
	SHLQ(Imm(2), n)
	XORQ(k, k)
	loop(n, j, "next", func() {
		v, old := load(x, j), load(y, j)
		m, nan, hi, a := YMM(), YMM(), XMM(), XMM()
		VCMPPS(greater, old, v, m)
		VCMPPS(unordered, v, v, nan)
		VORPS(nan, m, m)
		VBLENDVPS(m, v, old, old)
		VMOVUPS(old, at(y, j))
		VEXTRACTI128(Imm(1), m, hi)
		VPACKSSDW(hi, m.AsX(), hi)
		VPACKSSWB(hi, hi, hi)
		VMOVQ(Mem{Base: arg, Index: k, Scale: 1}, a)
		VPBLENDVB(hi, taps, a, a)
		VMOVQ(a, Mem{Base: arg, Index: k, Scale: 1})
		ADDQ(Imm(lanes), k)
	})
	end()
}
