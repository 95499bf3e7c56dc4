package main

import (
	"fmt"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"

	"github.com/urfave/cli/v2"
)

// dataSettings are what a cohort is opened with, for verbs that do not train.
func dataSettings() []config.Setting {
	var out []config.Setting
	for _, s := range trainSettings() {
		switch s.Name {
		case "images":
			s.Usage = "manifest of the images, images.tsv or .csv"
		case "data", "image-root", "join":
		case "seed":
			s.Usage = "of the split, where data.toml gives none"
		default:
			continue
		}
		out = append(out, s)
	}
	return out
}

func checkCommand() *cli.Command {
	settings := dataSettings()
	size := &cli.IntFlag{Name: "image-size", Usage: "size to train at, in pixels: tells of smaller images; 0 does not"}
	return &cli.Command{
		Name: "check", Usage: "validate a cohort, decode every image, print the join table; writes nothing",
		Flags: append(flags("", settings), size),
		Action: func(c *cli.Context) error {
			for _, f := range []string{"images", "data"} {
				if _, err := need(c, f); err != nil {
					return err
				}
			}
			co, err := openCohort(config.Resolve(settings, nil, given(c, settings)))
			if err != nil {
				return err
			}
			return checkCohort(c, co)
		},
	}
}

func checkCohort(c *cli.Context, co *data.Cohort) error {
	for _, l := range append(co.Notes, joinTable(co)...) {
		if _, err := fmt.Fprintln(c.App.Writer, l); err != nil {
			return err
		}
	}
	line, size := progress.New(c.App.ErrWriter), c.Int("image-size")
	seen, err := lookAt(c.Context, co.Images, size, line)
	line.Done()
	if err != nil {
		return err
	}
	for _, l := range seen.notes(size) {
		if _, err := fmt.Fprintln(c.App.Writer, l); err != nil {
			return err
		}
	}
	features := 0
	for _, t := range co.Tables {
		features += t.Stats().Width()
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d images decoded, %s of pixels in all; genetics as numbers: %s\nno errors\n",
		len(co.Images), bytesText(3*seen.pixels), bytesText(4*features*len(co.Persons)))
	return err
}
