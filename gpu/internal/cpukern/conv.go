package cpukern

import "contig-gpu/gpu/internal/convolution"

// An image is a batch of pictures in memory, channels last.
type image[F Float] struct {
	data    []F
	h, w, c int
}

// at returns where the pixel (y, x) of picture n begins.
func (m image[F]) at(n, y, x int) int { return ((n*m.h+y)*m.w + x) * m.c }

// A border is the pixels of zeros around a picture.
type border struct{ top, bottom, left, right int }

// pad returns m with a border, in pool's memory: where a tap's rows are whole, the taps of a kernel row are
// neighbours and need no test. It costs a pass over m. Without a border it is m itself.
func (m image[F]) pad(pool *Pool, pictures int, b border) image[F] {
	if b == (border{}) {
		return m
	}
	o := image[F]{h: m.h + b.top + b.bottom, w: m.w + b.left + b.right, c: m.c}
	o.data = take[F](pool, &pool.padded, pictures*o.h*o.w*o.c)
	pool.Run(pictures, func(_, n int) {
		all := o.data[o.at(n, 0, 0):o.at(n+1, 0, 0)]
		clear(all[:o.at(0, b.top, 0)])
		clear(all[o.at(0, b.top+m.h, 0):])
		for y := range m.h {
			row := all[o.at(0, b.top+y, 0):o.at(0, b.top+y+1, 0)]
			clear(row[:b.left*m.c])
			clear(row[(b.left+m.w)*m.c:])
			copy(row[b.left*m.c:], m.data[m.at(n, y, 0):m.at(n, y+1, 0)])
		}
	})
	return o
}

// padded returns x with the border of the convolution.
func padded[F Float](p *Pool, s convolution.Shape, x []F) image[F] {
	return image[F]{x, s.H, s.W, s.C}.pad(p, s.N, border{s.Pad, s.Pad, s.Pad, s.Pad})
}

// pixels returns where the patch of output pixel i begins in the padded input m.
func pixels(s convolution.Shape, in func(n, y, x int) int) func(i int) int {
	oh, ow := s.OH(), s.OW()
	return func(i int) int { return in(i/ow/oh, i/ow%oh*s.Stride, i%ow*s.Stride) }
}

// Conv computes y, the convolution of x with w: the product of the patches [N*OH*OW, R*S*C] with w
// transposed. A row of a patch is read as it lies in the padded x.
func Conv[F Float](p *Pool, s convolution.Shape, y, x, w []F) {
	in := padded(p, s, x)
	g := product[F]{kernels: pick[F](p), m: s.N * s.OH() * s.OW(), n: s.K, taps: s.R, cin: s.S * s.C,
		a: in.data, row: pixels(s, in.at), tapStep: in.w * in.c, step: 1,
		b: w, ldb: s.R * s.S * s.C, transB: true, c: y, ldc: s.K}
	g.run(p)
}

// ConvBackwardWeight adds to dw the gradient of the weights: the product of dy [K, N*OH*OW] transposed with the
// patches [N*OH*OW, R*S*C].
func ConvBackwardWeight[F Float](p *Pool, s convolution.Shape, dw, dy, x []F) {
	in := padded(p, s, x)
	g := product[F]{kernels: pick[F](p), m: s.K, n: s.R * s.S * s.C, taps: 1, cin: s.N * s.OH() * s.OW(),
		a: dy, lda: s.K, packA: true,
		b: in.data, bRow: pixels(s, in.at), piece: s.S * s.C, jump: in.w * in.c,
		c: dw, ldc: s.R * s.S * s.C, add: true}
	g.run(p)
}
