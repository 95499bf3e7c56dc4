package genotype

import (
	"strings"

	"contig-gpu/data/table"
)

// Words keeps copies of the words of a list of variants, of which most are there many times: the last chromosome, and alleles of one letter.
type Words struct {
	chrom string
	store table.Store
}

// ID returns a copy of an id.
func (w *Words) ID(text string) string { return w.store.Keep(text) }

// letters are alleles of one letter, each at its own place.
const letters = "\x00ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*.-"

// Chrom returns a copy of the name of a chromosome.
func (w *Words) Chrom(text string) string {
	if text != w.chrom {
		w.chrom = strings.Clone(text)
	}
	return w.chrom
}

// Allele returns a copy of an allele. "." and "", which some formats write for one that nobody has, are Unseen.
func (w *Words) Allele(text string) string {
	switch {
	case text == "" || text == ".":
		return Unseen
	case len(text) == 1:
		if i := strings.IndexByte(letters, text[0]); i >= 0 {
			return letters[i : i+1]
		}
	}
	return w.store.Keep(text)
}
