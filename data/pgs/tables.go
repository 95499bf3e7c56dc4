package pgs

// lanes is how many columns are summed together: a table of 256 codes then fits the first cache.
const lanes = 4

type lane = [lanes]float64

// Columns behind the scores of a group.
const (
	dosageSum = iota // of the effect alleles, as NAMED_ALLELE_DOSAGE_SUM has it
	alleles          // that are not missing, as ALLELE_CT has it
	counted          // how many these are
)

// A group is sets whose terms are the same variants with the same alleles and models, and what is summed of them.
type group struct {
	sets   []*Set
	terms  []term
	scores int
	from   []source // of each column of scores
	sums   [][]lane // of so many columns each, persons of the selection
	next   int      // the first term that was not summed yet
}

func (g *group) columns() int { return g.scores + counted }

// A source is where a column of scores comes from.
type source struct {
	set   *Set
	score int
}

// add puts a set's scores behind those that the group has, and returns the first of their columns.
func (g *group) add(s *Set) int {
	first := g.scores
	g.sets, g.scores = append(g.sets, s), g.scores+len(s.Names)
	for k := range s.Names {
		g.from = append(g.from, source{s, k})
	}
	return first
}

// valueOf returns the weight of a term in a column of scores.
func (g *group) valueOf(t, column int) float64 {
	at := &g.from[column]
	return at.set.weights[t*len(at.set.Names)+at.score]
}

// weightsOf returns the weights of a term whose model is ByDosage.
func (g *group) weightsOf(t, column int) [3]float64 {
	s := g.from[column].set
	return s.by[s.terms[t].line]
}

// weight returns what 0, 1 and 2 copies of the effect allele of a term contribute to a column, and what a missing genotype does; f is the frequency of that
// allele.
func (g *group) weight(t, column int, f float64) (w [3]float64, missing float64) {
	at := g.terms[t]
	switch {
	case column == g.scores+alleles:
		return [3]float64{2, 2, 2}, 0
	case column == g.scores+dosageSum && at.model == ByDosage:
		return [3]float64{0, 1, 2}, 0
	case column == g.scores+dosageSum:
		return (&Row{Model: at.model, Weight: 1}).weights(), 0
	case at.model == ByDosage:
		w = g.weightsOf(t, column)
		return w, (1-f)*(1-f)*w[0] + 2*f*(1-f)*w[1] + f*f*w[2]
	}
	v := g.valueOf(t, column)
	w = (&Row{Model: at.model, Weight: v}).weights()
	if at.model == Additive {
		return w, 2 * f * v
	}
	return w, f * v // as plink2 has it
}

// single is weight where there is one copy at most: of no copy and of one. All models are one there.
func (g *group) single(t, column int, f float64) (w [2]float64, missing float64) {
	at := g.terms[t]
	switch {
	case column == g.scores+alleles:
		return [2]float64{1, 1}, 0
	case column == g.scores+dosageSum:
		return [2]float64{0, 1}, 0
	case at.model == ByDosage:
		by := g.weightsOf(t, column)
		return [2]float64{by[0], by[1]}, (1-f)*by[0] + f*by[1]
	}
	v := g.valueOf(t, column)
	return [2]float64{0, v}, f * v
}

// codes returns what each code of a genotype, copies of ALT and 3 for missing, contributes to a column; f is the frequency of ALT.
func (g *group) codes(t, column int, f float64, haploid, impute bool) [4]float64 {
	alt := g.terms[t].alt
	if !alt {
		f = 1 - f
	}
	var w [3]float64
	var missing float64
	if haploid {
		var one [2]float64
		one, missing = g.single(t, column, f)
		w = [3]float64{one[0], (one[0] + one[1]) / 2, one[1]}
	} else {
		w, missing = g.weight(t, column, f)
	}
	if !alt {
		w[0], w[2] = w[2], w[0]
	}
	if !impute {
		missing = 0
	}
	return [4]float64{w[0], w[1], w[2], missing}
}

// fill makes the table of four genotypes, whose codes are the two bits each of a byte, from what their codes contribute.
func fill(table *[256]lane, of *[4][4]lane) {
	var low [16]lane
	for i := range low {
		for k := range lanes {
			low[i][k] = of[0][i&3][k] + of[1][i>>2][k]
		}
	}
	for hi := range 16 {
		var h lane
		for k := range lanes {
			h[k] = of[2][hi&3][k] + of[3][hi>>2][k]
		}
		for lo := range 16 {
			for k := range lanes {
				table[hi<<4|lo][k] = low[lo][k] + h[k]
			}
		}
	}
}

// addPair adds to each person's sums what two bytes of four genotypes each contribute.
func addPair(sums []lane, a, b []byte, ta, tb *[256]lane) {
	a, b = a[:len(sums)], b[:len(sums)]
	for i := range sums {
		s, x, y := &sums[i], &ta[a[i]], &tb[b[i]]
		s[0] += x[0] + y[0]
		s[1] += x[1] + y[1]
		s[2] += x[2] + y[2]
		s[3] += x[3] + y[3]
	}
}
