package cpukern

import "contig-gpu/gpu/internal/convolution"

// ConvBackwardData computes dx, the gradient of the input, from dy, or adds it to dx. The pixels of dx are cut into
// stride^2 classes by their remainders: each is a convolution of stride 1 of dy with every stride-th tap, reversed.
func ConvBackwardData[F Float](p *Pool, s convolution.Shape, dx, dy, w []F, add bool) {
	vertical, horizontal := axis{s.H, s.OH(), s.R, s.Stride, s.Pad}, axis{s.W, s.OW(), s.S, s.Stride, s.Pad}
	top, bottom := vertical.border()
	left, right := horizontal.border()
	out := image[F]{dy, s.OH(), s.OW(), s.K}.pad(p, s.N, border{top, bottom, left, right})
	for y := range min(s.Stride, s.H) {
		for x := range min(s.Stride, s.W) {
			dataClass(p, s, dx, w, out, vertical.class(y), horizontal.class(x), add)
		}
	}
}

// An axis is a convolution in one direction.
type axis struct{ in, out, taps, stride, pad int }

// A class is the input positions that share a remainder, stride apart.
type class struct {
	first, count int // position and number of the class
	taps         int // that reach it
	lastTap      int // the largest of them: the one that reaches the first output
	begin        int // the padded output that lastTap joins to the first position
}

// border returns how far past the output, before and behind, taps of the input's ends reach.
func (a axis) border() (before, behind int) {
	return max(0, ceil(a.taps-1-a.pad, a.stride)), max(0, (a.in-1+a.pad)/a.stride-(a.out-1))
}

func (a axis) class(first int) class {
	c := class{first: first, count: ceil(a.in-first, a.stride)}
	tap := (first + a.pad) % a.stride
	if tap >= a.taps {
		return c
	}
	c.taps = (a.taps-1-tap)/a.stride + 1
	c.lastTap = tap + (c.taps-1)*a.stride
	before, _ := a.border()
	c.begin = before + (first+a.pad-c.lastTap)/a.stride
	return c
}

// dataClass computes the pixels of one class: the product of patches of dy [pixels, taps*K] with the class's
// weights [taps*K, C].
func dataClass[F Float](p *Pool, s convolution.Shape, dx, w []F, out image[F], v, h class, add bool) {
	g := product[F]{kernels: pick[F](p), m: s.N * v.count * h.count, n: s.C, taps: v.taps, cin: h.taps * s.K,
		a: out.data, tapStep: out.w * out.c, step: 1, b: w, c: dx, ldc: s.C, add: add}
	g.row = func(i int) int {
		return out.at(i/h.count/v.count, v.begin+i/h.count%v.count, h.begin+i%h.count)
	}
	g.bRow = func(k int) int {
		r, q := v.lastTap-k/g.cin*s.Stride, h.lastTap-k%g.cin/s.K*s.Stride
		return ((k%s.K*s.R+r)*s.S + q) * s.C
	}
	if s.Stride > 1 {
		in := image[F]{h: s.H, w: s.W, c: s.C}
		g.cRow = func(i int) int {
			return in.at(i/h.count/v.count, v.first+i/h.count%v.count*s.Stride, h.first+i%h.count*s.Stride)
		}
	}
	if h.taps == 0 {
		g.taps = 0
	}
	g.run(p)
}
