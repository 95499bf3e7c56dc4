// Package plink reads PLINK 1 filesets (.bed, .bim, .fam). Only the rows of selected variants are read from a
// .bed; they are kept person by person, two bits a genotype, in the codes of the file:
//
//	0 two copies of A1    1 missing    2 one copy    3 none
//
// Nothing is assumed of A1: whoever uses the codes says which allele is counted. Format: the PLINK 1.9
// reference, "PLINK 1 binary biallelic genotype table".
package plink
