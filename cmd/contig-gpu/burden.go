package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/burden"
	"contig-gpu/data/folder"
	"contig-gpu/data/table"

	"github.com/urfave/cli/v2"
)

func burdenCommand() *cli.Command {
	return &cli.Command{
		Name: "burden", Usage: "sum rare variants gene by gene, as regenie's masks",
		Description: "Writes a table of person_id and a column GENE.MASK.AAF for each gene, mask and limit of the frequency of the alternative allele, singletons too.\n" +
			"--anno, --sets and --masks are regenie's files; --sets may also be a group file of SAIGE-GENE or a SetID file of SKAT, which need no --anno. The table is readable by its owner only.",
		Flags: append(genotypesFlags(),
			&cli.StringFlag{Name: "anno", Usage: "`FILE` of variant, gene, category, or variant, gene, domain, category"},
			&cli.StringFlag{Name: "sets", Usage: "`FILE` of gene, chromosome, position, variants; or a group file, or a SetID file"},
			&cli.StringFlag{Name: "masks", Usage: "`FILE` of mask and categories; none: one mask of all, named all"},
			&cli.StringFlag{Name: "aaf-bins", Value: "0.01", Usage: "limits of the frequency of the alternative allele, separated by commas"},
			&cli.StringFlag{Name: "aaf-file", Usage: "`FILE` of variant, frequency and perhaps 1 for singletons, instead of frequencies that are counted"},
			&cli.StringFlag{Name: "remove", Usage: "`FILE` of persons who count in no frequency; they are written all the same, as regenie does"},
			&cli.StringFlag{Name: "rule", Value: burden.Max, Usage: "max, sum, comphet (the sum, at most 2) or indicator (1 who has any)"},
			&cli.IntFlag{Name: "weights-col", Usage: "column of --anno that holds weights, by which copies are multiplied; 0: none"},
			&cli.StringFlag{Name: "out", Usage: "`FILE` to write, .tsv, .tsv.gz or .tsv.zst"},
			&cli.StringFlag{Name: "report", Usage: "`FILE` for a line each column: its variants and carriers"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace files that are there"}),
		Action: burdens,
	}
}

// burdenOptions are what the flags of burden say.
func burdenOptions(c *cli.Context) (burden.Options, error) {
	o := burden.Options{Rule: c.String("rule"), Room: int(memory() / 4 * 3)}
	if !slices.Contains(burden.Rules(), o.Rule) {
		return o, usagef("burden: --rule: want %s, found %.200q%s", strings.Join(burden.Rules(), ", "), o.Rule, didYouMean(o.Rule, "", burden.Rules()))
	}
	for _, f := range strings.Split(c.String("aaf-bins"), ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(f), 64)
		if err != nil || !(v > 0 && v <= 1) {
			return o, usagef("burden: --aaf-bins: want frequencies above 0 and up to 1, separated by commas, found %.200q", c.String("aaf-bins"))
		}
		o.Bins = append(o.Bins, v)
	}
	slices.Sort(o.Bins)
	o.Bins = slices.Compact(o.Bins)
	if n := c.Int("weights-col"); n != 0 && (n < 4 || n > 1000) {
		return o, usagef("burden: --weights-col: want a column from 4 on, behind the category, found %d", n)
	}
	return o, nil
}

func burdens(c *cli.Context) error {
	out, err := need(c, "out")
	if err != nil {
		return err
	}
	if _, err := need(c, "sets"); err != nil {
		return err
	}
	if err := needGenotypes(c); err != nil {
		return err
	}
	o, err := burdenOptions(c)
	if err != nil {
		return err
	}
	files := []folder.File{{Path: out, Overwrite: c.Bool("overwrite"), Ours: burdenTable}}
	if r := c.String("report"); r != "" {
		files = append(files, folder.File{Path: r, Overwrite: c.Bool("overwrite"), Ours: burdenReport})
	}
	for i := range files {
		files[i].Inputs = append(filesOf(c), c.String("anno"), c.String("sets"), c.String("masks"), c.String("aaf-file"), c.String("remove"))
		if err := files[i].Check(); err != nil {
			return err
		}
	}
	keepWithinMemory(1)
	b, err := computeBurdens(c, o)
	if err != nil {
		return err
	}
	undo, err := files[0].Parents()
	if err != nil {
		return err
	}
	if err := writeBurdens(c.Context, out, b); err != nil {
		undo()
		return err
	}
	if len(files) > 1 {
		if undo, err = files[1].Parents(); err != nil {
			return err
		}
		if err := writePrivate(files[1].Path, columnsOf(b)); err != nil {
			undo()
			return err
		}
	}
	_, err = fmt.Fprintf(c.App.Writer, "wrote %s: %d burdens of %d persons\n", out, len(b.Columns), len(b.Persons))
	return err
}

// computeBurdens reads everything, sums, and says what came of it.
func computeBurdens(c *cli.Context, o burden.Options) (*burden.Burdens, error) {
	say := func(format string, a ...any) { fmt.Fprintf(c.App.Writer, format+"\n", a...) }
	d, err := burden.Read(c.String("anno"), c.String("sets"), c.String("masks"), c.Int("weights-col"))
	if err != nil {
		return nil, err
	}
	g, err := openGenotypes(c)
	if err != nil {
		return nil, err
	}
	persons := g.Persons()
	ids := table.IDs{Path: personsPath(g)}
	for i, p := range persons { // a table knows persons by one id
		if err := ids.AddPerson("", p.IID, i+1); err != nil {
			return nil, err
		}
	}
	if path := c.String("aaf-file"); path != "" {
		if o.Given, err = burden.ReadAAF(path); err != nil {
			return nil, err
		}
	}
	if path := c.String("remove"); path != "" {
		nobody := 0
		if o.Without, nobody, err = burden.ReadPersons(path, persons); err != nil {
			return nil, err
		}
		n := 0
		for _, w := range o.Without {
			if w {
				n++
			}
		}
		say("--remove: %d persons count in no frequency; %d lines name nobody.", n, nobody)
	}
	line := progress.New(c.App.ErrWriter)
	b, err := burden.Compute(c.Context, g, d, o, func(done, total int) { line.Count(done, total, "variants") })
	line.Done()
	if err != nil {
		return nil, err
	}
	say("%d sets, %d masks, %d variants read; %d burdens have variants, %d have none and are left out.", len(d.Sets), len(d.Masks), b.Variants, len(b.Columns), b.Dropped)
	for _, u := range b.Unmatched {
		more := ""
		if u.Count > len(u.First) {
			more = ", ..."
		}
		say("W421: %d %s: %s%s.", u.Count, u.Kind, strings.Join(u.First, ", "), more)
	}
	for _, l := range carriersByMask(b) {
		say("%s", l)
	}
	return b, nil
}

// carriersByMask says for each mask and limit how many columns it has, and the carriers of the least and the most common, and of the median.
func carriersByMask(b *burden.Burdens) []string {
	type key struct{ mask, limit string }
	of := map[key][]int{}
	var order []key
	for _, c := range b.Columns {
		k := key{c.Mask, c.Limit}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], c.Carriers)
	}
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Or(cmp.Compare(a.mask, b.mask), cmp.Compare(a.limit, b.limit)) })
	const shown = 40
	var out []string
	for i, k := range order {
		if i == shown {
			out = append(out, fmt.Sprintf("and %d masks more", len(order)-shown))
			break
		}
		n := of[k]
		slices.Sort(n)
		out = append(out, fmt.Sprintf("%s.%s: %d genes; carriers a gene: %d to %d, median %d", k.mask, k.limit, len(n), n[0], n[len(n)-1], n[len(n)/2]))
	}
	return out
}
