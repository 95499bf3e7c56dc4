package genotype

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"contig-gpu/data/genome"
)

// An Index finds variants by place and by id. It may be used from several goroutines at a time.
type Index struct {
	Variants []Variant
	chrom    map[string]uint64
	places   []placed // sorted
	once     sync.Once
	ids      map[string]int32
	next     []int32 // the next variant of the same id, -1 where there is none
}

type placed struct {
	key     uint64
	variant int32
}

// NewIndex returns an index of variants. It takes 16 bytes a variant, and twice the ids once something is looked for by id.
func NewIndex(variants []Variant) *Index {
	x := &Index{Variants: variants, chrom: map[string]uint64{}, places: make([]placed, 0, len(variants))}
	named := map[string]uint64{} // by the name as it is written
	for i, v := range variants {
		if v.Pos <= 0 {
			continue
		}
		c, ok := named[v.Chrom]
		if !ok {
			name := genome.Chromosome(v.Chrom)
			if c, ok = x.chrom[name]; !ok {
				c = uint64(len(x.chrom))
				x.chrom[name] = c
			}
			named[v.Chrom] = c
		}
		x.places = append(x.places, placed{c<<32 | uint64(v.Pos), int32(i)})
	}
	slices.SortFunc(x.places, func(a, b placed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.variant, b.variant)) })
	return x
}

// At appends the variants that lie at a place, in the order of the genotypes.
func (x *Index) At(dst []int32, chrom string, pos int) []int32 {
	c, ok := x.chrom[chrom]
	if !ok {
		return dst
	}
	key := c<<32 | uint64(pos)
	for i := sort.Search(len(x.places), func(i int) bool { return x.places[i].key >= key }); i < len(x.places) && x.places[i].key == key; i++ {
		dst = append(dst, x.places[i].variant)
	}
	return dst
}

// ByID appends the variants that have an id, in the order of the genotypes.
func (x *Index) ByID(dst []int32, id string) []int32 {
	x.once.Do(x.indexIDs)
	i, ok := x.ids[id]
	for ok && i >= 0 {
		dst = append(dst, i)
		i = x.next[i]
	}
	return dst
}

func (x *Index) indexIDs() {
	x.ids, x.next = make(map[string]int32, len(x.Variants)), make([]int32, len(x.Variants))
	for i := len(x.Variants) - 1; i >= 0; i-- {
		id := x.Variants[i].ID
		x.next[i] = -1
		if id == "" || id == "." {
			continue
		}
		if first, ok := x.ids[id]; ok {
			x.next[i] = first
		}
		x.ids[id] = int32(i)
	}
}

// Has says whether there are variants on a chromosome.
func (x *Index) Has(chrom string) bool { _, ok := x.chrom[chrom]; return ok }

// Chromosomes returns those that variants lie on, in their order.
func (x *Index) Chromosomes() []string {
	var out []string
	for c := range x.chrom {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(genome.Order(a), genome.Order(b)), cmp.Compare(a, b))
	})
	return out
}

// PlaceOf reads ids that are places: chromosome:position, perhaps with two alleles behind it, separated by colons or underscores.
func PlaceOf(id string) (chrom string, pos int, alleles []string, ok bool) {
	f := strings.FieldsFunc(id, func(r rune) bool { return r == ':' || r == '_' || r == '/' })
	if len(f) != 2 && len(f) != 4 {
		return "", 0, nil, false
	}
	pos, err := strconv.Atoi(f[1])
	chrom = genome.Chromosome(f[0])
	if err != nil || pos < 1 || pos > 1<<31-1 || chrom == "" || genome.GRCh38.Length(chrom) == 0 {
		return "", 0, nil, false
	}
	return chrom, pos, f[2:], true
}

// Placed says whether any variant has a position.
func (x *Index) Placed() bool { return len(x.places) > 0 }
