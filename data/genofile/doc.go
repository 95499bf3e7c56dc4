// Package genofile opens files of genotypes of any format that is read, which it tells by their content: PLINK 1 (.bed), PLINK 2 (.pgen), BGEN, VCF and BCF.
package genofile
