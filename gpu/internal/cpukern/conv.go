package cpukern

// A ConvShape is the geometry of a convolution: x [N,H,W,C], w [K,R,S,C], y [N,OH,OW,K]; stride and zero
// padding are the same in both directions.
type ConvShape struct{ N, H, W, C, K, R, S, Stride, Pad int }

// OH returns the rows of the output.
func (s ConvShape) OH() int { return (s.H+2*s.Pad-s.R)/s.Stride + 1 }

// OW returns the columns of the output.
func (s ConvShape) OW() int { return (s.W+2*s.Pad-s.S)/s.Stride + 1 }

// each calls f for every pair of an output pixel of image n and an input pixel that a tap joins.
func (s ConvShape) each(n int, f func(out, in, tap int)) {
	for oy := range s.OH() {
		for ox := range s.OW() {
			for t := range s.R * s.S {
				iy, ix := oy*s.Stride+t/s.S-s.Pad, ox*s.Stride+t%s.S-s.Pad
				if uint(iy) < uint(s.H) && uint(ix) < uint(s.W) {
					f((n*s.OH()+oy)*s.OW()+ox, (n*s.H+iy)*s.W+ix, t)
				}
			}
		}
	}
}

// Conv computes y, the convolution of x with w.
func Conv[F Float](p *Pool, s ConvShape, y, x, w []F) {
	p.Run(s.N, func(_, n int) {
		clear(y[n*s.OH()*s.OW()*s.K:][:s.OH()*s.OW()*s.K])
		s.each(n, func(out, in, tap int) {
			for k := range s.K {
				var sum F
				for c := range s.C {
					sum += x[in*s.C+c] * w[(k*s.R*s.S+tap)*s.C+c]
				}
				y[out*s.K+k] += sum
			}
		})
	})
}

// ConvBackwardData computes dx, the gradient of the input, from dy.
func ConvBackwardData[F Float](p *Pool, s ConvShape, dx, dy, w []F) {
	p.Run(s.N, func(_, n int) {
		clear(dx[n*s.H*s.W*s.C:][:s.H*s.W*s.C])
		s.each(n, func(out, in, tap int) {
			for k := range s.K {
				d := dy[out*s.K+k]
				for c := range s.C {
					dx[in*s.C+c] += d * w[(k*s.R*s.S+tap)*s.C+c]
				}
			}
		})
	})
}

// ConvBackwardWeight adds to dw the gradient of the weights.
func ConvBackwardWeight[F Float](p *Pool, s ConvShape, dw, dy, x []F) {
	p.Run(s.K, func(_, k int) {
		for n := range s.N {
			s.each(n, func(out, in, tap int) {
				d := dy[out*s.K+k]
				for c := range s.C {
					dw[(k*s.R*s.S+tap)*s.C+c] += d * x[in*s.C+c]
				}
			})
		}
	})
}
