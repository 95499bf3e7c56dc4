package mask

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"contig-gpu/data"
)

// A Set is which masks the images of a manifest have.
type Set struct {
	Classes    []string
	Foreground Foreground
	Rows       [][]*Row // [image][class]; nil where nothing is known
	Strangers  int      // rows of images that the manifest has not
}

// Known returns how many classes are known of an image.
func (s *Set) Known(image int) int {
	n := 0
	for _, r := range s.Rows[image] {
		if r != nil {
			n++
		}
	}
	return n
}

// Join returns the masks of images, which are named as the manifest names them, of some classes; none: all of the table. A class that the table has not is E1050, and a table of which no image is in the manifest E1051.
func (t *Table) Join(images, classes []string) (*Set, error) {
	if len(classes) == 0 {
		classes = t.Classes
	}
	for i, c := range classes {
		if !slices.Contains(t.Classes, c) || slices.Contains(classes[:i], c) {
			p := &data.Problem{Code: codeTable, File: t.Path, What: fmt.Sprintf("no mask is of the class %q, or it is named twice", c), Expected: strings.Join(t.Classes, ", "), Found: strings.Join(classes, ", "), Cause: "a misspelling, or another table", Fix: "correct --classes"}
			if near := data.Nearest(c, t.Classes); near != "" && near != c {
				p.Cause = "is " + near + " meant?"
			}
			return nil, p
		}
	}
	s, at := &Set{Classes: classes, Foreground: t.Foreground}, map[string]int{}
	for i, name := range images {
		at[name], s.Rows = i, append(s.Rows, make([]*Row, len(classes)))
	}
	met := false
	for i := range t.Rows {
		row := &t.Rows[i]
		k := slices.Index(classes, row.Class)
		if k < 0 {
			continue
		}
		if image, ok := at[row.Image]; ok {
			s.Rows[image][k], met = row, true
		} else {
			s.Strangers++
		}
	}
	if !met {
		return nil, t.nobody(images)
	}
	return s, nil
}

// shown is how many names of each side an error shows.
const shown = 3

// nobody explains why no mask is of an image of the manifest.
func (t *Table) nobody(images []string) error {
	var have []string
	for _, r := range t.Rows[:min(shown, len(t.Rows))] {
		have = append(have, r.Image)
	}
	p := &data.Problem{Code: codeNobody, File: t.Path, What: "none of the masks is of an image of the manifest", Expected: "images as the manifest names them: " + strings.Join(images[:min(shown, len(images))], ", "),
		Found: strings.Join(have, ", "), Cause: "masks of another data set", Fix: "write images as the manifest has them"}
	stem := func(k string) string { return strings.TrimSuffix(path.Base(k), path.Ext(k)) }
	stems := map[string]bool{}
	for _, name := range images {
		stems[stem(name)] = true
	}
	n := 0
	for _, r := range t.Rows {
		if stems[stem(r.Image)] {
			n++
		}
	}
	if n > 0 {
		p.Cause = fmt.Sprintf("%d of %d rows would meet by the name without folders and extension", n, len(t.Rows))
	}
	return p
}
