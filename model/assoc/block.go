package assoc

import (
	"math"
	"math/bits"
	"slices"

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
func (s *Scan) test(b *bench, at int, g *group, c *calls, variants []int, results []Result) error {
	rows := make([]row, c.n)
	x := b.x[at].Slice(0, c.n*g.columns).View(c.n, g.columns)
	var sums []float64
	var err error
	if s.single {
		host := make([]float32, x.Len())
		fillAll(s, g, c, variants, rows, host)
		sums, err = b.multiply(at, g, x, func() { gpu.Write(x, host) })
	} else {
		fillAll(s, g, c, variants, rows, gpu.Host[float64](x))
		sums, err = b.multiply(at, g, x, func() {})
	}
	if err != nil {
		return err
	}
	for v := range rows {
		f := fitter{g: g, row: &rows[v], sums: sums[v*g.width : (v+1)*g.width], genotype: func() []float64 { return s.exactly(g, c, v, variants[c.first+v], &rows[v]) }}
		f.fit(results[v*s.traits : (v+1)*s.traits])
		if s.o.Copies != nil {
			halve(results[v*s.traits:(v+1)*s.traits], g.traits, s.o.Copies(variants[c.first+v]))
		}
	}
	return nil
}

// fillAll writes the genotypes of a block.
func fillAll[F float32 | float64](s *Scan, g *group, c *calls, variants []int, rows []row, dst []F) {
	for v := range rows {
		rows[v] = fill(s, g, c, v, variants[c.first+v], g.wide, dst[v*g.columns:(v+1)*g.columns])
	}
}

// multiply returns the products [variants, width] of the genotypes x that write puts on the device.
func (b *bench) multiply(at int, g *group, x gpu.Tensor, write func()) ([]float64, error) {
	n := x.Len() / g.columns
	sums := make([]float64, n*g.width)
	var err error
	b.on(func() {
		write()
		p := b.p[at].Slice(0, n*g.width).View(n, g.width)
		gpu.MatMul(p, x, b.w[at], false, false, 0)
		gpu.Read(sums, p)
		err = b.dev.Sync()
	})
	return sums, err
}

// on does something with the device.
func (b *bench) on(do func()) {
	if b.ask == nil {
		do()
		return
	}
	done := make(chan struct{})
	b.ask <- func() { do(); close(done) }
	<-done
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

// fill writes the genotypes of one variant to dst, 0 where they are missing, and sums them. wide: dst has a column for every person of the genotypes, else for those of the group.
func fill[F float32 | float64](s *Scan, g *group, c *calls, v, variant int, wide bool, dst []F) row {
	var masked []bool
	if s.o.Masked != nil {
		masked = s.o.Masked(variant)
	}
	var r row
	if c.dosed[v] {
		r = fillDosage(g, c.dosage[v], masked, wide, dst)
	} else {
		r = fillHard(g, masks(c.row(v), masked), wide, dst)
	}
	if s.o.ImputeMean && r.known > 0 && len(r.missing) > 0 {
		impute(&r, masked, g, wide, dst)
	}
	return r
}

// masks returns the row with the calls missing of those who are masked.
func masks(row []uint64, masked []bool) []uint64 {
	if masked == nil {
		return row
	}
	out := append([]uint64(nil), row...)
	for p, m := range masked {
		if m {
			out[p/32] |= missingCall << (2 * (p % 32))
		}
	}
	return out
}

// impute gives those without a genotype the mean; who is masked stays out.
func impute[F float32 | float64](r *row, masked []bool, g *group, wide bool, dst []F) {
	mean := r.sum / float64(r.known)
	var out []int32
	for _, i := range r.missing {
		if masked != nil && masked[g.rows[i]] {
			out = append(out, i)
			continue
		}
		if wide {
			dst[g.rows[i]] = F(mean)
		} else {
			dst[i] = F(mean)
		}
		r.n++
		r.sum += mean
		r.sq += mean * mean
	}
	r.missing = out
}

// fillHard counts first, 32 persons at a time, and then writes.
func fillHard[F float32 | float64](g *group, row64 []uint64, wide bool, dst []F) row {
	var het, hom, missing int
	for k, m := range g.member {
		low, high := row64[k]&m, row64[k]>>1&m
		both := bits.OnesCount64(low & high)
		het, hom, missing = het+bits.OnesCount64(low)-both, hom+bits.OnesCount64(high)-both, missing+both
	}
	r := row{known: len(g.rows) - missing, n: len(g.rows) - missing}
	r.freq = float64(het+2*hom) / float64(2*r.known)
	values := [4]F{0, 1, 2, 0}
	none := r.known - het - hom
	if r.turned = hom > none; r.turned {
		values, none, hom = [4]F{2, 1, 0, 0}, hom, none
	}
	r.sum, r.sq = float64(het+2*hom), float64(het+4*hom)
	r.least, r.most = extremes(none, het, hom)
	if missing > 0 {
		r.missing = missingOf(g, row64, missing)
	}
	if wide {
		spread(dst, row64, values)
		return r
	}
	for i, p := range g.rows {
		dst[i] = values[row64[p/32]>>(2*(p%32))&3]
	}
	return r
}

// missingOf lists the rows of the group without a genotype, ascending.
func missingOf(g *group, row64 []uint64, n int) []int32 {
	out := make([]int32, 0, n)
	for k, m := range g.member {
		for x := row64[k] & (row64[k] >> 1) & m; x != 0; x &= x - 1 {
			out = append(out, g.place[32*k+bits.TrailingZeros64(x)/2])
		}
	}
	slices.Sort(out)
	return out
}

// spread writes the values of four calls at a time, from a table of all that four calls can be.
func spread[F float32 | float64](dst []F, row64 []uint64, values [4]F) {
	var pairs [16][2]F
	for b := range pairs {
		pairs[b] = [2]F{values[b&3], values[b>>2]}
	}
	at := 0
	for ; at+32 <= len(dst); at += 32 {
		x, out := row64[at/32], (*[32]F)(dst[at:])
		for k := 0; k < 32; k += 2 {
			*(*[2]F)(out[k:]) = pairs[x&15]
			x >>= 4
		}
	}
	for x := uint64(0); at < len(dst); at++ {
		x = row64[at/32] >> (2 * (at % 32))
		dst[at] = values[x&3]
	}
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

func fillDosage[F float32 | float64](g *group, dosage []float32, masked []bool, wide bool, dst []F) row {
	clear(dst)
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
			at++
			continue
		}
		d := float64(dosage[p])
		if r.turned {
			d = 2 - d
		}
		if wide {
			dst[p] = F(d)
		} else {
			dst[i] = F(d)
		}
		r.sum, r.sq = r.sum+d, r.sq+d*d
		r.least, r.most = min(r.least, d), max(r.most, d)
	}
	return r
}

// exactly returns the genotypes of one variant once more, in float64.
func (s *Scan) exactly(g *group, c *calls, v, variant int, r *row) []float64 {
	dst := make([]float64, len(g.rows))
	*r = fill(s, g, c, v, variant, false, dst)
	return dst
}
