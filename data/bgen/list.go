package bgen

import (
	"fmt"
	"strings"

	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

// A lister lists the variants of a file.
type lister struct {
	f        *file
	r        *reader
	chrom    string // of variants that name none
	progress func(done, total int)
	multi    int // with other than two alleles, left out
	words    genotype.Words
}

// How much is read at a time where genotypes are short, and where they are long and passed over.
const (
	shortWindow = 1 << 18
	longWindow  = 1 << 12
)

// A variant as a file has it.
type variant struct {
	id, rsid, chrom string
	pos             int64
	alleles         [2]string
	count           int64 // of alleles
	span            span
}

// list reads what stands before the genotypes of every variant.
func (l *lister) list() error {
	at := l.f.head.first
	l.r.window = shortWindow
	for k := range l.f.head.variants {
		v, next, err := l.read(at)
		if err != nil {
			return err
		}
		v.span.number = int32(k + 1)
		if err := l.take(v); err != nil {
			return err
		}
		l.r.window = shortWindow
		if next-at > shortWindow/4 {
			l.r.window = longWindow
		}
		at = next
		const often = 1 << 12
		if l.progress != nil && k%often == 0 {
			l.progress(k, l.f.head.variants)
		}
	}
	if l.progress != nil {
		l.progress(l.f.head.variants, l.f.head.variants)
	}
	return nil
}

// read reads the variant at a place, and returns where the next is.
func (l *lister) read(at int64) (v variant, next int64, err error) {
	for _, dst := range []*string{&v.id, &v.rsid, &v.chrom} {
		if *dst, at, err = l.r.text(at, 2); err != nil {
			return v, 0, err
		}
	}
	if v.pos, err = l.r.u32(at); err != nil {
		return v, 0, err
	}
	if v.count, err = l.r.u16(at + 4); err != nil {
		return v, 0, err
	}
	at += 6
	for k := range v.count {
		var a string
		if a, at, err = l.r.text(at, 4); err != nil {
			return v, 0, err
		}
		if k < 2 {
			v.alleles[k] = a
		}
	}
	n, err := l.r.u32(at)
	if err != nil {
		return v, 0, err
	}
	v.span.at, v.span.bytes = at+4, uint32(n)
	if next = at + 4 + n; next > l.r.size {
		return v, 0, l.r.damaged("the BGEN ends within the genotypes of a variant", fmt.Sprintf("%d bytes", next), fmt.Sprintf("%d bytes", l.r.size))
	}
	return v, next, nil
}

// take adds a variant of two alleles.
func (l *lister) take(v variant) error {
	if v.count != 2 {
		l.multi++
		return nil
	}
	if v.rsid == "" || v.rsid == "." {
		if v.rsid = v.id; v.id == "" {
			v.rsid = "."
		}
	}
	if v.chrom == "" || v.chrom == "NA" { // as in phased haplotypes of a biobank: the ids have it
		name, _, _ := strings.Cut(strings.ReplaceAll(v.id, "_", ":"), ":")
		if l.chrom != "" {
			name = l.chrom
		} else if genome.GRCh37.Length(genome.Chromosome(name)) == 0 {
			p := l.r.damaged(fmt.Sprintf("variant %d (%s) has no chromosome, and its id does not begin with one", v.span.number, v.rsid), "a chromosome", "none")
			p.Cause, p.Fix = "a file of one chromosome that does not say which", "name it: chrom = \"N\" in data.toml; or plink2 --bgen IN ref-first --oxford-single-chr N --export bgen-1.3 ref-first --out NEW"
			return p
		}
		v.chrom = name
	}
	ref, alt := v.alleles[0], v.alleles[1]
	if l.f.refLast {
		ref, alt = alt, ref
	}
	l.f.sites = append(l.f.sites, genotype.Variant{Chrom: l.words.Chrom(v.chrom), ID: v.rsid, Pos: int(v.pos), Ref: l.words.Allele(ref), Alt: l.words.Allele(alt)})
	l.f.spans = append(l.f.spans, v.span)
	return nil
}
