package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// folders reads {train,val,test}/{class}/image, or {class}/image: the innermost folder is the class. Classes are counted in the order of the alphabet, as torchvision's ImageFolder does.
func folders(b *builder) error {
	b.Names = []string{"class"}
	var classes []string
	stems := map[string]int{}
	for _, f := range b.images {
		stems[f.stem]++
	}
	for _, f := range b.images {
		if len(f.parts) == 0 || splitOf(f.parts[len(f.parts)-1]) != "" && len(f.parts) == 1 {
			return b.problem(codeLayout, f.path, 0, "an image lies in no folder of a class", "train/CLASS/image, or CLASS/image", f.rel, "another layout", "put images into a folder of their class, or name another set by --from")
		}
		class := f.parts[len(f.parts)-1]
		if !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
		person := f.stem
		if stems[f.stem] > 1 { // 1.png of every class
			person = strings.ReplaceAll(strings.TrimSuffix(f.rel, f.ext), "/", "_")
		}
		split := ""
		if len(f.parts) > 1 {
			split = splitOf(strings.Join(f.parts[:len(f.parts)-1], " "))
		}
		b.met++
		if err := b.add(Image{Path: f.path, Person: person, Split: split, Labels: []string{class}}, f.path, 0); err != nil {
			return err
		}
	}
	slices.Sort(classes)
	if len(classes) < 2 {
		return b.layout(fmt.Sprintf("there are %d classes", len(classes)), "a folder for each of two classes or more")
	}
	b.note("%d classes in the order of the alphabet: %.400s.", len(classes), strings.Join(classes, ", "))
	b.note("The folders do not say whose an image is: each counts as a participant. Where a participant has several, correct person_id in both tables.")
	return nil
}
