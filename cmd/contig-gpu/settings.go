package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"

	"github.com/urfave/cli/v2"
)

// settings are those of a training, and what only the program needs to know of it.
type settings struct {
	train.Config
	Images, Data, ImageRoot, Join string // what the cohort is opened with, beside Seed
	Init                          string
	Steps                         int
	Pictures                      bool
}

// newSettings returns the defaults of a recipe, setting.Default or setting.Paper.
func newSettings(recipe string) *settings {
	s := new(settings)
	setting.Apply(s.rows(), recipe)
	return s
}

// rows are all flags of train and all keys of config.toml, in the order in which they are written there.
func (s *settings) rows() []setting.Row {
	own := setting.Group("Data and length",
		setting.New("images", &s.Images, "", setting.Any(), "manifest of the images, images.tsv or .csv; none: the demo cohort"),
		setting.New("data", &s.Data, "", setting.Any(), "data.toml, which names the genetic sources"),
		setting.New("image-root", &s.ImageRoot, "", setting.Any(), "folder that the manifest's paths start from; none: the manifest's own"),
		setting.New("join", &s.Join, "outer", setting.OneOf("outer", "inner"), "persons kept: outer (an image and one modality) or inner (all modalities)"),
		setting.New("init", &s.Init, "", setting.Any(), "initialise from a safetensors file: an image encoder by torchvision's names, or weights of ours; a run folder means its best checkpoint"),
		setting.New("pictures", &s.Pictures, false, setting.Any(), "with the test, write private/pictures.html: training images, held-out participants and those nearest to them; report.html has none but of a synthetic cohort"),
		setting.New("steps", &s.Steps, 0, setting.Count(0), "optimiser steps, instead of epochs; 0: as --epochs and --max-steps say"))
	return slices.Insert(s.Config.Settings(), 1, own...)
}

// write writes config.toml.
func (s *settings) write(w io.Writer) error { return config.Write(w, s.rows()) }

// training returns the training that the settings ask for.
func (s *settings) training() train.Config {
	c := s.Config
	if s.Steps > 0 {
		c.Epochs, c.MaxSteps = 0, s.Steps
		if s.MaxSteps > 0 {
			c.MaxSteps = min(s.Steps, s.MaxSteps)
		}
	}
	return c
}

// cohortRows are what a cohort is opened with, for verbs that do not train.
func (s *settings) cohortRows() []setting.Row {
	rows := setting.Of(s.rows(), &s.Images, &s.Data, &s.ImageRoot, &s.Join, &s.Seed)
	rows[0], rows[4] = rows[0].Saying("manifest of the images, images.tsv or .csv"), rows[4].Saying("of the split, where data.toml gives none")
	return setting.Group("", rows...)
}

// A preset is another set of defaults, whose rows are in the order of the defaults'.
type preset struct {
	name string
	rows []setting.Row
}

// flags returns one command line flag per row. Help tells where the defaults of others differ (that of --recipe is their name).
func flags(rows []setting.Row, others ...preset) []cli.Flag {
	var out []cli.Flag
	for i, r := range rows {
		usage, text := r.Help(), r.Text()
		for _, o := range others {
			if x := o.rows[i].Text(); x != r.Text() && x != o.name {
				text += fmt.Sprintf("; %s: %s", o.name, x)
			}
		}
		if r.Bool() {
			out = append(out, &cli.BoolFlag{Name: r.Name, Aliases: r.Also, Usage: usage, Value: r.Value().(bool), DefaultText: text, Category: r.Group})
		} else {
			out = append(out, &cli.StringFlag{Name: r.Name, Aliases: r.Also, Usage: usage, Value: r.Text(), DefaultText: text, Category: r.Group})
		}
	}
	return out
}

// parse gives rows the values that stand on the command line.
func parse(c *cli.Context, rows []setting.Row) error {
	for _, r := range rows {
		if !c.IsSet(r.Name) {
			continue
		}
		text := c.String(r.Name)
		if r.Bool() {
			text = strconv.FormatBool(c.Bool(r.Name))
		}
		if err := r.Parse(text); err != nil {
			var bad *setting.Error
			if errors.As(err, &bad) { // any of its names may have been given
				bad.Name = strings.Join(append([]string{r.Name}, r.Also...), ", --")
			}
			return misused(verb(c), err)
		}
	}
	if !c.IsSet("device") {
		return nil
	}
	return deviceWord(verb(c), c.String("device"))
}

// deviceWord refuses what no device is called, before anything is read. A number behind a name is left to who opens it: so are the devices of other builds.
func deviceWord(verb, name string) error {
	kind, number, numbered := strings.Cut(name, ":")
	if _, err := strconv.ParseUint(number, 10, 16); !numbered && slices.Contains([]string{"auto", "cpu", "cuda"}, name) || numbered && kind != "auto" && kind != "cpu" && err == nil {
		return nil
	}
	return usagef("%s: --device: want auto, cpu, cuda or cuda:N, found %.100q%s; contig-gpu doctor shows what there is", verb, name, didYouMean(name, "", []string{"auto", "cpu", "cuda"}))
}

// verb returns the words of the command that was called, such as "bench step".
func verb(c *cli.Context) string {
	return strings.TrimPrefix(c.Command.HelpName, c.App.Name+" ")
}

// misused is the usage error of settings that make no sense.
func misused(verb string, err error) error {
	var bad *setting.Error
	if !errors.As(err, &bad) {
		return usagef("%s: %v", verb, err)
	}
	return usagef("%s: --%v%s", verb, bad, didYouMean(strings.Trim(bad.Found, `"`), "", bad.Words))
}

// atLeastOne is of flags that are lists of whole numbers up to most, separated by commas.
func atLeastOne(verb, name, list string, most int) ([]int, error) {
	var out []int
	for _, f := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n < 1 || n > most {
			return nil, usagef("%s: --%s: want whole numbers from 1 to %d, separated by commas, found %.200q", verb, name, most, list)
		}
		out = append(out, n)
	}
	return out, nil
}
