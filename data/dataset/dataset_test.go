package dataset

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// folderOf makes a folder of files: texts, of images nothing.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// said is a set as lines: path, person, eye, visit, split, labels; then masks; paths below the folder.
func said(t *testing.T, dir string, s *Set) []string {
	t.Helper()
	below := func(path string) string {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.ToSlash(rel)
	}
	var out []string
	for _, im := range s.Images {
		out = append(out, fmt.Sprintf("%s|%s|%s|%s|%s|%s", below(im.Path), im.Person, im.Eye, im.Visit, im.Split, strings.Join(im.Labels, " ")))
	}
	for _, m := range s.Masks {
		path := "empty"
		if m.Path != "" {
			path = below(m.Path)
		}
		out = append(out, fmt.Sprintf("%s %s %s", below(m.Image), m.Class, path))
	}
	return out
}

// A layout is a made-up folder of a set, what it says, and what is noted.
type layout struct {
	kind  string
	files map[string]string
	want  []string
	notes []string
}

func layouts() map[string]layout {
	return map[string]layout{
		"aptos of Kaggle": {"aptos", map[string]string{"train.csv": "id_code,diagnosis\n00a,2\n1B,0\ngone,4\n", "test.csv": "id_code\nt1\n", "sample_submission.csv": "id_code,diagnosis\nt1,0\n",
			"train_images/00a.png": "", "train_images/1B.png": "", "train_images/._00a.png": "", "test_images/t1.png": "", "test_images/more.png": ""},
			[]string{"test_images/t1.png|t1||||NA", "train_images/00a.png|00a||||2", "train_images/1B.png|1B||||0"},
			[]string{"no labels of test images", "W1040: 1 rows of tables have no image", "sample_submission is no table", "1 images are in no table"}},
		"aptos in three": {"aptos", map[string]string{"train_1.csv": "id_code,diagnosis\r\na,2\r\n", "valid.csv": "id_code,diagnosis\nb,1\n", "test.csv": "id_code,diagnosis\nc,4\n",
			"train_images/train_images/a.png": "", "val_images/val_images/b.png": "", "test_images/test_images/c.png": ""},
			[]string{"test_images/test_images/c.png|c|||test|4", "train_images/train_images/a.png|a|||train|2", "val_images/val_images/b.png|b|||validation|1"}, []string{"published split is kept"}},
		"rfmid of IEEE": {"rfmid", map[string]string{"Training_Set/RFMiD_Training_Labels.csv": "ID,Disease_Risk,DR,HR,ODPM\n1,1,1,0,0\n2,0,0,0,0\n", "Evaluation_Set/RFMiD_Validation_Labels.csv": "ID,Disease_Risk,DR,HR,ODPM\n1,0,0,0,0\n",
			"Test_Set/RFMiD_Testing_Labels.csv": "ID,Disease_Risk,DR,HR,ODPM\n1,1,0,1,0\n", "Training_Set/Training/1.png": "", "Training_Set/Training/2.png": "", "Evaluation_Set/Validation/1.png": "", "Test_Set/Test/1.png": ""},
			[]string{"Evaluation_Set/Validation/1.png|validation_1|||validation|0 0 0 0", "Test_Set/Test/1.png|test_1|||test|1 0 1 0", "Training_Set/Training/1.png|train_1|||train|1 1 0 0", "Training_Set/Training/2.png|train_2|||train|0 0 0 0"},
			[]string{"Fewer than 5 test images have 4 of the labels"}},
		"rfmid doubled, of the challenge": {"rfmid", map[string]string{"1. Original Images/a. Training Set/a. Training Set/1.png": "", "1. Original Images/c. Testing Set/1.png": "",
			"2. Groundtruths/a. RFMiD_Training_Labels.csv": "ID,Disease_Risk,DR\n1,1,1\n", "2. Groundtruths/c. RFMiD_Testing_Labels.csv": "ID,Disease_Risk,DR\n1,0,0\n"},
			[]string{"1. Original Images/a. Training Set/a. Training Set/1.png|train_1|||train|1 1", "1. Original Images/c. Testing Set/1.png|test_1|||test|0 0"}, nil},
		"palm of the challenge": {"palm", map[string]string{"PALM-Training400/H0001.jpg": "", "PALM-Training400/N0001.jpg": "", "PALM-Training400/P0001.jpg": "", "PALM-Training400/Disc_Masks/H0001.bmp": "", "PALM-Training400/Disc_Masks/P0001.bmp": "",
			"PALM-Training400/Lesion_Masks/Atrophy/P0001.bmp": "", "PALM-Training400/Lesion_Masks/Detachment/P0001.bmp": ""},
			[]string{"PALM-Training400/H0001.jpg|H0001||||high 0", "PALM-Training400/N0001.jpg|N0001||||normal 0", "PALM-Training400/P0001.jpg|P0001||||pathologic 1",
				"PALM-Training400/H0001.jpg atrophy empty", "PALM-Training400/H0001.jpg detachment empty", "PALM-Training400/H0001.jpg disc PALM-Training400/Disc_Masks/H0001.bmp",
				"PALM-Training400/N0001.jpg atrophy empty", "PALM-Training400/N0001.jpg detachment empty",
				"PALM-Training400/P0001.jpg atrophy PALM-Training400/Lesion_Masks/Atrophy/P0001.bmp", "PALM-Training400/P0001.jpg detachment PALM-Training400/Lesion_Masks/Detachment/P0001.bmp", "PALM-Training400/P0001.jpg disc PALM-Training400/Disc_Masks/P0001.bmp"},
			[]string{"1 images have no mask of the disc"}},
		"palm of 2024": {"palm", map[string]string{"PALM/Training/Images/H0001.jpg": "", "PALM/Training/Disc Masks/H0001.bmp": "", "PALM/Training/Lesion Masks/Atrophy/P0009.bmp": "", "PALM/Validation/Images/V0001.jpg": "",
			"PALM/Testing/Images/H0001.jpg": "", "PALM/Testing/Disc Masks/H0001.bmp": ""},
			[]string{"PALM/Testing/Images/H0001.jpg|test_H0001|||test|high 0", "PALM/Training/Images/H0001.jpg|train_H0001|||train|high 0", "PALM/Validation/Images/V0001.jpg|V0001|||validation|NA NA",
				"PALM/Testing/Images/H0001.jpg disc PALM/Testing/Disc Masks/H0001.bmp", "PALM/Training/Images/H0001.jpg atrophy empty", "PALM/Training/Images/H0001.jpg disc PALM/Training/Disc Masks/H0001.bmp"},
			[]string{"say no class"}},
	}
}

func moreLayouts() map[string]layout {
	return map[string]layout{
		"idrid": {"idrid", map[string]string{"A. Segmentation/1. Original Images/a. Training Set/IDRiD_01.jpg": "", "A. Segmentation/1. Original Images/a. Training Set/IDRiD_02.jpg": "",
			"A. Segmentation/2. All Segmentation Groundtruths/a. Training Set/1. Microaneurysms/IDRiD_01_MA.tif": "", "A. Segmentation/2. All Segmentation Groundtruths/a. Training Set/5. Optic Disc/IDRiD_01_OD.tif": "",
			"B. Disease Grading/1. Original Images/a. Training Set/IDRiD_001.jpg": "", "B. Disease Grading/1. Original Images/b. Testing Set/IDRiD_001.jpg": "",
			"B. Disease Grading/2. Groundtruths/a. IDRiD_Disease Grading_Training Labels.csv": "Image name,Retinopathy grade,Risk of macular edema ,,,\nIDRiD_001,3,2,,,\n",
			"B. Disease Grading/2. Groundtruths/b. IDRiD_Disease Grading_Testing Labels.csv":  "Image name,Retinopathy grade,Risk of macular edema \nIDRiD_001,0,0\n"},
			[]string{"A. Segmentation/1. Original Images/a. Training Set/IDRiD_01.jpg|A_train_IDRiD_01|||train|NA NA", "A. Segmentation/1. Original Images/a. Training Set/IDRiD_02.jpg|A_train_IDRiD_02|||train|NA NA",
				"B. Disease Grading/1. Original Images/a. Training Set/IDRiD_001.jpg|B_train_IDRiD_001|||train|3 2", "B. Disease Grading/1. Original Images/b. Testing Set/IDRiD_001.jpg|B_test_IDRiD_001|||test|0 0",
				"A. Segmentation/1. Original Images/a. Training Set/IDRiD_01.jpg microaneurysms A. Segmentation/2. All Segmentation Groundtruths/a. Training Set/1. Microaneurysms/IDRiD_01_MA.tif",
				"A. Segmentation/1. Original Images/a. Training Set/IDRiD_01.jpg optic_disc A. Segmentation/2. All Segmentation Groundtruths/a. Training Set/5. Optic Disc/IDRiD_01_OD.tif",
				"A. Segmentation/1. Original Images/a. Training Set/IDRiD_02.jpg microaneurysms empty"}, []string{"part B too"}},
		"idrid of a mirror": {"idrid", map[string]string{"B.%20Disease%20Grading/1.%20Original%20Images/a.%20Training%20Set/IDRiD_001.jpg": "", "B.%20Disease%20Grading/2.%20Groundtruths/a.%20IDRiD_Disease%20Grading_Training%20Labels.csv": "Image name,Retinopathy grade,Risk of macular edema\nIDRiD_001,4,1\n"},
			[]string{"B.%20Disease%20Grading/1.%20Original%20Images/a.%20Training%20Set/IDRiD_001.jpg|B_train_IDRiD_001||||4 1"}, nil},
		"eyepacs": {"eyepacs", map[string]string{"trainLabels.csv": "image,level\n10_left,0\n10_right,1\n", "retinopathy_solution.csv": "image,level,Usage\n1_left,0,Private\n1_right,2,Public\n", "sampleSubmission.csv": "image,level\n1_left,0\n1_right,0\n",
			"train/10_left.jpeg": "", "train/10_right.jpeg": "", "test/1_left.jpeg": "", "test/1_right.jpeg": ""},
			[]string{"test/1_left.jpeg|1|L||test|0", "test/1_right.jpeg|1|R||test|2", "train/10_left.jpeg|10|L||train|0", "train/10_right.jpeg|10|R||train|1"}, []string{"sampleSubmission is no table"}},
		"eyepacs without test labels": {"eyepacs", map[string]string{"trainLabels.csv": "image,level\n10_left,0\n10_right,1\n", "train/train/10_left.jpeg": "", "train/train/10_right.jpeg": ""},
			[]string{"train/train/10_left.jpeg|10|L|||0", "train/train/10_right.jpeg|10|R|||1"}, []string{"no labels of test images"}},
		"messidor2": {"messidor2", map[string]string{"messidor-2.csv": "left;right\n20051020_1_PP.png;20051020_2_PP.png\nIM001.JPG;IM002.JPG\n",
			"messidor_data.csv":        "image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable\n20051020_1_PP.png,0.0,0.0,1\n20051020_2_PP.png,,,0\nIM001.jpg,2.0,1.0,1\nIM002.jpg,1.0,0.0,0\nx.png,4.0,1.0,1\n",
			"IMAGES/20051020_1_PP.png": "", "IMAGES/20051020_2_PP.png": "", "IMAGES/IM001.JPG": "", "IMAGES/im002.JPG": "", "IMAGES/x.png": "", "IMAGES/y.tif": ""},
			[]string{"IMAGES/20051020_1_PP.png|20051020_1_PP|L|||0 0", "IMAGES/20051020_2_PP.png|20051020_1_PP|R|||NA NA", "IMAGES/IM001.JPG|IM001|L|||2 1", "IMAGES/im002.JPG|IM001|R|||NA NA", "IMAGES/x.png|x||||4 1"},
			[]string{"1 images are in no pair", "1 images are neither JPEG nor PNG"}},
		"ukb": {"ukb", map[string]string{"left/1000040_21015_0_0.png": "", "right/1000040_21016_1_0.png": "", "left/1000050_21015_0_1.png": "", "left/1000060_21015_0_0.png": "", "left/notes.png": "", "w1234_20230101.csv": "1000060\n",
			"tables/pheno.csv": "eid,31-0.0,4080-0.0,4080-0.1,4080-1.0,22009-0.1,22009-0.2,1239-0.0,1239-1.0\n1000040,1,120,121,130,-1.5,-3,-3,2\n1000050,0,,119,,2.5,-1,-1,\n999,1,1,1,1,1,1,1,1\n"},
			[]string{"left/1000040_21015_0_0.png|1000040|L|0||1 120 121 -1.5 -3 NA", "left/1000050_21015_0_1.png|1000050|L|0||0 NA 119 2.5 -1 NA", "right/1000040_21016_1_0.png|1000040|R|1||1 130 NA -1.5 -3 2"},
			[]string{"p1239: codes below 0", "1 images of those who have withdrawn"}},
		"ukb of the platform": {"ukb", map[string]string{"1_21016_0_0.png": "", "1_21016_1_0.png": "", "t.tsv": "participant.eid\tparticipant.p31\tp4080_i0_a0\tp4080_i1_a0\tp21022\tnote\n1\t0\t120\t130\t61\tx y\n"},
			[]string{"1_21016_0_0.png|1|R|0||0 120 61 x y", "1_21016_1_0.png|1|R|1||0 130 61 x y"}, nil},
		"folders": {"folders", map[string]string{"train/b/1.png": "", "train/a/1.png": "", "val/a/7.PNG": "", "test/b/9.jpg": ""},
			[]string{"test/b/9.jpg|9|||test|b", "train/a/1.png|train_a_1|||train|a", "train/b/1.png|train_b_1|||train|b", "val/a/7.PNG|7|||validation|a"}, []string{"2 classes in the order of the alphabet: a, b"}},
		"folders without splits": {"folders", map[string]string{"latest/x.png": "", "untested/y.png": ""}, []string{"latest/x.png|x||||latest", "untested/y.png|y||||untested"}, nil},
	}
}

// TestLayouts: each set as people have it, traps included, says what is in it.
func TestLayouts(t *testing.T) {
	all := layouts()
	maps.Copy(all, moreLayouts())
	for name, c := range all {
		dir := folderOf(t, c.files)
		s, err := Read(c.kind, dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := said(t, dir, s); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
		for _, n := range c.notes {
			if !strings.Contains(strings.Join(s.Notes, "\n"), n) {
				t.Errorf("%s: no note %q in %q", name, n, s.Notes)
			}
		}
	}
}

// TestFaults: what is ambiguous or missing is one error with the right number.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		kind  string
		files map[string]string
		want  int
	}{
		"nothing":           {"aptos", map[string]string{"readme.md": ""}, 1040},
		"no labels":         {"eyepacs", map[string]string{"train/10_left.jpeg": ""}, 1040},
		"no images":         {"aptos", map[string]string{"train.csv": "id_code,diagnosis\na,0\n"}, 1042},
		"other images":      {"aptos", map[string]string{"train.csv": "id_code,diagnosis\na,0\n", "train_images/b.png": ""}, 1042},
		"a copy":            {"aptos", map[string]string{"train.csv": "id_code,diagnosis\na,0\n", "train_images/a.png": "", "resized/a.png": ""}, 1042},
		"two grades":        {"aptos", map[string]string{"train.csv": "id_code,diagnosis\na,0\na,1\n", "train_images/a.png": ""}, 1041},
		"grade 5":           {"eyepacs", map[string]string{"trainLabels.csv": "image,level\n10_left,5\n", "train/10_left.jpeg": ""}, 1041},
		"grade 1.5":         {"aptos", map[string]string{"train.csv": "id_code,diagnosis\na,1.5\n", "train_images/a.png": ""}, 1041},
		"no eye":            {"eyepacs", map[string]string{"trainLabels.csv": "image,level\n10,1\n", "train/10.jpeg": ""}, 1041},
		"rfmid of no split": {"rfmid", map[string]string{"labels.csv": "ID,Disease_Risk,DR\n1,1,1\n", "1.png": ""}, 1041},
		"rfmid mixed":       {"rfmid", map[string]string{"Train/RFMiD_Training_Labels.csv": "ID,Disease_Risk,DR\n1,1,1\n", "Test/RFMiD_Testing_Labels.csv": "ID,Disease_Risk,AMD\n1,1,1\n", "Train/1.png": "", "Test/1.png": ""}, 1041},
		"no palm":           {"palm", map[string]string{"Disc_Masks/H1.bmp": ""}, 1040},
		"no idrid":          {"idrid", map[string]string{"IDRiD_01.jpg": ""}, 1040},
		"no grades":         {"messidor2", map[string]string{"IMAGES/a.png": "", "messidor-2.csv": "left;right\na.png;b.png\n"}, 1040},
		"not ukb":           {"ukb", map[string]string{"a.png": ""}, 1040},
		"ukb twice":         {"ukb", map[string]string{"1_21015_0_0.png": "", "t.csv": "eid,31-0.0\n1,0\n1,1\n"}, 1041},
		"ukb two tables":    {"ukb", map[string]string{"1_21015_0_0.png": "", "t.csv": "eid,31-0.0\n1,0\n", "u.csv": "eid,p31\n1,1\n"}, 1041},
		"ragged":            {"ukb", map[string]string{"1_21015_0_0.png": "", "t.csv": "eid,31-0.0\n1,0,1\n"}, 106},
		"no class":          {"folders", map[string]string{"a.png": "", "x/b.png": ""}, 1040},
		"one class":         {"folders", map[string]string{"train/x/b.png": ""}, 1040},
	} {
		_, err := Read(c.kind, folderOf(t, c.files))
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.want {
			t.Errorf("%s: %v, want E%d", name, err, c.want)
		}
	}
	if _, err := Read("aptos", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no folder is no error")
	}
}

// TestLinks: folders by links are read, one that leads upwards ends, and one that leads nowhere is an error.
func TestLinks(t *testing.T) {
	real := folderOf(t, map[string]string{"a/1.png": "", "b/2.png": ""})
	dir := t.TempDir()
	if err := errors.Join(os.Symlink(filepath.Join(real, "a"), filepath.Join(dir, "a")), os.Symlink(real, filepath.Join(dir, "more")), os.Symlink("..", filepath.Join(real, "b", "up"))); err != nil {
		t.Skipf("this system lets nobody make symbolic links: run on Linux or macOS: %v", err)
	}
	s, err := Read("folders", dir)
	if err != nil || len(s.Images) != 3 {
		t.Errorf("%v, %v", s, err)
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "a2")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read("folders", dir); err == nil {
		t.Error("a link to nowhere is no error")
	}
}

// TestPersons: whatever images are called, each participant has an id that tables can hold, and one of its own.
func TestPersons(t *testing.T) {
	names := []string{"0", "12e4", "NA", "-5", "7.0", "a b", "a_b", "image_a_b", "image_a_b_2", "a.jpg", "ok"}
	files, table0 := map[string]string{}, "id_code,diagnosis\n"
	for _, n := range names {
		files["train_images/"+n+".png"] = ""
		table0 += n + ",1\n"
	}
	files["train.csv"] = table0
	s, err := Read("aptos", folderOf(t, files))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, im := range s.Images {
		if err := table.CheckID("", 0, im.Person); err != nil || seen[im.Person] || strings.ContainsAny(im.Person, " .") || strings.HasPrefix(im.Person, "-") {
			t.Errorf("%s is %q: %v", im.Path, im.Person, err)
		}
		seen[im.Person] = true
	}
	if len(seen) != len(names) || !seen["ok"] {
		t.Errorf("persons %v", seen)
	}
}
