package main

import (
	"fmt"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/loader"
	"contig-gpu/model/train"
)

// validateData checks the settings that openCohort takes.
func validateData(v config.Values) error {
	if j := v.Text("join"); j != "outer" && j != "inner" {
		return usagef("--join %q: outer and inner are known", j)
	}
	if v.Int("seed") < 0 {
		return usagef("--seed must not be negative")
	}
	return nil
}

// openCohort joins the files that the settings name.
func openCohort(v config.Values, stats map[string]*data.Stats) (*data.Cohort, error) {
	if err := validateData(v); err != nil {
		return nil, err
	}
	keepWithinMemory() // also while tables are read: what lines leave behind would be as much again
	return cohort.Open(cohort.Options{Manifest: v.Text("images"), ImageRoot: v.Text("image-root"), DataTOML: v.Text("data"),
		Join: v.Text("join"), Seed: uint64(v.Int("seed")), Stats: stats, Memory: memory()})
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
func sources(c *data.Cohort, cfg train.Config) train.NewSource {
	return func(f train.Feed) (data.Source, error) {
		o := loader.Options{Split: f.Split, Batch: cfg.Batch, Size: cfg.ImageSize, Raw: f.Raw, Seed: cfg.Seed, Workers: cfg.Workers, Recipe: cfg.Recipe, OneImagePerPerson: cfg.Model.Pairs == "avoid",
			OneImagePerGroup: cfg.Model.Pairs == "avoid"}
		if f.Train {
			o.CacheBytes = min(loader.DefaultCacheBytes, memory()/cacheShare) // 0, the default, where memory is not known
			o.Shuffle, o.Augment = cfg.Shuffle, cfg.Augment
		}
		return loader.New(c, o)
	}
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

func joinRow(c *data.Cohort, name string, in func(data.Person) bool) string {
	persons, images, has := 0, 0, make([]int, len(c.Tables))
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
	line := fmt.Sprintf("%-12s %9d %9d", name, persons, images)
	for _, n := range has {
		line += fmt.Sprintf(" %12d", n)
	}
	return line
}
