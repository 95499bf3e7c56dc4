package dataset

import (
	"slices"
	"strings"
)

// idrid reads IDRiD: part A with masks (palette TIFF, whose class is whatever is not 0), part B with grades. The numbers of B begin anew in its test split, and A's images are among B's under other names: the key is part,
// split and name.
func idrid(b *builder) error {
	b.Names, b.Foreground = []string{"retinopathy", "edema"}, "nonzero"
	part := func(f file, word string) bool { return f.in(word) && f.in("original images") }
	var segmented, graded, used []file
	for _, f := range b.images {
		switch {
		case part(f, "segmentation"):
			segmented, used = append(segmented, f), append(used, f)
		case part(f, "grading"):
			graded, used = append(graded, f), append(used, f)
		}
	}
	b.images = used
	if len(used) == 0 {
		return b.layout("there is neither part A nor part B", "A. Segmentation/1. Original Images, or B. Disease Grading/1. Original Images")
	}
	if err := b.idridGrades(graded); err != nil {
		return err
	}
	if err := b.idridMasks(segmented); err != nil {
		return err
	}
	b.note("IDRiD does not say whose an image is: each counts as a participant.")
	if len(segmented) > 0 && len(graded) > 0 {
		b.note("W1040: images of part A are in part B too, some in the other split: check tells of images with the same pixels (W504). Train and test within one part.")
	}
	return nil
}

func (b *builder) idridGrades(images []file) error {
	tables, err := b.tables("Retinopathy grade")
	if err != nil {
		return err
	}
	if len(images) > 0 && len(tables) == 0 {
		return b.layout("part B has no table of grades", "2. Groundtruths/a. IDRiD_Disease Grading_Training Labels.csv")
	}
	for _, s := range tables {
		split := splitOf(strings.ReplaceAll(s.stem, "_", " "))
		id, columns := s.column("Image name"), []int{s.column("Retinopathy grade"), s.column("Risk of macular edema")}
		if split == "" || id < 0 || columns[1] < 0 {
			return b.problem(codeTable, s.path, 1, "the table lacks a column, or its name a split", "Image name, Retinopathy grade, Risk of macular edema, of training or testing images", strings.Join(s.names, ", "), "a renamed or edited table", "take the table as it was published")
		}
		find, err := b.lookup(of(images, split))
		if err != nil {
			return err
		}
		for r, row := range s.rows {
			labels := make([]string, len(columns))
			for k, c := range columns {
				if labels[k], err = b.grade(s, r, c, []int{highestGrade, highestEdema}[k]); err != nil {
					return err
				}
			}
			if f, there := b.look(find, row[id]); there {
				if err := b.add(Image{Path: f.path, Person: "B_" + split + "_" + f.stem, Split: split, Labels: labels}, s.path, s.lines[r]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// of returns the files of a split.
func of(files []file, split string) (out []file) {
	for _, f := range files {
		if f.split() == split {
			out = append(out, f)
		}
	}
	return out
}

// idridMasks joins masks to the images of part A: IDRiD_01_MA.tif is of IDRiD_01. An image without a mask of a lesion does not have it, where others of its split have; one without a mask of the disc is not known.
func (b *builder) idridMasks(images []file) error {
	masks, classes := map[string]file{}, map[string][]string{} // by split, class and image; of splits
	for _, f := range b.files {
		if !f.in("segmentation") || !f.in("groundtruth") || !f.isImage() && !f.isOtherImage() {
			continue
		}
		at := strings.LastIndexByte(f.stem, '_')
		if at < 0 {
			continue
		}
		split, class := f.split(), className(f.parts[len(f.parts)-1])
		if !slices.Contains(classes[split], class) {
			classes[split] = append(classes[split], class)
		}
		masks[split+"/"+class+"/"+strings.ToLower(f.stem[:at])] = f
	}
	for _, f := range images {
		split := f.split()
		b.met++
		if err := b.add(Image{Path: f.path, Person: "A_" + split + "_" + f.stem, Split: split, Labels: []string{unknown, unknown}}, f.path, 0); err != nil {
			return err
		}
		for _, class := range classes[split] {
			if m, there := masks[split+"/"+class+"/"+strings.ToLower(f.stem)]; there {
				b.Masks = append(b.Masks, Mask{f.path, class, m.path})
			} else if class != "optic_disc" {
				b.Masks = append(b.Masks, Mask{f.path, class, ""})
			}
		}
	}
	return nil
}
