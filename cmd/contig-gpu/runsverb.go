package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
}

// runsCommand lists runs.
func runsCommand() *cli.Command {
	return &cli.Command{
		Name: "runs", Usage: "list the runs of a folder: when, how far, what was learnt, which settings are not the recipe's", ArgsUsage: "[FOLDER]",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON object a line"}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("runs: one folder, not %d; flags come before it", c.NArg())
			}
			dir := "runs"
			if c.NArg() == 1 {
				dir = c.Args().First()
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
	if err != nil {
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
		if folderOfRun(d) != nil {
			continue
		}
		k := readRecord(d)
		rows, err := readMetrics(d)
		if err != nil {
			return nil, err
		}
		out = append(out, listedRun{Run: d, Started: k.Started, Status: k.status(rows), Changed: k.Changed, Learnt: report.Verdicts(rows)})
	}
	slices.SortStableFunc(out, func(a, b listedRun) int { return strings.Compare(a.Started, b.Started) })
	return out, nil
}

func printRuns(c *cli.Context, runs []listedRun) error {
	for _, r := range runs {
		if c.Bool("json") {
			if err := json.NewEncoder(c.App.Writer).Encode(r); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(c.App.Writer, "%s  %s\n  %s\n", r.Run, r.Started, r.Status)
		var words []string
		for _, name := range slices.Sorted(maps.Keys(r.Learnt)) {
			words = append(words, name+" "+r.Learnt[name])
		}
		if len(words) > 0 {
			fmt.Fprintf(c.App.Writer, "  %s\n", strings.Join(words, ", "))
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
		_, err := fmt.Fprintln(c.App.Writer, "no runs")
		return err
	}
	return nil
}
