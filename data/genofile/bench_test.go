package genofile

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"contig-gpu/data/genotype"
)

// BenchmarkEvery opens the file $CONTIG_BENCH_GENOTYPES and keeps every 100th variant of all persons, in the bits that a cohort keeps; then it
// also makes float32 features of them: [persons, variants].
func BenchmarkEvery(b *testing.B) {
	b.Run("bits", func(b *testing.B) { every(b, false) })
	b.Run("float32", func(b *testing.B) { every(b, true) })
}

func every(b *testing.B, decode bool) {
	path := os.Getenv("CONTIG_BENCH_GENOTYPES")
	if path == "" {
		b.Skip("CONTIG_BENCH_GENOTYPES names no file to be read: scripts/bench_genotypes.py sets it")
	}
	for b.Loop() {
		set, err := Open([]string{path}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		const step = 100
		variants, persons := set.Every(step, true, set.All()), make([]int, len(set.People))
		for i := range persons {
			persons[i] = i
		}
		p, err := genotype.Read(b.Context(), set, variants, persons, false, nil)
		if err != nil {
			b.Fatal(err)
		}
		if !decode {
			continue
		}
		columns, lines := make([]int32, len(variants)), make([]genotype.Line, len(variants))
		for j := range lines {
			columns[j], lines[j] = int32(j), genotype.Line{Code: [4]float32{0, 1, 2, -1}, Scale: 1}
		}
		dst := make([]float32, len(variants)*len(persons))
		var wait sync.WaitGroup
		workers := runtime.GOMAXPROCS(0)
		for w := range workers {
			wait.Go(func() {
				for i := w; i < len(persons); i += workers {
					p.Decode(dst[i*len(variants):(i+1)*len(variants)], i, columns, lines)
				}
			})
		}
		wait.Wait()
	}
}
