// Package vcf reads genotypes of VCF, plain or compressed, and BCF: dosages (DS, HDS, GP) where a person has one, else calls (GT). A first pass lists the variants; selected ones are
// then read from their places, but in a gzip file that is no BGZF, which is read through. Formats: the VCF 4.3 specification, with BCF 2.2, and the SAM specification for BGZF.
package vcf
