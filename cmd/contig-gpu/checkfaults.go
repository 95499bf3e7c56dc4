package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"contig-gpu/data"
)

// faulty is the error of a cohort with more than one fault: exit code 1.
type faulty struct {
	summaryOnly bool
	faults      *data.Faults
}

// shownFaults is how many faults of a number the terminal shows.
const shownFaults = 5

// Error returns a paragraph for each number, the first fault in full and some more in a line each, and the sum of all.
func (f faulty) Error() string {
	var b strings.Builder
	sum := fmt.Sprintf("%s of %s", plural(f.faults.Total, "error"), plural(len(f.faults.Kinds), "kind"))
	if f.summaryOnly {
		return sum
	}
	for _, k := range f.faults.Kinds {
		shown := min(shownFaults, len(k.First))
		fmt.Fprintln(&b, k.First[0])
		for _, p := range k.First[1:shown] {
			fmt.Fprintln(&b, oneLine(p))
		}
		if k.Count > shown {
			fmt.Fprintf(&b, "... and %d more of E%d; check --bad-list or --json has them\n", k.Count-shown, k.Code)
		}
	}
	fmt.Fprintf(&b, "%s:", sum)
	for _, k := range f.faults.Kinds {
		fmt.Fprintf(&b, " E%d %d", k.Code, k.Count)
	}
	return b.String()
}

// oneLine says what is wrong without cause and remedy, which the first of the kind has.
func oneLine(p *data.Problem) string {
	short := data.Problem{Code: p.Code, File: p.File, Line: p.Line, What: p.What, Err: p.Err}
	line := short.Error()
	if p.Found != "" {
		line += ": " + p.Found
	}
	return strings.ReplaceAll(line, "\n", " ")
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// A badList writes a line for each image and row with an error or warning: number, file and line, with tabs between.
type badList struct {
	w   *bufio.Writer
	err error
}

func newBadList(w io.Writer) *badList {
	l := &badList{w: bufio.NewWriter(w)}
	_, l.err = l.w.WriteString("code\tfile\tline\n")
	return l
}

func (l *badList) add(code, file string, line int) {
	at := ""
	if line > 0 {
		at = fmt.Sprint(line)
	}
	_, err := fmt.Fprintf(l.w, "%s\t%s\t%s\n", code, strings.NewReplacer("\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(file), at)
	l.err = errors.Join(l.err, err)
}

func (l *badList) fault(p *data.Problem) { l.add(fmt.Sprintf("E%d", p.Code), p.File, p.Line) }

func (l *badList) end(warnings []*data.Warning) error {
	for _, w := range warnings {
		l.add(fmt.Sprintf("W%d", w.Code), w.File, w.Line)
	}
	return errors.Join(l.err, l.w.Flush())
}

// What --json prints; docs/file-formats.md describes it.
type (
	checkJSON struct {
		Errors   int           `json:"errors"`
		Kinds    []kindJSON    `json:"kinds"`
		Warnings []warningJSON `json:"warnings"`
		Notes    []string      `json:"notes"`
		Persons  int           `json:"persons"`
		Images   int           `json:"images"`
		Decoded  int           `json:"decoded"`
		Pixels   int           `json:"pixels"`
		Tables   []tableJSON   `json:"tables"`
	}
	kindJSON struct {
		Code   string      `json:"code"`
		Count  int         `json:"count"`
		Faults []faultJSON `json:"faults"`
	}
	faultJSON struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		What     string `json:"what"`
		Expected string `json:"expected"`
		Found    string `json:"found"`
		Cause    string `json:"cause"`
		Fix      string `json:"fix"`
	}
	warningJSON struct {
		Code string `json:"code"`
		File string `json:"file"`
		Line int    `json:"line"`
		What string `json:"what"`
	}
	tableJSON struct {
		Name     string `json:"name"`
		Features int    `json:"features"`
		Persons  int    `json:"persons"`
	}
)

// json prints everything that was found.
func (k *checking) json(w io.Writer) error {
	out := checkJSON{Errors: k.faults.Total, Kinds: []kindJSON{}, Warnings: []warningJSON{}, Notes: append(append(k.cohort.Notes, k.seen.notes(k.size)...), k.twins.notes()...), Persons: len(k.cohort.Persons),
		Images: k.images, Decoded: k.seen.images, Pixels: k.seen.pixels, Tables: []tableJSON{}}
	for _, kind := range k.faults.Kinds {
		one := kindJSON{Code: fmt.Sprintf("E%d", kind.Code), Count: kind.Count}
		for _, p := range kind.First {
			what := p.What
			if p.Err != nil {
				what += fmt.Sprintf(" (%v)", p.Err)
			}
			one.Faults = append(one.Faults, faultJSON{File: p.File, Line: p.Line, What: what, Expected: p.Expected, Found: p.Found, Cause: p.Cause, Fix: p.Fix})
		}
		out.Kinds = append(out.Kinds, one)
	}
	for _, one := range k.faults.Warnings {
		out.Warnings = append(out.Warnings, warningJSON{Code: fmt.Sprintf("W%d", one.Code), File: one.File, Line: one.Line, What: one.What})
	}
	for _, t := range k.cohort.Tables {
		one := tableJSON{Name: t.Name(), Features: t.Stats().Width()}
		for i := range k.cohort.Persons {
			if t.Has(i) {
				one.Persons++
			}
		}
		out.Tables = append(out.Tables, one)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
