package assoc

import (
	"math"

	"contig-gpu/gpu"
)

// A row says what the genotypes of one variant sum to among the persons of a group.
type row struct {
	n       int // whose genotype is known, or is imputed
	known   int
	sum, sq float64 // of the copies of the allele that is counted here, and of their squares
	freq    float64 // of ALT
	least   float64
	most    float64
	turned  bool    // copies of REF are counted: the sums are smaller, and so is what float32 loses
	missing []int32 // persons of the group without a genotype
}

// test computes the results of a block for one group of traits.
func (s *Scan) test(c *calls, at int, g *group, variants []int, results []Result) {
	rows := make([]row, c.n)
	x := s.x[at]
	if s.single {
		host := make([]float32, x.Len())
		s.each(c.n, func(_, v int) { rows[v] = fill(s, g, c, v, variants[c.first+v], host[v*len(g.rows):(v+1)*len(g.rows)]) })
		gpu.Write(x, host)
	} else {
		host := gpu.Host[float64](x)
		s.each(c.n, func(_, v int) { rows[v] = fill(s, g, c, v, variants[c.first+v], host[v*len(g.rows):(v+1)*len(g.rows)]) })
	}
	p := s.p[at].Slice(0, c.n*g.width).View(c.n, g.width)
	gpu.MatMul(p, x.Slice(0, c.n*len(g.rows)).View(c.n, len(g.rows)), g.w, false, false, 0)
	sums := make([]float64, c.n*g.width)
	gpu.Read(sums, p)
	s.each(c.n, func(_, v int) {
		f := fitter{g: g, row: &rows[v], sums: sums[v*g.width : (v+1)*g.width], genotype: func() []float64 { return s.exactly(g, c, v, variants[c.first+v], &rows[v]) }}
		f.fit(results[v*s.traits : (v+1)*s.traits])
		if s.o.Copies != nil {
			halve(results[v*s.traits:(v+1)*s.traits], g.traits, s.o.Copies(variants[c.first+v]))
		}
	})
}

// halve makes effects per copy of calls that count 2 where there is one.
func halve(results []Result, traits []int, copies float64) {
	if copies == 2 {
		return
	}
	for _, t := range traits {
		results[t].Beta *= 2 / copies
		results[t].SE *= 2 / copies
	}
}

// fill writes the genotypes of one variant to dst, 0 where they are missing, and sums them.
func fill[F float32 | float64](s *Scan, g *group, c *calls, v, variant int, dst []F) row {
	var masked []bool
	if s.o.Masked != nil {
		masked = s.o.Masked(variant)
	}
	var r row
	if c.dosed[v] {
		r = fillDosage(g, c.dosage[v], masked, dst)
	} else {
		r = fillHard(g, c.hard[v*c.persons:(v+1)*c.persons], masked, dst)
	}
	if s.o.ImputeMean && r.known > 0 && len(r.missing) > 0 {
		impute(&r, masked, g, dst)
	}
	return r
}

// impute gives those without a genotype the mean; who is masked stays out.
func impute[F float32 | float64](r *row, masked []bool, g *group, dst []F) {
	mean := r.sum / float64(r.known)
	var out []int32
	for _, i := range r.missing {
		if masked != nil && masked[g.rows[i]] {
			out = append(out, i)
			continue
		}
		dst[i] = F(mean)
		r.n++
		r.sum += mean
		r.sq += mean * mean
	}
	r.missing = out
}

// fillHard counts first, for which byte sums of all persons are packed in one word, and then writes.
func fillHard[F float32 | float64](g *group, hard []byte, masked []bool, dst []F) row {
	const field, mask = 21, 1<<21 - 1
	counts := [4]uint64{0, 1, 1 << field, 1 << (2 * field)}
	var total uint64
	n := [3]int{}
	for lo := 0; lo < len(g.rows); lo += mask {
		total = 0
		for _, p := range g.rows[lo:min(len(g.rows), lo+mask)] {
			code := hard[p]
			if masked != nil && masked[p] {
				code = missingCall
			}
			total += counts[code&3]
		}
		for k := range n {
			n[k] += int(total >> (k * field) & mask)
		}
	}
	het, hom, missing := n[0], n[1], n[2]
	r := row{known: len(g.rows) - missing, n: len(g.rows) - missing}
	r.freq = float64(het+2*hom) / float64(2*r.known)
	values := [4]F{0, 1, 2, 0}
	none := r.known - het - hom
	if r.turned = hom > none; r.turned {
		values, none, hom = [4]F{2, 1, 0, 0}, hom, none
	}
	r.sum, r.sq = float64(het+2*hom), float64(het+4*hom)
	r.least, r.most = extremes(none, het, hom)
	if missing == 0 {
		for i, p := range g.rows {
			dst[i] = values[hard[p]&3]
		}
		return r
	}
	r.missing = make([]int32, 0, missing)
	for i, p := range g.rows {
		code := hard[p] & 3
		if masked != nil && masked[p] {
			code = missingCall
		}
		if dst[i] = values[code]; code == missingCall {
			r.missing = append(r.missing, int32(i))
		}
	}
	return r
}

func extremes(none, het, hom int) (least, most float64) {
	counts := [3]int{none, het, hom}
	least, most = math.Inf(1), math.Inf(-1)
	for copies, n := range counts {
		if n > 0 {
			least, most = min(least, float64(copies)), max(most, float64(copies))
		}
	}
	return least, most
}

func fillDosage[F float32 | float64](g *group, dosage []float32, masked []bool, dst []F) row {
	r := row{least: math.Inf(1), most: math.Inf(-1)}
	sum := 0.0
	for i, p := range g.rows {
		d := float64(dosage[p])
		if math.IsNaN(d) || masked != nil && masked[p] {
			r.missing = append(r.missing, int32(i))
			continue
		}
		sum += d
	}
	r.known = len(g.rows) - len(r.missing)
	r.n, r.freq = r.known, sum/float64(2*r.known)
	r.turned = sum > float64(r.known)
	at := 0
	for i, p := range g.rows {
		if at < len(r.missing) && r.missing[at] == int32(i) {
			dst[i] = 0
			at++
			continue
		}
		d := float64(dosage[p])
		if r.turned {
			d = 2 - d
		}
		dst[i] = F(d)
		r.sum, r.sq = r.sum+d, r.sq+d*d
		r.least, r.most = min(r.least, d), max(r.most, d)
	}
	return r
}

// exactly returns the genotypes of one variant once more, in float64.
func (s *Scan) exactly(g *group, c *calls, v, variant int, r *row) []float64 {
	dst := make([]float64, len(g.rows))
	*r = fill(s, g, c, v, variant, dst)
	return dst
}
