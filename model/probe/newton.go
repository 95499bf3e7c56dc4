package probe

import (
	"math"

	"contig-gpu/gpu"
)

// A logit is the fit of a logistic regression while it is computed: rows of weights over columns of z, the last of which is 1.
type logit struct {
	z       *Matrix // [n, d + 1]
	y       []int   // class of each row; of one row of weights, 1 is what it predicts
	s       []float64
	rows    int
	lambda  float64
	theta   *Matrix // [rows, d + 1]
	p, r, u *Matrix // [n, rows]: probabilities, and work
	grad    *Matrix // [rows, d + 1]
	loss    float64
	blocks  blocks
	spent   int // conjugate gradients since blocks were made
}

// newLogit begins a fit at zero weights.
func newLogit(z *Matrix, y []int, s []float64, rows int) *logit {
	dev := z.Device()
	return &logit{z: z, y: y, s: s, rows: rows, theta: NewMatrix(dev, rows, z.Cols), grad: NewMatrix(dev, rows, z.Cols),
		p: NewMatrix(dev, z.Rows, rows), r: NewMatrix(dev, z.Rows, rows), u: NewMatrix(dev, z.Rows, rows)}
}

func (f *logit) close() {
	for _, m := range []*Matrix{f.theta, f.grad, f.p, f.r, f.u} {
		m.Close()
	}
	f.blocks.close()
}

func (f *logit) Device() *gpu.Device { return f.z.Device() }

// at computes probabilities and loss at weights, and the gradient where it is wanted.
func (f *logit) at(theta *Matrix, gradient bool) float64 {
	multiply(f.p, f.z, theta, false, true, 0)
	loss, n := 0.0, float64(f.z.Rows)
	for i, y := range f.y {
		p, r := f.p.Row(i), f.r.Row(i)
		ce := 0.0
		if f.rows == 1 {
			ce = softplus(p[0])
			if y == 1 {
				ce = softplus(-p[0])
			}
			p[0] = sigmoid(p[0])
			r[0] = (p[0] - float64(y)) * f.s[i] / n
		} else {
			own := p[y]
			ce = softmax(p) - own
			for k, v := range p {
				r[k] = v * f.s[i] / n
			}
			r[y] = (p[y] - 1) * f.s[i] / n
		}
		loss += f.s[i] * ce
	}
	loss /= n
	d := f.z.Cols - 1
	for k := range f.rows {
		for _, v := range theta.Row(k)[:d] {
			loss += f.lambda / 2 * v * v
		}
	}
	if gradient {
		multiply(f.grad, f.r, f.z, true, false, 0)
		for k := range f.rows {
			g := f.grad.Row(k)
			for j, v := range theta.Row(k)[:d] {
				g[j] += f.lambda * v
			}
		}
	}
	return loss
}

// apply computes the Hessian times v, both [rows, d + 1].
func (f *logit) apply(out, v *Matrix) {
	multiply(f.u, f.z, v, false, true, 0)
	n := float64(f.z.Rows)
	for i, s := range f.s {
		p, u := f.p.Row(i), f.u.Row(i)
		if f.rows == 1 {
			u[0] *= p[0] * (1 - p[0]) * s / n
			continue
		}
		mean := 0.0
		for k, x := range u {
			mean += p[k] * x
		}
		for k := range u {
			u[k] = p[k] * (u[k] - mean) * s / n
		}
	}
	multiply(out, f.u, f.z, true, false, 0)
	d := f.z.Cols - 1
	for k := range f.rows {
		to := out.Row(k)
		for j, x := range v.Row(k)[:d] {
			to[j] += f.lambda * x
		}
	}
}

// Bounds of the iterations.
const (
	mostSteps     = 200   // of Newton's method
	mostGradients = 500   // conjugate gradients of a step
	poor          = 4     // conjugate gradients of a step beyond which blocks are made anew, or what these cost
	halvings      = 40    // of a step that does not go down
	noise         = 1e-15 // of a float64 sum, in parts of its terms
)

// solve goes to the minimum for a lambda from the weights there are, until the gradient is a part tolerance of what it was at zero weights, or rounding noise.
func (f *logit) solve(lambda, tolerance float64) {
	f.lambda = lambda
	f.loss = f.at(f.theta, true)
	floor := noise * f.size()
	enough := max(floor, tolerance*f.size())
	step, next := NewMatrix(f.Device(), f.rows, f.z.Cols), NewMatrix(f.Device(), f.rows, f.z.Cols)
	defer step.Close()
	defer next.Close()
	f.blocks.made = false
	last, worse := math.Inf(1), 0
	for range mostSteps {
		g := largest(f.grad.V)
		if g <= enough {
			return
		}
		if g >= last/2 && g <= 1e3*floor { // as near as rounding lets it come
			if worse++; worse >= 3 {
				return
			}
		}
		last = g
		f.direction(step, min(0.1, max(1e-7, g/f.size())))
		if !f.move(step, next) {
			return
		}
	}
}

// size is how large a gradient is that is not small: the largest mean of the values of a column.
func (f *logit) size() float64 {
	most := make([]float64, f.z.Cols)
	for i := range f.z.Rows {
		for j, v := range f.z.Row(i) {
			most[j] += math.Abs(v)
		}
	}
	return largest(most) / float64(f.z.Rows)
}

func largest(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}

// move goes along a step, halved until the loss falls, or does not rise by more than rounding.
func (f *logit) move(step, next *Matrix) bool {
	for t, k := 1.0, 0; k < halvings; t, k = t/2, k+1 {
		for i, v := range step.V {
			next.V[i] = f.theta.V[i] + t*v
		}
		if loss := f.at(next, false); loss <= f.loss+1e-14*math.Abs(f.loss) {
			copy(f.theta.V, next.V)
			f.loss = f.at(f.theta, true)
			return true
		}
	}
	f.loss = f.at(f.theta, true)
	return false
}

// direction solves H step = -gradient by conjugate gradients, until the residual is a part of what it was.
func (f *logit) direction(step *Matrix, part float64) {
	if !f.blocks.made || float64(f.spent) > max(poor, f.cost()) {
		f.blocks.make(f)
		f.spent = 0
	}
	dev := f.Device()
	r, y, v, hv := NewMatrix(dev, f.rows, f.z.Cols), NewMatrix(dev, f.rows, f.z.Cols), NewMatrix(dev, f.rows, f.z.Cols), NewMatrix(dev, f.rows, f.z.Cols)
	for _, m := range []*Matrix{r, y, v, hv} {
		defer m.Close()
	}
	clear(step.V)
	for i, g := range f.grad.V {
		r.V[i] = -g
	}
	f.precondition(y, r)
	copy(v.V, y.V)
	rho := dot(r.V, y.V)
	stop := part * math.Sqrt(dot(r.V, r.V))
	for k := 0; k < mostGradients && rho > 0; k, f.spent = k+1, f.spent+1 {
		f.apply(hv, v)
		curve := dot(v.V, hv.V)
		if !(curve > 0) {
			break
		}
		a := rho / curve
		for i := range step.V {
			step.V[i] += a * v.V[i]
			r.V[i] -= a * hv.V[i]
		}
		if math.Sqrt(dot(r.V, r.V)) <= stop {
			break
		}
		f.precondition(y, r)
		before := rho
		rho = dot(r.V, y.V)
		for i := range v.V {
			v.V[i] = y.V[i] + rho/before*v.V[i]
		}
	}
}

// precondition computes y of r. Softmax does not change when all classes get the same weights more, so of several rows that part is left out.
func (f *logit) precondition(y, r *Matrix) {
	f.blocks.apply(y, r)
	if f.rows == 1 {
		return
	}
	for j := range y.Cols {
		mean := 0.0
		for k := range f.rows {
			mean += y.Row(k)[j] / float64(f.rows)
		}
		for k := range f.rows {
			y.Row(k)[j] -= mean
		}
	}
}

// dot sums in four strands.
func dot(a, b []float64) float64 {
	var s [4]float64
	n := len(a) &^ 3
	for i := 0; i < n; i += 4 {
		s[0] += a[i] * b[i]
		s[1] += a[i+1] * b[i+1]
		s[2] += a[i+2] * b[i+2]
		s[3] += a[i+3] * b[i+3]
	}
	for i := n; i < len(a); i++ {
		s[0] += a[i] * b[i]
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}
