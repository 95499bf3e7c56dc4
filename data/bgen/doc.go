// Package bgen reads BGEN 1.2 and 1.3 (layout 2), with ids in the file or in a .sample beside it. One pass over the file lists its variants and passes over their
// genotypes, unless a .bgi lists them; genotypes of selected variants are read from their places. Format: "The BGEN format" (v1.3), "the .sample file format" and bgenix.
package bgen
