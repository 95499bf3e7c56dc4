// Package covariate reads tables of covariates: a row a person, columns of numbers or of words that name categories.
package covariate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// codeCovariates is the number of tables of covariates that cannot be used.
const codeCovariates = 953

// mostLevels is the most categories of a column.
const mostLevels = 50

// A Column is one covariate. Of categories the values are 1 to k, their Levels in alphabetical order.
type Column struct {
	Name   string
	Values []float64 // by row; NaN: missing
	Levels []string  // nil: numbers
}

// A Table is covariates of persons.
type Table struct {
	IDs     []string
	Columns []Column
	Notes   []string
}

// idNames are headers of the column of ids, in the order in which they are looked for; a table without one has ids in its first column.
func idNames() []string {
	return []string{"person_id", "#iid", "iid", "eid", "f.eid", "n_eid", "participant.eid", "participant id", "id"}
}

// Read reads a table of text. categories names columns that are categories though they hold numbers; one that the table lacks is E953, as is a column of words of more than 50
// kinds. An id that is there twice is E120. A column FID is left out.
func Read(path string, categories []string) (*Table, error) {
	l, err := table.OpenTable(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if !l.Next() {
		if err := l.Err(); err != nil {
			return nil, err
		}
		return nil, table.Empty(path, "the table has no header")
	}
	r := &reader{path: path, names: slices.Clone(l.Fields(nil)), ids: table.IDs{Path: path}}
	if err := table.Columns(path, l.Line(), r.names); err != nil {
		return nil, err
	}
	if err := r.header(l.Line(), categories); err != nil {
		return nil, err
	}
	var fields []string
	for l.Next() {
		if fields = l.Fields(fields); len(fields) != len(r.names) {
			return nil, l.Ragged(len(r.names), fields)
		}
		if err := r.row(l.Line(), fields); err != nil {
			return nil, err
		}
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if len(r.out.IDs) == 0 {
		return nil, table.Empty(path, "the table has a header and no rows")
	}
	r.out.Notes = l.Notes()
	return &r.out, r.finish(categories)
}

type reader struct {
	path  string
	names []string
	id    int
	used  []int      // columns of covariates
	cells [][]string // by covariate and row
	lines []int
	ids   table.IDs
	out   Table
}

func (r *reader) header(line int, categories []string) error {
	for _, want := range idNames() {
		if r.id = slices.IndexFunc(r.names, func(n string) bool { return strings.EqualFold(n, want) }); r.id >= 0 {
			break
		}
	}
	r.id = max(0, r.id)
	for i, n := range r.names {
		if i != r.id && !strings.EqualFold(strings.TrimPrefix(n, "#"), "fid") {
			r.used = append(r.used, i)
			r.out.Columns = append(r.out.Columns, Column{Name: strings.Clone(n)})
		}
	}
	for i := range r.names {
		r.names[i] = strings.Clone(r.names[i])
	}
	r.cells = make([][]string, len(r.used))
	for _, c := range categories {
		if !slices.ContainsFunc(r.out.Columns, func(x Column) bool { return x.Name == c }) {
			return &data.Problem{Code: codeCovariates, File: r.path, Line: line, What: fmt.Sprintf("there is no column %q", c), Expected: "names as in the header", Found: fmt.Sprintf("%.200s", strings.Join(r.names, " ")),
				Cause: "a misspelling in --categorical, or another table", Fix: "correct the name"}
		}
	}
	return nil
}

func (r *reader) row(line int, fields []string) error {
	id := strings.Clone(fields[r.id])
	if err := r.ids.Add(id, line); err != nil {
		return err
	}
	r.out.IDs, r.lines = append(r.out.IDs, id), append(r.lines, line)
	for k, c := range r.used {
		r.cells[k] = append(r.cells[k], strings.Clone(fields[c]))
	}
	return nil
}

// finish finds each column's kind.
func (r *reader) finish(categories []string) error {
	for k := range r.out.Columns {
		c := &r.out.Columns[k]
		bad := -1
		for i, cell := range r.cells[k] {
			v, ok := table.Number(cell)
			if !ok {
				bad = i
				break
			}
			c.Values = append(c.Values, v)
		}
		if bad < 0 && !slices.Contains(categories, c.Name) {
			continue
		}
		if err := r.categories(c, k, bad); err != nil {
			return err
		}
	}
	return nil
}

// categories numbers the words of a column. bad is the first row that is no number, -1 where all are.
func (r *reader) categories(c *Column, k, bad int) error {
	number := map[string]float64{}
	for _, cell := range r.cells[k] {
		if !data.Missing(cell) {
			number[cell] = 0
		}
	}
	if len(number) > mostLevels {
		if bad >= 0 {
			return table.NotNumber(r.path, r.lines[bad], c.Name, r.cells[k][bad])
		}
		return &data.Problem{Code: codeCovariates, File: r.path, What: fmt.Sprintf("column %q has too many categories", c.Name), Expected: fmt.Sprintf("at most %d", mostLevels), Found: fmt.Sprint(len(number)),
			Cause: "a column of numbers that --categorical names", Fix: "leave it out of --categorical"}
	}
	for w := range number {
		c.Levels = append(c.Levels, w)
	}
	slices.Sort(c.Levels)
	for i, w := range c.Levels {
		number[w] = float64(i + 1)
	}
	c.Values = c.Values[:0]
	for _, cell := range r.cells[k] {
		v, ok := number[cell]
		if !ok {
			v = math.NaN()
		}
		c.Values = append(c.Values, v)
	}
	return nil
}

// Design returns the columns of a linear model for some rows: numbers as they are, and for each category but the first a column of 0 and 1. A row of -1 is a person without
// covariates, of whom all are NaN.
func (t *Table) Design(rows []int) (columns [][]float64, names []string) {
	pick := func(of func(v float64) float64, c Column) []float64 {
		out := make([]float64, len(rows))
		for i, r := range rows {
			out[i] = math.NaN()
			if r >= 0 && !math.IsNaN(c.Values[r]) {
				out[i] = of(c.Values[r])
			}
		}
		return out
	}
	for _, c := range t.Columns {
		if c.Levels == nil {
			columns, names = append(columns, pick(func(v float64) float64 { return v }, c)), append(names, c.Name)
			continue
		}
		for k := 2; k <= len(c.Levels); k++ {
			columns = append(columns, pick(func(v float64) float64 {
				if int(v) == k {
					return 1
				}
				return 0
			}, c))
			names = append(names, c.Name+"="+c.Levels[k-1])
		}
		if len(c.Levels) < 2 { // one word: constant, but for who lacks it
			columns, names = append(columns, pick(func(v float64) float64 { return v }, c)), append(names, c.Name)
		}
	}
	return columns, names
}
