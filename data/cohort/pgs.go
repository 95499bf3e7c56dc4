package cohort

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"
	"contig-gpu/data/pgs"
	"contig-gpu/data/table"
)

// pgsConfig is a section whose scores are computed of genotypes.
type pgsConfig struct {
	Scores         pathList `toml:"scores"`
	Genotypes      pathList `toml:"genotypes"`
	MinOverlap     *float64 `toml:"min_overlap"`
	KeepAmbiguous  bool     `toml:"keep_ambiguous"`
	MeanImputation *bool    `toml:"mean_imputation"`
	Positions      string   `toml:"positions"`
	Format         string   `toml:"format"`
	Ref            string   `toml:"ref"`
	Column         string   `toml:"column"`
	Standardize    string   `toml:"standardize"`
}

func pgsKeys() []string {
	return []string{"scores", "genotypes", "min_overlap", "keep_ambiguous", "mean_imputation", "positions", "format", "ref", "column", "standardize"}
}

func (c *config) checkPGS(s *section) error {
	p := s.pgs
	if len(p.Genotypes) == 0 {
		if err := c.faults.Take(c.bad(s.name, "scores", "scores are computed of genotypes, and none are named", `genotypes = "PREFIX" beside scores; .sscore files have the key sscore`, "no key genotypes")); err != nil {
			return err
		}
	}
	if p.MinOverlap == nil {
		least := pgs.DefaultOverlap
		p.MinOverlap = &least
	}
	if !(*p.MinOverlap >= 0 && *p.MinOverlap <= 1) {
		if err := c.faults.Take(c.bad(s.name, "min_overlap", "min_overlap is out of range", "0 to 1", fmt.Sprint(*p.MinOverlap))); err != nil {
			return err
		}
	}
	for _, o := range []struct {
		key   string
		value *string
		words []string
	}{{"positions", &p.Positions, []string{pgs.Harmonised, pgs.Author}}, {"format", &p.Format, genofile.Formats()}, {"ref", &p.Ref, []string{refFirst, refLast}}, {"column", &p.Column, []string{"AVG", "SUM"}}, {"standardize", &p.Standardize, []string{"train", "none"}}} {
		if err := c.faults.Take(c.choice(s.name, o.key, o.value, o.words...)); err != nil {
			return err
		}
	}
	return nil
}

// openPGS computes the scores of persons who are wanted; st names those that a checkpoint needs, others are not summed.
func (c *config) openPGS(s *section, st *data.Stats, only table.Selection) (source, []string, error) {
	prefixes, err := c.expand(s.pgs.Genotypes, s.name, false)
	if err != nil {
		return nil, nil, err
	}
	paths, err := c.expand(s.pgs.Scores, s.name, true)
	if err != nil {
		return nil, nil, err
	}
	g, err := genofile.Open(prefixes, genofile.Options{Format: s.pgs.Format, RefLast: s.pgs.Ref == refLast, Progress: c.counting("variants listed")})
	if err != nil {
		return nil, nil, err
	}
	about, _ := g.Files()
	o := pgs.Options{Positions: s.pgs.Positions, KeepAmbiguous: s.pgs.KeepAmbiguous, NoMeanImputation: s.pgs.MeanImputation != nil && !*s.pgs.MeanImputation, MinOverlap: *s.pgs.MinOverlap, Room: only.Room}
	sets, notes, err := c.matchScores(g, paths, st, o)
	if err != nil {
		return nil, nil, err
	}
	w, err := c.scoreTable(g, sets, s.pgs.Column, about[0].PersonsPath, o, only)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range notes {
		notes[i] = s.name + ": " + n
	}
	notes = append(append(g.Notes, notes...), fmt.Sprintf("%s: %d scores of %d files, %d variants, %d persons.", s.name, len(w.Names), len(paths), len(g.Sites), len(g.People)))
	return &dense{wide: w, standardize: s.pgs.Standardize == "train"}, append(notes, w.Notes...), nil
}

// matchScores reads scoring files and leaves out those that have too few variants, or that a checkpoint does not name.
func (c *config) matchScores(g genotype.Rows, paths []string, st *data.Stats, o pgs.Options) ([]*pgs.Set, []string, error) {
	list := g.Variants()
	x := genotype.NewIndex(list)
	all, err := pgs.ReadSets(context.Background(), paths, x, o, c.told("scoring files read"))
	if err != nil {
		return nil, nil, err
	}
	build := pgs.BuildOf(list)
	notes := []string{fmt.Sprintf("the genotypes' build is %s, as far as positions tell.", build)}
	var sets []*pgs.Set
	var low *data.Problem
	for _, s := range all {
		if st != nil && !names(st, s.Names) {
			continue
		}
		if s.Low == nil {
			if sets = append(sets, s); len(sets) <= shownScores {
				notes = append(notes, s.Sentence())
			}
			continue
		}
		pgs.Diagnose(s, x, build, o)
		if low == nil {
			low = s.Low
		}
		notes = append(notes, fmt.Sprintf("W312: %s is left out: %d of its %d rows have a variant that can be used; %s.", s.Title(), s.Counts.Used, s.Counts.Rows, strings.TrimSuffix(s.Low.Cause, ".")))
	}
	if len(sets) == 0 && low != nil {
		return nil, nil, low
	}
	return sets, notes, nil
}

// shownScores is how many scores the notes say the match of.
const shownScores = 20

// told is counting, for those who always tell.
func (c *config) told(things string) func(done, total int) {
	if f := c.counting(things); f != nil {
		return f
	}
	return func(int, int) {}
}

// names says whether a checkpoint has one of the names.
func names(st *data.Stats, list []string) bool {
	for _, n := range st.Names {
		for _, m := range list {
			if n == m {
				return true
			}
		}
	}
	return false
}

// scoreTable sums the scores of persons who are wanted.
func (c *config) scoreTable(g genotype.Rows, sets []*pgs.Set, column, path string, o pgs.Options, only table.Selection) (*table.Wide, error) {
	persons := g.Persons()
	var rows []int
	row := make([]int, len(persons)) // among rows, -1 where not wanted
	for i, p := range persons {
		row[i] = -1
		if only.Want == nil || only.Want(idsOf(p)) {
			row[i] = len(rows)
			rows = append(rows, i)
		}
	}
	sums, err := pgs.Sum(context.Background(), g, sets, rows, o, c.told("variants"))
	if err != nil {
		return nil, err
	}
	var titles []string
	for _, s := range sets {
		titles = append(titles, s.Names...)
	}
	at := -1
	only.Want = func([]string) bool { at++; return row[at] >= 0 }
	b := table.NewBuilder(path, titles, titles, only)
	values := make([]float64, len(titles))
	for i, p := range persons {
		if row[i] >= 0 {
			scoresOf(values, sums, sets, row[i], column)
		}
		if err := b.AddValues(0, idsOf(p), values); err != nil {
			return nil, err
		}
	}
	var notes []string
	if sums.Founders < pgs.FewFounders && !o.NoMeanImputation {
		notes = append(notes, fmt.Sprintf("W314: %s: missing genotypes are imputed by the frequencies of %d founders.", filepath.Base(path), sums.Founders))
	}
	return b.Finish(notes)
}

func idsOf(p genotype.Person) []string {
	if p.FID == "" {
		return []string{p.IID}
	}
	return []string{p.FID, p.IID}
}

func scoresOf(dst []float64, sums *pgs.Sums, sets []*pgs.Set, row int, column string) {
	k := 0
	for _, s := range sets {
		for j := range s.Names {
			score := sums.Of(s, j, row)
			dst[k] = score.Sum
			if column == "AVG" {
				dst[k] = score.Average
			}
			k++
		}
	}
}
