// Package claims has the rules by which numbers of units become discoveries, as pure functions: Benjamini-Hochberg of
// p-values, the paired one-sided t-test of held-out persons, knockoff+ and e-values of units that compete with decoys,
// residual exchange for correlated units; and what the rules are about: units (features, blocks of linkage
// disequilibrium, genes, named groups) and donors (who gives whom values).
//
// Each rule answers a question of its own, which a list of discoveries must name. The held-out test asks whether a
// finished model uses a unit: whether exchanging it makes the match of new persons worse. Decoys ask whether image and
// unit are associated given the strata. Residual exchange asks whether a unit adds to all other features. None says
// that a unit is a cause.
package claims
