package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
	"contig-gpu/data/pgs"

	"github.com/urfave/cli/v2"
)

func pgsCommand() *cli.Command {
	return &cli.Command{
		Name: "pgs", Usage: "compute polygenic scores of genotypes, from files of the PGS Catalog or lines of id, allele, weight",
		Description: "Writes DIR/SCORE.sscore for each score, as plink2 --score does, DIR/match.tsv and DIR/match.html: which rows have a variant, and why others have none.\n" +
			"Rows are matched by chromosome, position and alleles, or by id where they have no position. The files hold ids and are readable by their owner only.",
		Flags: append(genotypesFlags(),
			&cli.StringSliceFlag{Name: "scores", Usage: "`PATTERN` of scoring files, such as 'scores/*.txt.gz'; again for others"},
			&cli.StringFlag{Name: "out", Usage: "folder to make"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace scores that pgs made"},
			&cli.Float64Flag{Name: "min-overlap", Value: pgs.DefaultOverlap, Usage: "share of a score's rows that must be used, 0 to 1; scores with less are left out"},
			&cli.BoolFlag{Name: "no-mean-imputation", Usage: "a missing genotype counts nothing, instead of what the allele's frequency among founders says"},
			&cli.BoolFlag{Name: "keep-ambiguous", Usage: "use A/T and C/G variants as they are written"},
			&cli.StringFlag{Name: "positions", Value: pgs.Harmonised, Usage: "harmonised: hm_chr and hm_pos where a file has them; author: chr_name and chr_position"},
			&cli.IntFlag{Name: "threads", Usage: "CPU threads; 0 takes all"}),
		Action: scoreGenotypes,
	}
}

// pgsOptions are what the flags of pgs say.
func pgsOptions(c *cli.Context) (pgs.Options, error) {
	o := pgs.Options{Positions: c.String("positions"), KeepAmbiguous: c.Bool("keep-ambiguous"), NoMeanImputation: c.Bool("no-mean-imputation"), MinOverlap: c.Float64("min-overlap"),
		Threads: c.Int("threads"), Room: int(memory() / 4 * 3)}
	switch {
	case o.Positions != pgs.Harmonised && o.Positions != pgs.Author:
		return o, usagef("pgs: --positions: want %s or %s, found %.200q", pgs.Harmonised, pgs.Author, o.Positions)
	case !(o.MinOverlap >= 0 && o.MinOverlap <= 1):
		return o, usagef("pgs: --min-overlap: want a share from 0 to 1, found %g", o.MinOverlap)
	case o.Threads < 0 || o.Threads > mostThreads:
		return o, usagef("pgs: --threads: want a whole number from 0 to %d, found %d", mostThreads, o.Threads)
	}
	return o, nil
}

func scoreGenotypes(c *cli.Context) error {
	dir, err := need(c, "out")
	if err != nil {
		return err
	}
	o, err := pgsOptions(c)
	if err != nil {
		return err
	}
	if len(c.StringSlice("scores")) == 0 {
		return usagef("pgs: --scores is required; see contig-gpu pgs --help")
	}
	if err := needGenotypes(c); err != nil {
		return err
	}
	var paths []string
	for _, word := range wordsOf(c, "scores") {
		more, err := cohort.Expand(word, true)
		if err != nil {
			return err
		}
		paths = append(paths, more...)
	}
	target := folder.Target{Dir: dir, Kind: folder.Scores, Overwrite: c.Bool("overwrite"), Inputs: append(filesOf(c), paths...), Mode: privateFolder}
	if err := target.Check(); err != nil {
		return err
	}
	keepWithinMemory(1)
	const spare = 25 // percent of what is kept: weights, which take no time to be looked through
	defer debug.SetGCPercent(debug.SetGCPercent(spare))
	s := &scoring{c: c, o: o}
	if err := s.match(paths); err != nil {
		return err
	}
	if err := s.sum(); err != nil {
		return err
	}
	if err := target.Publish(s.write); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s: %d scores of %d persons\n", dir, s.names(), len(s.sums.Rows))
	return err
}

// A scoring is one call of pgs.
type scoring struct {
	c         *cli.Context
	o         pgs.Options
	genotypes *genotype.Set
	persons   []genotype.Person
	build     genome.Build
	sets      []*pgs.Set
	sums      *pgs.Sums
}

// names is how many scores are written.
func (s *scoring) names() int {
	n := 0
	for _, set := range s.sets {
		if set.Low == nil {
			n += len(set.Names)
		}
	}
	return n
}

func (s *scoring) say(format string, a ...any) error {
	_, err := fmt.Fprintf(s.c.App.Writer, format+"\n", a...)
	return err
}

// match reads the scores and finds the variants of their rows. Where no score has enough of them, that is E312.
func (s *scoring) match(paths []string) error {
	set, err := openGenotypes(s.c)
	if err != nil {
		return err
	}
	s.genotypes = set
	if s.persons = s.genotypes.Persons(); len(s.persons) == 0 {
		return pgs.NoPersons(personsPath(set))
	}
	list := s.genotypes.Variants()
	s.build = pgs.BuildOf(list)
	x := genotype.NewIndex(list)
	line := progress.New(s.c.App.ErrWriter)
	s.sets, err = pgs.ReadSets(s.c.Context, paths, x, s.o, func(done, total int) { line.Count(done, total, "scoring files read") })
	line.Done()
	if err != nil {
		return err
	}
	for _, set := range s.sets {
		if set.Low != nil {
			pgs.Diagnose(set, x, s.build, s.o)
		}
	}
	return s.report()
}

// shownScores is how many scores the output lists.
const shownScores = 20

// report says what was matched.
func (s *scoring) report() error {
	if err := s.say("genome build of the genotypes: %s", buildText(s.build)); err != nil {
		return err
	}
	var low []*pgs.Set
	for i, set := range s.sets {
		if set.Low != nil {
			low = append(low, set)
		}
		if i < shownScores {
			if err := s.say("%s", set.Sentence()); err != nil {
				return err
			}
		}
	}
	if n := len(s.sets) - shownScores; n > 0 {
		if err := s.say("and %d more: see match.tsv", n); err != nil {
			return err
		}
	}
	if len(low) == len(s.sets) {
		p := low[0].Low
		if len(low) > 1 {
			p.What += fmt.Sprintf("; the same of all %d files", len(low))
		}
		return p
	}
	for _, set := range low {
		if err := s.say("W312: %s is left out: %s of its rows have a variant that can be used. %s.", set.Title(), percent(set.Counts.Overlap()), capital(set.Low.Cause)); err != nil {
			return err
		}
	}
	return nil
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

func capital(s string) string {
	if s == "" {
		return "No cause was found"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func buildText(b genome.Build) string {
	if b == genome.Unknown {
		return "unknown: the positions fit both GRCh37 and GRCh38, or neither"
	}
	return string(b) + ", the only one of GRCh37 and GRCh38 that all positions fit"
}

// sum computes the scores.
func (s *scoring) sum() error {
	rows := make([]int, len(s.persons))
	for i := range rows {
		rows[i] = i
	}
	line := progress.New(s.c.App.ErrWriter)
	defer line.Done()
	var err error
	s.sums, err = pgs.Sum(s.c.Context, s.genotypes, s.sets, rows, s.o, func(done, total int) { line.Count(done, total, "variants") })
	var p *data.Problem
	if err != nil {
		if errors.As(err, &p) && p.File == "" {
			p.File = personsPath(s.genotypes)
		}
		return err
	}
	if s.sums.Founders < pgs.FewFounders && !s.o.NoMeanImputation {
		return s.say("W314: the frequencies by which missing genotypes are imputed come from %d founders; plink2 refuses fewer than %d: --no-mean-imputation needs none.", s.sums.Founders, pgs.FewFounders)
	}
	return nil
}
