package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/folder"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

func checkCommand() *cli.Command {
	own := []cli.Flag{
		&cli.IntFlag{Name: "image-size", Usage: "size to train at, in pixels: tells of smaller images; 0 does not"},
		&cli.BoolFlag{Name: "json", Usage: "print everything as one JSON object; file-formats.md describes it"},
		&cli.StringFlag{Name: "bad-list", Usage: "`FILE` for every image and row with an error or warning, a line each; mode 0600, for names may be ids"},
	}
	return &cli.Command{
		Name: "check", Usage: "find everything that is wrong with a cohort in one call, decode every image, print the join table",
		Flags: append(flags(newSettings(setting.Default).cohortRows()), own...),
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
			return checkInto(c, s)
		},
	}
}

// privateMode is of files that may name persons.
const privateMode = 0o600

// checkInto checks a cohort; while it does, faults are written to the list of bad rows, where there is to be one.
func checkInto(c *cli.Context, s *settings) error {
	k := &checking{c: c, size: c.Int("image-size"), faults: &data.Faults{}}
	list := c.String("bad-list")
	if list == "" {
		if err := k.look(s); err != nil {
			return err
		}
		return k.report()
	}
	err := folder.WriteFile(list, privateMode, func(w io.Writer) error {
		k.list = newBadList(w)
		k.faults.Each = k.list.fault
		if err := k.look(s); err != nil {
			return err
		}
		return k.list.end(k.faults.Warnings)
	})
	if err != nil {
		return err
	}
	return k.report()
}

// A checking is one call of check.
type checking struct {
	c      *cli.Context
	size   int // to train at, pixels; 0: not known
	faults *data.Faults
	list   *badList
	cohort *data.Cohort // whole where there are no faults
	images int          // to decode
	seen   look
	twins  twins
}

// look reads and decodes everything.
func (k *checking) look(s *settings) error {
	co, images, err := cohort.Check(s.cohort(), k.faults)
	if err != nil {
		return err
	}
	k.cohort, k.images = co, len(images)
	line := progress.New(k.c.App.ErrWriter)
	defer line.Done()
	if k.seen, err = lookAt(k.c.Context, images, k.size, line, k.faults); err != nil {
		return err
	}
	persons := co.Persons
	if k.faults.Found() > 0 { // not joined, so that nobody has a split yet
		persons = nil
	}
	k.twins = twinsOf(images, k.seen.digests, persons, k.faults)
	return nil
}

// next proposes a training that suits the cohort; nothing where it is too small for one.
func (k *checking) next() []string {
	groups := map[int]bool{}
	for _, p := range k.cohort.Persons {
		if p.Split == data.Train {
			groups[p.Group] = true
		}
	}
	side := mostSide
	if n := len(k.seen.sides); n > 0 {
		sides := slices.Sorted(slices.Values(k.seen.sides))
		side = sides[n/2]
	}
	if len(groups) < 2*leastProposed || k.c.String("data") == "" {
		return nil
	}
	words := trainOn(k.c.String("images"), k.c.String("data"), len(groups)/2, cmp.Or(k.size, side))
	for _, flag := range []string{"image-root", "join", "seed"} {
		if k.c.IsSet(flag) {
			words = append(words, "--"+flag, k.c.String(flag))
		}
	}
	return []string{proposesTraining, "  contig-gpu " + shellWords(words)}
}

// report says what was found. Where there are errors it ends in one.
func (k *checking) report() error {
	if k.c.Bool("json") {
		if err := k.json(k.c.App.Writer); err != nil {
			return err
		}
		if k.faults.Total == 0 {
			return nil
		}
		return faulty{summaryOnly: true, faults: k.faults}
	}
	lines := k.cohort.Notes
	if len(k.cohort.Persons) > 0 {
		lines = append(lines, joinFor(k.cohort, progress.Columns(k.c.App.Writer))...)
	}
	features := 0
	for _, t := range k.cohort.Tables {
		features += t.Stats().Width()
	}
	lines = append(append(lines, append(k.seen.notes(k.size), k.twins.notes()...)...), fmt.Sprintf("%d images decoded, %s of pixels in all; genetics: %s of values",
		k.seen.images, bytesText(3*k.seen.pixels), bytesText(4*features*len(k.cohort.Persons))))
	if k.faults.Total == 0 {
		lines = append(lines, "no errors")
		lines = append(lines, k.next()...)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(k.c.App.Writer, l); err != nil {
			return err
		}
	}
	switch k.faults.Total {
	case 0:
		return nil
	case 1: // as every verb says it
		return k.faults.Kinds[0].First[0]
	}
	return faulty{faults: k.faults}
}
