package assoc

import (
	"context"
	"fmt"
	"runtime"
	"sync"

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
// all sums that no missing genotype changes; the others are corrected. The degrees of freedom are persons less the rank of the model. On the CPU all is
// float64; on a GPU the products are float32, which moves t by up to 1e-5 or so, and sums that would cancel are taken on the host.
type Scan struct {
	dev     *gpu.Device
	o       Options
	traits  int
	persons int // of the genotypes
	groups  []*group
	arena   *gpu.Arena
	x, p    []gpu.Tensor // by group: genotypes and products of a block
	threads int
	single  bool // the device computes in float32
}

// NewScan prepares the test of a study. dev must be a CPU or a GPU; persons is how many the genotypes have. Close the scan when done.
func NewScan(dev *gpu.Device, s Study, persons int, o Options) *Scan {
	for _, columns := range [][][]float64{s.Traits, s.Covariates} {
		for _, c := range columns {
			if len(c) != len(s.Persons) {
				panic(fmt.Sprintf("assoc: NewScan: a column of %d values, want %d", len(c), len(s.Persons)))
			}
		}
	}
	scan := &Scan{dev: dev, o: o, traits: len(s.Traits), persons: persons, groups: groups(s), threads: dev.Threads(), single: dev.Name() != "cpu"}
	if scan.threads == 0 {
		scan.threads = runtime.GOMAXPROCS(0)
	}
	scan.reserve()
	return scan
}

func (s *Scan) dtype() gpu.DType {
	if s.single {
		return gpu.F32
	}
	return gpu.F64
}

// reserve takes the device's memory and puts traits and covariates there.
func (s *Scan) reserve() {
	bytes := 0
	for _, g := range s.groups {
		g.index(s.persons)
		bytes += 8*(g.columns*g.width+blockVariants*(g.columns+g.width)) + 4096
	}
	s.arena = s.dev.NamedArena("association", bytes)
	for _, g := range s.groups {
		g.w = s.arena.New(s.dtype(), g.columns, g.width)
		gpu.Write(g.w, g.weights())
		s.x = append(s.x, s.arena.New(s.dtype(), blockVariants, g.columns))
		s.p = append(s.p, s.arena.New(s.dtype(), blockVariants, g.width))
	}
}

// Close gives the device's memory back.
func (s *Scan) Close() { s.arena.Close() }

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

// A Block is results of variants behind each other: Results[variant*traits + trait], the first being variant number First of those asked for. It is
// overwritten by the one after the next.
type Block struct {
	First, Variants, Traits int
	Results                 []Result
}

// Run tests the given variants of the source, which ascend, and hands the results over in their order, one block after the other, while the next is tested. Memory: two blocks.
func (s *Scan) Run(ctx context.Context, src Source, variants []int, emit func(b Block) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	full, empty := make(chan *calls, 1), make(chan *calls, 2)
	tested, free := make(chan Block, 1), make(chan []Result, 2)
	for range 2 {
		empty <- newCalls(s.persons)
		free <- make([]Result, blockVariants*s.traits)
	}
	var wg sync.WaitGroup
	var read, wrote error
	wg.Go(func() {
		defer close(full)
		read = deal(ctx, src, variants, empty, full)
	})
	wg.Go(func() {
		for b := range tested {
			if wrote == nil {
				if wrote = emit(b); wrote != nil {
					cancel(wrote)
				}
			}
			free <- b.Results[:cap(b.Results)]
		}
	})
	err := s.testAll(full, empty, variants, tested, free)
	cancel(err)
	close(tested)
	for range full {
	}
	wg.Wait()
	for _, e := range []error{wrote, err, read} {
		if e != nil {
			return e
		}
	}
	return nil
}

// testAll tests blocks as they come.
func (s *Scan) testAll(full <-chan *calls, empty chan<- *calls, variants []int, tested chan<- Block, free <-chan []Result) error {
	for c := range full {
		n, first, results := c.n, c.first, <-free
		for i, g := range s.groups {
			s.test(c, i, g, variants, results)
		}
		if err := s.dev.Sync(); err != nil {
			return err
		}
		empty <- c
		tested <- Block{First: first, Variants: n, Traits: s.traits, Results: results[:n*s.traits]}
	}
	return nil
}

// each calls f for every variant of a block, on all threads.
func (s *Scan) each(n int, f func(thread, v int)) {
	const strip = 8
	var wg sync.WaitGroup
	next := make(chan int, (n+strip-1)/strip)
	for lo := 0; lo < n; lo += strip {
		next <- lo
	}
	close(next)
	for t := range s.threads {
		wg.Go(func() {
			for lo := range next {
				for v := lo; v < min(n, lo+strip); v++ {
					f(t, v)
				}
			}
		})
	}
	wg.Wait()
}
