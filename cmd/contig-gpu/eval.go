package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/folder"
	"contig-gpu/data/label"
	"contig-gpu/gpu"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/downstream"
	"contig-gpu/model/eval"
	"contig-gpu/model/measure"
	"contig-gpu/model/probe"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

func evalCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "run", Usage: "run folder, of which the best checkpoint is taken"},
		&cli.StringFlag{Name: "checkpoint", Usage: "RUN/checkpoints/best.safetensors, for example; a run folder means its best"},
		&cli.StringFlag{Name: "split", Value: data.Test.String(), Usage: "of loss and retrieval: train, validation or test"},
		&cli.StringSliceFlag{Name: "target", Usage: "`NAME` of the targets in --data to probe; without it all"},
		&cli.StringFlag{Name: "shares", Value: "0.6,0.2,0.2", Usage: "of training, validation and test persons of a probe, where neither labels nor run split them"},
		&cli.StringFlag{Name: "out", Usage: "folder to make"},
		&cli.BoolFlag{Name: "overwrite", Usage: "replace what eval made"},
		&cli.StringFlag{Name: "device", Value: "auto", Usage: "auto, cpu, cuda or cuda:N; probes are fitted on the CPU in float64"},
		&cli.IntFlag{Name: "threads", Usage: "CPU threads; 0 takes all"},
	}
	return &cli.Command{
		Name: "eval", Usage: "what a checkpoint is worth, in one report: retrieval and loss of held-out persons, and a probe of every [target.NAME]",
		Description: "Retrieval and loss are those that train tells of a split; every [target.NAME] of --data is probed as `probe` does it.\n" +
			"DIR/metrics.json has all, DIR/report.html shows it, DIR/NAME.html shows each target, and DIR/private/ holds predictions with ids.",
		Flags:  append(own, flags(newSettings(setting.Default).cohortRows())...),
		Action: evalAction,
	}
}

// An evaluating is one call of eval.
type evaluating struct {
	c        *cli.Context
	values   *settings
	from     string // checkpoint
	split    data.Split
	targets  []cohort.Target
	shares   string
	line     *progress.Line
	net      *checkpoint.Loaded
	cfg      train.Config
	standing *train.Evaluated
	persons  int // of the split
	probes   []*probing
	notes    []string
}

func evalAction(c *cli.Context) error {
	for _, f := range []string{"images", "out"} {
		if _, err := need(c, f); err != nil {
			return err
		}
	}
	from, err := checkpointOf(c)
	if err != nil {
		return err
	}
	e := &evaluating{c: c, values: newSettings(setting.Default), from: from, shares: c.String("shares"), line: progress.New(c.App.ErrWriter)}
	defer e.line.Done()
	if err := parse(c, e.values.cohortRows()); err != nil {
		return err
	}
	words := map[string]data.Split{data.Train.String(): data.Train, data.Validation.String(): data.Validation, data.Test.String(): data.Test}
	ok := false
	if e.split, ok = words[c.String("split")]; !ok {
		return usagef("eval: --split: want train, validation or test, found %.200q", c.String("split"))
	}
	if n := c.Int("threads"); n < 0 || n > mostThreads {
		return usagef("eval: --threads: want a whole number from 0 to %d, found %d", mostThreads, n)
	}
	if err := e.readTargets(); err != nil {
		return err
	}
	target := folder.Target{Dir: c.String("out"), Kind: folder.Evaluation, Overwrite: c.Bool("overwrite"), Mode: privateFolder, Inputs: []string{from, e.values.Images, e.values.Data, e.values.ImageRoot}}
	for _, t := range e.targets {
		target.Inputs = append(target.Inputs, t.Labels)
	}
	if err := target.Check(); err != nil {
		return err
	}
	if err := e.run(c.Context); err != nil {
		return err
	}
	e.line.Done()
	if err := target.Publish(e.write); err != nil {
		return err
	}
	return e.conclude(target.Dir)
}

// readTargets takes the targets of data.toml, or those that are named.
func (e *evaluating) readTargets() (err error) {
	named := wordsOf(e.c, "target")
	if e.values.Data == "" {
		if len(named) > 0 {
			return usagef("eval: --target %.200s: it needs --data with a section [target.NAME]", named[0])
		}
		return nil
	}
	if len(named) == 0 {
		e.targets, err = cohort.Targets(e.values.Data)
		return err
	}
	for _, n := range named {
		t, err := targetIn(e.values.Data, n)
		if err != nil {
			return err
		}
		e.targets = append(e.targets, t)
	}
	return nil
}

// run loads the network, evaluates it, embeds all images and probes them.
func (e *evaluating) run(ctx context.Context) error {
	d, err := gpu.Open(e.c.String("device"), gpu.Options{Threads: e.c.Int("threads")})
	if err != nil {
		return err
	}
	defer d.Close()
	keepWithinMemory(1)
	if e.net, err = checkpoint.LoadWithin(e.from, d, "auto", int(memory())); err != nil {
		return err
	}
	defer e.net.Close()
	if e.cfg, err = train.SettingsOf(e.net.Checkpoint); err != nil {
		return err
	}
	if err := e.evaluate(ctx); err != nil {
		return err
	}
	if len(e.targets) == 0 {
		return nil
	}
	everyone, err := e.everyone()
	if err != nil {
		return err
	}
	images := imagesFrom(0, len(everyone.Images))
	made, err := embedded(ctx, e.net, everyone, e.cfg, images, e.line)
	if err != nil {
		return err
	}
	w := embeddingOf(made, everyone, images, splitsOf(e.from), aboutEmbedding{})
	cpu, err := probe.OpenDevice(e.c.Int("threads"))
	if err != nil {
		return err
	}
	defer cpu.Close()
	for _, t := range e.targets {
		if err := e.probe(ctx, cpu, w, t); err != nil {
			return err
		}
	}
	return nil
}

// everyone is the cohort whose images are embedded: all, whoever has genetics.
func (e *evaluating) everyone() (*data.Cohort, error) {
	if build.UsesTables(e.net.Settings.Objective) && e.hasGenetics() {
		return openEveryone(e.values, e.net)
	}
	o := e.values.cohort()
	o.DataTOML, o.Everyone = "", true
	if build.UsesTables(e.net.Settings.Objective) {
		return aligned(o, e.net)
	}
	co, err := cohort.Open(o)
	return imagesOf(co), err
}

// hasGenetics reports whether --data names any.
func (e *evaluating) hasGenetics() bool {
	if e.values.Data == "" {
		return false
	}
	named, err := cohort.NamesGenetics(e.values.Data)
	return named || err != nil
}

// evaluate computes loss and retrieval of the split, where there are the data for it.
func (e *evaluating) evaluate(ctx context.Context) error {
	switch obj := e.net.Settings.Objective; {
	case obj == build.Finetune:
		e.notes = append(e.notes, "The checkpoint predicts labels: it has no loss without them, and retrieves nothing.")
		return nil
	case build.UsesTables(obj) && !e.hasGenetics():
		e.notes = append(e.notes, "--data names no genetics: there is no loss, and nothing is retrieved.")
		return nil
	}
	co, err := openAligned(e.values, e.net)
	if err != nil {
		return err
	}
	if splits := splitsOf(e.from); splits != nil {
		e.asTheRun(co, splits)
	}
	for _, p := range co.Persons {
		if p.Split == e.split && len(p.Images) > 0 {
			e.persons++
		}
	}
	if e.persons == 0 {
		e.notes = append(e.notes, fmt.Sprintf("Nobody is in the %s split: there is no loss, and nothing is retrieved.", e.split))
		return nil
	}
	views := e.net.Objective.Views()
	src, err := sources(co, e.cfg)(train.Feed{Split: e.split, Raw: e.net.Device.Async(), Views: views, NoTables: len(e.net.Objective.Tables()) == 0})
	if err != nil {
		return err
	}
	e.standing, err = train.Evaluate(ctx, e.net, co, counting(src, e.persons, e.line))
	return errors.Join(err, src.Close())
}

// asTheRun gives persons the splits of the checkpoint's run; those whom it has never seen count as test persons.
func (e *evaluating) asTheRun(co *data.Cohort, splits map[string]string) {
	news := 0
	for i := range co.Persons {
		switch splits[co.Persons[i].ID] {
		case data.Train.String():
			co.Persons[i].Split = data.Train
		case data.Validation.String():
			co.Persons[i].Split = data.Validation
		case "":
			news++
			fallthrough
		default:
			co.Persons[i].Split = data.Test
		}
	}
	e.notes = append(e.notes, fmt.Sprintf("Splits are those of the checkpoint's run; %d persons whom it has not seen count as test persons.", news))
}

// probe probes one target.
func (e *evaluating) probe(ctx context.Context, d *gpu.Device, w *embedding, t cohort.Target) error {
	s := &probeSettings{verb: "eval", task: "auto", split: "auto", checkpoint: e.from, cohort: e.values, method: downstream.Method{Linear: true, K: defaultK, Temperature: defaultTemperature, Weighting: probe.Exponential, Seed: int64(e.values.Seed)}}
	if err := s.numbers("1", e.shares); err != nil {
		return err
	}
	s.apply(t, false, false)
	p := &probing{c: e.c, set: s, line: e.line, dev: d}
	var err error
	if p.labels, err = label.Read(t.Labels); err != nil {
		return err
	}
	p.first = w.features(e.from, p.labels.ByImage)
	for _, step := range []func() error{p.join, p.splitRows, func() error { return p.fitAll(ctx) }} {
		if err := step(); err != nil {
			return err
		}
	}
	p.remarks()
	e.probes = append(e.probes, p)
	return nil
}

// evalMetrics is metrics.json of eval. It names no participant.
type evalMetrics struct {
	Checkpoint string                    `json:"checkpoint"`
	Step       int                       `json:"step"`
	Split      string                    `json:"split"`
	N          int                       `json:"n"` // persons of it
	Loss       *float64                  `json:"loss,omitempty"`
	Losses     map[string]float64        `json:"losses,omitempty"`
	Retrieval  map[string]eval.Retrieval `json:"retrieval,omitempty"`
	Sets       map[string]eval.SetLoss   `json:"sets,omitempty"`
	Targets    map[string]probeMetrics   `json:"targets"`
	Notes      []string                  `json:"notes"`
	Version    string                    `json:"version"`
}

func (e *evaluating) told() evalMetrics {
	m := evalMetrics{Checkpoint: e.from, Step: e.net.Step, Split: e.split.String(), N: e.persons, Targets: map[string]probeMetrics{}, Notes: append([]string{}, e.notes...), Version: version + revision()}
	if s := e.standing; s != nil {
		m.Loss, m.Losses, m.Retrieval, m.Sets = finiteOf(s.Loss), s.Losses, s.Retrieval, s.Sets
	}
	for _, p := range e.probes {
		m.Targets[p.set.name] = p.told()
	}
	return m
}

// write writes all files of the folder.
func (e *evaluating) write(dir string) error {
	if err := makePrivate(filepath.Join(dir, privateName)); err != nil {
		return err
	}
	text, err := json.MarshalIndent(e.told(), "", "  ")
	if err != nil {
		return err
	}
	files := map[string]func(w io.Writer) error{
		"metrics.json": func(w io.Writer) error { _, err := fmt.Fprintf(w, "%s\n", text); return err },
		reportName:     e.writeReport,
	}
	for i, p := range e.probes {
		files[e.page(i)] = p.writeReport
		if err := writeLines(filepath.Join(dir, privateName, strings.TrimSuffix(e.page(i), ".html")+".tsv"), p.predictions()); err != nil {
			return err
		}
	}
	for name, write := range files {
		if err := folder.WriteFile(filepath.Join(dir, name), 0o644, write); err != nil {
			return err
		}
	}
	return nil
}

// page is the name of a target's page: its own where that is a name of a file, else its number.
func (e *evaluating) page(i int) string {
	for _, r := range e.probes[i].set.name {
		if !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return fmt.Sprintf("target-%d.html", i+1)
		}
	}
	return "target-" + e.probes[i].set.name + ".html"
}

// writeReport writes report.html: what is retrieved, the loss, and of each target the metrics that are asked for most.
func (e *evaluating) writeReport(w io.Writer) error {
	page := report.Evaluated{Title: "contig-gpu eval: " + shortName(e.from), Notes: e.notes}
	page.Facts = []report.Fact{{Name: "checkpoint", Value: e.from}, {Name: "step", Value: fmt.Sprint(e.net.Step)}, {Name: "split", Value: fmt.Sprintf("%s, %d persons", e.split, e.persons)}}
	if s := e.standing; s != nil {
		page.Facts = append(page.Facts, report.Fact{Name: "loss", Value: fmt.Sprintf("%.4f%s", s.Loss, behind(report.SetsText(s.Sets)))})
		page.Retrieval = s.Retrieval
	}
	for i, p := range e.probes {
		last := p.last()
		results := last.test.results
		if last.undefined != "" {
			results = []measure.Result{{Name: "all", Undefined: last.undefined}}
		}
		page.Targets = append(page.Targets, report.EvaluatedTarget{Name: p.set.name, Task: string(p.task.Kind), Page: e.page(i), Rows: len(last.test.rows), Results: results[:min(comparedMetrics, len(results))]})
	}
	return report.WriteEvaluated(w, page)
}

func (e *evaluating) conclude(dir string) error {
	say := func(format string, a ...any) error {
		_, err := fmt.Fprintf(e.c.App.Writer, format+"\n", a...)
		return err
	}
	for _, n := range e.notes {
		if err := say("%s", n); err != nil {
			return err
		}
	}
	if s := e.standing; s != nil {
		if err := say("%s split, %d persons: loss %.4f%s", e.split, e.persons, s.Loss, behind(report.SetsText(s.Sets))); err != nil {
			return err
		}
		for _, l := range report.Lines(s.Retrieval) {
			if err := say("%s", l); err != nil {
				return err
			}
		}
	}
	for _, p := range e.probes {
		last := p.last()
		text := "undefined: " + last.undefined
		if last.undefined == "" {
			r := last.test.results[0]
			text = fmt.Sprintf("%s %s, %d test rows", r.Name, inWords(r), len(last.test.rows))
		}
		if err := say("%s: %s", p.set.name, text); err != nil {
			return err
		}
	}
	return say("wrote %s", dir)
}
