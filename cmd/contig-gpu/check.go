package main

import (
	"fmt"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

func checkCommand() *cli.Command {
	size := &cli.IntFlag{Name: "image-size", Usage: "size to train at, in pixels: tells of smaller images; 0 does not"}
	return &cli.Command{
		Name: "check", Usage: "validate a cohort, decode every image, print the join table; writes nothing",
		Flags: append(flags(newSettings(setting.Default).cohortRows()), size),
		Action: func(c *cli.Context) error {
			for _, f := range []string{"images", "data"} {
				if _, err := need(c, f); err != nil {
					return err
				}
			}
			s := newSettings(setting.Default)
			if err := parse(c, s.cohortRows()); err != nil {
				return err
			}
			co, err := openCohort(s)
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
