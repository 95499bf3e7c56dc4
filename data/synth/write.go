package synth

import (
	"context"
	"path/filepath"

	"contig-gpu/data/folder"
)

// Write makes the folder dir with a cohort in it. It writes beside dir and renames at the end, so that dir is there
// whole or not at all, also when ctx ends. It refuses a dir that holds anything.
func Write(ctx context.Context, dir string, o Options) (Summary, error) {
	return Into(ctx, folder.Target{Dir: dir, Kind: folder.Cohort}, o)
}

// Into is Write of a folder that may replace what is there, as t says.
func Into(ctx context.Context, t folder.Target, o Options) (s Summary, err error) {
	if err := o.Validate(); err != nil {
		return Summary{}, err
	}
	if o.BFile != "" {
		for _, suffix := range []string{".bed", ".bim", ".fam"} {
			t.Inputs = append(t.Inputs, o.BFile+suffix)
		}
	}
	if err := t.Check(); err != nil {
		return Summary{}, err
	}
	w, err := newWorld(o)
	if err != nil {
		return Summary{}, err
	}
	err = t.Publish(func(temp string) error {
		s, err = w.fill(ctx, temp)
		return err
	})
	if err != nil {
		return Summary{}, err
	}
	dir := filepath.Clean(t.Dir)
	s.Dir, s.Manifest = dir, filepath.Join(dir, "images.tsv")
	s.DataTOML, s.TruthJSON = filepath.Join(dir, "data.toml"), filepath.Join(dir, "truth.json")
	return s, nil
}

// fill writes every file of the cohort into dir.
func (w *world) fill(ctx context.Context, dir string) (Summary, error) {
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
	steps := []func() error{}
	if o.SNPs > 0 {
		s.SNPs = len(w.geno.snps)
		steps = append(steps, func() error {
			return writeGenotypes(filepath.Join(dir, "cohort"), w.geno, w.people, present(sectionSNPs))
		})
	}
	if len(w.scores) > 0 {
		steps = append(steps, func() error { return w.writeScores(filepath.Join(dir, "pgs"), present(sectionScores)) })
	}
	table := func(name string, columns []column, rows func() []int) {
		if len(columns) > 0 {
			steps = append(steps, func() error { return w.writeTable(filepath.Join(dir, name), columns, rows()) })
		}
	}
	table("burden.tsv", w.genes, func() []int { return present(sectionGenes) })
	table("covariates.tsv", w.covariates, func() []int { return present(sectionCovariates) })
	table("phenotypes.tsv", w.phenotypes(), func() []int { return everyone(len(w.people)) })
	steps = append(steps, func() error { return w.writeDataTOML(filepath.Join(dir, "data.toml")) },
		func() error { return w.writeTruth(filepath.Join(dir, "truth.json")) }, func() error { return w.writeImages(ctx, dir) })
	if o.Masks {
		steps = append(steps, func() error { return w.writeMasks(ctx, dir) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return s, err
		}
	}
	return s, nil
}

func everyone(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}
