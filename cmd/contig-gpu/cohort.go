package main

import (
	"fmt"
	"os"
	"slices"
	"unicode/utf8"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/loader"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/loss"
	"contig-gpu/model/train"
)

// openCohort joins the files that the settings name.
func openCohort(s *settings) (*data.Cohort, error) { return cohort.Open(s.cohort()) }

// openAligned joins the files that the settings name as a trained network takes them.
func openAligned(s *settings, l *checkpoint.Loaded) (*data.Cohort, error) {
	if len(l.Objective.Tables()) == 0 {
		co, err := openCohort(s)
		return imagesOf(co), err
	}
	if s.Data == "" {
		return nil, usagef("--data is missing: the checkpoint was trained with genetics; name a data.toml, which may lack modalities")
	}
	return aligned(s.cohort(), l)
}

// openEveryone is openAligned of all persons with an image, with or without genetics; without data.toml nobody has any.
func openEveryone(s *settings, l *checkpoint.Loaded) (*data.Cohort, error) {
	o := s.cohort()
	if o.Everyone = s.Join != "inner"; len(l.Objective.Tables()) == 0 {
		o.DataTOML = ""
		co, err := cohort.Open(o)
		return imagesOf(co), err
	}
	return aligned(o, l)
}

// aligned joins files as a network takes them that was trained with genetics.
func aligned(o cohort.Options, l *checkpoint.Loaded) (*data.Cohort, error) {
	var modalities []string
	for _, known := range l.Objective.Tables() {
		modalities = append(modalities, known.Name)
	}
	o.Stats = l.Stats
	return cohort.OpenAligned(o, modalities)
}

func (s *settings) cohort() cohort.Options {
	keepWithinMemory(1) // also while tables are read: what lines leave behind would be as much again
	return cohort.Options{Manifest: s.Images, ImageRoot: s.ImageRoot, DataTOML: s.Data, Join: s.Join, Seed: s.Seed, Memory: memory(), Progress: genotypeProgress()}
}

// genotypeProgress shows on the standard error how far genotypes are read, of what takes more than two seconds.
func genotypeProgress() func(done, total int, things string) {
	var line *progress.Line
	return func(done, total int, things string) {
		if line == nil {
			line = progress.New(os.Stderr)
		}
		line.Count(done, total, things)
		if done == total {
			line.Done()
			line = nil
		}
	}
}

// hostMemory returns the bytes that a training has, 0 where the system does not tell: what is free, and what the tables hold already.
func hostMemory(c *data.Cohort) int {
	free := int(memory())
	if free == 0 {
		return 0
	}
	return free + c.TableBytes()
}

// cacheShare is the part of the free memory that decoded images may take at most.
const cacheShare = 8

// sources returns what opens the batches of a split.
func sources(c *data.Cohort, cfg train.Config) train.NewSource { return sourcesBut(c, cfg, nil) }

// sourcesBut is sources that know of broken images.
func sourcesBut(c *data.Cohort, cfg train.Config, bad *loader.Bad) train.NewSource {
	return func(f train.Feed) (data.Source, error) {
		o := loaderOptions(cfg, f)
		o.Bad = bad
		if f.NoTables {
			return loader.New(imagesOf(c), o)
		}
		return loader.New(c, o)
	}
}

// imagesOf returns the cohort without its tables.
func imagesOf(c *data.Cohort) *data.Cohort {
	if c == nil {
		return nil
	}
	images := *c
	images.Tables = nil
	return &images
}

// loaderOptions says how the batches of a split are made.
func loaderOptions(cfg train.Config, f train.Feed) loader.Options {
	o := loader.Options{Split: f.Split, Batch: cfg.Batch, Size: cfg.ImageSize, Fit: cfg.Fit, Raw: f.Raw, Views: f.Views, Seed: cfg.Seed, Workers: cfg.Workers, Rank: f.Rank, Ranks: f.Ranks,
		OneImagePerGroup: cfg.Model.Pairs == loss.AvoidName}
	if f.Train {
		o.CacheBytes = min(loader.DefaultCacheBytes, memory()/cacheShare/int64(max(1, f.Ranks))) // 0, the default, where memory is not known
		o.Shuffle = cfg.Shuffle
	}
	if cfg.Augment && (f.Train || f.Views > 1) {
		o.Augment = cfg.Augmentation
	}
	return o
}

// joinFor returns joinTable as it fits so many columns, or, where it does not, a line for each number; 0 columns are as many as it takes.
func joinFor(c *data.Cohort, columns int) []string {
	lines := joinTable(c)
	if columns <= 0 || !slices.ContainsFunc(lines, func(l string) bool { return utf8.RuneCountInString(l) >= columns }) {
		return lines
	}
	var heads []string
	for _, t := range c.Tables {
		heads = append(heads, t.Name())
	}
	var out []string
	for _, s := range []data.Split{data.Train, data.Validation, data.Test} {
		persons, images, has := joinCounts(c, func(p data.Person) bool { return p.Split == s })
		out = append(out, fmt.Sprintf("%s: %d persons, %d images", s, persons, images))
		for i, n := range has {
			out = append(out, fmt.Sprintf("  %s: %d", heads[i], n))
		}
	}
	out = append(out, "features:")
	for i, t := range c.Tables {
		out = append(out, fmt.Sprintf("  %s: %d", heads[i], t.Stats().Width()))
	}
	return out
}

// joinTable returns counts of persons and images, for each split and modality; no ids.
func joinTable(c *data.Cohort) []string {
	head := fmt.Sprintf("%-12s %9s %9s", "", "persons", "images")
	for _, t := range c.Tables {
		head += fmt.Sprintf(" %12s", t.Name())
	}
	lines := []string{head}
	for _, s := range []data.Split{data.Train, data.Validation, data.Test} {
		lines = append(lines, joinRow(c, s.String(), func(p data.Person) bool { return p.Split == s }))
	}
	lines = append(lines, joinRow(c, "all", func(data.Person) bool { return true }))
	width := fmt.Sprintf("%-12s %9s %9s", "features", "", "")
	for _, t := range c.Tables {
		width += fmt.Sprintf(" %12d", t.Stats().Width())
	}
	return append(lines, width)
}

// joinCounts counts the persons and images that are in something, and the persons of each modality.
func joinCounts(c *data.Cohort, in func(data.Person) bool) (persons, images int, has []int) {
	has = make([]int, len(c.Tables))
	for i, p := range c.Persons {
		if !in(p) {
			continue
		}
		persons, images = persons+1, images+len(p.Images)
		for j, t := range c.Tables {
			if t.Has(i) {
				has[j]++
			}
		}
	}
	return persons, images, has
}

func joinRow(c *data.Cohort, name string, in func(data.Person) bool) string {
	persons, images, has := joinCounts(c, in)
	line := fmt.Sprintf("%-12s %9d %9d", name, persons, images)
	for _, n := range has {
		line += fmt.Sprintf(" %12d", n)
	}
	return line
}
