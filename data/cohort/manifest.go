package cohort

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"unicode"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// A manifest is what images.tsv says.
type manifest struct {
	path    string
	images  []data.Image // Person indexes persons
	names   []string     // of the images' files, as written
	sizes   []int64      // bytes of the images' files
	persons []entrant
	index   map[string]int // of persons, by id
	hasBy   bool           // a column group
	slashed int            // paths that were written with \
	notes   []string
	faults  *data.Faults
}

// An entrant is a person of the manifest.
type entrant struct {
	id, group string
	split     string // "" where the manifest does not say
	line      int    // of the first image
	images    []int
}

// manifestNames are the columns that are read, the required ones first.
func manifestNames() [manifestColumns]string {
	return [manifestColumns]string{"person_id", "image", "eye", "visit", "split", "group"}
}

const (
	manifestColumns  = 6
	manifestRequired = 2
	groupColumn      = 5
)

// A manifestReader holds what is needed while reading.
type manifestReader struct {
	m      *manifest
	root   string
	split  table.Splitter
	width  int
	column [manifestColumns]int // -1 where absent
	owner  map[string]int       // image path to its index in images
	faults *data.Faults         // takes what is wrong with rows, and the reading goes on; nil: the first fault ends it
}

// readManifest reads a manifest of which a run has found images broken, or none.
func readManifest(path, root string, broken []data.ManifestRow, faults *data.Faults) (*manifest, error) {
	m, err := readRows(path, root, nil, faults)
	if err != nil {
		return nil, err
	}
	if gone := m.without(broken); len(gone) > 0 {
		if m, err = readRows(path, root, gone, faults); err != nil {
			return nil, err
		}
	}
	return m, m.stat(m.mark(broken))
}

// readRows reads the rows of a manifest, and between them those that were taken out of it, at their numbers.
func readRows(path, root string, gone []data.ManifestRow, faults *data.Faults) (*manifest, error) {
	if root == "" {
		root = filepath.Dir(path)
	}
	l, err := table.OpenTable(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Collect(faults)
	r := &manifestReader{m: &manifest{path: path, index: map[string]int{}, faults: faults}, root: root, owner: map[string]int{}, faults: faults}
	if err := r.header(l); err != nil {
		return nil, err
	}
	var fields []string
	for l.Next() {
		if fields = l.Fields(fields); len(fields) != r.width {
			if err := faults.Take(l.Ragged(r.width, fields)); err != nil {
				return nil, err
			}
			continue
		}
		if gone, err = r.putBack(gone, len(r.m.images), l.Line()); err != nil {
			return nil, err
		}
		if err := faults.Take(r.row(fields, l.Line())); err != nil {
			return nil, err
		}
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if _, err := r.putBack(gone, math.MaxInt, l.Line()); err != nil {
		return nil, err
	}
	if len(r.m.images) == 0 && faults.Found() > 0 {
		return r.m, nil
	}
	if len(r.m.images) == 0 {
		return nil, table.Empty(path, "the manifest has a header and no images")
	}
	r.m.notes = append(r.m.notes, l.Notes()...)
	r.m.notes = append(r.m.notes, fmt.Sprintf("%s: %d images of %d persons.", filepath.Base(path), len(r.m.images), len(r.m.persons)))
	return r.m, nil
}

func (r *manifestReader) header(l *table.Lines) error {
	if !l.Next() {
		if err := l.Err(); err != nil {
			return err
		}
		return table.Empty(r.m.path, "the manifest has no header")
	}
	r.split = l.Splitter()
	names := r.split.Split(l.Text(), nil)
	if err := table.Columns(r.m.path, l.Line(), names); err != nil {
		return err
	}
	r.width = len(names)
	known := 0
	for c, want := range manifestNames() {
		r.column[c] = -1
		for i, n := range names {
			if n == want {
				r.column[c] = i
				known++
			}
		}
		if r.column[c] < 0 && c < manifestRequired {
			return missingColumn(r.m.path, l.Line(), want, names, r.split)
		}
	}
	if n := len(names) - known; n > 0 {
		used := manifestNames()
		r.m.notes = append(r.m.notes, fmt.Sprintf("%s: %s not used (used: %s).", filepath.Base(r.m.path), columns(n), strings.Join(used[:], ", ")))
	}
	r.m.hasBy = r.column[groupColumn] >= 0
	return nil
}

func missingColumn(path string, line int, want string, names []string, split table.Splitter) error {
	p := &data.Problem{Code: 101, File: path, Line: line, What: fmt.Sprintf("the manifest has no column %q", want),
		Expected: "a header with person_id and image, separated by " + split.String(), Found: strings.Join(names, ", "),
		Cause: "the header line is missing, or names a column otherwise", Fix: "name the columns person_id and image"}
	if near := data.Nearest(want, names); near != "" {
		p.Cause = fmt.Sprintf("the column is called %q", near)
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ",;\t ") {
		p.Cause = "another separator than the file's name says"
		p.Fix = "use tabs in .tsv and commas in .csv"
	}
	return p
}

func (r *manifestReader) row(fields []string, line int) error {
	var v [manifestColumns]string
	for c, i := range r.column {
		if i >= 0 && !data.Missing(fields[i]) {
			v[c] = strings.Clone(fields[i])
		}
	}
	return r.add(v, line)
}

func (r *manifestReader) add(v [manifestColumns]string, line int) error {
	for c, text := range v {
		if at := strings.IndexFunc(text, unicode.IsControl); at >= 0 {
			return unprintable(r.m.path, line, manifestNames()[c], text, text[at:])
		}
	}
	if err := r.swapped(v[0], v[1], line); err != nil {
		return err
	}
	if err := table.CheckID(r.m.path, line, v[0]); err != nil {
		return err
	}
	person, err := r.entrant(v[0], v[4], v[5], line)
	if err != nil {
		return err
	}
	eye, err := r.eye(v[2], line)
	if err := r.faults.Take(err); err != nil {
		return err
	}
	return r.image(v[1], data.Image{Person: person, Eye: eye, Visit: v[3], Line: line})
}

// unprintable is the problem of a field that holds a character which our own tables, terminals and config.toml cannot hold (E101).
func unprintable(path string, line int, column, text, from string) error {
	c := []rune(from)[0]
	return &data.Problem{Code: 101, File: path, Line: line, What: fmt.Sprintf("the column %s holds the control character %q", column, c), Expected: "text that can be printed",
		Found: fmt.Sprintf("%.100q", text), Cause: "a tab or line break inside quotes, or damage", Fix: "rename the file, or correct the field"}
}

// swapped recognises a person_id that is the path of an image.
func (r *manifestReader) swapped(id, image string, line int) error {
	if image == "" {
		return &data.Problem{Code: 101, File: r.m.path, Line: line, What: "the image is empty", Expected: "a path", Found: "nothing",
			Cause: "a person without an image", Fix: "leave the row out"}
	}
	ext := strings.ToLower(filepath.Ext(id))
	if !strings.Contains(id, "/") && ext != ".jpg" && ext != ".jpeg" && ext != ".png" {
		return nil
	}
	return &data.Problem{Code: 101, File: r.m.path, Line: line, What: "the person_id looks like the path of an image",
		Expected: "an id in person_id, a path in image", Found: fmt.Sprintf("person_id %q, image %q", id, image),
		Cause: "the columns person_id and image are swapped", Fix: "swap their names in the header"}
}

func (r *manifestReader) entrant(id, split, group string, line int) (int, error) {
	split, err := r.splitName(split, line)
	if err := r.faults.Take(err); err != nil {
		return 0, err
	}
	i, old := r.m.index[id]
	if !old {
		i = len(r.m.persons)
		r.m.index[id] = i
		r.m.persons = append(r.m.persons, entrant{id: id, group: group, split: split, line: line})
		return i, nil
	}
	p := &r.m.persons[i]
	if p.split != split || p.group != group {
		other := &data.Problem{Code: 601, File: r.m.path, Line: line, What: fmt.Sprintf("person %q has another split or group than on line %d", id, p.line),
			Expected: fmt.Sprintf("split %q, group %q", p.split, p.group), Found: fmt.Sprintf("split %q, group %q", split, group),
			Cause: "split by image instead of by person", Fix: "give all images of a person one split and one group"}
		return i, r.faults.Take(other)
	}
	return i, nil
}

func (r *manifestReader) splitName(s string, line int) (string, error) {
	switch strings.ToLower(s) {
	case "", "train", "test":
		return strings.ToLower(s), nil
	case "val", "valid", "validation":
		return "validation", nil
	}
	return "", &data.Problem{Code: 109, File: r.m.path, Line: line, What: "the split is not known", Expected: "train, validation (or val), test, or nothing",
		Found: fmt.Sprintf("%q", s), Cause: "a misspelling, or columns out of order", Fix: "correct the value"}
}

func (r *manifestReader) eye(s string, line int) (string, error) {
	switch strings.ToLower(s) {
	case "":
		return "", nil
	case "l", "left", "os":
		return "L", nil
	case "r", "right", "od":
		return "R", nil
	}
	return "", &data.Problem{Code: 109, File: r.m.path, Line: line, What: "the eye is not known", Expected: "L, R (or left, right, OS, OD), or nothing",
		Found: fmt.Sprintf("%q", s), Cause: "a misspelling, or columns out of order", Fix: "correct the value"}
}

// columns counts columns in words.
func columns(n int) string {
	if n == 1 {
		return "1 column is"
	}
	return fmt.Sprintf("%d columns are", n)
}
