package burden

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// Burdens are what was summed.
type Burdens struct {
	Persons   []genotype.Person
	Columns   []*Column
	Dropped   int // masks without a variant
	Variants  int // that were read
	Unmatched []Unmatched
}

// sparse is a column's persons who have another value than 0.
type sparse struct {
	persons []int32
	values  []float32 // NaN where missing
}

// Compute reads the variants of all masks once and sums them. step is called as variants are done.
func Compute(ctx context.Context, g genotype.Rows, d *Definitions, o Options, step func(done, total int)) (*Burdens, error) {
	p, err := newPlan(d, genotype.NewIndex(g.Variants()), o)
	if err != nil {
		return nil, err
	}
	s := &summing{p: p, persons: g.Persons(), variants: g.Variants()}
	for i := range s.persons {
		if o.Without == nil || !o.Without[i] {
			s.counted++
		}
	}
	var wanted []int
	for i, u := range p.uses {
		if i == 0 || u.variant != wanted[len(wanted)-1] {
			wanted = append(wanted, u.variant)
		}
	}
	s.ends = make([][]int, len(wanted))
	at := map[int]int{}
	for k, v := range wanted {
		at[v] = k
	}
	for set, v := range p.last {
		if v >= 0 {
			s.ends[at[v]] = append(s.ends[at[v]], set)
		}
	}
	next := 0
	err = g.Each(ctx, wanted, func(k int, hard []byte, dosage []float32) error {
		first := next
		for next < len(p.uses) && p.uses[next].variant == wanted[k] {
			next++
		}
		if err := s.take(wanted[k], hard, dosage, p.uses[first:next]); err != nil {
			return err
		}
		for _, set := range s.ends[k] {
			s.finish(set)
		}
		step(k+1, len(wanted))
		return context.Cause(ctx)
	})
	if err != nil {
		return nil, err
	}
	return s.result(len(wanted)), nil
}

// A building is a column being summed.
type building struct {
	values   []float32
	missing  []uint16 // variants that are missing of each person
	variants int
	column   *Column
}

type summing struct {
	p        *plan
	persons  []genotype.Person
	variants []genotype.Variant
	ends     [][]int // sets of which each variant is the last
	spare    []*building
	bytes    int     // of values that are being summed, and of columns
	counted  int     // persons who count in frequencies
	carriers []int32 // of the current variant: who has another call than 0
	copies   []float32
}

// bytesEach is what a person takes of a column that is being summed.
const bytesEach = 6

// take adds a variant to what it is in.
func (s *summing) take(v int, hard []byte, dosage []float32, uses []use) error {
	if hard != nil {
		s.hardCarriers(hard)
	} else {
		s.dosageCarriers(dosage)
	}
	first := s.limit(v)
	if first < 0 {
		return nil
	}
	for _, u := range uses {
		for _, t := range u.targets {
			if t.limits == nil {
				t.limits = make([]*building, len(s.p.o.Bins)+1)
			}
			for l := first; l < len(t.limits); l++ {
				if t.limits[l] == nil {
					b, err := s.building()
					if err != nil {
						return err
					}
					t.limits[l] = b
				}
				s.add(t.limits[l], u.weight)
			}
		}
	}
	return nil
}

// hardCarriers lists who has another call than 0, eight at a time.
func (s *summing) hardCarriers(hard []byte) {
	s.carriers, s.copies = s.carriers[:0], s.copies[:0]
	i := 0
	for ; i+8 <= len(hard); i += 8 {
		if binary.LittleEndian.Uint64(hard[i:]) == 0 {
			continue
		}
		for k := i; k < i+8; k++ {
			s.carrier(k, hard[k])
		}
	}
	for ; i < len(hard); i++ {
		s.carrier(i, hard[i])
	}
}

func (s *summing) carrier(person int, call byte) {
	switch call {
	case 0:
	case genotype.Missing:
		s.carriers, s.copies = append(s.carriers, int32(person)), append(s.copies, float32(math.NaN()))
	default:
		s.carriers, s.copies = append(s.carriers, int32(person)), append(s.copies, float32(call))
	}
}

func (s *summing) dosageCarriers(dosage []float32) {
	s.carriers, s.copies = s.carriers[:0], s.copies[:0]
	for i, d := range dosage {
		if d != 0 {
			s.carriers, s.copies = append(s.carriers, int32(i)), append(s.copies, d)
		}
	}
}

// limit returns the first limit that the current variant is within: 0 for a singleton, else 1 and the number of a bin; -1 where it is more common than all. Limits
// are within each other, singletons too, as regenie has it.
func (s *summing) limit(v int) int {
	copies, known := 0.0, s.counted
	for k, c := range s.copies {
		if s.p.o.Without != nil && s.p.o.Without[s.carriers[k]] {
			continue
		}
		if c != c {
			known--
			continue
		}
		copies += float64(c)
	}
	aaf, singleton := 0.0, int(copies+0.5) == 1
	if known > 0 {
		aaf = copies / float64(2*known)
	}
	if given, ok := s.p.o.Given[s.variants[v].ID]; ok {
		if aaf = given.AAF; given.Says {
			singleton = given.Singleton
		}
	}
	for k, most := range s.p.o.Bins {
		if aaf <= most {
			if k == 0 && singleton {
				return 0
			}
			return k + 1
		}
	}
	return -1
}

// building returns an empty column to sum, where there is memory for it (E403).
func (s *summing) building() (*building, error) {
	if n := len(s.spare); n > 0 {
		b := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return b, nil
	}
	s.bytes += bytesEach * len(s.persons)
	if s.p.o.Room > 0 && s.bytes > s.p.o.Room {
		p := table.NoRoom(s.p.d.setsPath, 0, "sets that are summed at one time", s.bytes, s.p.o.Room)
		p.Cause, p.Fix = "sets whose variants lie far apart, such as pathways, or more persons than this machine has memory for", "one chromosome or some sets at a time"
		return nil, p
	}
	return &building{values: make([]float32, len(s.persons)), missing: make([]uint16, len(s.persons))}, nil
}

// add adds the current variant to a column.
func (s *summing) add(b *building, weight float64) {
	b.variants++
	w := float32(weight)
	for k, person := range s.carriers {
		c := s.copies[k]
		if c != c {
			if b.missing[person] < math.MaxUint16 {
				b.missing[person]++
			}
			continue
		}
		at := &b.values[person]
		switch s.p.o.Rule {
		case Max:
			*at = max(*at, w*c)
		case Indicator:
			if c > 0.5 {
				*at = 1
			}
		default:
			*at += w * c
		}
	}
}

// finish turns the columns of a set into what is kept of them.
func (s *summing) finish(set int) {
	for _, t := range s.p.targets[set] {
		for l, b := range t.limits {
			if b == nil {
				continue
			}
			b.column = s.columnOf(t, l, b)
			clear(b.values)
			clear(b.missing)
			s.spare = append(s.spare, &building{values: b.values, missing: b.missing})
			b.values, b.missing = nil, nil
		}
	}
}

func (s *summing) columnOf(t *target, l int, b *building) *Column {
	limit := singletonName
	if l > 0 {
		limit = limitName(s.p.o.Bins[l-1])
	}
	name := s.p.d.Sets[t.set].Name
	c := &Column{Name: fmt.Sprintf("%s.%s.%s", name, t.name, limit), Set: name, Mask: t.name, Limit: limit, Variants: b.variants}
	for i, v := range b.values {
		if s.p.o.Rule == Comphet {
			v = min(v, 2)
		}
		if int(b.missing[i]) == b.variants && s.p.o.Rule != Indicator {
			v = float32(math.NaN())
		} else if v > 0 {
			c.Carriers++
		}
		if v != 0 {
			c.persons, c.values = append(c.persons, int32(i)), append(c.values, v)
		}
	}
	s.bytes += 8 * len(c.persons)
	return c
}

// result lists the columns set by set, mask by mask, limit by limit.
func (s *summing) result(variants int) *Burdens {
	out := &Burdens{Persons: s.persons, Variants: variants, Unmatched: s.p.unmatched}
	for _, targets := range s.p.targets {
		for _, t := range targets {
			for l := range len(s.p.o.Bins) + 1 {
				if l >= len(t.limits) || t.limits[l] == nil {
					out.Dropped++
					continue
				}
				out.Columns = append(out.Columns, t.limits[l].column)
			}
		}
	}
	return out
}

// Rows visits the persons in their order; values has one element a column and is overwritten by the next.
func (b *Burdens) Rows(visit func(person int, values []float32) error) error {
	values, at := make([]float32, len(b.Columns)), make([]int, len(b.Columns))
	for i := range b.Persons {
		for j, c := range b.Columns {
			values[j] = 0
			if k := at[j]; k < len(c.persons) && int(c.persons[k]) == i {
				values[j] = c.values[k]
				at[j]++
			}
		}
		if err := visit(i, values); err != nil {
			return err
		}
	}
	return nil
}
