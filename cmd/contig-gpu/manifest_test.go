package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// photographs32 writes small images of different colours at paths below a folder.
func photographs32(t *testing.T, dir string, names ...string) {
	t.Helper()
	for i, name := range names {
		im := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for k := range 32 * 32 {
			im.Set(k%32, k/32, color.RGBA{uint8(40 + 5*i), uint8(90 + k%32), uint8(60 + 37*i%100 + k/32), 255})
		}
		var b bytes.Buffer
		mustDo(t, png.Encode(&b, im))
		putFile(t, dir, name, b.String())
	}
}

func putFile(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	mustDo(t, os.MkdirAll(filepath.Dir(path), 0o700))
	mustDo(t, os.WriteFile(path, []byte(text), 0o600))
}

// A madeSet is a folder of a data set with what is to be predicted of it.
type madeSet struct{ kind, target, task string }

// makeSet writes a small folder of a set.
func makeSet(t *testing.T, kind string) string {
	t.Helper()
	dir, n := t.TempDir(), 12
	var names []string
	text := map[string]string{"aptos": "id_code,diagnosis\n", "eyepacs": "image,level\n", "messidor2": "image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable\n", "ukb": "eid,31-0.0\n"}[kind]
	for i := range n {
		switch kind {
		case "aptos":
			names, text = append(names, fmt.Sprintf("train_images/%03x.png", i)), text+fmt.Sprintf("%03x,%d\n", i, i%2)
		case "eyepacs":
			name := fmt.Sprintf("%d_%s", 10+i/2, []string{"left", "right"}[i%2])
			names, text = append(names, "train/"+name+".jpeg"), text+fmt.Sprintf("%s,%d\n", name, i/2%2)
		case "messidor2":
			names, text = append(names, fmt.Sprintf("IMAGES/im%d.png", i)), text+fmt.Sprintf("im%d.jpg,%d,0,1\n", i, i%3)
		case "ukb":
			names, text = append(names, fmt.Sprintf("img/%d_21015_0_0.png", 1000+i)), text+fmt.Sprintf("%d,%d\n", 1000+i, i%2)
		case "folders":
			names = append(names, fmt.Sprintf("%s/%s/%d.png", []string{"train", "train", "test"}[i/2%3], []string{"healthy", "ill"}[i%2], i))
		case "palm":
			names = append(names, fmt.Sprintf("PALM-Training400/%s%04d.jpg", []string{"H", "N", "P"}[i%3], i))
		}
	}
	switch kind {
	case "rfmid":
		for i, s := range []string{"Training", "Validation", "Testing"} {
			table := "ID,Disease_Risk,DR,MH\n"
			for k := range 4 {
				names, table = append(names, fmt.Sprintf("%s_Set/%s/%d.png", s, s, k+1)), table+fmt.Sprintf("%d,1,%d,%d\n", k+1, k%2, (k+i)%2)
			}
			putFile(t, dir, s+"_Set/RFMiD_"+s+"_Labels.csv", table)
		}
	case "idrid":
		for _, s := range []string{"Training", "Testing"} {
			table := "Image name,Retinopathy grade,Risk of macular edema \n"
			for k := range 6 {
				names, table = append(names, fmt.Sprintf("B. Disease Grading/1. Original Images/a. %s Set/IDRiD_%03d.jpg", s, k+1)), table+fmt.Sprintf("IDRiD_%03d,%d,0\n", k+1, k%3)
			}
			putFile(t, dir, "B. Disease Grading/2. Groundtruths/a. IDRiD_Disease Grading_"+s+" Labels.csv", table)
		}
	}
	if text != "" {
		putFile(t, dir, map[string]string{"aptos": "train.csv", "eyepacs": "trainLabels.csv", "messidor2": "messidor_data.csv", "ukb": "pheno.csv"}[kind], text)
	}
	photographs32(t, dir, names...)
	return dir
}

// TestManifest: of every set check and probe accept the tables, by flags before or behind the folder; nothing is replaced unasked.
func TestManifest(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, run, "--max-steps", "1")...)
	for _, x := range []madeSet{{"aptos", "diagnosis", "ordinal"}, {"rfmid", "RFMiD_*", "labels"}, {"palm", "myopia", "classes"}, {"idrid", "retinopathy", "ordinal"}, {"eyepacs", "level", "classes"}, {"messidor2", "dr_grade", "auto"},
		{"ukb", "p31", "classes"}, {"folders", "class", "auto"}} {
		dir, out := makeSet(t, x.kind), filepath.Join(t.TempDir(), "out")
		said := must(t, "manifest", dir, "--from", x.kind, "--out", out)
		if !strings.Contains(said, "12 images of ") {
			t.Errorf("%s: said %s", x.kind, said)
		}
		table := "person_id\tx\n"
		seen := map[string]bool{}
		for i, row := range keyed(t, out, "images.tsv") {
			if id := row["person_id"]; !seen[id] {
				seen[id] = true
				table += fmt.Sprintf("%s\t%d\n", id, i%5)
			}
		}
		putFile(t, out+"-genetics", "x.tsv", table)
		putFile(t, out+"-genetics", "data.toml", "[x]\ntable = \"x.tsv\"\n[split]\ntrain = 0.7\nval = 0\ntest = 0.3\n")
		if said := must(t, "check", "--images", out+"/images.tsv", "--data", out+"-genetics/data.toml"); !strings.Contains(said, "12 images decoded") || !strings.Contains(said, "no errors") {
			t.Errorf("%s: check: %s", x.kind, said)
		}
		must(t, "probe", "--checkpoint", run, "--images", out+"/images.tsv", "--labels", out+"/labels.tsv", "--target", x.target, "--task", x.task, "--method", "knn", "--k", "3", "--out", out+"-probe")
		if m := metricsIn(t, out+"-probe"); m.N == 0 || len(m.Metrics) == 0 {
			t.Errorf("%s: metrics %+v", x.kind, m)
		}
		if code, _, errs := exec(t, "manifest", "--from", x.kind, "--out", out, dir); code != 1 || !strings.Contains(errs, "E130") {
			t.Errorf("%s: again: %d, %s", x.kind, code, errs)
		}
		must(t, "manifest", "--from", x.kind, dir, "--out", out, "--overwrite")
	}
}

// TestManifestPaths: masks have their header, and relative folders and those behind links are named so that they are found.
func TestManifestPaths(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	photographs32(t, ".", "set/PALM-Training400/H0001.jpg", "set/PALM-Training400/P0001.jpg")
	putFile(t, ".", "set/PALM-Training400/Disc_Masks/P0001.bmp", "")
	putFile(t, ".", "set/PALM-Training400/Lesion_Masks/Atrophy/P0001.bmp", "")
	mustDo(t, os.MkdirAll("far/away", 0o700))
	mustDo(t, os.Symlink("far/away", "link"))
	for _, out := range []string{"out", "deep/out", "link/out", filepath.Join(work, "absolute")} {
		must(t, "manifest", "--from=palm", "set", "--out="+out)
		if text := string(read(t, out, "masks.tsv")); !strings.HasPrefix(text, "# foreground = zero\nimage\tclass\tmask\n") || strings.Count(text, "\tempty\n") != 1 {
			t.Errorf("%s: masks.tsv is %q", out, text)
		}
		for _, row := range keyed(t, out, "images.tsv") {
			path := row["image"]
			if !filepath.IsAbs(path) {
				path = out + "/" + path
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", out, err)
			}
		}
	}
	for _, wrong := range [][]string{{"manifest"}, {"manifest", "--from", "palm", "set"}, {"manifest", "--from", "palm", "--out", "x"}, {"manifest", "--from", "mnist", "set", "--out", "x"}, {"manifest", "--from", "palm", "set", "more", "--out", "x"}} {
		if code, _, errs := exec(t, wrong...); code != 2 {
			t.Errorf("%v: exit code %d: %s", wrong, code, errs)
		}
	}
	for _, x := range []struct{ dir, out, code string }{{"set", "set", "E133"}, {"far", "new", "E1040"}, {"none", "new", "E104"}} {
		if code, _, errs := exec(t, "manifest", "--from", "palm", x.dir, "--out", x.out); code != 1 || !strings.Contains(errs, x.code) {
			t.Errorf("%+v: %d, %s", x, code, errs)
		}
	}
}
