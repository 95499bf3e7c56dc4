package dataset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// rfmidPrefix begins the names of the 43 diseases that are predicted, so that one pattern names them.
const rfmidPrefix = "RFMiD_"

// leastPositives is how many images of a split have a label at least, so that a metric of it says anything.
const leastPositives = 5

// rfmid reads RFMiD: a table and a folder of 1.png, 2.png, ... for each split, whose numbers begin anew: the key is split and number. Disease_Risk, HR and ODPM, which are not among the 43 labels that are usually
// predicted, keep their names, the others get a prefix.
func rfmid(b *builder) error {
	all, err := b.tables("Disease_Risk")
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return b.layout("there is no table of labels", "RFMiD_Training_Labels.csv with ID, Disease_Risk and the diseases")
	}
	for _, s := range all {
		split := splitOf(strings.ReplaceAll(s.stem, "_", " "))
		id := s.column("ID")
		if split == "" || id < 0 {
			return b.problem(codeTable, s.path, 1, "the table does not say its split, or whose its rows are", "RFMiD_Training_Labels.csv, RFMiD_Validation_Labels.csv or RFMiD_Testing_Labels.csv, with a column ID", strings.Join(s.names[:min(shown, len(s.names))], ", "), "a renamed table", "give the table its name again")
		}
		names, columns := rfmidNames(s, id)
		if b.Names == nil {
			b.Names = names
		} else if !slices.Equal(b.Names, names) {
			return b.problem(codeTable, s.path, 1, "the table has other columns than that of another split", strings.Join(b.Names, " "), strings.Join(names, " "), "tables of two versions of the set", "keep the tables of one version")
		}
		var images []file
		for _, f := range b.images {
			if f.split() == split {
				images = append(images, f)
			}
		}
		find, err := b.lookup(images)
		if err != nil {
			return err
		}
		if err := b.rfmidRows(s, split, id, columns, find); err != nil {
			return err
		}
	}
	b.rare()
	return nil
}

func rfmidNames(s *sheet, id int) (names []string, columns []int) {
	for i, n := range s.names {
		switch {
		case i == id:
			continue
		case n != "Disease_Risk" && n != "HR" && n != "ODPM":
			n = rfmidPrefix + n
		}
		names, columns = append(names, n), append(columns, i)
	}
	return names, columns
}

func (b *builder) rfmidRows(s *sheet, split string, id int, columns []int, find func(string) (file, bool)) error {
	for r, row := range s.rows {
		labels := make([]string, len(columns))
		for k, c := range columns {
			var err error
			if labels[k], err = b.grade(s, r, c, 1); err != nil {
				return err
			}
		}
		if f, there := b.look(find, row[id]); there {
			if err := b.add(Image{Path: f.path, Person: split + "_" + row[id], Split: split, Labels: labels}, s.path, s.lines[r]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rare notes labels that hardly any test image has.
func (b *builder) rare() {
	count := make([]int, len(b.Names))
	tests := 0
	for _, im := range b.Images {
		if im.Split != test {
			continue
		}
		tests++
		for k, v := range im.Labels {
			if v == "1" {
				count[k]++
			}
		}
	}
	var few []string
	for k, n := range count {
		if n < leastPositives {
			few = append(few, fmt.Sprintf("%s %d", b.Names[k], n))
		}
	}
	if len(few) > 0 && tests > 0 {
		b.note("Fewer than %d test images have %d of the labels, of which metrics say little: %s.", leastPositives, len(few), strings.Join(few, ", "))
	}
}

// numbered is what stands before the names of folders that are sorted: "5. Optic Disc".
var numbered = regexp.MustCompile(`^[0-9a-z]+\.\s*`)

// className turns the name of a folder of masks into that of a class.
func className(folder string) string {
	return strings.ReplaceAll(strings.ToLower(numbered.ReplaceAllString(folder, "")), " ", "_")
}
