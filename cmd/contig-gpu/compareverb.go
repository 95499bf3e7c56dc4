package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/eval"
	"contig-gpu/model/setting"

	"github.com/urfave/cli/v2"
)

// A comparedRun is a run beside others. It has no ids.
type comparedRun struct {
	Run      string                    `json:"run"`
	Status   string                    `json:"status"`
	Settings map[string]string         `json:"settings,omitempty"` // those that are not the same in all
	Found    map[string]eval.Retrieval `json:"retrieval,omitempty"`
	Verdicts map[string]string         `json:"verdicts,omitempty"` // by modality
	Split    string                    `json:"split,omitempty"`    // that it was found in: test, or validation before there was a test
	Loss     float64                   `json:"loss,omitempty"`
}

// compareCommand prints what several runs differ in.
func compareCommand() *cli.Command {
	return &cli.Command{
		Name: "compare", Usage: "print what runs differ in: settings, and what was learnt", ArgsUsage: "RUN RUN...",
		Description: "The curves of both stand on the page that contig-gpu report --out FILE RUN RUN... writes.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON object a line, a run each"}},
		Action: func(c *cli.Context) error {
			dirs := c.Args().Slice()
			if len(dirs) < 2 {
				return usagef("compare: want two run folders or more, found %d; contig-gpu runs lists those of a folder", len(dirs))
			}
			runs, differ, err := sideBySide(dirs)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				for _, r := range runs {
					if err := json.NewEncoder(c.App.Writer).Encode(r); err != nil {
						return err
					}
				}
				return nil
			}
			return printCompared(c.App.Writer, runs, differ)
		},
	}
}

// sideBySide reads runs, and returns with them the names of the settings that are not the same in all, in the order of config.toml.
func sideBySide(dirs []string) (runs []comparedRun, differ []string, err error) {
	settings, err := settingsOf(dirs)
	if err != nil {
		return nil, nil, err
	}
	for _, dir := range dirs {
		rows, err := readMetrics(dir)
		if err != nil {
			return nil, nil, err
		}
		k := readRecord(dir)
		r := comparedRun{Run: dir, Status: k.status(rows), Settings: map[string]string{}, Verdicts: report.Verdicts(rows)}
		if last, ok := report.Last(rows); ok {
			r.Found, r.Split, r.Loss = last.Retrieval, last.Kind, last.Loss
		}
		runs = append(runs, r)
	}
	for _, s := range settings {
		differ = append(differ, s.name)
		for i := range runs {
			runs[i].Settings[s.name] = s.values[i]
		}
	}
	return runs, differ, nil
}

// A differingSetting has not the same value in all runs.
type differingSetting struct {
	name   string
	values []string // a run each
}

// settingsOf returns the settings in which runs differ; E704 of what is no run.
func settingsOf(dirs []string) ([]differingSetting, error) {
	var all [][]setting.Row
	for _, dir := range dirs {
		if err := needRun(dir, metricsName); err != nil {
			return nil, err
		}
		s := newSettings(setting.Default)
		if file, err := config.LoadRun(filepath.Join(dir, configName)); err == nil {
			if err := file.Into(s.rows()); err != nil {
				return nil, err
			}
		}
		all = append(all, s.rows())
	}
	var out []differingSetting
	for i, first := range all[0] {
		d := differingSetting{name: first.Name}
		for _, rows := range all {
			d.values = append(d.values, rows[i].Text())
		}
		if slices.ContainsFunc(d.values, func(v string) bool { return v != d.values[0] }) {
			out = append(out, d)
		}
	}
	return out, nil
}

// printCompared prints a table with a column for each run. It has no loss, which depends on the batch.
func printCompared(w io.Writer, runs []comparedRun, differ []string) error {
	head, rows := []string{""}, [][]string{{"status"}, {"evaluated on"}}
	var names []string
	for _, r := range runs {
		head = append(head, r.Run)
		rows[0], rows[1] = append(rows[0], strings.TrimSuffix(r.Status, ".")), append(rows[1], map[bool]string{true: r.Split, false: "nothing yet"}[r.Split != ""])
		for _, f := range report.Findings(r.Found) {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { // all together last, also where a run alone has a modality
		return map[bool]int{true: 1}[a == report.All] - map[bool]int{true: 1}[b == report.All]
	})
	for _, name := range names {
		row := []string{name + ", recall@10"}
		for _, r := range runs {
			row = append(row, foundText(r.Found, name))
		}
		rows = append(rows, row)
	}
	for _, name := range differ {
		row := []string{"--" + name}
		for _, r := range runs {
			row = append(row, map[bool]string{true: `""`, false: r.Settings[name]}[r.Settings[name] == ""])
		}
		rows = append(rows, row)
	}
	printColumns(w, append([][]string{head}, rows...))
	if len(differ) == 0 {
		fmt.Fprintln(w, "all settings are the same")
	}
	_, err := fmt.Fprintln(w, "recall@10: image to genetics / genetics to image, and how many times chance")
	return err
}

// foundText says what a run found of a modality in a few words.
func foundText(found map[string]eval.Retrieval, name string) string {
	r, ok := found[name]
	if !ok || r.Candidates == 0 {
		return "-"
	}
	chance := min(1, 10/float64(r.Candidates))
	text := fmt.Sprintf("%.2f / %.2f (%.1f, %.1f x)", r.ImageToGenetics.R10, r.GeneticsToImage.R10, report.Times(r.ImageToGenetics.R10, chance), report.Times(r.GeneticsToImage.R10, chance))
	if v := r.Verdict(); v != eval.Unknown {
		text += " " + string(v)
	}
	return text
}

// printColumns prints rows of as many cells, each column as wide as its widest.
func printColumns(w io.Writer, rows [][]string) {
	wide := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		line := ""
		for i, cell := range r {
			line += cell + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell)+2)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}
