// Package pgs computes polygenic scores of genotypes: it reads scoring files, as the PGS Catalog gives them or as lines of id, allele and
// weight, matches their rows with the variants that there are, and sums weights times dosages in one pass over the genotypes.
//
// Sources: the PGS Catalog's description of its scoring files (format 2.0) and harmonised files; the order of matches and what is left out as pgsc_calc
// has them; the arithmetic, the treatment of missing genotypes among it, as plink2 --score has it.
package pgs
