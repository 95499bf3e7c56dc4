// Package burden sums rare variants gene by gene: it reads annotations, sets and masks as regenie has them, group files of SAIGE-GENE and SetID files of SKAT, and
// makes of each gene, mask and limit of the allele frequency one column, a value each person.
//
// Sources: regenie's documentation of gene-based testing (files, rules, names of masks); SAIGE-GENE's of its group file; SKAT's of its SetID file.
package burden
