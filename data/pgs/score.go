package pgs

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// Options say how scores are matched and summed.
type Options struct {
	Positions        string  // Harmonised (default) or Author
	KeepAmbiguous    bool    // A/T and C/G are used as they are written
	NoMeanImputation bool    // a missing genotype contributes nothing, instead of what the allele's frequency says
	MinOverlap       float64 // of a score's rows, the share that must be used
	Room             int     // bytes that terms and sums may take; 0: not known
	Threads          int     // 0: all
}

// DefaultOverlap is the MinOverlap that pgsc_calc has.
const DefaultOverlap = 0.75

// BuildOf returns the genome build that variants are of, as far as their positions tell.
func BuildOf(all []genotype.Variant) genome.Build {
	places := make([]data.Place, len(all))
	for i, v := range all {
		places[i] = data.Place{Chromosome: v.Chrom, Position: v.Pos}
	}
	return genome.Detect(places)
}

// A Set is the scores of one file, which share their rows.
type Set struct {
	Path      string
	Names     []string // of the scores
	Head      map[string]string
	Build     genome.Build
	Positions string
	Counts    Counts
	Examples  map[Cause][]string // at most five rows of each
	Models    [4]int             // used rows of each Model
	Low       *data.Problem      // the overlap is too small (E312): the scores are not summed

	terms   []term    // in the order of variants
	weights []float64 // of terms, one for each score
	by      map[int32][3]float64
}

// termBytes is the memory of a term without its weights.
const termBytes = 16

func (s *Set) bytes() int { return len(s.terms)*termBytes + 8*len(s.weights) + 48*len(s.by) }

// ReadSet reads a scoring file and matches its rows. Too small an overlap is the Set's Low, which Diagnose explains.
func ReadSet(path string, x *genotype.Index, o Options) (*Set, error) {
	f, err := Open(path, o.Positions)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &Set{Path: path, Names: f.Names, Head: f.Head, Build: f.Build(), Positions: f.Positions, by: map[int32][3]float64{}}
	m := &matcher{x: x, keepAmbiguous: o.KeepAmbiguous}
	for f.Next() {
		r := f.Row()
		t, ok := m.find(r)
		if !ok {
			continue
		}
		if r.Model == ByDosage {
			s.by[t.line] = r.Weights
		}
		s.terms, s.weights = append(s.terms, t), append(s.weights, f.Weights()...)
		if o.Room > 0 && s.bytes() > o.Room {
			return nil, table.NoRoom(path, r.Line, fmt.Sprintf("%d rows of a scoring file", len(s.terms)), s.bytes(), o.Room)
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	s.Names = f.Names // the first entry may have named the score
	if m.counts.Rows == 0 {
		return nil, table.Empty(path, "the scoring file has a header and no entries")
	}
	s.order(m)
	s.terms, s.weights = slices.Clone(s.terms), slices.Clone(s.weights) // without what append made room for
	s.Counts, s.Examples = m.counts, m.examples
	if s.Counts.Used == 0 || s.Counts.Overlap() < o.MinOverlap {
		s.Low = s.low(o.MinOverlap)
	}
	return s, nil
}

// order sorts terms by variant and leaves out those of which two are of one variant, or of REF of one record, and of one model: nothing says which is meant.
func (s *Set) order(m *matcher) {
	width := len(s.Names)
	if s.ordered() {
		for _, t := range s.terms {
			s.Models[t.model]++
		}
		m.counts.Used = len(s.terms)
		return
	}
	at := make([]int32, len(s.terms))
	for i := range at {
		at[i] = int32(i)
	}
	key := func(i int32) term { return s.terms[i] }
	slices.SortFunc(at, func(a, b int32) int {
		x, y := key(a), key(b)
		return cmp.Or(cmp.Compare(x.slot(), y.slot()), cmp.Compare(x.model, y.model), cmp.Compare(x.line, y.line))
	})
	terms, weights := make([]term, 0, len(at)), make([]float64, 0, len(s.weights))
	for i := 0; i < len(at); {
		n := i + 1
		for n < len(at) && key(at[n]).slot() == key(at[i]).slot() && key(at[n]).model == key(at[i]).model {
			n++
		}
		if n == i+1 {
			k := int(at[i])
			terms, weights = append(terms, s.terms[k]), append(weights, s.weights[k*width:(k+1)*width]...)
			s.Models[s.terms[k].model]++
		} else {
			m.counts.Duplicate += n - i
			for _, k := range at[i:n] {
				s.exampleOf(m, key(k))
			}
		}
		i = n
	}
	s.terms, s.weights = terms, weights
	m.counts.Used = len(terms)
}

// ordered says whether terms are in the order of variants already, each of its own: as a rule, and then nothing is copied.
func (s *Set) ordered() bool {
	for i := 1; i < len(s.terms); i++ {
		if s.terms[i-1].slot() >= s.terms[i].slot() {
			return false
		}
	}
	return true
}

func (s *Set) exampleOf(m *matcher, t term) {
	v := m.x.Variants[t.variant]
	m.example(CauseDuplicate, &Row{Line: int(t.line), ID: v.ID, Chrom: v.Chrom, Pos: v.Pos, Effect: effectOf(v, t.alt)}, "")
}

func effectOf(v genotype.Variant, alt bool) string {
	if alt {
		return v.Alt
	}
	return v.Ref
}

// low is the problem of a score with too few variants (E312).
func (s *Set) low(least float64) *data.Problem {
	c := s.Counts
	found := fmt.Sprintf("%d of %d rows (%.1f %%)", c.Used, c.Rows, 100*c.Overlap())
	for _, cause := range Causes() {
		if n := c.Of(cause); n > 0 {
			found += fmt.Sprintf("; %s %d", cause, n)
		}
	}
	return &data.Problem{Code: codeOverlap, File: s.Path, What: fmt.Sprintf("too few rows of the score %s have a variant that can be used", s.Title()),
		Expected: fmt.Sprintf("at least %.3g %%", 100*least), Found: found}
}

// Title names the scores of the file in few words.
func (s *Set) Title() string {
	if len(s.Names) > 1 {
		return fmt.Sprintf("%s and %d more", s.Names[0], len(s.Names)-1)
	}
	return s.Names[0]
}

// CheckNames is E301 where two scores have one name, upper and lower case being one as some file systems have it.
func CheckNames(sets []*Set) error {
	from := map[string]string{}
	for _, s := range sets {
		for _, n := range s.Names {
			key := strings.ToLower(n)
			first, dup := from[key]
			if !dup {
				from[key] = s.Path
				continue
			}
			p := &data.Problem{Code: codeNames, File: s.Path, What: fmt.Sprintf("two scores have the name %q", n), Expected: "a name for each score: its pgs_id, that of its column, or of the file up to its first dot",
				Found: fmt.Sprintf("%s and %s", filepath.Base(first), filepath.Base(s.Path)), Cause: "the same score in two builds or versions, or files whose names are alike up to the first dot",
				Fix: "give one of them, or rename the files and remove their pgs_id"}
			if first == s.Path {
				p.Cause, p.Fix = "the file is named twice, or has two columns of one name", "name it once; rename the column"
			}
			return p
		}
	}
	return nil
}

// Sentence says what became of the rows.
func (s *Set) Sentence() string {
	c := s.Counts
	text := fmt.Sprintf("%s: %d of %d rows used (%.1f %%); matched %d", s.Title(), c.Used, c.Rows, 100*c.Overlap(), c.Matched)
	if c.Flipped > 0 {
		text += fmt.Sprintf(", on the other strand %d", c.Flipped)
	}
	for _, cause := range Causes() {
		if n := c.Of(cause); n > 0 {
			text += fmt.Sprintf(", %s %d", cause, n)
		}
	}
	return text + "."
}
