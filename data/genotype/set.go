package genotype

import (
	"context"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	"contig-gpu/data"
)

// A Set is one or more files of the same persons, their variants one after the other.
type Set struct {
	People []Person  // of each file, in this order
	Sites  []Variant // of all files
	Notes  []string
	parts  []part
}

// A part is one file: its variants are those from first on.
type part struct {
	file     File
	first, n int
}

// Add appends a file to the set. Its persons must be those of the files before it, in their order (E204); FIDs are compared where both have some.
func (s *Set) Add(f File) error {
	if len(s.parts) == 0 {
		s.People = f.Persons()
	} else if err := s.samePersons(f); err != nil {
		return err
	}
	s.parts = append(s.parts, part{f, len(s.Sites), len(f.Variants())})
	s.Notes = append(s.Notes, f.About().Notes...)
	if len(s.parts) == 1 {
		s.Sites = slices.Clip(f.Variants())
		return nil
	}
	s.Sites = append(s.Sites, f.Variants()...)
	return nil
}

func (s *Set) samePersons(f File) error {
	a := f.About()
	p := &data.Problem{Code: 204, File: a.PersonsPath, What: "the filesets hold other persons, or hold them in another order",
		Cause: "chromosome files from different releases or filters", Fix: "make all with the same plink --keep list and --indiv-sort"}
	got := f.Persons()
	if len(got) != len(s.People) {
		p.Expected = fmt.Sprintf("%d persons as in the first file", len(s.People))
		p.Found = fmt.Sprintf("%d", len(got))
		return p
	}
	for i, g := range got {
		want := s.People[i]
		if g.IID == want.IID && (g.FID == want.FID || noFamily(g.FID) || noFamily(want.FID)) {
			continue
		}
		if p.Line = i + 1; !strings.HasSuffix(a.PersonsPath, ".fam") { // which has a line a person
			p.Line = 0
			p.What += fmt.Sprintf(": person %d is another", i+1)
		}
		p.Expected, p.Found = want.FID+" "+want.IID, g.FID+" "+g.IID
		return p
	}
	return nil
}

// noFamily is plink's word for none.
func noFamily(fid string) bool { return fid == "" || fid == "0" }

// Files returns what each file is and how many variants it has.
func (s *Set) Files() (about []About, variants []int) {
	for _, p := range s.parts {
		about, variants = append(about, p.file.About()), append(variants, p.n)
	}
	return about, variants
}

// Persons returns those of every file. It must not be changed.
func (s *Set) Persons() []Person { return s.People }

// Variants returns those of all files, one file after the other. It must not be changed.
func (s *Set) Variants() []Variant { return s.Sites }

// Dosed says whether a variant may have dosages that are no hard calls.
func (s *Set) Dosed(variant int) bool {
	p := s.part(variant)
	return p.file.Dosed(variant - p.first)
}

// Where returns the file that lists a variant and its line there, for errors.
func (s *Set) Where(variant int) (path string, line int) {
	return s.part(variant).file.About().VariantsPath, int(s.Sites[variant].Line)
}

// Each reads the given variants, which ascend, from the files that hold them.
func (s *Set) Each(ctx context.Context, variants []int, visit Visit) error {
	return s.eachPart(variants, func(f File, at int, own []int) error {
		return f.Each(ctx, own, func(k int, hard []byte, dosage []float32) error { return visit(at+k, hard, dosage) })
	})
}

// EachRow is Each, but that hard calls are bits, as EachBits of a BitsFile has them, where their file has them so, and hard is nil then.
func (s *Set) EachRow(ctx context.Context, variants []int, visit func(k int, bits, hard []byte, dosage []float32) error) error {
	return s.eachPart(variants, func(f File, at int, own []int) error {
		if b, ok := f.(BitsFile); ok {
			return b.EachBits(ctx, own, func(k int, bits []byte) error { return visit(at+k, bits, nil, nil) })
		}
		return f.Each(ctx, own, func(k int, hard []byte, dosage []float32) error { return visit(at+k, nil, hard, dosage) })
	})
}

// eachPart visits the files that hold variants: at is how many were before, own are those of the file.
func (s *Set) eachPart(variants []int, visit func(f File, at int, own []int) error) error {
	for at := 0; at < len(variants); {
		p := s.part(variants[at])
		var own []int
		for _, v := range variants[at:] {
			if v >= p.first+p.n {
				break
			}
			if v < p.first || len(own) > 0 && v-p.first <= own[len(own)-1] {
				panic(fmt.Sprintf("genotype: Each of variants that do not ascend: %d after others", v))
			}
			own = append(own, v-p.first)
		}
		if err := visit(p.file, at, own); err != nil {
			return err
		}
		at += len(own)
	}
	return nil
}

func (s *Set) part(variant int) part {
	i, _ := slices.BinarySearchFunc(s.parts, variant, func(p part, v int) int {
		if p.first+p.n <= v {
			return -1
		}
		return 1
	})
	if variant < 0 || i == len(s.parts) {
		panic(fmt.Sprintf("genotype: variant %d of %d", variant, len(s.Sites)))
	}
	return s.parts[i]
}

// Names returns a name for each of the given variants, and "" for others: its id, or its FullName where the id is "." or not unique among those given. A name
// depends on them and never on which of them are used, so that a checkpoint finds its variants again. Variants
// of one id, position and alleles have one name; who uses one of them must refuse it.
func (s *Set) Names(of []int) []string {
	names := make([]string, len(s.Sites))
	twice := s.twice(of)
	for _, i := range of {
		v := &s.Sites[i]
		names[i] = v.ID
		if v.ID == "." || v.ID == "" || twice[v.ID] {
			names[i] = v.FullName()
		}
	}
	return names
}

// twice returns the ids that several of the given variants have. A table of their places takes a quarter of the time of a map of the ids.
func (s *Set) twice(of []int) map[string]bool {
	table := make([]int32, 2<<bits.Len(uint(len(of)))) // one more than the place in of, 0 where there is none
	mask, seed, out := uint64(len(table)-1), maphash.MakeSeed(), map[string]bool{}
	for k, v := range of {
		id := s.Sites[v].ID
		for at := maphash.String(seed, id) & mask; ; at = (at + 1) & mask {
			there := table[at]
			if there == 0 {
				table[at] = int32(k + 1)
				break
			}
			if s.Sites[of[there-1]].ID == id {
				out[id] = true
				break
			}
		}
	}
	return out
}
