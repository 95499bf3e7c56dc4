package label

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/embedded"
	"contig-gpu/data/table"
)

// Problems of labels.
const (
	codeTable  = 1010 // no key, an image twice, a split that is not known
	codeTarget = 1011 // no such column
	codeKind   = 1012 // a column does not hold what a task needs
	codeNobody = 1013 // none of the keys is among those of the features
)

// A Table is a file of labels.
type Table struct {
	Path    string
	ByImage bool
	Keys    []string // of each row: the person, or the image
	Splits  []string // of each row, as embedded names them, "" where nothing stands; nil: no such column
	Names   []string // of the other columns
	cells   [][]string
	lines   []int
}

// Read reads a file of labels. One without a key column, with an image twice or a split that is not known is E1010; ids and rows are checked as everywhere (E102, E106, E120).
func Read(path string) (*Table, error) {
	r := &reader{Table: Table{Path: path}, ids: table.IDs{Path: path}, seen: map[string]int{}}
	if err := table.Each(path, "the labels have", r.header, r.row); err != nil {
		return nil, err
	}
	return &r.Table, nil
}

// A reader reads a Table.
type reader struct {
	Table
	ids        table.IDs
	seen       map[string]int // line of an image
	key, split int            // columns
	at         []int          // of Names
}

func (r *reader) header(l *table.Lines, names []string) error {
	r.key = slices.Index(names, "image")
	r.ByImage = r.key >= 0
	keys := []string{"image", "person_id", "IID", "#IID", "eid", "participant.eid"}
	for _, k := range keys {
		if r.key < 0 {
			r.key = slices.Index(names, k)
		}
	}
	if r.key < 0 {
		return r.bad(l.Line(), "the labels have no key", "a column image, person_id, IID or eid", fmt.Sprintf("%.200s", strings.Join(names, " ")), "a table with names of its own", "rename the column of ids")
	}
	r.split = slices.Index(names, "split")
	for i, n := range names {
		if i != r.key && i != r.split && n != "FID" && n != "#FID" && !slices.Contains(keys, n) {
			r.Names, r.at = append(r.Names, strings.Clone(n)), append(r.at, i)
		}
	}
	return nil
}

func (r *reader) bad(line int, what, expected, found, cause, fix string) error {
	return &data.Problem{Code: codeTable, File: r.Path, Line: line, What: what, Expected: expected, Found: found, Cause: cause, Fix: fix}
}

func (r *reader) row(l *table.Lines, f []string) error {
	key := strings.Clone(f[r.key])
	if err := r.check(key, l.Line()); err != nil {
		return err
	}
	r.Keys, r.lines = append(r.Keys, key), append(r.lines, l.Line())
	cells := make([]string, len(r.at))
	for k, i := range r.at {
		cells[k] = strings.Clone(f[i])
	}
	r.cells = append(r.cells, cells)
	if r.split < 0 {
		return nil
	}
	word, ok := splitOf(f[r.split])
	if !ok {
		return r.bad(l.Line(), "the split is not known", "train, validation, test, or nothing", fmt.Sprintf("%.60q", f[r.split]), "a misspelling, or columns out of order", "correct it")
	}
	r.Splits = append(r.Splits, word)
	return nil
}

func (r *reader) check(key string, line int) error {
	if !r.ByImage {
		return r.ids.AddPerson("", key, line)
	}
	if data.Missing(key) {
		return r.bad(line, "a row has no image", "an image as the manifest names it", fmt.Sprintf("%q", key), "a missing value", "write the image, or remove the row")
	}
	if first, dup := r.seen[key]; dup {
		return r.bad(line, "an image is there twice", "one row an image", fmt.Sprintf("%q on lines %d and %d", key, first, line), "files pasted together", "keep one row")
	}
	r.seen[key] = line
	return nil
}

func splitOf(word string) (string, bool) {
	switch w := strings.ToLower(word); {
	case data.Missing(w):
		return "", true
	case w == "val" || w == "valid":
		return embedded.Validation, true
	case w == embedded.Train || w == embedded.Validation || w == embedded.Test:
		return w, true
	}
	return "", false
}

// Columns returns the columns that words name, each once: names, or patterns such as RFMiD_*, in the order of the words and of the file. One that names none is E1011.
func (t *Table) Columns(words []string) ([]string, error) {
	var out []string
	for _, w := range words {
		found := false
		for _, n := range t.Names {
			ok, err := path.Match(w, n)
			if n == w || ok && err == nil {
				found = true
				if !slices.Contains(out, n) {
					out = append(out, n)
				}
			}
		}
		if !found {
			p := &data.Problem{Code: codeTarget, File: t.Path, Line: 1, What: fmt.Sprintf("no column is named %q", w), Expected: "one of the columns", Found: fmt.Sprintf("%.200s", strings.Join(t.Names, " ")),
				Cause: "a misspelling, or another table", Fix: "correct --target"}
			if near := data.Nearest(w, t.Names); near != "" {
				p.Cause = "is " + near + " meant?"
			}
			return nil, p
		}
	}
	return out, nil
}

// Join returns for each row of features the row of its labels, -1 where it has none. Labels of which not one meets are E1013. strangers is how many rows of labels met nothing.
func (t *Table) Join(rows *embedded.Rows) (at []int, strangers int, err error) {
	keys := rows.IDs
	if t.ByImage {
		keys = rows.Images
	}
	index := make(map[string]int, len(t.Keys))
	for i, k := range t.Keys {
		index[k] = i
	}
	at, met := make([]int, len(keys)), make([]bool, len(t.Keys))
	n := 0
	for i, k := range keys {
		at[i] = -1
		if j, ok := index[k]; ok {
			at[i] = j
			if !met[j] {
				met[j] = true
				n++
			}
		}
	}
	if n == 0 {
		return nil, 0, t.nobody(rows, keys)
	}
	return at, len(t.Keys) - n, nil
}

// shownKeys is how many keys of each side an error shows.
const shownKeys = 3

// nobody explains why no key meets, by what keys of both sides would have in common.
func (t *Table) nobody(rows *embedded.Rows, keys []string) error {
	p := &data.Problem{Code: codeNobody, File: t.Path, What: "none of the labels is of a row of the features", Expected: "keys as in " + rows.Path + ": " + strings.Join(keys[:min(shownKeys, len(keys))], ", "),
		Found: strings.Join(t.Keys[:min(shownKeys, len(t.Keys))], ", "), Cause: "labels of other persons or images, or ids of another application", Fix: "write the keys as the manifest has them"}
	for _, f := range []struct {
		what string
		of   func(string) string
	}{
		{"the last part of the path", path.Base}, {"the name without folders and extension", stem}, {"the key without leading zeros and .0", number}, {"the key without regard to case", strings.ToLower},
	} {
		have, n := map[string]bool{}, 0
		for _, k := range keys {
			have[f.of(k)] = true
		}
		for _, k := range t.Keys {
			if have[f.of(k)] {
				n++
			}
		}
		if n > 0 {
			p.Cause = fmt.Sprintf("%d of %d rows would meet by %s", n, len(t.Keys), f.what)
			break
		}
	}
	return p
}

func stem(k string) string {
	b := path.Base(k)
	return strings.TrimSuffix(b, path.Ext(b))
}

func number(k string) string { return strings.TrimLeft(strings.TrimSuffix(k, ".0"), "0") }
