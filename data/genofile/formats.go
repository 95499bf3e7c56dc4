package genofile

import (
	"os"
	"path/filepath"
	"strings"

	"contig-gpu/data/bgen"
	"contig-gpu/data/genotype"
	"contig-gpu/data/pgen"
	"contig-gpu/data/plink"
	"contig-gpu/data/vcf"
)

// formats in the order in which files of one prefix are looked for.
func formats() []format { return []format{bed(), pgenFormat(), bgenFormat(), vcfFormat(), bcfFormat()} }

// begins returns a test of the first bytes.
func begins(with ...string) func(head []byte) bool {
	return func(head []byte) bool {
		for _, w := range with {
			if strings.HasPrefix(string(head), w) {
				return true
			}
		}
		return false
	}
}

// plinkMagic is what both PLINK formats begin with; the byte after it tells them apart.
const plinkMagic = "\x6c\x1b"

func bed() format {
	return format{word: "bed", ends: []string{".bed"}, is: begins(plinkMagic+"\x01", plinkMagic+"\x00"), open: openBed}
}

// openBed opens a .bed, also as plink2 takes it: with a .pvar and .psam beside it.
func openBed(path string, o Options) (genotype.File, error) {
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	if !strings.HasSuffix(path, ".bed") && there(path) || there(path) && !there(stem+".bim") && !there(stem+".fam") && there(stem+".psam") {
		return pgen.Open(path, o.Faults)
	}
	return plink.Genotypes(path, o.Faults)
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func pgenFormat() format {
	return format{word: "pgen", ends: []string{".pgen"}, is: func(head []byte) bool { return begins(plinkMagic)(head) && !bed().is(head) },
		open: func(path string, o Options) (genotype.File, error) { return pgen.Open(path, o.Faults) }}
}

// bgenMagicAt is where a BGEN says that it is one; its first bytes are lengths.
const bgenMagicAt = 16

func bgenFormat() format {
	return format{word: "bgen", ends: []string{".bgen"}, is: func(head []byte) bool { return len(head) > bgenMagicAt && begins("bgen")(head[bgenMagicAt:]) },
		open: func(path string, o Options) (genotype.File, error) {
			return bgen.Open(path, bgen.Options{RefLast: o.RefLast, Sample: o.Sample, Chrom: o.Chroms[0], Faults: o.Faults, Progress: o.Progress})
		}}
}

func vcfFormat() format {
	return format{word: "vcf", ends: []string{".vcf.gz", ".vcf", ".vcf.bgz"}, is: begins("##fileformat=VCF", "#CHROM\tPOS"), open: openVCF}
}

func bcfFormat() format {
	return format{word: "bcf", ends: []string{".bcf"}, is: begins("BCF\x02"), open: openVCF}
}

func openVCF(path string, o Options) (genotype.File, error) {
	return vcf.Open(path, vcf.Options{Regions: o.Regions, Faults: o.Faults, Progress: o.Progress})
}
