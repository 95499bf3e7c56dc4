// Package genotype says what genotypes are, whatever file they come from: persons, variants, and rows of calls or dosages that are
// streamed variant by variant. Formats implement File; a Set is one or more files of the same persons. What is kept of them is Packed:
// person by person, two bits a hard call and two bytes a dosage.
//
// Calls and dosages count the allele ALT. Which allele is a feature's is for whoever uses them to say.
package genotype
