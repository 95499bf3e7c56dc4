package dataset

import (
	"fmt"
	"strings"
)

// highestGrade is the highest grade of diabetic retinopathy (ICDR), highestEdema that of macular edema.
const (
	highestGrade = 4
	highestEdema = 2
)

// aptos reads APTOS 2019: train.csv and test.csv of id_code and diagnosis, or a copy with train_1.csv, valid.csv and test.csv. The test grades were never published: where a test.csv has none its
// images are unlabelled. sample_submission.csv has grades too, which are none.
func aptos(b *builder) error {
	all, err := b.tables("id_code")
	if err != nil {
		return err
	}
	find, err := b.lookup(b.images)
	if err != nil {
		return err
	}
	b.Names = []string{"diagnosis"}
	graded := false
	for _, s := range all {
		split := splitOf(s.stem)
		if split == "" {
			b.note("%s is no table of a split and is not read.", s.stem)
			continue
		}
		id, grade := s.column("id_code"), s.column("diagnosis")
		graded = graded || grade >= 0
		for r, row := range s.rows {
			label := unknown
			if grade >= 0 {
				if label, err = b.grade(s, r, grade, highestGrade); err != nil {
					return err
				}
			}
			if f, there := b.look(find, row[id]); there {
				if err := b.add(Image{Path: f.path, Person: f.stem, Split: split, Labels: []string{label}}, s.path, s.lines[r]); err != nil {
					return err
				}
			}
		}
	}
	if !graded {
		return b.layout("there is no table of grades", "train.csv with id_code and diagnosis")
	}
	b.note("APTOS does not say whose an image is: each counts as a participant. It has duplicates: check tells of images with the same pixels (W504).")
	return nil
}

// eyepacs reads EyePACS as Kaggle has it: trainLabels.csv and retinopathy_solution.csv of image and level, images ID_left and ID_right. The number before _ is the participant, both of whose eyes go into one split.
func eyepacs(b *builder) error {
	all, err := b.tables("level")
	if err != nil {
		return err
	}
	find, err := b.lookup(b.images)
	if err != nil {
		return err
	}
	b.Names = []string{"level"}
	tables := 0
	for _, s := range all {
		id, level := s.column("image", "id_code", "name"), s.column("level")
		if id < 0 || strings.Contains(strings.ToLower(s.stem), "submission") {
			b.note("%s is no table of grades and is not read.", s.stem)
			continue
		}
		tables++
		split := train
		if s.column("Usage") >= 0 || splitOf(s.stem) == test {
			split = test
		}
		for r, row := range s.rows {
			label, err := b.grade(s, r, level, highestGrade)
			if err != nil {
				return err
			}
			person, side, ok := strings.Cut(row[id], "_")
			side, _, _ = strings.Cut(side, ".")
			eye, known := map[string]string{"left": "L", "right": "R"}[side]
			if !ok || !known {
				return b.problem(codeTable, s.path, s.lines[r], "the name of an image does not say whose eye it is", "names such as 10_left", fmt.Sprintf("%.60q", row[id]), "another table", "name the folder of EyePACS")
			}
			if f, there := b.look(find, row[id]); there {
				if err := b.add(Image{Path: f.path, Person: person, Eye: eye, Split: split, Labels: []string{label}}, s.path, s.lines[r]); err != nil {
					return err
				}
			}
		}
	}
	if tables == 0 {
		return b.layout("there is no table of grades", "trainLabels.csv with image and level")
	}
	return nil
}

// messidor2 reads Messidor-2: images, messidor-2.csv of the pairs of eyes, messidor_data.csv of grades by others. A name's ending and its case may differ between tables and files.
func messidor2(b *builder) error {
	find, err := b.lookup(b.images)
	if err != nil {
		return err
	}
	person, eye, err := b.pairs(find)
	if err != nil {
		return err
	}
	all, err := b.tables("adjudicated_dr_grade")
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return b.layout(fmt.Sprintf("there are %d tables of grades", len(all)), "messidor_data.csv with image_id, adjudicated_dr_grade, adjudicated_dme, adjudicated_gradable")
	}
	s := all[0]
	b.Names = []string{"dr_grade", "dme"}
	id, gradable := s.column("image_id", "image", "id_code"), s.column("adjudicated_gradable")
	columns := []int{s.column("adjudicated_dr_grade"), s.column("adjudicated_dme")}
	if id < 0 || columns[1] < 0 {
		return b.problem(codeTable, s.path, 1, "the table of grades lacks a column", "image_id and adjudicated_dme", strings.Join(s.names, ", "), "another table", "name the folder with messidor_data.csv")
	}
	alone := 0
	for r, row := range s.rows {
		labels := make([]string, len(columns))
		for k, c := range columns {
			if labels[k], err = b.grade(s, r, c, []int{highestGrade, 1}[k]); err != nil {
				return err
			}
			if gradable >= 0 && row[gradable] != "" && strings.Trim(row[gradable], "0.") == "" {
				labels[k] = unknown
			}
		}
		f, there := b.look(find, row[id])
		if !there {
			continue
		}
		im := Image{Path: f.path, Person: person[f.path], Eye: eye[f.path], Labels: labels}
		if im.Person == "" {
			im.Person = f.stem
			alone++
		}
		if err := b.add(im, s.path, s.lines[r]); err != nil {
			return err
		}
	}
	if alone > 0 {
		b.note("W1040: %d images are in no pair of messidor-2.csv: each counts as a participant, whose two eyes may come into different splits.", alone)
	}
	return nil
}

// pairs returns person and eye of the images that messidor-2.csv pairs, by path.
func (b *builder) pairs(find func(string) (file, bool)) (person, eye map[string]string, err error) {
	person, eye = map[string]string{}, map[string]string{}
	for _, f := range b.files {
		if !f.isTable() || strings.ToLower(f.stem) != "messidor-2" {
			continue
		}
		s, err := readSheet(f, nil)
		if err != nil {
			return nil, nil, err
		}
		left, right := s.column("left"), s.column("right")
		rows, lines := s.rows, s.lines
		if left < 0 || right < 0 { // copies without a header: the first line is a pair
			left, right = 0, 1
			rows, lines = append([][]string{s.names}, rows...), append([]int{1}, lines...)
		}
		for r, row := range rows {
			if len(row) < 2 {
				return nil, nil, b.problem(codeTable, s.path, lines[r], "a row is no pair of eyes", "the left and the right image", fmt.Sprintf("%.60q", row), "another table", "name the folder with messidor-2.csv")
			}
			for k, at := range []int{left, right} {
				if im, there := find(row[at]); there {
					name, _ := find(row[left])
					person[im.path], eye[im.path] = name.stem, []string{"L", "R"}[k]
					if name.stem == "" {
						person[im.path] = im.stem // the left image was not unpacked
					}
				}
			}
		}
	}
	return person, eye, nil
}
