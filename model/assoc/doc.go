// Package assoc tests genetic variants for association with features: principal components of the features, inverse normal transform and
// residuals, the linear model of every variant with every trait, the smallest P over traits, inflation, and clumping by linkage
// disequilibrium.
//
// Traits and covariates are in units of the caller; genotypes are copies of ALT, 0 to 2. P is carried as -log10 P, so that it is told apart
// down to 10^-4000 and beyond. What is undefined is NaN. All is computed in float64 on the CPU; on a GPU the products of genotypes with traits
// and covariates are float32 (see Scan).
package assoc
