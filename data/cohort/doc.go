// Package cohort joins images with genetics: it reads the manifest (images.tsv) and data.toml, joins on ids as strings,
// splits persons, and fits the statistics of every feature on training persons only.
//
//	c, err := cohort.Open(cohort.Options{Manifest: "images.tsv", DataTOML: "data.toml"})
//
// A section of data.toml becomes a modality by its keys, whatever its name: files (PLINK 1 filesets), sscore (plink2
// scores) or table (a wide table). The modalities stand in the order of the file. Open does all of the validation but the
// decoding of images.
package cohort
