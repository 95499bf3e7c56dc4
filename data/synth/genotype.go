package synth

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// missingCall stands in genotypes.calls for a call that was not made.
const missingCall = 3

// A snp is a row of a .bim file.
type snp struct {
	chrom, id string
	position  int    // base pairs
	a1, a2    string // a1 is counted
}

// genotypes hold copies of a1 (0, 1, 2 or missingCall): calls[snp][person].
type genotypes struct {
	snps  []snp
	calls [][]uint8
}

// A person is a row of a .fam file.
type person struct {
	fid, iid string
	sex      int // 1 male, 2 female, 0 unknown
}

func simulatePersons(o Options) []person {
	r := stream(o.Seed, "persons", 0)
	people := make([]person, o.Persons)
	for i := range people {
		id := fmt.Sprintf("S%06d", i+1)
		people[i] = person{fid: id, iid: id, sex: 1 + r.IntN(2)}
	}
	return people
}

// Blocks of linkage disequilibrium: so many SNPs, spread so far, correlated so closely along a haplotype.
const (
	blockSNPs       = 10
	blockGap        = 200_000 // base pairs between blocks
	snpGap          = 3_000   // base pairs between neighbours, at most
	betweenBlocks   = 0.15    // correlation of the latent variable from block to block
	leastCorrelated = 0.85    // and within one, at least
	chromosomes     = 22
)

// simulateGenotypes draws two haplotypes per person. An allele is present where a latent standard normal, an AR(1)
// chain along the chromosome, lies below the normal quantile of the allele's frequency.
func simulateGenotypes(o Options, count int) genotypes {
	r := stream(o.Seed, "snps", 0)
	g := genotypes{snps: make([]snp, count), calls: make([][]uint8, count)}
	threshold, corr := make([]float64, count), make([]float64, count)
	blocks := (count + blockSNPs - 1) / blockSNPs
	position, within := 1_000_000, 0.0
	for j := range g.snps {
		block := j / blockSNPs
		chrom := 1 + block*chromosomes/max(blocks, chromosomes)
		position += 1 + r.IntN(snpGap)
		corr[j] = within
		if j%blockSNPs == 0 {
			within = leastCorrelated + (0.99-leastCorrelated)*r.Float64()
			corr[j], position = betweenBlocks, position+blockGap
		}
		a1, a2 := alleles(r)
		g.snps[j] = snp{chrom: fmt.Sprint(chrom), id: fmt.Sprintf("rs%d", 1000001+j), position: position, a1: a1, a2: a2}
		threshold[j] = math.Sqrt2 * math.Erfinv(2*(0.01+0.49*beta(r, 0.7, 1.2))-1)
		g.calls[j] = make([]uint8, o.Persons)
		if j > 0 && g.snps[j-1].chrom != g.snps[j].chrom {
			corr[j] = 0
		}
	}
	for i := range o.Persons {
		hr := stream(o.Seed, "haplotypes", i)
		for range 2 {
			addHaplotype(hr, g.calls, i, threshold, corr)
		}
	}
	return g
}

func addHaplotype(r *rand.Rand, calls [][]uint8, person int, threshold, corr []float64) {
	x := 0.0
	for j := range calls {
		x = corr[j]*x + math.Sqrt(1-corr[j]*corr[j])*r.NormFloat64()
		if x < threshold[j] {
			calls[j][person]++
		}
	}
}

// alleles returns two that no change of strand confuses.
func alleles(r *rand.Rand) (string, string) {
	pairs := [...]string{"AG", "AC", "CT", "GT", "GA", "CA", "TC", "TG"}
	p := pairs[r.IntN(len(pairs))]
	return p[:1], p[1:]
}

// loseCalls sets calls missing at a rate, independently.
func (g *genotypes) loseCalls(seed uint64, rate float64) {
	for j, calls := range g.calls {
		r := stream(seed, "lost calls", j)
		for i := range calls {
			if r.Float64() < rate {
				calls[i] = missingCall
			}
		}
	}
}

// standardised returns the copies of a1 of a SNP, mean 0 and variance 1, the mean where missing; and the
// frequency of the rarer allele.
func (g *genotypes) standardised(j int) (x []float64, maf float64) {
	var sum, known float64
	for _, c := range g.calls[j] {
		if c != missingCall {
			sum += float64(c)
			known++
		}
	}
	mean := sum / max(known, 1)
	x = make([]float64, len(g.calls[j]))
	for i, c := range g.calls[j] {
		x[i] = float64(c)
		if c == missingCall {
			x[i] = mean
		}
	}
	standardise(x)
	return x, min(mean/2, 1-mean/2)
}
