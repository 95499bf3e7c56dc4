package cohort

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// mostCells is how many columns of a list are looked at for ids. Only the first row is kept whole: it may be all of a list.
const mostCells = 8

// cells are the rows of a list or map, cut without regard to the name of the file: whoever made it wrote what their program writes.
type cells struct {
	path     string
	header   []string // as headerWord returns it; nil where there is none
	rows     [][]string
	line     []int // of each row
	named    bool  // the first row has an id that is known
	comments int
	notes    []string
}

// readCells reads a list. known says of a text that it is an id as it stands: a line that is one is not cut, and a row that has one is no header.
func readCells(path string, known func(string) bool) (*cells, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	c := &cells{path: path}
	for l.Next() {
		if text := strings.TrimSpace(l.Text()); known(text) {
			c.named = c.named || len(c.rows) == 0
			c.add([]string{text}, l.Line())
			continue
		}
		row := cut(l.Text())
		if len(c.rows) == 0 && c.header == nil {
			c.named = slices.ContainsFunc(row, known)
			if c.header = headerOf(row); c.header != nil && !c.named {
				continue
			}
			c.header = nil
		}
		if strings.HasPrefix(row[0], "#") {
			c.comments++
			continue
		}
		c.add(row, l.Line())
	}
	c.wordsFirst()
	if len(c.header) > 1 && c.width() == 1 {
		c.header = []string{strings.Join(c.header, "")} // "Participant ID" is one column
	}
	c.notes = l.Notes()
	if c.comments > 0 {
		c.note("%d comment lines are left out.", c.comments)
	}
	return c, l.Err()
}

func (c *cells) add(row []string, line int) {
	if len(c.rows) > 0 {
		row = row[:min(len(row), mostCells)]
	}
	for i, f := range row {
		row[i] = strings.Clone(f) // not the whole line
	}
	c.rows, c.line = append(c.rows, row), append(c.line, line)
}

// width is the number of columns that are looked at.
func (c *cells) width() int {
	n := 0
	for _, row := range c.rows {
		n = max(n, len(row))
	}
	return min(n, mostCells)
}

// shift is 1 where most rows have a number or name in front that the header does not have, as R writes them. Rows may end in missing values.
func (c *cells) shift() int {
	more := 0
	for _, row := range c.rows {
		if len(row) > len(c.header) {
			more++
		}
		if len(row) > len(c.header)+1 {
			return 0
		}
	}
	if 2*more > len(c.rows) {
		return 1
	}
	return 0
}

// wordsFirst makes a header of a first row without digits, where other rows have some: its words are not known.
func (c *cells) wordsFirst() {
	digits := func(row []string) bool {
		return slices.ContainsFunc(row, func(cell string) bool { return strings.ContainsAny(cell, "0123456789") })
	}
	if c.header != nil || len(c.rows) < 2 || c.named || digits(c.rows[0]) || !digits(c.rows[1]) {
		return
	}
	for _, cell := range c.rows[0] {
		c.header = append(c.header, headerWord(cell))
	}
	c.rows, c.line = c.rows[1:], c.line[1:]
}

// cut returns the cells of a line: cut at tabs, commas, semicolons and bars outside of double quotes or, where there are none, at white space. Empty cells at the
// end are cut off, all but the first.
func cut(line string) []string {
	out := rawCells(line, func(r rune) bool { return strings.ContainsRune("\t,;|", r) })
	for i, cell := range out {
		out[i] = bareCell(cell)
	}
	for len(out) > 1 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	if len(out) == 1 {
		out = out[:0]
		for _, w := range rawCells(strings.Trim(line, "\t,;| "), unicode.IsSpace) {
			if w != "" { // several blanks are one
				out = append(out, bareCell(w))
			}
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

// rawCells cuts a line where separates says so outside of double quotes.
func rawCells(line string, separates func(rune) bool) []string {
	var out []string
	quoted, from := false, 0
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case !quoted && separates(r):
			out = append(out, line[from:i])
			from = i + utf8.RuneLen(r)
		}
	}
	return append(out, line[from:])
}

// bareCell takes from a cell what programs put around ids: quotes, white space, what cannot be seen, brackets of Python's lists, and the = of a spreadsheet's ="007".
func bareCell(cell string) string {
	if data.Missing(cell) {
		return ""
	}
	if strings.IndexFunc(cell, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0 {
		return cell
	}
	hidden := func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) }
	for before := ""; before != cell; {
		before = cell
		cell = strings.TrimFunc(unquoted(strings.TrimPrefix(cell, "=")), hidden)
		for _, pair := range []string{"[]", "()", "{}"} {
			cell = strings.TrimPrefix(cell, pair[:1])
			if !strings.Contains(cell, pair[:1]) {
				cell = strings.TrimSuffix(cell, pair[1:])
			}
		}
	}
	if data.Missing(cell) { // "NA" in quotes
		return ""
	}
	return cell
}

// headerOf returns the words of a header, or nil where the first row is none.
func headerOf(row []string) []string {
	out := make([]string, len(row))
	is := false
	for i, cell := range row {
		out[i] = headerWord(cell)
		is = is || isIDWord(out[i]) || isFamilyWord(out[i])
	}
	if !is {
		return nil
	}
	return out
}

// headerWord returns what is compared of a column's name: small letters and digits, without the part before a point (participant.eid).
func headerWord(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.Map(func(r rune) rune {
		if r = unicode.ToLower(r); unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// isIDWord says whether a column of this name may hold the ids of persons.
func isIDWord(w string) bool {
	switch w {
	case "ids", "id1", "id2", "from", "to", "x", "participant", "participants", "subject", "subjects", "sample", "samples", "individual", "person", "patient":
		return true
	case "pid", "mid", "paternalid", "maternalid", "fatherid", "motherid":
		return false
	}
	return strings.HasSuffix(w, "id") && !isFamilyWord(w)
}

func isFamilyWord(w string) bool {
	return w == "fid" || w == "family" || w == "familyid" || w == "famid"
}

func (c *cells) note(format string, a ...any) {
	c.notes = append(c.notes, filepath.Base(c.path)+": "+fmt.Sprintf(format, a...))
}
