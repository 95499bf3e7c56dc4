package synth

import (
	"errors"
	"os"
	"path/filepath"

	"contig-gpu/data/folder"
)

// Write makes the folder dir with a cohort in it. It writes beside dir and renames at the end, so that dir is there
// whole or not at all. It refuses a dir that holds anything.
func Write(dir string, o Options) (Summary, error) {
	if err := folder.Vacant(dir); err != nil {
		return Summary{}, err
	}
	return Overwrite(dir, o)
}

// Overwrite is Write, in the place of whatever is at dir.
func Overwrite(dir string, o Options) (s Summary, err error) {
	if err := o.Validate(); err != nil {
		return Summary{}, err
	}
	w, err := newWorld(o)
	if err != nil {
		return Summary{}, err
	}
	err = folder.Publish(dir, func(temp string) error {
		s, err = w.fill(temp)
		return errors.Join(err, os.Chmod(temp, 0o755))
	})
	if err != nil {
		return Summary{}, err
	}
	dir = filepath.Clean(dir)
	s.Dir, s.Manifest = dir, filepath.Join(dir, "images.tsv")
	s.DataTOML, s.TruthJSON = filepath.Join(dir, "data.toml"), filepath.Join(dir, "truth.json")
	return s, nil
}

// fill writes every file of the cohort into dir.
func (w *world) fill(dir string) (Summary, error) {
	o := w.o
	s := Summary{Persons: len(w.people), Images: len(w.people) * o.ImagesPerPerson, Scores: len(w.scores),
		Genes: len(w.genes), Covariates: len(w.covariates), With: map[string]int{}}
	present := func(section string) []int {
		var rows []int
		for i, gone := range absent(o.Seed, section, len(w.people), o.Missing[section]) {
			if !gone {
				rows = append(rows, i)
			}
		}
		s.With[section] = len(rows)
		return rows
	}
	var err error
	if o.SNPs > 0 {
		s.SNPs = len(w.geno.snps)
		err = writeGenotypes(filepath.Join(dir, "cohort"), w.geno, w.people, present(sectionSNPs))
	}
	if len(w.scores) > 0 {
		err = errors.Join(err, w.writeScores(filepath.Join(dir, "pgs"), present(sectionScores)))
	}
	if len(w.genes) > 0 {
		err = errors.Join(err, w.writeTable(filepath.Join(dir, "burden.tsv"), w.genes, present(sectionGenes)))
	}
	if len(w.covariates) > 0 {
		err = errors.Join(err, w.writeTable(filepath.Join(dir, "covariates.tsv"), w.covariates, present(sectionCovariates)))
	}
	return s, errors.Join(err, w.writeTable(filepath.Join(dir, "phenotypes.tsv"), w.phenotypes(), everyone(len(w.people))),
		w.writeDataTOML(filepath.Join(dir, "data.toml")), w.writeTruth(filepath.Join(dir, "truth.json")), w.writeImages(dir))
}

func everyone(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
