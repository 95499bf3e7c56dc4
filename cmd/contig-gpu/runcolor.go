package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data"
	"contig-gpu/data/table"
	"contig-gpu/model/eval"
)

// What the dots of a map cannot be coloured by.
const (
	codeNoColumn = 815 // of a table
	codeNoDots   = 816 // of the run
)

// colouring reads --color FILE:COLUMN for the dots of a run's map, of a kind of evaluation.
func colouring(dir, kind, asked string) (*report.Coloring, error) {
	cut := strings.LastIndexByte(asked, ':')
	if cut <= 0 || cut+1 == len(asked) {
		return nil, usagef("report: --color wants FILE:COLUMN, such as covariates.tsv:age")
	}
	path, column := asked[:cut], asked[cut+1:]
	var ids []string
	for _, f := range readPrivate(dir, dotsName, dotsHead) {
		if f[0] == kind {
			ids = append(ids, f[2])
		}
	}
	if len(ids) == 0 {
		return nil, &data.Problem{Code: codeNoDots, File: filepath.Join(dir, privateName, dotsName), What: "nobody knows who the dots of the run's map are", Expected: "a line for each dot of the " + kind + " split",
			Found: "none", Cause: "private/ was left behind when the run was copied, or the run is of an older version", Fix: "run it where private/ is, or leave --color out"}
	}
	values, err := columnOf(path, column, ids)
	if err != nil {
		return nil, err
	}
	return classes(column, values), nil
}

// idColumns are what a column of ids may be called, in lower case; where there is none of these the first column has the ids.
func idColumn(header []string) int {
	for _, name := range []string{"person_id", "iid", "#iid", "eid", "id"} {
		if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(h, name) }); i >= 0 {
			return i
		}
	}
	return 0
}

// columnOf reads a column of a text table for persons, in their order; "" where there is no value.
func columnOf(path, column string, ids []string) ([]string, error) {
	l, err := table.OpenTable(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	values, dots := make([]string, len(ids)), map[string]int{}
	for i, id := range ids {
		dots[id] = i
	}
	id, value, found, width := -1, -1, 0, 0
	var f []string
	for l.Next() {
		f = l.Fields(f)
		if id < 0 {
			id, value, width = idColumn(f), slices.Index(f, column), len(f)
			if value < 0 {
				return nil, &data.Problem{Code: codeNoColumn, File: path, Line: l.Line(), What: fmt.Sprintf("--color: there is no column %q", column), Expected: "one of " + strings.Join(f, ", "), Found: column,
					Cause: "another file, or another spelling", Fix: "name a column of the header"}
			}
			continue
		}
		if len(f) != width {
			return nil, table.Ragged(path, l.Line(), width, len(f), l.Splitter())
		}
		if i, ok := dots[f[id]]; ok {
			values[i] = f[value]
			found++
		}
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if found == 0 {
		return nil, &data.Problem{Code: codeNoColumn, File: path, What: "--color: the table has none of the map's participants", Expected: "ids as the manifest writes them", Found: "others",
			Cause: "ids of another application", Fix: "name a table of the same ids"}
	}
	return values, nil
}

// What a column's values are shown as.
const (
	mostCategories = 4 // the most frequent; the others are one
	ranges         = 5 // of a number, with as many participants each
)

// classes makes ranges of a column of numbers that has more of them than there may be categories, and else categories. Values that
// few have are not named: they might tell who it is.
func classes(column string, values []string) *report.Coloring {
	var numbers []float64
	distinct, parsed := map[string]int{}, make([]float64, len(values))
	numeric := true
	for i, v := range values {
		if v == "" || strings.EqualFold(v, "NA") || strings.EqualFold(v, "NaN") {
			values[i], parsed[i] = "", math.NaN()
			continue
		}
		distinct[v]++
		x, err := strconv.ParseFloat(v, 64)
		numeric = numeric && err == nil && x-x == 0
		numbers, parsed[i] = append(numbers, x), x
	}
	if numeric && len(distinct) > mostCategories+1 && len(numbers) >= ranges*eval.FewPersons {
		return numberClasses(column, parsed, numbers)
	}
	return categories(column, values, distinct)
}

// numberClasses cuts numbers into ranges of about as many participants each. The ends of all are not said.
func numberClasses(column string, values, present []float64) *report.Coloring {
	slices.Sort(present)
	c := &report.Coloring{Name: column, Ordered: true, Class: make([]int, len(values))}
	var edges []float64
	for k := 1; k < ranges; k++ {
		edges = append(edges, present[k*len(present)/ranges])
	}
	for k := range ranges {
		switch k {
		case 0:
			c.Classes = append(c.Classes, fmt.Sprintf("below %.4g", edges[0]))
		case ranges - 1:
			c.Classes = append(c.Classes, fmt.Sprintf("%.4g and more", edges[k-1]))
		default:
			c.Classes = append(c.Classes, fmt.Sprintf("%.4g to %.4g", edges[k-1], edges[k]))
		}
	}
	for i, v := range values {
		if c.Class[i] = -1; v-v == 0 {
			c.Class[i] = 0
			for _, e := range edges {
				if v >= e {
					c.Class[i]++
				}
			}
		}
	}
	return c
}

// categories names the most frequent values, by name.
func categories(column string, values []string, counts map[string]int) *report.Coloring {
	c := &report.Coloring{Name: column, Class: make([]int, len(values))}
	for v, n := range counts {
		if n >= eval.FewPersons {
			c.Classes = append(c.Classes, v)
		}
	}
	slices.SortFunc(c.Classes, func(a, b string) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	c.Classes = c.Classes[:min(mostCategories, len(c.Classes))]
	slices.Sort(c.Classes)
	others := false
	for i, v := range values {
		c.Class[i] = slices.Index(c.Classes, v)
		if v != "" && c.Class[i] < 0 {
			c.Class[i], others = len(c.Classes), true
		}
	}
	if others {
		c.Classes = append(c.Classes, "other values")
	}
	return c
}
