package main

import (
	"fmt"
	"strings"

	"contig-gpu/data/cohort"
	"contig-gpu/data/plink"

	"github.com/urfave/cli/v2"
)

// genotypesFlag is that of verbs that read genotypes without a data.toml.
func genotypesFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "genotypes", Usage: "`PREFIX` of .bed, .bim and .fam, or several as chr{1..22}; again for others of the same persons"}
}

// openGenotypes opens what --genotypes names, and says what it is.
func openGenotypes(c *cli.Context) (*plink.Set, error) {
	var prefixes []string
	for _, word := range c.StringSlice("genotypes") {
		paths, err := cohort.Expand(word, false)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, paths...)
	}
	if len(prefixes) == 0 {
		return nil, usagef("%s: --genotypes is required; see contig-gpu %s --help", c.Command.Name, c.Command.Name)
	}
	set, err := plink.Open(prefixes)
	if err != nil {
		return nil, err
	}
	for _, n := range append(set.Notes, fmt.Sprintf("%s: %d variants, %d persons.", strings.Join(c.StringSlice("genotypes"), " "), len(set.Variants), len(set.Samples))) {
		if _, err := fmt.Fprintln(c.App.Writer, n); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// filesOf are what is read of filesets, for folders that must not be replaced.
func filesOf(words []string) []string {
	var out []string
	for _, w := range words {
		for _, end := range []string{"", ".bed", ".bim", ".fam"} {
			out = append(out, strings.TrimSuffix(w, ".bed")+end)
		}
	}
	return out
}
