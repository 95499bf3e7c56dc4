package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const rowsDoc = " c > 0 is a multiple of 8 and rows > 0."

// matrix runs body for every group of 8 columns of every row; images are the pointers that move on with the rows.
func matrix(body func(j Register), images ...Register) {
	n, c, j := ptr("rows"), ptr("c"), GP64()
	SHLQ(Imm(2), c)
	Label("row")
	loop(c, j, "column", func() { body(j) })
	for _, p := range images {
		ADDQ(c, p)
	}
	DECQ(n)
	JNZ(LabelRef("row"))
	end()
}

func rows() {
	columnSums()
	for _, relu := range []bool{false, true} {
		for _, add := range []bool{false, true} {
			apply(add, relu)
			backward(add, relu)
		}
	}
}

func variant(name string, add, relu bool) string {
	if add {
		name += "Add"
	}
	if relu {
		name += "ReLU"
	}
	return name + "AVX2"
}

func apply(add, relu bool) {
	begin(variant("bnApply", add, relu), "func(y, x, add, mean, a, beta *float32, rows, c int)", "computes y = (x - mean) * a + beta, as BNApply;"+rowsDoc)
	y, x, mean, a, beta := ptr("y"), ptr("x"), ptr("mean"), ptr("a"), ptr("beta")
	images := []Register{y, x}
	var more Register
	if add {
		more = ptr("add")
		images = append(images, more)
	}
	z := zero()
	matrix(func(j Register) {
		v, b := load(x, j), load(beta, j)
		VSUBPS(at(mean, j), v, v)
		VFMADD231PS(at(a, j), v, b)
		if add {
			VADDPS(at(more, j), b, b)
		}
		if relu {
			VMAXPS(b, z, b)
		}
		VMOVUPS(b, at(y, j))
	}, images...)
}

func backward(add, relu bool) {
	begin(variant("bnBackward", add, relu), "func(dx, dadd, dy, y, x, mean, a, k1, k2 *float32, rows, c int)", "computes dx = a * (d - k1 - (x - mean) * k2), as BNBackward;"+rowsDoc)
	dx, dy, x, mean, a, k1, k2 := ptr("dx"), ptr("dy"), ptr("x"), ptr("mean"), ptr("a"), ptr("k1"), ptr("k2")
	images := []Register{dx, dy, x}
	var dadd, y Register
	if add {
		dadd = ptr("dadd")
		images = append(images, dadd)
	}
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
		v, r := load(x, j), YMM()
		VSUBPS(at(mean, j), v, v)
		VSUBPS(at(k1, j), d, r)
		VFNMADD231PS(at(k2, j), v, r)
		VMULPS(at(a, j), r, r)
		if add {
			VMOVUPS(d, at(dadd, j))
		}
		VMOVUPS(r, at(dx, j))
	}, images...)
}

// constants broadcasts the n float32 that p points to.
func constants(p Register, n int) []VecVirtual {
	k := make([]VecVirtual, n)
	for i := range k {
		k[i] = YMM()
		VBROADCASTSS(Mem{Base: p, Disp: 4 * i}, k[i])
	}
	return k
}

func optimisers() {
	begin("adamAVX2", "func(p, grad, m, v, k *float32, n int)", "is one pass of Adam, k an AdamStep; n > 0 is a multiple of 8.")
	p, g, m, v, n, j := ptr("p"), ptr("grad"), ptr("m"), ptr("v"), ptr("n"), GP64()
	k := constants(ptr("k"), 10)
	SHLQ(Imm(2), n)
	loop(n, j, "next", func() {
		w, d := load(p, j), YMM()
		VMULPS(at(g, j), k[0], d)
		VFMADD231PS(w, k[1], d)
		a, b := YMM(), YMM()
		VMULPS(at(m, j), k[3], a)
		VFMADD231PS(d, k[4], a)
		VMOVUPS(a, at(m, j))
		VMULPS(d, d, d)
		VMULPS(at(v, j), k[5], b)
		VFMADD231PS(d, k[6], b)
		VMOVUPS(b, at(v, j))
		VSQRTPS(b, b)
		VFMADD213PS(k[9], k[8], b)
		VDIVPS(b, a, a)
		VMULPS(k[2], w, w)
		VFNMADD231PS(a, k[7], w)
		VMOVUPS(w, at(p, j))
	})
	end()

	begin("sgdAVX2", "func(p, grad, buf, k *float32, n int)", "is one pass of gradient descent, k an SGDStep; n > 0 is a multiple of 8.")
	p, g, buf, n, j := ptr("p"), ptr("grad"), ptr("buf"), ptr("n"), GP64()
	k = constants(ptr("k"), 6)
	SHLQ(Imm(2), n)
	loop(n, j, "next", func() {
		w, d, b := load(p, j), YMM(), YMM()
		VMULPS(at(g, j), k[0], d)
		VFMADD231PS(w, k[1], d)
		VMULPS(at(buf, j), k[2], b)
		VADDPS(d, b, b)
		VMOVUPS(b, at(buf, j))
		VMULPS(k[5], d, d)
		VFMADD231PS(b, k[4], d)
		VFNMADD231PS(d, k[3], w)
		VMOVUPS(w, at(p, j))
	})
	end()
}
