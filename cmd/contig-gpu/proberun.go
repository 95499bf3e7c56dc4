package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	emb "contig-gpu/data/embedded"
	"contig-gpu/data/label"
	"contig-gpu/gpu"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
	"contig-gpu/model/probe"

	"github.com/urfave/cli/v2"
)

// codeSplit is the number of splits that leave nothing to fit on or to be told of.
const codeSplit = 1014

// A probing is one call of probe.
type probing struct {
	c      *cli.Context
	set    *probeSettings
	line   *progress.Line
	dev    *gpu.Device // the CPU, of the fits
	labels *label.Table
	notes  []string

	first *features        // that the others are compared with
	task  *downstream.Task // of the rows below
	rows  []int            // of first: those with a label, in its order
	split []string         // of each of them: train, validation, test
	how   string           // where the splits come from

	trained string // finetune: how; "" where probes are fitted

	found   []*outcome   // by fraction, of the first encoder
	against []comparison // by other encoder
}

// An outcome is what one fit came to.
type outcome struct {
	fraction   float64
	persons    int // fitted on
	fitted     int // rows
	undefined  string
	notes      []string
	test       scored
	validation scored
	chosen     []float64
}

// scored is a split with what is predicted and measured of it.
type scored struct {
	task    *downstream.Task
	rows    []int // of probing.rows
	pred    *downstream.Predictions
	metrics []measure.Metric
	results []measure.Result
	units   *measure.Units
}

// A comparison is another encoder on the same persons.
type comparison struct {
	name  string
	found *outcome
	diff  []measure.Result // first less other
}

func runProbe(c *cli.Context, s *probeSettings) error {
	if err := s.folder.Check(); err != nil {
		return err
	}
	p := &probing{c: c, set: s, line: progress.New(c.App.ErrWriter)}
	defer p.line.Done()
	var err error
	if p.dev, err = probe.OpenDevice(s.threads); err != nil {
		return err
	}
	defer p.dev.Close()
	if p.labels, err = label.Read(s.labels); err != nil {
		return err
	}
	keepWithinMemory(1)
	if p.first, err = p.open(c.Context, firstOf(s)); err != nil {
		return err
	}
	defer p.first.close()
	if err := p.join(); err != nil {
		return err
	}
	if err := p.splitRows(); err != nil {
		return err
	}
	if err := p.fitAll(c.Context); err != nil {
		return err
	}
	p.line.Done()
	p.remarks()
	if err := s.folder.Publish(p.write); err != nil {
		return err
	}
	return p.conclude()
}

func firstOf(s *probeSettings) string {
	if s.features != "" {
		return s.features
	}
	return s.checkpoint
}

// open opens the features that a word names.
func (p *probing) open(ctx context.Context, which string) (*features, error) {
	if isFeatures(which) || p.set.features == which && which != "" {
		return folderFeatures(which, p.labels.ByImage)
	}
	base := p.set.checkpoint
	if p.set.cohort.Images == "" {
		return nil, usagef("probe: --against %.200s: it needs --images, and random and weights of other programs also --checkpoint, whose network they take", which)
	}
	if base == "" {
		base = which
	}
	if which == randomWord && p.set.checkpoint == "" {
		return nil, usagef("probe: --against random needs --checkpoint, whose network it takes")
	}
	return embedWith(ctx, p.set, which, base, p.labels.ByImage, p.line)
}

// say prints a line, and note one that the report shows too.
func (p *probing) say(format string, a ...any) { p.line.Print(fmt.Sprintf(format, a...)) }

func (p *probing) note(format string, a ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, a...))
	p.say(format, a...)
}

// join makes the task of the rows that have a label.
func (p *probing) join() error {
	names, err := p.labels.Columns(p.set.target)
	if err != nil {
		return err
	}
	at, strangers, err := p.labels.Join(p.first.rows)
	if err != nil {
		return err
	}
	whole, err := p.wholeTask(names, at)
	if err != nil {
		return err
	}
	unlabelled := 0
	for i := range at {
		if at[i] >= 0 && whole.Labelled(i) {
			p.rows = append(p.rows, i)
		} else {
			unlabelled++
		}
	}
	ids, images := p.first.rows.IDs, p.first.rows.Images // in an order of their own, so that the order in files changes no sum
	slices.SortStableFunc(p.rows, func(a, b int) int {
		if images != nil && ids[a] == ids[b] {
			return cmp.Compare(images[a], images[b])
		}
		return cmp.Compare(ids[a], ids[b])
	})
	p.task = whole.Some(p.rows)
	if strangers > 0 {
		p.note("%d rows of labels are of nobody in the features and are left out.", strangers)
	}
	if unlabelled > 0 {
		p.note("%d rows of features have no label and are left out.", unlabelled)
	}
	return nil
}

// wholeTask is the task of all rows of the features.
func (p *probing) wholeTask(names []string, at []int) (*downstream.Task, error) {
	t := &downstream.Task{Kind: downstream.Kind(p.set.task), Names: names, Person: p.first.rows.IDs}
	if p.set.task == "auto" {
		task, why := p.labels.Task(names[0])
		if t.Kind = downstream.Kind(task); task == "classes" && len(names) > 1 {
			t.Kind, why = downstream.Labels, "several columns"
		}
		p.note("%s: taken for %s, found: %s (--task states another).", names[0], t.Kind, why)
	}
	k := len(names)
	switch t.Kind {
	case downstream.Traits:
		v, err := p.labels.Traits(names)
		if err != nil {
			return nil, err
		}
		t.Trait = spread(v, at, k, nan())
	case downstream.Labels:
		has, known, err := p.labels.Labels(names)
		if err != nil {
			return nil, err
		}
		t.Has, t.Known = spread(has, at, k, false), spread(known, at, k, false)
	default:
		if k > 1 {
			return nil, usagef("%s: --task %s predicts one column, found %d: %.200v", p.set.verb, t.Kind, k, names)
		}
		c, err := p.labels.Classes(names[0], t.Kind == downstream.Ordinal)
		if err != nil {
			return nil, err
		}
		p.note("%s: %d %s, %s.", names[0], len(c.Names), map[bool]string{true: "grades", false: "classes"}[t.Kind == downstream.Ordinal], c.How)
		t.Names, t.Class = c.Names, spread(c.Of, at, 1, -1)
	}
	return t, nil
}

// spread returns k values for each row of the features, of its row of labels; absent where it has none.
func spread[T any](v []T, at []int, k int, absent T) []T {
	out := make([]T, 0, len(at)*k)
	for _, i := range at {
		if i < 0 {
			out = append(out, slices.Repeat([]T{absent}, k)...)
			continue
		}
		out = append(out, v[i*k:(i+1)*k]...)
	}
	return out
}

// splitRows says which rows are fitted on, which are for comparing probes, and which are told of.
func (p *probing) splitRows() error {
	var tried []string
	for _, way := range []struct {
		word string
		of   func() []string
	}{{"labels", p.labelSplit}, {"run", p.runSplit}, {"random", p.randomSplit}} {
		if p.set.split != "auto" && p.set.split != way.word {
			continue
		}
		split := way.of()
		if split == nil {
			tried = append(tried, way.word+": none")
			continue
		}
		if why := p.unusable(split); why != "" {
			tried = append(tried, way.word+": "+why)
			continue
		}
		p.split, p.how = split, way.word
		p.note("split: %s; %s", map[string]string{"labels": "the column split of the labels", "run": "that of the run", "random": fmt.Sprintf("%v of the persons, drawn by their ids and seed %d", p.set.shares, p.set.cohort.Seed)}[way.word], p.counted())
		return p.oneSplitEach()
	}
	return &data.Problem{Code: codeSplit, File: p.set.labels, What: "no split has training and test rows for the task", Expected: "training rows of two classes or more, and test rows", Found: fmt.Sprint(tried),
		Cause: "few labels, labels of one split alone, or of one class", Fix: "--split random, a column split in the labels, or more labels"}
}

// unusable says why a split is of no use, "" where it is.
func (p *probing) unusable(split []string) string {
	train, test := indices(split, emb.Train), indices(split, emb.Test)
	switch {
	case len(train) == 0:
		return "no training row has a label"
	case len(test) == 0:
		return "no test row has a label"
	}
	if why := p.task.Fittable(train); why != "" {
		return "training rows: " + why
	}
	return ""
}

func indices(split []string, word string) (out []int) {
	for i, s := range split {
		if s == word {
			out = append(out, i)
		}
	}
	return out
}

func (p *probing) labelSplit() []string {
	if p.labels.Splits == nil {
		return nil
	}
	at, _, err := p.labels.Join(p.first.rows)
	if err != nil {
		return nil
	}
	out := make([]string, len(p.rows))
	for k, i := range p.rows {
		out[k] = p.labels.Splits[at[i]]
	}
	return out
}

func (p *probing) runSplit() []string {
	out := make([]string, len(p.rows))
	for k, i := range p.rows {
		out[k] = p.first.rows.Splits[i]
	}
	return out
}

func (p *probing) randomSplit() []string {
	part := downstream.Parts(p.task.Person, int64(p.set.cohort.Seed), append(slices.Clone(p.set.shares), 0))
	out := make([]string, len(p.rows))
	for k, id := range p.task.Person {
		out[k] = []string{emb.Train, emb.Validation, emb.Test, ""}[part[id]]
	}
	return out
}

// oneSplitEach is E601 where a person is in two splits.
func (p *probing) oneSplitEach() error {
	of := map[string]string{}
	for k, id := range p.task.Person {
		if s := p.split[k]; of[id] == "" {
			of[id] = s
		} else if s != "" && s != of[id] {
			return &data.Problem{Code: 601, File: p.set.labels, What: fmt.Sprintf("the person %q is in two splits", id), Expected: "one split a person", Found: of[id] + " and " + s,
				Cause: "a split made by image", Fix: "split by person, or --split random"}
		}
	}
	return nil
}

// counted says how many rows and persons each split has.
func (p *probing) counted() string {
	text := ""
	for _, s := range []string{emb.Train, emb.Validation, emb.Test} {
		rows := indices(p.split, s)
		persons := map[string]bool{}
		for _, i := range rows {
			persons[p.task.Person[i]] = true
		}
		text += fmt.Sprintf("%s %d rows of %d persons; ", s, len(rows), len(persons))
	}
	return text[:len(text)-2]
}
