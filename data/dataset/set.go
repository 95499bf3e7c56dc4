package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"contig-gpu/data"
)

// Problems of folders of data sets.
const (
	codeLayout = 1040 // no table or images where the set has them
	codeTable  = 1041 // a table lacks a column, has a value that the set does not know, or says two things of one image
	codeFiles  = 1042 // two files for one image, or none for any row
)

// Splits, as manifests write them.
const (
	train      = "train"
	validation = "validation"
	test       = "test"
)

// unknown is a label of which nothing is known.
const unknown = "NA"

// A Set is what a folder says.
type Set struct {
	Images     []Image
	Names      []string // of the labels
	Masks      []Mask
	Foreground string   // which values of a mask are the class: nonzero or zero
	Notes      []string // for people; what begins with W1040 is a warning
}

// An Image is one image of a set.
type Image struct {
	Path   string // of the file
	Person string
	Eye    string   // L, R, or "" where it is not known
	Visit  string   // "" where there is none
	Split  string   // train, validation, test, or ""
	Labels []string // of Set.Names
}

// A Mask says where a class is in an image.
type Mask struct {
	Image string // its Path
	Class string
	Path  string // "" where no pixel is of the class
}

// Kinds returns the names of the data sets that Read knows.
func Kinds() []string {
	return []string{"aptos", "rfmid", "palm", "idrid", "eyepacs", "messidor2", "ukb", "folders"}
}

// Read reads the folder of a data set of a kind. A folder of another layout is E1040, a table that does not fit E1041, images that are there twice or not at all E1042; a file that cannot be read
// has its own number.
func Read(kind, dir string) (*Set, error) {
	b := &builder{kind: kind, dir: dir, rowOf: map[string]int{}}
	var err error
	if b.files, err = list(dir); err != nil {
		return nil, err
	}
	for _, f := range b.files {
		switch {
		case f.isImage():
			b.images = append(b.images, f)
		case f.isOtherImage() && !f.isMask():
			b.otherImages++
		}
	}
	read := map[string]func(*builder) error{"aptos": aptos, "rfmid": rfmid, "palm": palm, "idrid": idrid, "eyepacs": eyepacs, "messidor2": messidor2, "ukb": biobank, "folders": folders}[kind]
	if err := read(b); err != nil {
		return nil, err
	}
	return b.finish()
}

// A builder makes a Set.
type builder struct {
	Set
	kind, dir   string
	files       []file
	images      []file // those of files that can be decoded
	otherImages int    // in formats that are not read
	rowOf       map[string]int
	missing     []string // ids of rows without a file
	met         int      // rows with one
	persons     persons
}

func (b *builder) problem(code int, path string, line int, what, expected, found, cause, fix string) error {
	return &data.Problem{Code: code, File: path, Line: line, What: what, Expected: expected, Found: found, Cause: cause, Fix: fix}
}

// layout is the error of a folder that lacks what the set has.
func (b *builder) layout(what, expected string) error {
	var names []string
	for _, f := range b.files {
		first, _, _ := strings.Cut(f.rel, "/")
		if !slices.Contains(names, first) {
			names = append(names, first)
		}
	}
	found := "an empty folder"
	if len(names) > 0 {
		found = strings.Join(names[:min(len(names), shown)], ", ")
	}
	return b.problem(codeLayout, b.dir, 0, what, expected, found, "another folder, another set, or an archive that was not unpacked", "name the folder that holds the unpacked set, and the set's name by --from")
}

// shown is how many names an error or a note shows.
const shown = 5

func (b *builder) note(format string, a ...any) { b.Notes = append(b.Notes, fmt.Sprintf(format, a...)) }

// add takes an image with its labels. One that is there already must say the same.
func (b *builder) add(im Image, path string, line int) error {
	if i, there := b.rowOf[im.Path]; there {
		if old := b.Images[i]; !slices.Equal(old.Labels, im.Labels) || old.Split != im.Split {
			return b.problem(codeTable, path, line, "an image has two rows that differ", "one row an image", fmt.Sprintf("%.200q: %v %s, and %v %s", im.Path, old.Labels, old.Split, im.Labels, im.Split), "tables of several versions of the set", "keep the tables of one version")
		}
		return nil
	}
	im.Person = b.persons.id(im.Person)
	b.rowOf[im.Path] = len(b.Images)
	b.Images = append(b.Images, im)
	return nil
}

// finish brings the set into the order of its paths, and says what was left out.
func (b *builder) finish() (*Set, error) {
	if b.met == 0 && len(b.missing) > 0 {
		return nil, b.problem(codeFiles, b.dir, 0, "none of the rows of the tables has an image", "images named as "+b.missing[0], fmt.Sprintf("%d images", len(b.images)), "the images were not unpacked, or lie in another folder", "name the folder that holds tables and images")
	}
	if len(b.Images) == 0 {
		return nil, b.layout("no image of the set was found", "JPEG or PNG files")
	}
	if n := len(b.missing); n > 0 {
		b.note("W1040: %d rows of tables have no image and are left out, such as %s.", n, b.missing[0])
	}
	if n := len(b.images) - len(b.Images); n > 0 {
		b.note("%d images are in no table and are left out.", n)
	}
	if b.otherImages > 0 {
		b.note("W1040: %d images are neither JPEG nor PNG and are left out; convert them, with ImageMagick for example.", b.otherImages)
	}
	slices.SortFunc(b.Images, func(x, y Image) int { return cmp.Compare(x.Path, y.Path) })
	slices.SortFunc(b.Masks, func(x, y Mask) int { return cmp.Or(cmp.Compare(x.Image, y.Image), cmp.Compare(x.Class, y.Class)) })
	b.splits()
	return &b.Set, nil
}

// splits drops published splits of which one cannot be fitted on or told of: then a split is to be drawn.
func (b *builder) splits() {
	images, labelled := map[string]int{}, map[string]int{}
	for _, im := range b.Images {
		images[im.Split]++
		if slices.ContainsFunc(im.Labels, func(v string) bool { return v != unknown }) || len(im.Labels) == 0 {
			labelled[im.Split]++
		}
	}
	if images[train]+images[validation]+images[test] == 0 {
		return
	}
	if labelled[train] > 0 && labelled[test] > 0 {
		b.note("The published split is kept: train %d, validation %d, test %d images.", images[train], images[validation], images[test])
		return
	}
	b.note("The published split has no labels of %s images, so the column split is left out, and a split is to be drawn.", map[bool]string{true: "test", false: "training"}[labelled[train] > 0])
	for i := range b.Images {
		b.Images[i].Split = ""
	}
}
