package label

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// mostGrade is the largest whole number that makes classes by itself: 0 to it, whether or not each is there.
const mostGrade = 10

// mostClasses is how many classes there may be.
const mostClasses = 1000

// Classes are what a column says when it is taken for classes.
type Classes struct {
	Of    []int    // of each row, -1 where it is missing
	Names []string // of the classes
	How   string   // how they were found, in words
}

// Classes returns a column as classes. Whole numbers from 0 to at most 10 are classes as they stand, others and words are sorted; ordered allows whole numbers only. A column that cannot be, or
// has one value, is E1012.
func (t *Table) Classes(name string, ordered bool) (*Classes, error) {
	cells := t.column(name)
	values, whole, highest := map[string]bool{}, true, 0
	for _, c := range cells {
		if data.Missing(c) {
			continue
		}
		values[c] = true
		n, err := strconv.Atoi(c)
		whole = whole && err == nil && n >= 0
		highest = max(highest, n)
	}
	switch {
	case len(values) == 0:
		return nil, t.not(name, "the column has no values", "classes", "missing values alone", "another column was meant")
	case len(values) == 1:
		return nil, t.not(name, "the column has one class", "at least two", fmt.Sprintf("%.60q alone", first(values)), "a subset of a data set, or another column")
	case ordered && !whole:
		return nil, t.not(name, "the column does not hold grades", "whole numbers from 0 on, or NA", fmt.Sprintf("%.60q", t.odd(cells)), "words, whose order is not known; or a code for what cannot be graded")
	}
	c := &Classes{Of: make([]int, len(cells))}
	index := map[string]int{}
	if whole && highest <= mostGrade {
		for k := range highest + 1 {
			c.Names = append(c.Names, strconv.Itoa(k))
		}
		c.How = fmt.Sprintf("whole numbers 0 to %d", highest)
	} else if err := t.sorted(name, values, ordered, c); err != nil {
		return nil, err
	}
	for k, n := range c.Names {
		index[n] = k
	}
	for i, v := range cells {
		c.Of[i] = -1
		if !data.Missing(v) {
			if whole {
				n, _ := strconv.Atoi(v)
				v = strconv.Itoa(n) // 01 is 1
			}
			c.Of[i] = index[v]
		}
	}
	return c, nil
}

// sorted makes classes of values in their order, that of numbers where all are.
func (t *Table) sorted(name string, values map[string]bool, ordered bool, c *Classes) error {
	numbers := true
	of := map[string]float64{}
	for v := range values {
		x, ok := table.Number(v)
		numbers = numbers && ok
		of[v] = x
		if n, err := strconv.Atoi(v); err == nil {
			v = strconv.Itoa(n)
			of[v] = float64(n)
		}
		if !slices.Contains(c.Names, v) {
			c.Names = append(c.Names, v)
		}
		if len(c.Names) > mostClasses {
			break
		}
	}
	fraction := false
	for _, x := range of {
		fraction = fraction || numbers && x != math.Trunc(x)
	}
	if ordered && len(c.Names) > mostGrade+1 || len(c.Names) > mostClasses || fraction && len(c.Names) > 2 {
		return t.not(name, "the column does not hold classes", fmt.Sprintf("at most %d whole numbers or words", mostClasses), fmt.Sprintf("%d values, such as %.60q", len(values), first(values)), "a trait (--task traits), or ids")
	}
	c.How = "words in the order of the alphabet"
	slices.Sort(c.Names)
	if numbers {
		c.How = "numbers in their order"
		slices.SortFunc(c.Names, func(a, b string) int { return cmp.Compare(of[a], of[b]) })
	}
	return nil
}

func first(values map[string]bool) string {
	least := ""
	for v := range values {
		if least == "" || v < least {
			least = v
		}
	}
	return least
}

// odd is the first cell that is no whole number from 0 on.
func (t *Table) odd(cells []string) string {
	for _, c := range cells {
		if n, err := strconv.Atoi(c); !data.Missing(c) && (err != nil || n < 0) {
			return c
		}
	}
	return ""
}

func (t *Table) not(name, what, expected, found, cause string) error {
	return &data.Problem{Code: codeKind, File: t.Path, What: fmt.Sprintf("%s: %s", name, what), Expected: expected, Found: found, Cause: cause, Fix: "name another column by --target, or another --task"}
}

// Traits returns columns as numbers, [rows, columns], NaN where missing. A field that is none is E107.
func (t *Table) Traits(names []string) ([]float64, error) {
	out := make([]float64, 0, len(t.Keys)*len(names))
	at := t.indices(names)
	for i, row := range t.cells {
		for k, j := range at {
			v, ok := table.Number(row[j])
			if !ok {
				return nil, table.NotNumber(t.Path, t.lines[i], names[k], row[j])
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// Labels returns columns as labels that a row has or has not, [rows, columns], and which are known. A column with other values than 0 and 1, or true and false, is E1012.
func (t *Table) Labels(names []string) (has, known []bool, err error) {
	at := t.indices(names)
	for i, row := range t.cells {
		for k, j := range at {
			v, ok := table.Number(row[j])
			if !ok || !math.IsNaN(v) && v != 0 && v != 1 {
				p := t.not(names[k], "the column does not hold a label", "0, 1, or NA", fmt.Sprintf("%.60q", row[j]), "a class or a trait")
				p.(*data.Problem).Line = t.lines[i]
				return nil, nil, p
			}
			has, known = append(has, v == 1), append(known, !math.IsNaN(v))
		}
	}
	return has, known, nil
}

func (t *Table) indices(names []string) []int {
	out := make([]int, len(names))
	for k, n := range names {
		out[k] = slices.Index(t.Names, n)
	}
	return out
}

func (t *Table) column(name string) []string {
	j, out := slices.Index(t.Names, name), make([]string, len(t.cells))
	for i, row := range t.cells {
		out[i] = row[j]
	}
	return out
}

// Task says what a column would be taken for: "classes", or "traits" for numbers of more than two values that are no whole numbers from 0 to 10.
func (t *Table) Task(name string) (task, why string) {
	if c, err := t.Classes(name, false); err == nil && (len(c.Names) <= mostGrade+1 || !strings.HasPrefix(c.How, "numbers")) {
		if len(c.Names) == 2 {
			return "classes", "two values"
		}
		return "classes", c.How
	}
	return "traits", "numbers"
}
