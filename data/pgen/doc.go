// Package pgen reads PLINK 2 filesets: .pgen, .pvar (plain or compressed) and .psam, or a .bim and a .fam in their place. Rows of selected variants are read from their
// places in the .pgen; of dosages, those of ALT are read, phase is passed over. Format: the draft specification of the .pgen format, and "PLINK 2 file formats".
package pgen
