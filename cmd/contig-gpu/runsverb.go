package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"contig-gpu/cmd/internal/report"

	"github.com/urfave/cli/v2"
)

// A listedRun is a line of the list of runs.
type listedRun struct {
	Run     string            `json:"run"`
	Started string            `json:"started,omitempty"`
	Status  string            `json:"status"`
	Changed []report.Change   `json:"changed,omitempty"`
	Learnt  map[string]string `json:"verdicts,omitempty"` // by modality
	found   []string          // the same in words, with recall@10
}

// runsCommand lists runs.
func runsCommand() *cli.Command {
	return &cli.Command{
		Name: "runs", Usage: "list the runs of a folder: when, how far, what was learnt, which settings are not the recipe's", ArgsUsage: "[FOLDER]",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON object a line"}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("runs: one folder, not %d", c.NArg())
			}
			dir := "runs"
			if c.NArg() == 1 {
				dir = c.Args().First()
			}
			if _, err := os.Stat(dir); os.IsNotExist(err) && c.NArg() == 1 {
				return needRun(dir, metricsName)
			}
			runs, err := listRuns(dir)
			if err != nil {
				return err
			}
			return printRuns(c, runs)
		},
	}
}

// listRuns returns the runs in dir, the latest last; dir may be one itself.
func listRuns(dir string) ([]listedRun, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	dirs := []string{dir}
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(dir, e.Name()))
		}
	}
	var out []listedRun
	for _, d := range dirs {
		if needRun(d, metricsName) != nil {
			continue
		}
		k := readRecord(d)
		rows, err := readMetrics(d)
		if err != nil {
			return nil, err
		}
		out = append(out, listedRun{Run: d, Started: k.Started, Status: k.status(rows), Changed: k.Changed, Learnt: report.Verdicts(rows), found: foundLines(rows)})
	}
	slices.SortStableFunc(out, func(a, b listedRun) int { return strings.Compare(a.Started, b.Started) })
	return out, nil
}

// foundLines says of each modality in a line what the last evaluation found.
func foundLines(rows []report.Row) []string {
	last, ok := report.Last(rows)
	if !ok {
		return nil
	}
	wide := 0
	for name := range last.Retrieval {
		wide = max(wide, utf8.RuneCountInString(name))
	}
	var out []string
	for _, f := range report.Findings(last.Retrieval) {
		if f.Candidates > 0 {
			out = append(out, fmt.Sprintf("%-*s  recall@10 %s", wide, f.Name, foundText(last.Retrieval, f.Name)))
		}
	}
	return out
}

func printRuns(c *cli.Context, runs []listedRun) error {
	for _, r := range runs {
		if c.Bool("json") {
			if err := json.NewEncoder(c.App.Writer).Encode(r); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(c.App.Writer, "%s  %s\n  %s\n", r.Run, moment(r.Started), r.Status)
		for _, l := range r.found {
			fmt.Fprintf(c.App.Writer, "  %s\n", l)
		}
		var changed []string
		for _, x := range r.Changed {
			changed = append(changed, x.Name+" "+x.Here)
		}
		if len(changed) > 0 {
			fmt.Fprintf(c.App.Writer, "  %s\n", strings.Join(changed, ", "))
		}
	}
	if len(runs) == 0 && !c.Bool("json") {
		_, err := fmt.Fprintln(c.App.Writer, "no runs here; contig-gpu train begins one")
		return err
	}
	return nil
}
