package cpukern

import "math"

//go:generate go run -C genvec . -out ../vec_amd64.s -stubs ../vec_stub_amd64.go -pkg cpukern

// real is an element type of the vector kernels. They are plain loops over slices of equal length, run by the
// caller inside a unit of a Pool; matrices of rows have len(x)/C rows of C = len(mean) or len(acc) columns.
type real interface{ float32 | float64 }

// AdamStep has the constants of one Adam step, in the order the assembly reads them.
type AdamStep[F real] struct {
	Scale     F // of the gradient
	Coupled   F // weight decay added to the gradient
	Shrink    F // factor of the parameter: 1 - lr * decoupled decay
	Beta1     F
	OneBeta1  F // 1 - Beta1
	Beta2     F
	OneBeta2  F // 1 - Beta2
	Rate      F // lr / (1 - Beta1^step)
	InvSqrtC2 F // 1 / sqrt(1 - Beta2^step)
	Eps       F
}

// SGDStep has the constants of one step of gradient descent, in the order the assembly reads them.
type SGDStep[F real] struct {
	Scale    F // of the gradient
	Decay    F // weight decay added to the gradient
	Momentum F
	Rate     F
	Ahead    F // Nesterov: weight of the buffer looked ahead (the momentum); else 1
	Own      F // weight of the gradient beside the buffer: Nesterov 1, else 0
}

func addGo[F real](y, a, b []F) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

func reluGo[F real](y, x []F) {
	x = x[:len(y)]
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		y[i] = v
	}
}

func reluBackwardGo[F real](dx, dy, y []F) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	for i := range dx {
		dx[i] = masked(dy[i], y[i])
	}
}

// masked returns d where the activation y is positive, else 0.
func masked[F real](d, y F) F {
	if y > 0 {
		return d
	}
	return 0
}

func sumSquaresGo[F real](x []F) float64 {
	var s [4]float64
	for i, v := range x {
		s[i&3] += float64(v) * float64(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// sumGroup is the rows whose columns are added in F before their sum goes into float64: short chains, so that the
// sums of a batch norm are as good as exact however many rows there are.
const sumGroup = 8

// groups calls f with the rows of c elements from lo to hi, at most sumGroup at a time.
func groups(n, c int, f func(lo, hi int)) {
	for lo := 0; lo+c <= n; lo += sumGroup * c {
		f(lo, min(lo+sumGroup*c, n-n%c))
	}
}

func colSumGo[F real](acc []float64, x []F) {
	c := len(acc)
	groups(len(x), c, func(lo, hi int) {
		for j := range acc {
			var s F
			for i := lo + j; i < hi; i += c {
				s += x[i]
			}
			acc[j] += float64(s)
		}
	})
}

func colSqDevGo[F real](acc []float64, x, mean []F) {
	c := len(acc)
	groups(len(x), c, func(lo, hi int) {
		for j, m := range mean[:c] {
			var s F
			for i := lo + j; i < hi; i += c {
				d := x[i] - m
				s += d * d
			}
			acc[j] += float64(s)
		}
	})
}

func bnApplyGo[F real](y, x, add, mean, a, beta []F, relu bool) {
	c := len(mean)
	a, beta = a[:c], beta[:c]
	for o := 0; o < len(y); o += c {
		for j, v := range x[o : o+c] {
			v = (v-mean[j])*a[j] + beta[j]
			if add != nil {
				v += add[o+j]
			}
			if relu && v < 0 {
				v = 0
			}
			y[o+j] = v
		}
	}
}

func bnReduceGo[F real](sums []float64, dy, y, x, mean []F) {
	c := len(mean)
	s1, s2 := sums[:c], sums[c:2*c]
	groups(len(dy), c, func(lo, hi int) {
		for j, m := range mean {
			var a, b F
			for i := lo + j; i < hi; i += c {
				d := dy[i]
				if y != nil {
					d = masked(d, y[i])
				}
				a += d
				b += d * (x[i] - m)
			}
			s1[j] += float64(a)
			s2[j] += float64(b)
		}
	})
}

func bnBackwardGo[F real](dx, dadd, dy, y, x, mean, a, k1, k2 []F) {
	c := len(mean)
	for o := 0; o < len(dx); o += c {
		for j, d := range dy[o : o+c] {
			if y != nil {
				d = masked(d, y[o+j])
			}
			v := a[j] * ((d - k1[j]) - (x[o+j]-mean[j])*k2[j])
			if dadd != nil {
				dadd[o+j] = d
			}
			dx[o+j] = v
		}
	}
}

func adamGo[F real](p, g, m, v []F, s *AdamStep[F]) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i, w := range p {
		d := g[i]*s.Scale + s.Coupled*w
		m[i] = s.Beta1*m[i] + s.OneBeta1*d
		v[i] = s.Beta2*v[i] + s.OneBeta2*(d*d)
		p[i] = s.Shrink*w - s.Rate*m[i]/(F(math.Sqrt(float64(v[i])))*s.InvSqrtC2+s.Eps)
	}
}

func sgdGo[F real](p, g, buf []F, s *SGDStep[F]) {
	g, buf = g[:len(p)], buf[:len(p)]
	for i, w := range p {
		d := g[i]*s.Scale + s.Decay*w
		buf[i] = s.Momentum*buf[i] + d
		p[i] = w - s.Rate*(s.Own*d+s.Ahead*buf[i])
	}
}

func maxGo[F real](y, x []F, arg []uint8, tap uint8) {
	x, arg = x[:len(y)], arg[:len(y)]
	for i, v := range x {
		if v > y[i] || v != v {
			y[i], arg[i] = v, tap
		}
	}
}
