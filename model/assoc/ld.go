package assoc

import (
	"math"
	"math/bits"
)

// Counts are how many persons have each pair of copies of two variants: [copies of the first][copies of the second].
type Counts [3][3]int

// HaplotypeR2 returns r² of two variants from the haplotype frequencies of greatest likelihood, phases being unknown: what plink1.9 --clump uses. once are those of the
// persons who have one copy of the chromosome, whose calls are 0 and 2. The double
// heterozygotes' share of the phase that has both ALT alleles together is a root of a cubic (Gaunt, Rodriguez and Day 2007), or lies at an end; of several the likeliest counts. NaN
// where a variant does not vary.
func HaplotypeR2(n, once Counts) float64 {
	known, half := haplotypes(n), haplotypes(once)
	for i := range known {
		known[i] -= half[i] / 2
	}
	hets := float64(n[1][1])
	share := 1 / (known[0] + known[1] + known[2] + known[3] + 2*hets)
	f11, f12, f21, f22, het := known[0]*share, known[1]*share, known[2]*share, known[3]*share, hets*share
	pa, pb := f11+f12+het, f11+f21+het
	qa, qb := 1-pa, 1-pb
	if known[0]+known[1]+hets == 0 || known[2]+known[3]+hets == 0 || known[0]+known[2]+hets == 0 || known[1]+known[3]+hets == 0 {
		return math.NaN()
	}
	best, most := 0.0, math.Inf(-1)
	for _, x := range shares(f11, f12, f21, f22, het) {
		l := logTerm(f11, f11+x) + logTerm(f22, f22+x) + logTerm(f12, f12+het-x) + logTerm(f21, f21+het-x) + logTerm(het, (f11+x)*(f22+x)+(f12+het-x)*(f21+het-x))
		if l > most {
			best, most = x, l
		}
	}
	expected := pb * pa
	d := f11 + best - expected
	if math.Abs(d) < 1e-13 {
		return 0
	}
	return d * d / (expected * qa * qb)
}

// haplotypes counts those whose phase is known: both ALT, the first alone, the second alone, none.
func haplotypes(n Counts) [4]float64 {
	return [4]float64{float64(2*n[2][2] + n[2][1] + n[1][2]), float64(2*n[2][0] + n[2][1] + n[1][0]), float64(2*n[0][2] + n[0][1] + n[1][2]), float64(2*n[0][0] + n[0][1] + n[1][0])}
}

func logTerm(count, p float64) float64 {
	if count == 0 {
		return 0
	}
	return count * math.Log(p)
}

// shares returns the candidates of x in [0, het]: the ends and the stationary points of the likelihood, (het - x)(f11 + x)(f22 + x) = x (f12 + het - x)(f21 + het - x).
func shares(f11, f12, f21, f22, het float64) []float64 {
	if het == 0 {
		return []float64{0}
	}
	// as x³ + a x² + b x + c = 0
	a := 0.5 * (f11 + f22 - f12 - f21 - 3*het)
	b := 0.5 * (f11*f22 + f12*f21 + het*(f12+f21-f11-f22+het))
	c := -0.5 * het * f11 * f22
	var out []float64
	for _, x := range cubicRoots(a, b, c) {
		if x > -1e-9 && x < het+1e-9 {
			out = append(out, min(het, max(0, x)))
		}
	}
	if f11*f22 == 0 || f12*f21 == 0 {
		out = append(out, 0, het)
	}
	if len(out) == 0 {
		out = []float64{0, het}
	}
	return out
}

// cubicRoots returns the real roots of x³ + a x² + b x + c, each improved by Newton's method.
func cubicRoots(a, b, c float64) []float64 {
	q, r := (a*a-3*b)/9, (2*a*a*a-9*a*b+27*c)/54
	var out []float64
	if q3 := q * q * q; r*r < q3 {
		theta := math.Acos(max(-1, min(1, r/math.Sqrt(q3))))
		for k := range 3 {
			out = append(out, -2*math.Sqrt(q)*math.Cos((theta+2*math.Pi*float64(k-1))/3)-a/3)
		}
	} else {
		s := -math.Copysign(math.Cbrt(math.Abs(r)+math.Sqrt(r*r-q3)), r)
		t := 0.0
		if s != 0 {
			t = q / s
		}
		out = append(out, s+t-a/3)
		if math.Abs(s-t) <= 1e-7*(math.Abs(s)+math.Abs(t)) { // all but a double root
			out = append(out, -(s+t)/2-a/3)
		}
	}
	for i, x := range out {
		for range 3 {
			f, slope := ((x+a)*x+b)*x+c, (3*x+2*a)*x+b
			if slope == 0 || math.Abs(f/slope) > 1e-3 {
				break
			}
			x -= f / slope
		}
		out[i] = x
	}
	return out
}

// A bitRow holds hard calls of a variant: for each person a bit, whether ALT is there once, twice, and whether the call is known.
type bitRow struct{ het, hom, known []uint64 }

// newBitRow takes hard calls of all persons.
func newBitRow(hard []byte) bitRow {
	words := (len(hard) + 63) / 64
	all := make([]uint64, 3*words)
	r := bitRow{all[:words], all[words : 2*words], all[2*words:]}
	for i, code := range hard {
		bit := uint64(1) << (i & 63)
		switch code {
		case 0:
			r.known[i>>6] |= bit
		case 1:
			r.known[i>>6] |= bit
			r.het[i>>6] |= bit
		case 2:
			r.known[i>>6] |= bit
			r.hom[i>>6] |= bit
		}
	}
	return r
}

// countPair counts the pairs of copies of two variants among the persons of a mask; nil: all.
func countPair(a, b bitRow, mask []uint64) Counts {
	var n Counts
	var both, het, hom, hetB, homB int
	for i, k := range a.known {
		k &= b.known[i]
		if mask != nil {
			k &= mask[i]
		}
		both += bits.OnesCount64(k)
		ah, ao, bh, bo := a.het[i]&k, a.hom[i]&k, b.het[i]&k, b.hom[i]&k
		het, hom = het+bits.OnesCount64(ah), hom+bits.OnesCount64(ao)
		hetB, homB = hetB+bits.OnesCount64(bh), homB+bits.OnesCount64(bo)
		n[1][1] += bits.OnesCount64(ah & bh)
		n[1][2] += bits.OnesCount64(ah & bo)
		n[2][1] += bits.OnesCount64(ao & bh)
		n[2][2] += bits.OnesCount64(ao & bo)
	}
	n[1][0], n[2][0] = het-n[1][1]-n[1][2], hom-n[2][1]-n[2][2]
	n[0][1], n[0][2] = hetB-n[1][1]-n[2][1], homB-n[1][2]-n[2][2]
	n[0][0] = both - het - hom - n[0][1] - n[0][2]
	return n
}

// PairCounts counts the pairs of copies of two variants, from hard calls of the same persons.
func PairCounts(a, b []byte) Counts { return countPair(newBitRow(a), newBitRow(b), nil) }
