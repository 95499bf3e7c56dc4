package decoys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/train"
)

// Options of Run.
type Options struct {
	Config  train.Config // the checkpoint's own settings, with those of this machine
	Cohort  *data.Cohort
	Sources func(*data.Cohort, train.Config) train.NewSource
	Whole   func(*data.Cohort, train.Config) (data.Source, error) // every image once, as it is: what is embedded
	Device  *gpu.Device                                           // that explains; trainings open the one of Config

	Stratum   func(person int) int // nil: one stratum
	Runs      int                  // trainings, at least 1
	Q         float64
	Seed      uint64
	Persons   []int           // explained: held-out
	Reference []int           // of training
	Units     [][]claims.Unit // per table of the cohort
	Of        explain.Of
	Settings  explain.Settings

	Temp     string // folder for the runs' folders, which are removed; "": the system's
	InitFrom string // as train.Options has it: an image encoder that has not seen these persons' genetics
	Version  string
	Memory   int
	Progress func(run int, e train.Event) // may be nil
}

// A Modality is what decoys say of one table.
type Modality struct {
	W       [][]float64 // [runs][units]
	E       []float64   // per unit: e-values; nil for one run
	Q       []float64   // per unit: the least false discovery rate at which it is claimed, 1 at most
	Claimed []int       // units, ascending
	Runs    []int       // per unit: in how many runs knockoff+ by itself selects it: a number to read, not a rule
	Decoy   []float64   // per feature: mean |A| of its decoys over runs
	Note    string      // a sentence where nothing could be claimed; "" else
}

// Run trains networks with decoys, explains each, and returns a Modality for each table. One run claims by knockoff+, several by
// e-values. When ctx ends the cause is returned, and nothing is left behind.
func Run(ctx context.Context, o Options) ([]Modality, error) {
	if o.Runs < 1 || len(o.Units) != len(o.Cohort.Tables) {
		panic(fmt.Sprintf("decoys: Run: %d runs, units of %d tables, want at least 1, and %d", o.Runs, len(o.Units), len(o.Cohort.Tables)))
	}
	w, decoy := make([][][]float64, len(o.Units)), make([][]float64, len(o.Units))
	for run := range o.Runs {
		mean, err := o.one(ctx, run)
		if err != nil {
			return nil, err
		}
		for i, m := range mean {
			w[i] = append(w[i], Statistics(m, o.Units[i]))
			decoy[i] = added(decoy[i], m[len(m)/2:], float64(o.Runs))
		}
	}
	all := make([]Modality, len(w))
	for i := range all {
		all[i] = Judge(w[i], o.Q)
		all[i].Decoy = decoy[i]
	}
	return all, nil
}

// one trains and explains run, and returns the mean |A| of each table's columns and decoys.
func (o *Options) one(ctx context.Context, run int) (mean [][]float64, err error) {
	dir, err := os.MkdirTemp(o.Temp, "decoys-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg, seed := o.Config, claims.Hash(o.Seed, uint64(run))
	cfg.Seed, cfg.Keep, cfg.CheckpointEvery = seed>>1, 0, 0 // a setting is a signed number in files
	c := Cohort(o.Cohort, seed, o.Stratum)
	t := train.Options{Config: cfg, Cohort: c, NewSource: o.Sources(c, cfg), Dir: filepath.Join(dir, "run"), InitFrom: o.InitFrom, Begin: begin,
		Version: o.Version, Memory: o.Memory}
	if o.Progress != nil {
		t.Progress = func(e train.Event) { o.Progress(run, e) }
	}
	s, err := train.Run(ctx, t)
	if errors.Is(err, train.ErrInterrupted) {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	name := "last"
	if s.BestStep > 0 {
		name = "best"
	}
	return o.explain(ctx, train.CheckpointPath(t.Dir, name), c, cfg)
}

func (o *Options) explain(ctx context.Context, path string, c *data.Cohort, cfg train.Config) ([][]float64, error) {
	precision := "f32" // attributions take no less
	if cfg.Precision == "f64" {
		precision = cfg.Precision
	}
	l, err := checkpoint.LoadIn(path, o.Device, precision)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	src, err := o.Whole(c, cfg)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	e, err := train.Embed(ctx, l, c, src)
	if err != nil {
		return nil, err
	}
	var all [][]float64
	for i, t := range c.Tables {
		_, tower := l.Objective.(*model.Model).Towers(i)
		at := func(rows [][]float32) func(int) []float32 {
			return func(person int) []float32 {
				k, _ := slices.BinarySearch(e.Persons, person)
				return rows[k]
			}
		}
		mean, err := Attribution{Device: o.Device, DType: l.DType, Tower: tower, Table: t, Persons: having(t, o.Persons), Reference: having(t, o.Reference),
			Dim: e.Dim, Image: at(e.PersonImage[i]), Genetics: at(e.PersonGenetics[i]), Tau: l.Settings.Model.Tau, Lambda: l.Settings.Model.Lambda,
			Of: o.Of, Settings: o.Settings}.MeanAbs(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, mean)
	}
	return all, nil
}

// having returns the persons who have t.
func having(t data.Table, persons []int) []int {
	return slices.DeleteFunc(slices.Clone(persons), func(p int) bool { return !t.Has(p) })
}

// added returns sum + v / n; sum may be nil.
func added(sum, v []float64, n float64) []float64 {
	if sum == nil {
		sum = make([]float64, len(v))
	}
	for j, x := range v {
		sum[j] += x / n
	}
	return sum
}

// Judge returns what the rules say of statistics w [runs][units], at least one run: a Modality without Decoy.
func Judge(w [][]float64, q float64) Modality {
	m := Modality{W: w, Runs: make([]int, len(w[0]))}
	for _, run := range w {
		for _, u := range claims.AtLeast(run, claims.KnockoffPlus(run, q)) {
			m.Runs[u]++
		}
	}
	if len(w) == 1 {
		m.Q = claims.QByKnockoff(w[0])
		m.Claimed = claims.AtLeast(w[0], claims.KnockoffPlus(w[0], q))
	} else {
		m.E = claims.EValues(w, q)
		m.Q = claims.QByE(m.E)
		m.Claimed = claims.ClaimedByE(m.E, q)
	}
	m.Note = claims.DecoyPower(len(w), len(m.Claimed), q)
	return m
}
