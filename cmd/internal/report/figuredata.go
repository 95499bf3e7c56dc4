package report

import (
	"cmp"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/model/eval"
)

// mostPage is the size, in bytes, that the data of figures must not push a page beyond; pages are to stay below 300 kB.
const mostPage = 280 << 10

// A dataLink has what figures show as a table.
type dataLink struct {
	Name string
	URL  template.URL
	Size int
}

// Text says what it is.
func (d dataLink) Text() string {
	return fmt.Sprintf("Data of these figures (CSV, %d kB)", (d.Size+1023)>>10)
}

// linkTo is a table as a data: URL.
func linkTo(name string, records [][]string) *dataLink {
	if len(records) < 2 {
		return nil
	}
	var b strings.Builder
	if csv.NewWriter(&b).WriteAll(records) != nil { // a strings.Builder takes all
		return nil
	}
	return &dataLink{name, template.URL("data:text/csv;base64," + base64.StdEncoding.EncodeToString([]byte(b.String()))), b.Len()}
}

// linesOf are the points of the lines of panels: a row a step, a column a line.
func linesOf(figures []figure) [][]string {
	var head []string
	columns := []map[float64]float64{}
	xs := map[float64]bool{}
	for _, f := range figures {
		if head == nil {
			head = []string{f.chart.xName()}
		}
		for _, s := range f.chart.Series {
			head = append(head, f.Title+": "+s.Name)
			c, column := thinned(s.Curve, f.chart.limit()), map[float64]float64{}
			for i, x := range c.X {
				if finite(c.Y[i]) {
					column[x], xs[x] = c.Y[i], true
				}
			}
			columns = append(columns, column)
		}
	}
	records := [][]string{head}
	for _, x := range slices.Sorted(maps.Keys(xs)) {
		row := []string{number(x)}
		for _, c := range columns {
			cell := ""
			if v, ok := c[x]; ok {
				cell = number(v)
			}
			row = append(row, cell)
		}
		records = append(records, row)
	}
	return records
}

// number writes a value in six digits.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// dotsOf are the dots of a map.
func dotsOf(m eval.Map) [][]string {
	records := [][]string{{"x", "y", "split", "modalities"}}
	for i := range m.X {
		split, has := "", "other combinations"
		if k := at(m.Split, i); k >= 0 && k < len(m.Splits) {
			split = m.Splits[k]
		}
		if k := at(m.Combination, i); k >= 0 && k < len(m.Combinations) {
			has = strings.Join(m.Combinations[k], " + ")
		}
		records = append(records, []string{number(m.X[i]), number(m.Y[i]), split, has})
	}
	return records
}

// at returns an element, -1 where there is none.
func at(v []int, i int) int {
	if i >= len(v) {
		return -1
	}
	return v[i]
}

// numbersOf are the rows of the table of retrieval.
func numbersOf(tables []table) [][]string {
	records := [][]string{{"split", "step", "modality", "direction", "recall@1", "recall@1 low", "recall@1 high", "recall@5", "recall@10", "recall@10 low", "recall@10 high", "median rank", "candidates", "verdict"}}
	for _, t := range tables {
		row := []string{t.Kind, strconv.Itoa(t.Step), t.Modality, t.Way}
		for _, v := range []float64{t.R1, t.R1Interval.Low, t.R1Interval.High, t.R5, t.R10, t.R10Interval.Low, t.R10Interval.High, t.MedianRank, float64(t.Candidates)} {
			row = append(row, number(v))
		}
		records = append(records, append(row, string(t.Verdict)))
	}
	return records
}

// fitting returns the links that a page of so many bytes has room for, the smallest first.
func fitting(links map[string]*dataLink, page int) map[string]*dataLink {
	out := map[string]*dataLink{}
	for _, name := range slices.SortedFunc(maps.Keys(links), func(a, b string) int { return cmp.Compare(links[a].bytes(), links[b].bytes()) }) {
		if l := links[name]; l != nil && page+l.bytes() <= mostPage {
			out[name], page = l, page+l.bytes()
		}
	}
	return out
}

// bytes is what a link adds to a page.
func (d *dataLink) bytes() int {
	if d == nil {
		return 0
	}
	return len(d.URL) + 150
}
