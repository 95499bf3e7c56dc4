package mask

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Problems of masks.
const (
	codeTable  = 1050 // a column, a class or an image that does not fit
	codeNobody = 1051 // no mask is of an image of the manifest
	codeFile   = 1052 // a mask that cannot be read
	codeSize   = 1053 // a mask of another size than its image
)

// Empty is what stands in the table for a mask without a pixel of the class.
const Empty = "empty"

// A Row says where a class is in an image.
type Row struct {
	Image, Class string
	Path         string // of the mask; "" where no pixel is of the class
	Line         int
}

// A Table is a masks.tsv.
type Table struct {
	Path       string
	Foreground Foreground
	Rows       []Row
	Classes    []string // in the order of their first rows
}

// Read reads a table of masks, whose columns are image, class and mask; paths of masks are relative to its folder. One that lacks a column, names no class or image, or has two rows of one image and class is E1050.
func Read(path string) (*Table, error) {
	r := &reader{Table: Table{Path: path}, seen: map[[2]string]int{}}
	if err := table.Each(path, "the table of masks has", r.header, r.row); err != nil {
		return nil, err
	}
	return &r.Table, nil
}

// A reader reads a Table.
type reader struct {
	Table
	seen map[[2]string]int // line of an image and class
	at   [3]int            // columns of image, class, mask
}

func (r *reader) bad(line int, what, expected, found, cause, fix string) error {
	return &data.Problem{Code: codeTable, File: r.Path, Line: line, What: what, Expected: expected, Found: found, Cause: cause, Fix: fix}
}

func (r *reader) header(l *table.Lines, names []string) error {
	for i, name := range []string{"image", "class", "mask"} {
		if r.at[i] = slices.Index(names, name); r.at[i] < 0 {
			return r.bad(l.Line(), "the table of masks has no column "+name, "image, class, mask", fmt.Sprintf("%.200s", strings.Join(names, " ")), "another table, or columns with names of their own", "rename the columns")
		}
	}
	for _, c := range l.Comments() {
		key, value, is := strings.Cut(c, "=")
		if !is || strings.TrimSpace(key) != "foreground" {
			continue
		}
		f, ok := ParseForeground(strings.TrimSpace(value))
		if !ok {
			return r.bad(1, "it is not known which values of a mask are the class", "foreground = nonzero, zero, >N or value N, of 0 to 255", fmt.Sprintf("%.60q", c), "a misspelling", "correct the line")
		}
		r.Foreground = f
	}
	return nil
}

func (r *reader) row(l *table.Lines, f []string) error {
	row := Row{Image: strings.Clone(f[r.at[0]]), Class: strings.Clone(f[r.at[1]]), Path: strings.Clone(f[r.at[2]]), Line: l.Line()}
	for i, v := range []string{row.Image, row.Class, row.Path} {
		if data.Missing(v) {
			return r.bad(row.Line, "a row lacks its "+[]string{"image", "class", "mask"}[i], "an image, a class, and a file or "+Empty, fmt.Sprintf("%q", v), "a missing value", "write it; leave the row out where nothing is known of the class in the image")
		}
	}
	key := [2]string{row.Image, row.Class}
	if first, twice := r.seen[key]; twice {
		return r.bad(row.Line, "an image has two masks of a class", "one row for each image and class", fmt.Sprintf("%q, %s on lines %d and %d", row.Image, row.Class, first, row.Line), "tables pasted together, or several annotators", "keep one row; join the masks of several lesions to one file")
	}
	r.seen[key] = row.Line
	if row.Path == Empty {
		row.Path = ""
	} else if !filepath.IsAbs(row.Path) {
		row.Path = filepath.Join(filepath.Dir(r.Path), filepath.FromSlash(row.Path))
	}
	if !slices.Contains(r.Classes, row.Class) {
		r.Classes = append(r.Classes, row.Class)
	}
	r.Rows = append(r.Rows, row)
	return nil
}
