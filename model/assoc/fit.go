package assoc

import "math"

// Where less of a sum of squares than this is left, it is computed anew from residuals: the difference of two sums has lost too many digits.
const (
	fewDigits = 1e-6 // of the genotypes'
	nearExact = 1e-9 // of the trait's
	inSpan    = 1e-8 // of the genotypes' sum about the mean: the covariates explain the variant
	weakPivot = 1e-6 // of the matrix of a basis less those without a genotype
)

// A fitter makes the results of one variant from the sums of a block.
type fitter struct {
	g        *group
	row      *row
	sums     []float64        // products with the basis and with each trait's residual
	genotype func() []float64 // the genotypes again, for what the sums do not say
	exact    []float64
}

// fit writes the results of the group's traits into those of all traits.
func (f *fitter) fit(results []Result) {
	r, rank := f.row, f.g.span.Rank
	for _, t := range f.g.traits {
		results[t] = undefined(r)
	}
	if r.known == 0 || r.least == r.most || r.n-rank-1 < 1 {
		if r.known > 0 && r.least < r.most && len(r.missing) > 0 && r.n > 2 {
			f.direct(results) // whose covariates may have a smaller rank
		}
		return
	}
	centred := r.sq - r.sum*r.sum/float64(r.n)
	b, xy := f.sums[:rank], f.sums[rank:]
	var corrected *correction
	ssx := r.sq - dot(b, b)
	if len(r.missing) > 0 {
		var ok bool
		if corrected, ok = f.correct(b); !ok {
			f.direct(results)
			return
		}
		ssx = r.sq - dot(corrected.u, corrected.u)
	}
	if ssx <= fewDigits*centred {
		f.direct(results)
		return
	}
	df := float64(r.n - rank - 1)
	for k, t := range f.g.traits {
		if f.g.dead[k] {
			continue
		}
		sxy, ssy := xy[k], f.g.yy[k]
		if corrected != nil {
			sxy -= dot(corrected.u, corrected.v[k])
			ssy = corrected.yy[k] - dot(corrected.v[k], corrected.v[k])
		}
		left := ssy - sxy/ssx*sxy
		if left <= nearExact*ssy {
			f.directTrait(results, k)
			continue
		}
		results[t] = f.result(sxy/ssx, left, ssx, df)
	}
}

func undefined(r *row) Result {
	nan := math.NaN()
	return Result{N: r.n, Frequency: r.freq, Beta: nan, SE: nan, T: nan, NegLog10P: nan}
}

// result is of an effect and what it leaves of the trait's sum of squares.
func (f *fitter) result(beta, left, ssx, df float64) Result {
	out := undefined(f.row)
	se := math.Sqrt(left / df / ssx)
	if f.row.turned {
		beta = -beta
	}
	out.Beta, out.SE, out.T = beta, se, beta/se
	out.NegLog10P = f.g.exactly.at(out.T, df)
	return out
}

// A correction is what leaves a model with those who lack a genotype: A = 1 - M'M of their rows M of the basis is what the others' rows give, A = L L', and u and v are L⁻¹ times the products of
// basis and genotypes, and of basis and traits.
type correction struct {
	u  []float64
	v  [][]float64 // by trait
	yy []float64
}

// correct makes the correction; false where A is all but singular.
func (f *fitter) correct(b []float64) (*correction, bool) {
	g, rank := f.g, f.g.span.Rank
	a := make([]float64, rank*rank)
	for j := range rank {
		a[j*rank+j] = 1
	}
	c := &correction{u: append([]float64(nil), b...), yy: append([]float64(nil), g.yy...), v: make([][]float64, len(g.traits))}
	v := make([]float64, rank*len(g.traits))
	for k := range c.v {
		c.v[k] = v[k*rank : (k+1)*rank]
	}
	for _, i := range f.row.missing {
		m := g.both[int(i)*g.width : (int(i)+1)*g.width]
		for j, q := range m[:rank] {
			for l, p := range m[:j+1] {
				a[j*rank+l] -= q * p
			}
		}
		for k, y := range m[rank:] {
			c.yy[k] -= y * y
			for j, q := range m[:rank] {
				c.v[k][j] -= q * y
			}
		}
	}
	if !cholesky(a, rank) {
		return nil, false
	}
	solveLower(a, rank, c.u)
	for k := range c.v {
		solveLower(a, rank, c.v[k])
	}
	return c, true
}

// cholesky turns the lower half of a symmetric matrix into its factor; false where a pivot is weak.
func cholesky(a []float64, n int) bool {
	for j := range n {
		row := a[j*n : j*n+j]
		d := a[j*n+j] - dot(row, row)
		if d < weakPivot {
			return false
		}
		d = math.Sqrt(d)
		a[j*n+j] = d
		for i := j + 1; i < n; i++ {
			a[i*n+j] = (a[i*n+j] - dot(a[i*n:i*n+j], row)) / d
		}
	}
	return true
}

// solveLower solves L x = b in place.
func solveLower(l []float64, n int, x []float64) {
	for i := range n {
		x[i] = (x[i] - dot(l[i*n:i*n+i], x[:i])) / l[i*n+i]
	}
}

// A plain model is of those who have a genotype, made from their rows.
type plain struct {
	span    *Span
	x       []float64 // residuals of the genotypes
	ssx     float64
	keep    []byte
	defined bool
}

// plainly makes it, as slowly as it is simple: for the few variants that the sums do not tell enough about.
func (f *fitter) plainly() plain {
	x := f.exactGenotype()
	p := plain{keep: make([]byte, len(x))}
	for i := range p.keep {
		p.keep[i] = 1
	}
	for _, i := range f.row.missing {
		p.keep[i] = 0
	}
	p.span = f.g.span
	if len(f.row.missing) > 0 {
		var columns [][]float64
		for _, c := range f.g.covariates {
			columns = append(columns, chosen(c, p.keep))
		}
		p.span = NewSpan(f.row.n, columns)
	}
	p.x = p.span.Residual(chosen(x, p.keep))
	p.ssx = dot(p.x, p.x)
	p.defined = f.row.n-p.span.Rank-1 >= 1 && p.ssx > inSpan*(f.row.sq-f.row.sum*f.row.sum/float64(f.row.n))
	return p
}

func (f *fitter) exactGenotype() []float64 {
	if f.exact == nil {
		f.exact = f.genotype()
	}
	return f.exact
}

// direct computes all traits from residuals.
func (f *fitter) direct(results []Result) {
	p := f.plainly()
	for k := range f.g.traits {
		f.plainTrait(results, p, k)
	}
}

func (f *fitter) directTrait(results []Result, k int) { f.plainTrait(results, f.plainly(), k) }

func (f *fitter) plainTrait(results []Result, p plain, k int) {
	if !p.defined || f.g.dead[k] {
		return
	}
	y := p.span.Residual(chosen(f.g.y[k], p.keep))
	if dot(y, y) <= rounding*dot(f.g.y[k], f.g.y[k]) { // the covariates explain the trait: there is nothing to test
		return
	}
	beta := dot(p.x, y) / p.ssx
	left := 0.0
	for i, v := range y {
		e := v - beta*p.x[i]
		left += e * e
	}
	results[f.g.traits[k]] = f.result(beta, left, p.ssx, float64(f.row.n-p.span.Rank-1))
}
