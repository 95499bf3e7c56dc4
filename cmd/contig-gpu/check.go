package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/fundus"

	"github.com/urfave/cli/v2"
)

// dataSettings are what a cohort is opened with, for verbs that do not train.
func dataSettings() []config.Setting {
	var out []config.Setting
	for _, s := range trainSettings() {
		switch s.Name {
		case "images", "data", "image-root", "join", "seed":
			out = append(out, s)
		}
	}
	return out
}

func checkCommand() *cli.Command {
	settings := dataSettings()
	return &cli.Command{
		Name: "check", Usage: "validate a cohort, decode every image, print the join table; writes nothing",
		Flags: flags("", settings),
		Action: func(c *cli.Context) error {
			for _, f := range []string{"images", "data"} {
				if _, err := need(c, f); err != nil {
					return err
				}
			}
			co, err := openCohort(config.Resolve(settings, nil, given(c, settings)), nil)
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
	line := progress.New(c.App.ErrWriter)
	pixels, err := decodeAll(c.Context, co, line)
	line.Done()
	if err != nil {
		return err
	}
	features := 0
	for _, t := range co.Tables {
		features += t.Stats().Width()
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d images decoded, %s of pixels in all; genetics as numbers: %s\nno errors\n",
		len(co.Images), bytesText(3*pixels), bytesText(4*features*len(co.Persons)))
	return err
}

// decodeAll decodes every image and returns the pixels in all, or the first error in the manifest's order.
func decodeAll(ctx context.Context, co *data.Cohort, line *progress.Line) (int, error) {
	type result struct {
		pixels int
		err    error
	}
	pixels := 0
	for lo := 0; lo < len(co.Images); {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		part := co.Images[lo:min(lo+64*runtime.GOMAXPROCS(0), len(co.Images))]
		results := make([]result, len(part))
		var wg sync.WaitGroup
		for w := range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := w; i < len(part); i += runtime.GOMAXPROCS(0) {
					im, err := fundus.Decode(part[i].Path)
					if err == nil {
						results[i].pixels = im.W * im.H
					}
					results[i].err = err
				}
			})
		}
		wg.Wait()
		for _, r := range results {
			if r.err != nil {
				return 0, r.err
			}
			pixels += r.pixels
		}
		lo += len(part)
		line.Step(lo, len(co.Images), "images decoded")
	}
	return pixels, nil
}
