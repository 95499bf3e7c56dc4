// Package genome knows where things lie on the human genome: names and lengths of chromosomes in two builds, tables of genes,
// and tables that give features the names of traits. It reads what people have: BED, GTF, or a table with a header.
package genome
