package synth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"contig-gpu/data"
)

// Problems with the folder to write to.
const (
	codeOccupied   = 130
	codeUnwritable = 131
)

// Write makes the folder dir with a cohort in it. It writes beside dir and renames at the end, so that dir is there
// whole or not at all. It refuses a dir that holds anything.
func Write(dir string, o Options) (Summary, error) {
	if err := o.Validate(); err != nil {
		return Summary{}, err
	}
	dir = filepath.Clean(dir)
	if err := vacant(dir); err != nil {
		return Summary{}, err
	}
	w, err := newWorld(o)
	if err != nil {
		return Summary{}, err
	}
	return w.publish(dir)
}

// vacant reports a problem unless dir is missing or empty.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &data.Problem{Code: codeOccupied, File: dir, What: "cannot write a cohort here", Expected: "a new or empty folder",
			Found: "something else", Fix: "name another folder", Err: err}
	case len(entries) > 0:
		return &data.Problem{Code: codeOccupied, File: dir, What: "the folder is not empty", Expected: "a new or empty folder",
			Found: fmt.Sprintf("%d entries, %s first", len(entries), entries[0].Name()), Cause: "an earlier cohort, or the wrong folder",
			Fix: "name another folder, or remove this one"}
	}
	return nil
}

func unwritable(path string, err error) error {
	return &data.Problem{Code: codeUnwritable, File: path, What: "cannot write the cohort", Cause: "no permission, or the disk is full",
		Fix: "name a folder on another disk, or make room", Err: err}
}

// publish fills a temporary folder beside dir and gives it dir's name.
func (w *world) publish(dir string) (s Summary, err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return s, unwritable(parent, err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".tmp-")
	if err != nil {
		return s, unwritable(parent, err)
	}
	defer os.RemoveAll(temp)
	if s, err = w.fill(temp); err != nil {
		return Summary{}, unwritable(dir, err)
	}
	if err := errors.Join(os.Chmod(temp, 0o755), replaceEmpty(temp, dir)); err != nil {
		return Summary{}, unwritable(dir, err)
	}
	s.Dir, s.Manifest = dir, filepath.Join(dir, "images.tsv")
	s.DataTOML, s.TruthJSON = filepath.Join(dir, "data.toml"), filepath.Join(dir, "truth.json")
	return s, nil
}

// replaceEmpty renames from to to, which is missing or an empty folder.
func replaceEmpty(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(from, to)
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
