package assoc

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// ClumpOptions are plink1.9's --clump-p1, -p2, -r2 and -kb.
type ClumpOptions struct {
	P1, P2 float64 // of an index variant at most, of a member that is listed below
	R2     float64 // to be above
	KB     float64 // kilobases on either side, the ends in it
}

// A Place of a variant: a number of its chromosome, how often that is there, and base pairs.
type Place struct {
	Chromosome, Position int
	Ploidy               Ploidy
}

// A Clump is variants that an index variant stands for. Variants are by their number among those given.
type Clump struct {
	Index   int
	Members []int  // with P below P2, by position
	All     []int  // taken by the index, by position; that itself is not among them
	Bins    [5]int // of All those with P of .05 and above, below that, .01, .001 and .0001
}

// A clumper holds what is looked at.
type clumper struct {
	places []Place
	p      []float64 // -log10
	o      ClumpOptions
	who    Population
	males  []uint64
	rows   map[int]bitRow
	taken  []bool
}

// Clumps are greedy (plink1.9 --clump): of the variants with P at most P1, by P and where it is equal by their order, each that is not yet taken takes all others that are not, within
// KB and with r² above R2 with it (HaplotypeR2 of hard calls in the population). Calls of dosages are rounded where a whole number is within
// .1, as plink does. neglog10 is of every variant, NaN where it has none: such a variant is in no clump. Clumps are in the order of their index variants' P. Memory: the calls of
// variants of one chromosome that may be in a clump, as far as windows overlap.
func Clumps(ctx context.Context, src Source, who Population, places []Place, neglog10 []float64, o ClumpOptions) ([]Clump, error) {
	c := &clumper{places: places, p: neglog10, o: o, who: who, taken: make([]bool, len(places)), males: make([]uint64, (len(who.Persons)+63)/64)}
	for i, m := range who.Male {
		if m {
			c.males[i>>6] |= 1 << (i & 63)
		}
	}
	var index []int
	for v, p := range neglog10 {
		if p >= Log10P(o.P1) {
			index = append(index, v)
		}
	}
	var out []Clump
	for _, region := range c.regions(index) {
		if err := c.load(ctx, src, region.candidates); err != nil {
			return nil, err
		}
		c.byP(region.index)
		for _, v := range region.index {
			if !c.taken[v] {
				out = append(out, c.clump(v, region.candidates))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Clump) int {
		return cmp.Or(cmp.Compare(c.p[b.Index], c.p[a.Index]), cmp.Compare(a.Index, b.Index))
	})
	return out, nil
}

func (c *clumper) byP(index []int) {
	slices.SortFunc(index, func(a, b int) int { return cmp.Or(cmp.Compare(c.p[b], c.p[a]), cmp.Compare(a, b)) })
}

// A region is index variants whose windows overlap, and all variants in these windows, by place.
type region struct{ index, candidates []int }

// regions cuts the variants up.
func (c *clumper) regions(index []int) []region {
	byPlace := func(a, b int) int {
		p, q := c.places[a], c.places[b]
		return cmp.Or(cmp.Compare(p.Chromosome, q.Chromosome), cmp.Compare(p.Position, q.Position), cmp.Compare(a, b))
	}
	all := make([]int, 0, len(c.places))
	for v, p := range c.p {
		if !math.IsNaN(p) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, byPlace)
	index = slices.Clone(index)
	slices.SortFunc(index, byPlace)
	var out []region
	at := 0
	for lo := 0; lo < len(index); {
		hi := lo + 1
		for hi < len(index) && c.places[index[hi]].Chromosome == c.places[index[lo]].Chromosome && float64(c.places[index[hi]].Position-c.places[index[hi-1]].Position) <= 2*c.span() {
			hi++
		}
		first, last := c.places[index[lo]], c.places[index[hi-1]]
		r := region{index: index[lo:hi]}
		for ; at < len(all); at++ {
			p := c.places[all[at]]
			if p.Chromosome > last.Chromosome || p.Chromosome == last.Chromosome && float64(p.Position-last.Position) > c.span() {
				break
			}
			if p.Chromosome == first.Chromosome && float64(first.Position-p.Position) <= c.span() {
				r.candidates = append(r.candidates, all[at])
			}
		}
		out, lo = append(out, r), hi
	}
	return out
}

// span is the window's half in base pairs, rounded down as positions are whole.
func (c *clumper) span() float64 { return math.Floor(c.o.KB*1000 + 1e-6) }

// load reads the calls of a region.
func (c *clumper) load(ctx context.Context, src Source, candidates []int) error {
	variants := slices.Clone(candidates)
	slices.Sort(variants)
	c.rows = make(map[int]bitRow, len(variants))
	var rounded, clean []byte
	return src.Each(ctx, variants, func(k int, hard []byte, dosage []float32) error {
		if hard == nil {
			rounded = roundCalls(rounded, dosage)
			hard = rounded
		}
		clean = c.who.clean(clean, hard, c.places[variants[k]].Ploidy)
		c.rows[variants[k]] = newBitRow(clean)
		return nil
	})
}

// roundCalls makes hard calls of dosages within .1 of a whole number, as plink does.
func roundCalls(dst []byte, dosage []float32) []byte {
	const threshold = 0.1
	dst = slices.Grow(dst[:0], len(dosage))[:len(dosage)]
	for i, d := range dosage {
		dst[i] = missingCall
		if whole := math.Round(float64(d)); math.Abs(float64(d)-whole) <= threshold {
			dst[i] = byte(whole)
		}
	}
	return dst
}

// clump takes what belongs to an index variant.
func (c *clumper) clump(index int, candidates []int) Clump {
	out := Clump{Index: index}
	c.taken[index] = true
	at := c.places[index]
	lo, _ := slices.BinarySearchFunc(candidates, at.Position-int(c.span()), func(v, pos int) int { return cmp.Compare(c.places[v].Position, pos) })
	for _, v := range candidates[lo:] {
		if c.places[v].Position-at.Position > int(c.span()) {
			break
		}
		if c.taken[v] || !(c.r2(index, v) > c.o.R2*(1+onEdge)) {
			continue
		}
		out.All = append(out.All, v)
		out.Bins[binOf(c.p[v])]++
		if c.p[v] > Log10P(c.o.P2) {
			out.Members = append(out.Members, v)
		}
	}
	for _, v := range out.All {
		c.taken[v] = true
	}
	return out
}

// onEdge is how much r² must be above the threshold, relative: less is rounding. Fractions of small counts lie on a threshold such as .5 now and then, and are then not taken; in
// plink rounding decides, mostly so.
const onEdge = 1e-12

// r2 is of two variants of one chromosome.
func (c *clumper) r2(a, b int) float64 {
	var once Counts
	if c.places[a].Ploidy == XLinked {
		once = countPair(c.rows[a], c.rows[b], c.males)
	}
	return HaplotypeR2(countPair(c.rows[a], c.rows[b], nil), once)
}

// binOf returns which of plink's columns NSIG, S05, S01, S001 and S0001 counts a P.
func binOf(neglog10 float64) int {
	for k, edge := range []float64{0.05, 0.01, 0.001, 0.0001} {
		if neglog10 <= Log10P(edge) {
			return k
		}
	}
	return 4
}
