package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/folder"
	"contig-gpu/data/synth"

	"github.com/urfave/cli/v2"
)

func synthCommand() *cli.Command {
	d := synth.DefaultDemo()
	return &cli.Command{
		Name: "synth", Usage: "write a synthetic cohort with planted links between images and genetics",
		Flags: append([]cli.Flag{
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
			&cli.StringSliceFlag{Name: "missing", Usage: "`NAME=RATE`: fraction of participants without a modality, such as pgs=0.2; may be repeated"},
			&cli.Float64Flag{Name: "missing-calls", Value: d.MissingCalls, Usage: "part of the genotypes that are missing"},
			&cli.Float64Flag{Name: "effect", Value: d.Effect, Usage: "strength of the planted link between images and genetics, 0 to 1"},
			&cli.Uint64Flag{Name: "seed", Value: d.Seed, Usage: "another seed gives another cohort"},
			&cli.BoolFlag{Name: "masks", Usage: "write where the disc and the vessels of each image are: masks.tsv and grey PNGs"},
			&cli.StringFlag{Name: "bfile", Usage: "`PREFIX` of .bed, .bim and .fam to plant the effects on"},
		}, talkFlags()...),
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
	line := progress.New(c.App.ErrWriter)
	s, err := synth.Telling(c.Context, folder.Target{Dir: dir, Kind: folder.Cohort, Overwrite: c.Bool("overwrite")}, o, drawing(line))
	line.Done()
	if err != nil {
		return err
	}
	next := trainOn(s.Manifest, s.DataTOML, s.Persons/4, o.ImageSize)
	return result(c, fmt.Sprintf("wrote %s\n%s\n  contig-gpu %s\n", dir, proposesTraining, shellWords(next)), struct {
		Out     string   `json:"out"`
		Images  string   `json:"images"`
		Data    string   `json:"data"`
		Persons int      `json:"persons"`
		Next    []string `json:"next"` // words of a training on it
	}{dir, s.Manifest, s.DataTOML, s.Persons, next})
}

// proposesTraining introduces a command.
const proposesTraining = "train on it, small enough for a CPU (with --dry-run it says memory, disk and time first):"

// Sizes of the training that is proposed: of images in pixels, and of batches.
const (
	leastSide, mostSide      = 32, 64
	leastProposed, mostBatch = 2, 64
)

// trainOn returns the words of a training with batches of so many images at most, which a CPU can do: a step needs images of different persons, all of the
// training split.
func trainOn(images, toml string, most, side int) []string {
	batch := leastProposed
	for 2*batch <= min(mostBatch, most) {
		batch *= 2
	}
	return []string{"train", "--images", images, "--data", toml, "--encoder", "resnet18", "--image-size", strconv.Itoa(max(leastSide, min(side, mostSide))),
		"--batch", strconv.Itoa(batch), "--epochs", "20"}
}

// shellWords joins the words of a command as a shell takes them apart again.
func shellWords(words []string) string {
	var out []string
	for _, w := range words {
		if strings.ContainsFunc(w, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./=,:+@%", c))
		}) || w == "" {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
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
