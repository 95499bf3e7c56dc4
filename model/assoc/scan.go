package assoc

import (
	"cmp"
	"context"
	"fmt"
	"runtime"

	"contig-gpu/gpu"
)

// blockVariants is how many variants are tested together: 256 rows of 2,500 persons in float64 are 5 MB.
const blockVariants = 256

// A Source streams genotypes, as data/genotype has them: of each person the copies of ALT, missing being 3 of a hard call and NaN of a dosage. What it hands over is overwritten by the next.
type Source interface {
	Each(ctx context.Context, variants []int, visit func(k int, hard []byte, dosage []float32) error) error
}

// A RowSource is a Source that has hard calls of two bits, and hands them over so: low bits first, copies of ALT, 3 missing. hard is nil then.
type RowSource interface {
	Source
	EachRow(ctx context.Context, variants []int, visit func(k int, bits, hard []byte, dosage []float32) error) error
}

// Options of NewScan.
type Options struct {
	// ImputeMean gives a person without a genotype the mean of the others; else the person leaves that variant.
	ImputeMean bool
	// Masked says of a variant which persons, by their place among those of the genotypes, are left out of it; nil: nobody. So females are of the Y chromosome.
	Masked func(variant int) []bool
	// Copies returns the largest number of copies of a variant, 1 where a chromosome is there once and its calls are 0 and 2; nil: 2.
	Copies func(variant int) float64
}

// A Scan tests variants in the linear model trait ~ 1 + covariates + copies of ALT, one variant and one trait at a time, over the persons who have all three. It does so by
// blocks: products of genotypes [variants, persons] with the covariates' basis and the traits' residuals [persons, rank + traits] give
// all sums that no missing genotype changes; the others are corrected. The degrees of freedom are persons less the rank of the model. Each thread has a block of its own. On the CPU all is
// float64; on a GPU, which the threads take in turn, the products are float32, which moves t by up to 1e-5 or so, and sums that would cancel are taken on the host.
type Scan struct {
	o       Options
	traits  int
	persons int // of the genotypes
	groups  []*group
	benches []*bench // by thread
	single  bool     // the device computes in float32
}

// A bench is where a thread multiplies.
type bench struct {
	dev     *gpu.Device
	own     bool        // the device is of this bench alone
	ask     chan func() // what a device that is shared is to do: a GPU works for the goroutine alone that opened it, which runs Run; nil: it is not shared
	arena   *gpu.Arena
	w, x, p []gpu.Tensor // by group: weights, genotypes and products of a block
}

// NewScan prepares the test of a study. dev must be a CPU or a GPU; persons is how many the genotypes have. Close the scan when done.
func NewScan(dev *gpu.Device, s Study, persons int, o Options) (*Scan, error) {
	for _, columns := range [][][]float64{s.Traits, s.Covariates} {
		for _, c := range columns {
			if len(c) != len(s.Persons) {
				panic(fmt.Sprintf("assoc: NewScan: a column of %d values, want %d", len(c), len(s.Persons)))
			}
		}
	}
	scan := &Scan{o: o, traits: len(s.Traits), persons: persons, groups: groups(s), single: dev.Name() != "cpu"}
	for _, g := range scan.groups {
		g.index(persons)
	}
	if scan.single {
		b := scan.benchOn(dev)
		b.ask = make(chan func())
		for range runtime.GOMAXPROCS(0) {
			scan.benches = append(scan.benches, b)
		}
		return scan, nil
	}
	for range cmp.Or(dev.Threads(), runtime.GOMAXPROCS(0)) {
		alone, err := gpu.Open("cpu", gpu.Options{Threads: 1})
		if err != nil {
			scan.Close()
			return nil, err
		}
		b := scan.benchOn(alone)
		b.own = true
		scan.benches = append(scan.benches, b)
	}
	return scan, nil
}

// benchOn takes a device's memory and puts traits and covariates there.
func (s *Scan) benchOn(dev *gpu.Device) *bench {
	dtype, bytes := gpu.F64, 0
	if s.single {
		dtype = gpu.F32
	}
	for _, g := range s.groups {
		bytes += 8*(g.columns*g.width+blockVariants*(g.columns+g.width)) + 4096
	}
	b := &bench{dev: dev, arena: dev.NamedArena("association", bytes)}
	for _, g := range s.groups {
		w := b.arena.New(dtype, g.columns, g.width)
		gpu.Write(w, g.weights())
		b.w = append(b.w, w)
		b.x = append(b.x, b.arena.New(dtype, blockVariants, g.columns))
		b.p = append(b.p, b.arena.New(dtype, blockVariants, g.width))
	}
	return b
}

// Threads is how many blocks are tested at a time.
func (s *Scan) Threads() int { return len(s.benches) }

// Close gives the devices' memory back.
func (s *Scan) Close() {
	for i, b := range s.benches {
		if b.own || i == 0 {
			b.arena.Close()
		}
		if b.own {
			b.dev.Close()
		}
	}
	s.benches = nil
}

// Spare returns the covariates that add nothing to those before them, among the persons of trait t.
func (s *Scan) Spare(t int) []int { return s.groupOf(t).span.Spare }

// Persons returns how many persons have the trait and all covariates, and the rank of the covariates with the constant.
func (s *Scan) Persons(t int) (n, rank int) {
	g := s.groupOf(t)
	return len(g.rows), g.span.Rank
}

func (s *Scan) groupOf(t int) *group {
	for _, g := range s.groups {
		for _, k := range g.traits {
			if k == t {
				return g
			}
		}
	}
	panic(fmt.Sprintf("assoc: trait %d of %d", t, s.traits))
}

// A Result is of one variant and trait. Undefined are all but N and Frequency where nobody's genotype differs, where the covariates explain the genotype (less than 1e-8 of
// its sum of squares about the mean is left) and where no degree of freedom is left.
type Result struct {
	N         int     // persons
	Frequency float64 // of ALT among them
	Beta, SE  float64 // per copy of ALT, in units of the trait
	T         float64
	NegLog10P float64 // two-sided
}

// A Block is results of variants behind each other: Results[variant*traits + trait], the first being variant number First of those asked for. Text is for who makes something of
// them. All of it is overwritten by a later one.
type Block struct {
	First, Variants, Traits int
	Results                 []Result
	Text                    [][]byte
}
