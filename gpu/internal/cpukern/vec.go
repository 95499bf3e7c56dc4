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

func colSumGo[F real](acc, x []F) {
	for c := len(acc); len(x) >= c; x = x[c:] {
		for j, v := range x[:c] {
			acc[j] += v
		}
	}
}

func colSqDevGo[F real](acc, x, mean []F) {
	mean = mean[:len(acc)]
	for c := len(acc); len(x) >= c; x = x[c:] {
		for j, v := range x[:c] {
			d := v - mean[j]
			acc[j] += d * d
		}
	}
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

func bnReduceGo[F real](s1, s2, dy, y, x, mean []F) {
	c := len(mean)
	for o := 0; o < len(dy); o += c {
		for j, d := range dy[o : o+c] {
			if y != nil {
				d = masked(d, y[o+j])
			}
			s1[j] += d
			s2[j] += d * (x[o+j] - mean[j])
		}
	}
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
