package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/decoys"
	"contig-gpu/model/explain/rank"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"
)

// nullDecoys is the null hypothesis of claims by decoys.
const nullDecoys = "Null hypothesis: image and group are independent given all other groups, inside of the strata. Networks are trained anew with a decoy of every feature, another person's values; " +
	"a group is claimed where its largest mean |A| exceeds its decoy's by more than chance (knockoff+ of one run, e-values of several)."

// claim trains networks with decoys where that is asked for.
func (e *explanation) claim(ctx context.Context) error {
	if e.set.Decoys == 0 {
		return nil
	}
	cfg := newSettings(setting.Default).training() // what checkpoints do not keep: this machine's
	if err := e.net.DecodeConfig(&cfg); err != nil {
		return err
	}
	cfg.Device, cfg.Threads = e.set.Device, e.set.Threads
	co := *e.cohort
	co.Tables = nil
	var units [][]claims.Unit
	for _, p := range e.parts {
		co.Tables, units = append(co.Tables, p.table), append(units, p.units)
	}
	o := decoys.Options{Config: cfg, Cohort: &co, Sources: sources, Device: e.dev, Runs: e.set.Decoys, Q: e.set.FDR, Seed: e.set.Seed, Persons: e.persons, Reference: e.reference, Units: units,
		Of: e.set.of, Settings: e.set.attribution(e.budget()), Temp: e.work.dir, Version: version, Memory: hostMemory(&co),
		Whole: func(c *data.Cohort, cfg train.Config) (data.Source, error) {
			return loader.New(c, loader.Options{Whole: true, Batch: cfg.Batch, Size: cfg.ImageSize, Fit: cfg.Fit, Raw: e.dev.Async()})
		},
		Progress: func(run int, v train.Event) {
			if v.Kind == train.Stepped {
				e.line.Step(v.Step, v.Total, fmt.Sprintf("training %d of %d with decoys  loss %.4f", run+1, e.set.Decoys, v.Loss))
			}
		}}
	if e.strata != nil {
		o.Stratum = e.stratumOf
	}
	all, err := decoys.Run(ctx, o)
	for i := range all {
		e.parts[i].decoys = &all[i]
	}
	return err
}

// stratumOf returns the stratum of a person; those without share one of their own.
func (e *explanation) stratumOf(person int) int {
	if s, ok := e.strata[person]; ok {
		return s
	}
	return -1
}

// decoyOf returns the mean |A| of a feature's decoy, "NA" where there is none.
func (p *part) decoyOf(j int) string {
	if p.decoys == nil {
		return "NA"
	}
	return decimal(p.decoys.Decoy[j])
}

// decoyOfUnit returns the largest of its features'.
func (p *part) decoyOfUnit(u int) string {
	if p.decoys == nil {
		return "NA"
	}
	return decimal(claims.Largest(p.decoys.Decoy, p.units[u:u+1])[0])
}

// writeDecoys writes <modality>.decoys.tsv: groups by what decoys say of them, the surest first.
func (p *part) writeDecoys(dir string) error {
	path := filepath.Join(dir, url.PathEscape(p.name)+".decoys.tsv")
	if p.decoys == nil {
		return nil
	}
	certain := make([]float64, len(p.units))
	for u, q := range p.decoys.Q {
		certain[u] = -q
	}
	lines := [][]string{{"group", "features", "mean_w", "runs_claimed", "runs", "q"}}
	for _, u := range rank.Largest(certain) {
		w := 0.0
		for _, run := range p.decoys.W {
			w += run[u] / float64(len(p.decoys.W))
		}
		lines = append(lines, []string{p.units[u].Name, strconv.Itoa(len(p.units[u].Features)), decimal(w), strconv.Itoa(p.decoys.Runs[u]), strconv.Itoa(len(p.decoys.W)), decimal(p.decoys.Q[u])})
	}
	return writePublic(path, lines)
}

// removeTemp removes what trainings with decoys that were killed have left in the working folder.
func (w *work) removeTemp() error {
	left, err := filepath.Glob(filepath.Join(data.Literal(w.dir), "decoys-*"))
	for _, f := range left {
		if err := os.RemoveAll(f); err != nil {
			return err
		}
	}
	return err
}
