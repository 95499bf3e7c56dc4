// Package synth writes a deterministic cohort whose images and genetics are linked by planted effects: input for
// a demonstration, for tests, and for judging whether a model finds what is known to be there.
//
// The folder that Write makes holds
//
//	images.tsv           person_id, image, eye, visit: one row per image
//	images/*.jpg         drawings like fundus photographs; a left eye mirrors a right one; a comment in each says so (Drawn)
//	cohort.bed .bim .fam PLINK 1 genotypes with linkage disequilibrium (or real ones, see Options.BFile)
//	pgs/NAME.sscore      one polygenic score each, in the columns of plink2
//	burden.tsv           carriers of rare variants, 0 or 1 per gene
//	covariates.tsv       age, sex and others
//	phenotypes.tsv       traits that follow what the images show; named in no section of data.toml
//	data.toml            the sources above, each in its section
//	masks.tsv            with Options.Masks: image, class, mask; where the disc and the vessels are
//	masks/CLASS/*.png    grey, 255 where the class is and 0 elsewhere
//	truth.json           which SNPs, scores, genes and covariates drive which property of the images
//
// A property of an image (the size of the optic disc, the colour of the fundus, the width of its vessels, ...) has
// a standard normal trait per person:
//
//	trait = effect*sqrt(r2)*liability + sqrt(1 - effect^2*r2)*noise
//	liability = sqrt(1-b)*polygenic + sqrt(b)*burden    or, for two of the properties, a covariate
//
// where polygenic is a standardised weighted sum of standardised allele counts, burden one of gene indicators, and
// b the property's share of burden. With effect 0 images and genetics are independent. The same Options give the
// same bytes on one processor architecture, whatever the number of threads.
package synth
