package dataset

import (
	"strings"
)

// palm reads PALM: images whose names begin with H (high myopia), N (normal) or P (pathologic myopia), and masks in which 0 is the class and 255 is not. A lesion without a file is not there; a disc without one is not known.
func palm(b *builder) error {
	b.Names, b.Foreground = []string{"myopia", "pathologic"}, "zero"
	masks, classes := b.palmMasks()
	unlabelled, discs := 0, 0
	var photos []file
	for _, f := range b.images {
		if palmClass(f) == "" && !f.isMask() {
			photos = append(photos, f)
		}
	}
	b.images = photos
	if len(photos) == 0 {
		return b.layout("there is no image of an eye", "PALM-Training400 with H0001.jpg, or Training/Images")
	}
	stems := map[string]int{}
	for _, split := range []string{train, validation, test, ""} {
		if _, err := b.lookup(of(photos, split)); err != nil {
			return err
		}
	}
	for _, f := range photos {
		stems[f.stem]++
	}
	for _, f := range photos {
		person := f.stem
		if stems[f.stem] > 1 { // numbers that begin anew in every split
			person = f.split() + "_" + f.stem
		}
		labels := palmLabels(f.stem)
		if labels[0] == unknown {
			unlabelled++
		}
		b.met++
		if err := b.add(Image{Path: f.path, Person: person, Split: f.split(), Labels: labels}, f.path, 0); err != nil {
			return err
		}
		discs += b.palmMasked(f, masks, classes)
	}
	if unlabelled > 0 {
		b.note("%d images have names that say no class (H, N or P): their labels are NA.", unlabelled)
	}
	if discs > 0 {
		b.note("%d images have no mask of the disc: it is not known there. An image without a mask of a lesion does not have it.", discs)
	}
	b.note("PALM does not say whose an image is: each counts as a participant.")
	return nil
}

// palmMasks returns the masks by split, class and name, and which classes a split has.
func (b *builder) palmMasks() (masks map[string]file, classes map[string]bool) {
	masks, classes = map[string]file{}, map[string]bool{}
	for _, f := range b.files {
		if class := palmClass(f); class != "" && (f.isImage() || f.isOtherImage()) {
			key := f.split() + "/" + class
			classes[key] = true
			masks[key+"/"+strings.ToLower(f.stem)] = f
		}
	}
	return masks, classes
}

// palmMasked adds the masks of an image, and returns how many of the disc it lacks.
func (b *builder) palmMasked(f file, masks map[string]file, classes map[string]bool) (lacks int) {
	for _, class := range []string{"disc", "atrophy", "detachment"} {
		key := f.split() + "/" + class
		m, there := masks[key+"/"+strings.ToLower(f.stem)]
		switch {
		case there:
			b.Masks = append(b.Masks, Mask{f.path, class, m.path})
		case class == "disc" && classes[key]:
			lacks++
		case classes[key]:
			b.Masks = append(b.Masks, Mask{f.path, class, ""})
		}
	}
	return lacks
}

// palmClass is the class of a mask by its folder, "" of what is none.
func palmClass(f file) string {
	switch {
	case f.in("atrophy"):
		return "atrophy"
	case f.in("detachment"):
		return "detachment"
	case f.in("disc_masks") || f.in("disc masks"):
		return "disc"
	}
	return ""
}

func palmLabels(stem string) []string {
	switch strings.ToUpper(stem[:min(1, len(stem))]) {
	case "H":
		return []string{"high", "0"}
	case "N":
		return []string{"normal", "0"}
	case "P":
		return []string{"pathologic", "1"}
	}
	return []string{unknown, unknown}
}
