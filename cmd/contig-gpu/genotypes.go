package main

import (
	"fmt"
	"strings"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/cohort"
	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"

	"github.com/urfave/cli/v2"
)

// genotypesFlags are those of verbs that read genotypes without a data.toml.
func genotypesFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "genotypes", Usage: "`FILE` of genotypes or prefix of a fileset, or several as chr{1..22}; again for others of the same persons"},
		&cli.StringFlag{Name: "ref", Value: "first", Usage: "which allele of a BGEN is REF: first or last"},
	}
}

// openGenotypes opens what --genotypes names, and says what it is.
func openGenotypes(c *cli.Context) (*genotype.Set, error) {
	var paths []string
	for _, word := range wordsOf(c, "genotypes") {
		more, err := cohort.Expand(word, false)
		if err != nil {
			return nil, err
		}
		paths = append(paths, more...)
	}
	line := progress.New(c.App.ErrWriter)
	set, err := genofile.Open(paths, genofile.Options{RefLast: c.String("ref") == "last", Progress: func(done, total int) { line.Count(done, total, "variants listed") }})
	line.Done()
	if err != nil {
		return nil, err
	}
	notes := set.Notes
	about, variants := set.Files()
	for i, a := range about {
		notes = append(notes, fmt.Sprintf("%s: %s, %d variants, %d persons.", a.Path, a.Format, variants[i], len(set.People)))
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(c.App.Writer, n); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// wordsOf returns the words of a flag that may be given again. The flag cuts them at commas, also at those within braces, which are put together again.
func wordsOf(c *cli.Context, flag string) []string {
	var out []string
	open := 0
	for _, piece := range c.StringSlice(flag) {
		if open > 0 {
			out[len(out)-1] += "," + piece
		} else {
			out = append(out, piece)
		}
		open = max(0, open+strings.Count(piece, "{")-strings.Count(piece, "}"))
	}
	return out
}

// needGenotypes is the usage error of a verb that was called without them, or with a --ref that is none.
func needGenotypes(c *cli.Context) error {
	if len(wordsOf(c, "genotypes")) == 0 {
		return usagef("%s: --genotypes is required; see contig-gpu %s --help", c.Command.Name, c.Command.Name)
	}
	if r := c.String("ref"); r != "first" && r != "last" {
		return usagef("%s: --ref: want first or last, found %.200q", c.Command.Name, r)
	}
	return nil
}

// personsPath is the file that lists the persons of a set.
func personsPath(set *genotype.Set) string {
	about, _ := set.Files()
	if len(about) == 0 {
		return ""
	}
	return about[0].PersonsPath
}

// filesOf are what is read of genotypes, for folders and files that must not be replaced.
func filesOf(c *cli.Context) []string {
	var out []string
	for _, w := range wordsOf(c, "genotypes") {
		paths, err := cohort.Expand(w, false)
		if err != nil {
			paths = []string{w}
		}
		for _, p := range paths {
			for _, end := range []string{"", ".bed", ".bim", ".fam", ".pgen", ".pvar", ".psam", ".bgen", ".sample", ".vcf.gz", ".bcf"} {
				out = append(out, p+end)
			}
		}
	}
	return out
}
