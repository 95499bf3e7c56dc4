package pgs

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

const (
	blockVariants = 128      // that are summed together
	blockBytes    = 64 << 20 // that they take, at most, but for a few
	blockLeast    = 8
	chunk         = 8192 // persons that a worker sums at a time
)

// FewFounders is below how many founders plink2 refuses to impute by their frequencies.
const FewFounders = 50

// Sums are the scores of persons.
type Sums struct {
	Rows     []int // persons of the genotypes, in their order
	Founders int   // that frequencies come from
	sets     map[*Set]place
	denom    map[*group][3]float64 // alleles of one who misses none: of unknown sex, male, female
	o        Options
	persons  []genotype.Person
}

// A place is where the columns of a set are.
type place struct {
	g     *group
	first int
}

// Sum computes the scores of those sets that are not Low, of the persons in rows, in one pass over the genotypes. step is called after each block of variants.
func Sum(ctx context.Context, g genotype.Rows, sets []*Set, rows []int, o Options, step func(done, total int)) (*Sums, error) {
	e := &engine{o: o, persons: g.Persons(), variants: g.Variants(), rows: rows}
	e.group(sets)
	if err := e.room(); err != nil {
		return nil, err
	}
	e.census = newCensus(e.persons)
	wanted := e.union()
	size := min(blockVariants, max(blockLeast, blockBytes/(5*max(1, len(rows)))))
	e.slots = make([]slot, size+1) // the last variant of a record may take two
	visit := func(k int, hard []byte, dosage []float32) error {
		e.take(wanted[k], hard, dosage)
		if e.n < size && k < len(wanted)-1 {
			return nil
		}
		e.flush()
		step(k+1, len(wanted))
		return context.Cause(ctx)
	}
	if err := g.Each(ctx, wanted, visit); err != nil {
		return nil, err
	}
	return e.result(), nil
}

type engine struct {
	o        Options
	persons  []genotype.Person
	variants []genotype.Variant
	rows     []int
	census   *census
	groups   []*group
	at       map[*Set]place
	slots    []slot
	n        int          // slots that are filled
	whole    map[int]bool // the last variants of records whose REF is wanted
	record   record
}

// take fills a slot from a variant of all persons, and another one from its record, where that is wanted and the variant its last.
func (e *engine) take(v int, hard []byte, dosage []float32) {
	e.fill(term{variant: int32(v)}, hard, dosage)
	first, last := e.variants[v].Record(v)
	if !e.whole[last] {
		return
	}
	e.record.add(v == first, hard, dosage)
	if v == last {
		hard, dosage = e.record.calls()
		e.fill(term{variant: int32(v), whole: true}, hard, dosage)
	}
}

func (e *engine) fill(t term, hard []byte, dosage []float32) {
	s := &e.slots[e.n]
	s.at = t.slot()
	s.take(e.variants[t.variant].Chrom, hard, dosage, e.census, e.persons, e.rows)
	e.n++
}

// group puts sets together whose terms are the same.
func (e *engine) group(sets []*Set) {
	e.at = map[*Set]place{}
	by := map[uint64][]*group{}
	for _, s := range sets {
		if s.Low != nil {
			continue
		}
		h := hashTerms(s.terms)
		var g *group
		for _, old := range by[h] {
			if sameTerms(old.terms, s.terms) {
				g = old
			}
		}
		if g == nil {
			g = &group{terms: s.terms}
			by[h], e.groups = append(by[h], g), append(e.groups, g)
		}
		e.at[s] = place{g, g.add(s)}
	}
}

func hashTerms(terms []term) uint64 {
	const prime = 1099511628211 // FNV-1a
	h := uint64(14695981039346656037)
	for _, t := range terms {
		h = (h ^ uint64(t.variant)) * prime
		h = (h ^ uint64(t.model)) * prime
		if t.alt {
			h = (h ^ 1) * prime
		}
	}
	return h
}

func sameTerms(a, b []term) bool {
	return slices.EqualFunc(a, b, func(x, y term) bool { return x.variant == y.variant && x.alt == y.alt && x.model == y.model })
}

// room makes the sums, where there is memory for them (E403).
func (e *engine) room() error {
	tiles := 0
	for _, g := range e.groups {
		tiles += (g.columns() + lanes - 1) / lanes
	}
	bytes := tiles * lanes * 8 * len(e.rows)
	if e.o.Room > 0 && bytes > e.o.Room {
		p := table.NoRoom("", 0, fmt.Sprintf("the sums of %d persons", len(e.rows)), bytes, e.o.Room)
		p.Cause, p.Fix = "more persons and scores than this machine has memory for", "fewer scores at a time, or a machine with more memory"
		return p
	}
	for _, g := range e.groups {
		g.sums = make([][]lane, (g.columns()+lanes-1)/lanes)
		for i := range g.sums {
			g.sums[i] = make([]lane, len(e.rows))
		}
	}
	return nil
}

// union returns the variants of all terms in their order.
func (e *engine) union() []int {
	used := make([]bool, len(e.variants))
	e.whole = map[int]bool{}
	for _, g := range e.groups {
		for _, t := range g.terms {
			used[t.variant] = true
			if t.whole {
				e.whole[int(t.variant)] = true
				first, last := e.variants[t.variant].Record(int(t.variant))
				for v := first; v < last; v++ {
					used[v] = true
				}
			}
		}
	}
	var out []int
	for i, u := range used {
		if u {
			out = append(out, i)
		}
	}
	return out
}

// A task is a group's terms in the block, of some persons.
type task struct {
	g      *group
	terms  []int // of the group
	lo, hi int
}

// flush sums what the slots hold. Each person's sums are made in the order of the variants, however many workers there are.
func (e *engine) flush() {
	last := e.slots[e.n-1].at
	var tasks []task
	for _, g := range e.groups {
		var terms []int
		for ; g.next < len(g.terms) && g.terms[g.next].slot() <= last; g.next++ {
			terms = append(terms, g.next)
		}
		for lo := 0; lo < len(e.rows) && len(terms) > 0; lo += chunk {
			tasks = append(tasks, task{g, terms, lo, min(lo+chunk, len(e.rows))})
		}
	}
	threads := cmp.Or(e.o.Threads, runtime.GOMAXPROCS(0))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(threads, len(tasks)) {
		wg.Go(func() {
			w := &worker{e: e}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				w.do(tasks[i])
			}
		})
	}
	wg.Wait()
	e.n = 0
}

func (e *engine) slot(t term) *slot {
	i, ok := slices.BinarySearchFunc(e.slots[:e.n], t.slot(), func(s slot, at int64) int { return cmp.Compare(s.at, at) })
	if !ok {
		panic("pgs: a term's variant is not in its block")
	}
	return &e.slots[i]
}

// result counts the alleles of one who misses none.
func (e *engine) result() *Sums {
	s := &Sums{Rows: e.rows, Founders: e.census.founders, sets: e.at, denom: map[*group][3]float64{}, o: e.o, persons: e.persons}
	for _, g := range e.groups {
		var n [3]float64
		for _, t := range g.terms {
			switch genome.Chromosome(e.variants[t.variant].Chrom) {
			case "Y":
				n[1]++
			case "MT":
				n = [3]float64{n[0] + 1, n[1] + 1, n[2] + 1}
			default:
				n = [3]float64{n[0] + 2, n[1] + 2, n[2] + 2}
			}
		}
		s.denom[g] = n
	}
	return s
}

// A Score is what one person has of one score.
type Score struct {
	Alleles, Dosage float64 // ALLELE_CT and NAMED_ALLELE_DOSAGE_SUM
	Sum, Average    float64 // the average is NaN where nothing was counted
}

// Of returns the score of a set's k-th name, of the i-th of Rows.
func (s *Sums) Of(set *Set, k, i int) Score {
	at := s.sets[set]
	get := func(c int) float64 { return at.g.sums[c/lanes][i][c%lanes] }
	out := Score{Alleles: get(at.g.scores + alleles), Dosage: get(at.g.scores + dosageSum), Sum: get(at.first + k)}
	denom := out.Alleles
	if !s.o.NoMeanImputation {
		denom = s.denom[at.g][s.persons[s.Rows[i]].Sex]
	}
	if out.Average = math.NaN(); denom > 0 {
		out.Average = out.Sum / denom
	}
	return out
}

// NoPersons is the problem of genotypes without a person (E313).
func NoPersons(path string) error {
	return &data.Problem{Code: codePersons, File: path, What: "the genotypes have no person that is scored", Expected: "at least one", Found: "none", Cause: "placeholders of persons who withdrew alone", Fix: "name other genotypes"}
}
