package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/data/input"
	"contig-gpu/model/eval"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// commandKey is where the program keeps its arguments for the record of a run.
const commandKey = "arguments"

// commandOf returns the arguments that the program was called with.
func commandOf(c *cli.Context) []string {
	args, _ := c.App.Metadata[commandKey].([]string)
	return args
}

// describe fills in what the run is.
func (r *trainRun) describe() {
	k := &r.record
	k.Schema, k.Version, k.Go, k.Device = recordSchema, version+revision(), runtime.Version(), r.deviceLine
	k.Host, _ = os.Hostname()
	k.Folder, _ = os.Getwd()
	k.CPU, _ = processor()
	if k.Started == "" {
		k.Started, k.Command = r.start.Format(time.RFC3339), append([]string{"contig-gpu"}, r.args...)
	}
	k.Clip, k.Sources, k.Driver = r.cfg.Clip, r.cohort.Sources, r.driver
	k.Cohort = append(joinTable(r.cohort), r.cohort.Notes...)
	k.Presence, k.Flow, k.Look = presence(r.cohort), flow(r.cohort), r.seen.record(len(r.cohort.Images), r.cfg.ImageSize)
	k.Changed = changes(r.values.rows(), newSettings(r.values.Recipe).rows())
}

// presence counts the combinations of modalities that participants have, the most frequent first.
func presence(c *data.Cohort) []report.Presence {
	counts := map[string]*report.Presence{}
	for i := range c.Persons {
		var names []string
		for _, t := range c.Tables {
			if t.Has(i) {
				names = append(names, t.Name())
			}
		}
		key := strings.Join(names, "\n")
		if counts[key] == nil {
			counts[key] = &report.Presence{Names: names}
		}
		counts[key].Persons++
	}
	var out []report.Presence
	for _, p := range counts {
		if p.Persons < eval.FewPersons {
			p.Persons, p.Few = eval.FewPersons-1, true
		}
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b report.Presence) int {
		return cmp.Or(b.Persons-a.Persons, strings.Compare(strings.Join(a.Names, "\n"), strings.Join(b.Names, "\n")))
	})
	return out
}

// changes are the settings that differ from others of the same names.
func changes(here, there []setting.Row) []report.Change {
	var out []report.Change
	for i, r := range here {
		if r.Text() != there[i].Text() {
			out = append(out, report.Change{Name: r.Name, Default: there[i].Text(), Here: r.Text()})
		}
	}
	return out
}

// reportOf writes the report of the run in dir, from its files and its record; the map is coloured by the column color too, unless that is "".
func reportOf(dir string, k *runRecord, pictures []image.Image, color string) error {
	rows, err := readMetrics(dir)
	if err != nil {
		return err
	}
	settings, err := input.Read(filepath.Join(dir, configName), mostRecord)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	summary := slices.Clone(k.Summary)
	if n := len(report.Of(rows, report.Unreadable)) + len(report.Of(rows, report.Lost)); n > 0 {
		summary = append(summary, fmt.Sprintf("%d lines of %s are lost or damaged and are left out", n, metricsName))
	}
	page := k.page(dir, rows)
	page.Summary, page.Config, page.Images = summary, string(settings), pictures
	if page.Color, err = colourOf(dir, rows, color); err != nil {
		return err
	}
	text := &bytes.Buffer{}
	if err := report.Write(text, page); err != nil {
		return err
	}
	return writeText(filepath.Join(dir, reportName), text)
}

// reportCommand writes reports of runs that are there.
func reportCommand() *cli.Command {
	return &cli.Command{
		Name: "report", Usage: "write report.html of a run anew from its files, or a page that compares several", ArgsUsage: "RUN...",
		Description: "One run: RUN/report.html is replaced; pictures are left out, which a training alone has. Several: --out has the page.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "HTML file to write of several runs"},
			&cli.BoolFlag{Name: "tensorboard", Usage: "write an event file for TensorBoard into tensorboard/ of each run instead"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace an HTML file that is there"},
			&cli.StringFlag{Name: "color", Usage: "colour the embedding map by a column too: `FILE:COLUMN` of a table with the participants' ids; needs private/ of the run"},
		},
		Action: func(c *cli.Context) error {
			runs := c.Args().Slice()
			switch {
			case len(runs) == 0:
				return usagef("report: want a run folder, such as runs/demo-1, or several")
			case c.Bool("tensorboard"):
				return tensorboards(c, runs)
			case c.String("color") != "" && (len(runs) > 1 || c.String("out") != ""):
				return usagef("report: --color is for the report of one run, without --out")
			case len(runs) == 1 && c.String("out") == "":
				return reportOne(c, runs[0])
			case c.String("out") == "":
				return usagef("report: --out is missing: the page that compares the runs")
			}
			return compareRuns(c, runs)
		},
	}
}

// reportOne writes the report of a run again.
func reportOne(c *cli.Context, dir string) error {
	if err := needRun(dir, metricsName); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "metrics.json")); err == nil {
		return usagef("report: the page in %.200q is that of a test split: the command that trained there, finetune or segment, with --resume writes it anew", dir)
	}
	k := readRecord(dir)
	k.NoImages = cmp.Or(k.NoImages, "Pictures are left out of a report that was written without the images.")
	if err := reportOf(dir, &k, nil, c.String("color")); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.App.Writer, "wrote", filepath.Join(dir, reportName))
	return err
}

// isPage reports whether a file begins as our pages do.
func isPage(r io.Reader) bool {
	const begins = "<!DOCTYPE html>"
	b := make([]byte, len(begins))
	_, err := io.ReadFull(r, b)
	return err == nil && string(b) == begins
}

// compareRuns writes a page about several runs.
func compareRuns(c *cli.Context, dirs []string) error {
	var runs []report.Run
	settings, err := settingsOf(dirs)
	if err != nil {
		return err
	}
	for i, dir := range dirs {
		k := readRecord(dir)
		rows, err := readMetrics(dir)
		if err != nil {
			return err
		}
		r := report.Run{Name: nameOf(dir), Status: k.status(rows), Facts: k.facts(), Rows: rows, Heldout: readHeldout(dir).byKind(), Command: shellWords(k.Command), Clip: k.Clip}
		for _, s := range settings {
			r.Settings = append(r.Settings, report.Fact{Name: s.name, Value: s.values[i]})
		}
		runs = append(runs, r)
	}
	file := folder.File{Path: c.String("out"), Overwrite: c.Bool("overwrite"), Ours: isPage}
	if err := file.Check(); err != nil {
		return err
	}
	page := &bytes.Buffer{}
	if err := report.Compare(page, runs); err != nil {
		return err
	}
	if err := writeText(c.String("out"), page); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, "wrote", c.String("out"))
	return err
}
