package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"contig-gpu/data/folder"
	"contig-gpu/data/synth"

	"github.com/urfave/cli/v2"
)

func synthCommand() *cli.Command {
	d := synth.DefaultDemo()
	return &cli.Command{
		Name: "synth", Usage: "write a synthetic cohort with planted links between images and genetics",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "folder to make"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a cohort that synth made"},
			&cli.IntFlag{Name: "persons", Value: d.Persons, Usage: "persons; with --bfile its first so many, 0 for all"},
			&cli.IntFlag{Name: "images-per-person", Value: d.ImagesPerPerson, Usage: "1: one eye, 2: both, more: further visits"},
			&cli.IntFlag{Name: "image-size", Value: d.ImageSize, Usage: "side of the images in pixels"},
			&cli.IntFlag{Name: "snps", Value: d.SNPs, Usage: "SNPs; 0 leaves them out"},
			&cli.IntFlag{Name: "pgs", Value: d.Scores, Usage: "polygenic scores; 0 leaves them out"},
			&cli.IntFlag{Name: "burden", Value: d.Genes, Usage: "genes with a burden; 0 leaves them out"},
			&cli.IntFlag{Name: "idle-pgs", Usage: "further polygenic scores that drive nothing in the images"},
			&cli.Float64Flag{Name: "idle-overlap", Usage: "correlation of each of them with one of --pgs, 0 to 1: given that one, images are independent of it"},
			&cli.IntFlag{Name: "idle-burden", Usage: "further genes with a burden that drive nothing in the images"},
			&cli.IntFlag{Name: "covariates", Value: d.Covariates, Usage: "covariates; 0 leaves them out"},
			&cli.StringSliceFlag{Name: "missing", Usage: "`NAME=RATE`: part of the persons without a modality; again for others"},
			&cli.Float64Flag{Name: "missing-calls", Value: d.MissingCalls, Usage: "part of the genotypes that are missing"},
			&cli.Float64Flag{Name: "effect", Value: d.Effect, Usage: "how closely images follow genetics, 0 to 1"},
			&cli.Uint64Flag{Name: "seed", Value: d.Seed, Usage: "another seed gives another cohort"},
			&cli.BoolFlag{Name: "masks", Usage: "write where the disc and the vessels of each image are: masks.tsv and grey PNGs"},
			&cli.StringFlag{Name: "bfile", Usage: "`PREFIX` of .bed, .bim and .fam to plant the effects on"},
		},
		Action: synthesise,
	}
}

func synthesise(c *cli.Context) error {
	dir, err := need(c, "out")
	if err != nil {
		return err
	}
	o, err := synthOptions(c)
	if err != nil {
		return err
	}
	if _, err := synth.Into(c.Context, folder.Target{Dir: dir, Kind: folder.Cohort, Overwrite: c.Bool("overwrite")}, o); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s\ntrain on it:\n  contig-gpu train --images %s/images.tsv --data %s/data.toml\n", dir, dir, dir)
	return err
}

func synthOptions(c *cli.Context) (synth.Options, error) {
	o := synth.Options{
		Persons: c.Int("persons"), ImagesPerPerson: c.Int("images-per-person"), ImageSize: c.Int("image-size"), SNPs: c.Int("snps"),
		IdleScores: c.Int("idle-pgs"), IdleOverlap: c.Float64("idle-overlap"), IdleGenes: c.Int("idle-burden"), Scores: c.Int("pgs"), Genes: c.Int("burden"), Covariates: c.Int("covariates"), Missing: map[string]float64{},
		MissingCalls: c.Float64("missing-calls"), Effect: c.Float64("effect"), Seed: c.Uint64("seed"), BFile: c.String("bfile"), Masks: c.Bool("masks"),
	}
	if o.BFile != "" && !c.IsSet("persons") {
		o.Persons = 0
	}
	for _, m := range c.StringSlice("missing") {
		name, rate, ok := strings.Cut(m, "=")
		r, err := strconv.ParseFloat(rate, 64)
		if !ok || err != nil || math.IsNaN(r) {
			return o, usagef("synth: --missing %q: want NAME=RATE, such as snps=0.2", m)
		}
		o.Missing[name] = r
	}
	if err := o.Validate(); err != nil {
		return o, usagef("%v", err)
	}
	return o, nil
}
