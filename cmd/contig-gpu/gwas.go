package main

import (
	"fmt"
	"slices"
	"strings"

	rowsof "contig-gpu/data/embedded"
	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/gpu"
	"contig-gpu/model/assoc"

	"github.com/urfave/cli/v2"
)

// Ways of --int.
const (
	intAdjusted = "adjusted"
	intPlain    = "plain"
	intNone     = "none"
)

// heldOutSplits are the splits that are analysed where nothing else is asked for.
const heldOutSplits = "test,new,unknown"

// writers are the programs of --write-for.
func writers() []string { return []string{"plink2", "regenie", "bolt", "saige"} }

func gwasCommand() *cli.Command {
	return &cli.Command{
		Name: "gwas", Usage: "test genetic variants for association with the features of images",
		Description: "Principal components of the features of --features, residuals on the covariates, inverse normal transform, and the linear model of every variant with every component.\n" +
			"Writes assoc.tsv.gz, loci.tsv (clumps, as plink1.9 --clump makes them, with the nearest genes), summary.json, report.html and tables for FUMA, LocusZoom and the GWAS Catalog.\n" +
			"Persons that the encoder was trained on are left out. Files under private/ hold ids and are readable by their owner only. See docs/gwas.md.",
		Flags: append(genotypesFlags(),
			&cli.StringFlag{Name: "features", Usage: "folder that embed wrote"},
			&cli.StringFlag{Name: "covariates", Usage: "table of covariates: an id and a column each; words are categories"},
			&cli.StringSliceFlag{Name: "categorical", Usage: "`COLUMN` of the covariates that is categories though it holds numbers"},
			&cli.BoolFlag{Name: "no-covariates", Usage: "use none; without it --covariates is required"},
			&cli.IntFlag{Name: "pca", Value: 10, Usage: "principal components of the features; 0 takes the features themselves"},
			&cli.StringFlag{Name: "int", Value: intAdjusted, Usage: "inverse normal transform: adjusted: of the residuals on the covariates; plain: of the components; none"},
			&cli.StringFlag{Name: "split", Value: heldOutSplits, Usage: "splits of the run whose persons are analysed"},
			&cli.BoolFlag{Name: "allow-train", Usage: "let --split name train and validation, though the encoder has seen these persons"},
			&cli.StringFlag{Name: "impute", Value: "none", Usage: "a missing genotype: none: the person leaves that variant; mean: the mean of the others"},
			&cli.Float64Flag{Name: "clump-p1", Value: 5e-8, Usage: "largest P of a clump's index variant"},
			&cli.Float64Flag{Name: "clump-p2", Value: 1e-7, Usage: "P of a clump's members is below"},
			&cli.Float64Flag{Name: "clump-r2", Value: 0.1, Usage: "r² of a clump's variants with its index is above"},
			&cli.Float64Flag{Name: "clump-kb", Value: 150, Usage: "kilobases on either side of an index variant"},
			&cli.StringFlag{Name: "genes", Usage: "table of genes (BED, GTF, or gene, chrom, start, end) in the place of the program's own, which are of GRCh38"},
			&cli.StringFlag{Name: "build", Value: "auto", Usage: "genome build of the genotypes: auto, GRCh37 or GRCh38"},
			&cli.StringFlag{Name: "checkpoint", Usage: "checkpoint whose genetic features are marked as model inputs; by default the one that embed names"},
			&cli.StringFlag{Name: "images", Usage: "manifest with eyes: loci are tested in left and right eyes apart, of the features per image"},
			&cli.StringFlag{Name: "write-for", Usage: "write files and a script for these: plink2,regenie,bolt,saige"},
			&cli.StringFlag{Name: "tables", Value: "fuma,locuszoom,ssf", Usage: "tables for other programs beside assoc.tsv.gz, or none"},
			&cli.StringFlag{Name: "out", Usage: "folder to make"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace a folder that gwas made"},
			&cli.StringFlag{Name: "device", Value: "cpu", Usage: "auto, cpu, cuda or cuda:N; a GPU computes products in float32"},
			&cli.IntFlag{Name: "threads", Usage: "CPU threads; 0 takes all"}),
		Action: func(c *cli.Context) error {
			o, err := gwasOptionsOf(c)
			if err != nil {
				return err
			}
			return runGWAS(c, o)
		},
	}
}

// gwasOptions are what the flags of gwas say.
type gwasOptions struct {
	features, covariates, genes, checkpoint, images, out string
	categorical, splits, writeFor, tables                []string
	pca                                                  int
	transform                                            string
	imputeMean                                           bool
	clump                                                assoc.ClumpOptions
	build                                                genome.Build
	overwrite                                            bool
}

func gwasOptionsOf(c *cli.Context) (o gwasOptions, err error) {
	if o.features, err = need(c, "features"); err != nil {
		return o, err
	}
	if o.out, err = need(c, "out"); err != nil {
		return o, err
	}
	if err := needGenotypes(c); err != nil {
		return o, err
	}
	o.covariates, o.genes, o.checkpoint, o.images, o.overwrite = c.String("covariates"), c.String("genes"), c.String("checkpoint"), c.String("images"), c.Bool("overwrite")
	if (o.covariates == "") != c.Bool("no-covariates") {
		return o, usagef("gwas: give --covariates, or say --no-covariates; see contig-gpu gwas --help")
	}
	o.categorical, o.pca, o.transform, o.imputeMean = c.StringSlice("categorical"), c.Int("pca"), c.String("int"), c.String("impute") == "mean"
	o.clump = assoc.ClumpOptions{P1: c.Float64("clump-p1"), P2: c.Float64("clump-p2"), R2: c.Float64("clump-r2"), KB: c.Float64("clump-kb")}
	return o, errorsOf(o.choices(c), o.numbers(c), o.splitsOf(c))
}

func errorsOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// choices are the flags that take one of some words.
func (o *gwasOptions) choices(c *cli.Context) error {
	switch w := c.String("impute"); {
	case w != "none" && w != "mean":
		return usagef("gwas: --impute: want none or mean, found %.200q", w)
	case !slices.Contains([]string{intAdjusted, intPlain, intNone}, o.transform):
		return usagef("gwas: --int: want adjusted, plain or none, found %.200q", o.transform)
	}
	switch b := c.String("build"); strings.ToLower(b) {
	case "auto":
		o.build = genome.Unknown
	case "grch37", "hg19", "b37", "37":
		o.build = genome.GRCh37
	case "grch38", "hg38", "b38", "38":
		o.build = genome.GRCh38
	default:
		return usagef("gwas: --build: want auto, GRCh37 or GRCh38, found %.200q", b)
	}
	for _, w := range wordsIn(c.String("tables")) {
		if known := []string{"fuma", "locuszoom", "ssf", "none"}; !slices.Contains(known, w) {
			return usagef("gwas: --tables: want some of %s, found %.200q", strings.Join(known, ", "), w)
		}
		o.tables = append(o.tables, w)
	}
	for _, w := range wordsIn(c.String("write-for")) {
		if !slices.Contains(writers(), w) {
			return usagef("gwas: --write-for: want some of %s, found %.200q%s", strings.Join(writers(), ", "), w, didYouMean(w, "", writers()))
		}
		o.writeFor = append(o.writeFor, w)
	}
	return nil
}

func wordsIn(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// mostComponents bounds --pca.
const mostComponents = 1000

func (o *gwasOptions) numbers(c *cli.Context) error {
	k := o.clump
	switch n := c.Int("threads"); {
	case n < 0 || n > mostThreads:
		return usagef("gwas: --threads: want a whole number from 0 to %d, found %d", mostThreads, n)
	case o.pca < 0 || o.pca > mostComponents:
		return usagef("gwas: --pca: want a whole number from 0 to %d, found %d", mostComponents, o.pca)
	case !(k.P1 > 0 && k.P1 <= 1):
		return usagef("gwas: --clump-p1: want a P above 0 and at most 1, found %g", k.P1)
	case !(k.P2 >= k.P1 && k.P2 <= 1):
		return usagef("gwas: --clump-p2: want a P from --clump-p1 (%g) to 1, found %g", k.P1, k.P2)
	case !(k.R2 >= 0 && k.R2 <= 1):
		return usagef("gwas: --clump-r2: want a value from 0 to 1, found %g", k.R2)
	case !(k.KB >= 0 && k.KB <= 1e6):
		return usagef("gwas: --clump-kb: want kilobases from 0 to 1000000, found %g", k.KB)
	}
	return nil
}

// splitsOf reads --split, and refuses what the encoder has seen unless that is allowed.
func (o *gwasOptions) splitsOf(c *cli.Context) error {
	known := []string{rowsof.Train, rowsof.Validation, rowsof.Test, rowsof.New, rowsof.Unknown}
	for _, w := range wordsIn(c.String("split")) {
		switch {
		case !slices.Contains(known, w):
			return usagef("gwas: --split: want some of %s, found %.200q", strings.Join(known, ", "), w)
		case (w == rowsof.Train || w == rowsof.Validation) && !c.Bool("allow-train"):
			return usagef("gwas: --split %s: the encoder has seen these persons, with their genetics: what is found of them is not evidence. --allow-train analyses them all the same", w)
		}
		o.splits = append(o.splits, w)
	}
	if len(o.splits) == 0 {
		return usagef("gwas: --split: want some of %s", strings.Join(known, ", "))
	}
	return nil
}

// runGWAS does the whole of it.
func runGWAS(c *cli.Context, o gwasOptions) error {
	target := folder.Target{Dir: o.out, Kind: folder.Association, Overwrite: o.overwrite, Mode: privateFolder,
		Inputs: append(filesOf(c), o.features, o.covariates, o.genes, o.checkpoint, o.images)}
	if err := target.Check(); err != nil {
		return err
	}
	cpu, err := gpu.Open("cpu", gpu.Options{Threads: c.Int("threads")})
	if err != nil {
		return err
	}
	defer cpu.Close()
	g := &gwas{c: c, o: o, cpu: cpu, device: cpu}
	if spec := c.String("device"); spec != "cpu" {
		if g.device, err = gpu.Open(spec, gpu.Options{Threads: c.Int("threads")}); err != nil {
			return err
		}
		defer g.device.Close()
	}
	keepWithinMemory(1)
	if err := errorsOf(g.read()); err != nil {
		return err
	}
	if err := g.phenotypes(); err != nil {
		return err
	}
	if err := target.Publish(g.write); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s: %d variants tested with %d traits in %d persons, %d loci\n", o.out, g.summary.Tested, len(g.traits), g.summary.Persons, g.summary.Loci)
	return err
}
