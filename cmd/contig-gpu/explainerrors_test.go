package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExplainErrors: each is one numbered error, and leaves nothing behind.
func TestExplainErrors(t *testing.T) {
	x := trainTiny(t, tiny(t))
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		mustDo(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	manifest := string(read(t, x.cohort, "images.tsv"))
	ids := regexp.MustCompile(`(?m)^S\d+`).FindAllString(manifest, -1)
	with, without := havingScores(t, x.cohort, ids)
	all := file("all.txt", strings.Join(ids, "\n")+"\n")
	for _, c := range []struct {
		name, code, want string
		flags            []string
		edit             func(t *testing.T, cohort string)
	}{
		{name: "strangers", code: "E901", want: "--persons names 1 persons", flags: []string{"--persons", file("p.txt", ids[0]+"\nNOBODY\n")}},
		{name: "a reference of strangers", code: "E901", want: "--reference names", flags: []string{"--reference", file("r.txt", "NOBODY\n")}},
		{name: "strata of others", code: "E901", want: "--strata lacks", flags: []string{"--strata", file("s.txt", ids[0]+"\teast\n")}},
		{name: "nobody has the modality", code: "E902", want: `"pgs"`, flags: []string{"--persons", file("n.txt", without[0]+"\n"), "--reference", file("w.txt", strings.Join(with[:6], "\n")+"\n")}},
		{name: "a reference without the modality", code: "E903", want: `"pgs"`, flags: []string{"--reference", file("o.txt", strings.Join(without, "\n")+"\n"), "--persons", all}},
		{name: "infinite", code: "E904", want: `"burden"`, flags: []string{"--persons", all, "--reference", "6"}, edit: func(t *testing.T, cohort string) {
			change(t, filepath.Join(cohort, "burden.tsv"), func(b []byte) []byte {
				return regexp.MustCompile(`(?m)^(S\d+\t)\d+`).ReplaceAll(b, []byte("${1}3e38"))
			})
		}},
		{name: "other features", code: "E701", want: "1 of the 4 features", edit: func(t *testing.T, cohort string) {
			change(t, filepath.Join(cohort, "burden.tsv"), replace("GENE0001", "OTHER"))
		}},
		{name: "no table of genes", code: "E906", flags: []string{"--genes", file("g.txt", "a b\n")}},
		{name: "no table of names", code: "E907", flags: []string{"--names", file("m.txt", "alone\n")}},
		{name: "missing genes", code: "E104", flags: []string{"--genes", filepath.Join(dir, "none.bed")}},
		{name: "nothing to go on with", code: "E909", flags: []string{"--resume"}},
		{name: "no such feature", code: "E910", want: "did you mean GENE0001", flags: []string{"--maps", "1", "--direction", "burden:GENE00001"}},
		{name: "no such modality", code: "E910", want: "did you mean burden", flags: []string{"--maps", "1", "--direction", "burdn:GENE0001"}},
		{name: "a persons file that is not there", code: "E104", flags: []string{"--persons", filepath.Join(dir, "none.txt")}},
		{name: "no run", code: "E704", flags: []string{"--run", filepath.Join(dir, "none")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := x
			if c.edit != nil {
				copied := filepath.Join(t.TempDir(), "cohort")
				mustDo(t, os.CopyFS(copied, os.DirFS(x.cohort)))
				c.edit(t, copied)
				c.flags = append(c.flags, "--images", filepath.Join(copied, "images.tsv"), "--data", filepath.Join(copied, "data.toml"))
			}
			parent := t.TempDir()
			code, _, errs := exec(t, x.explain(filepath.Join(parent, "out"), c.flags...)...)
			if code != 1 || !strings.HasPrefix(errs, "contig-gpu: "+c.code+":") || !strings.Contains(errs, c.want) || strings.Count(errs, "contig-gpu: ") != 1 {
				t.Errorf("exit code %d, %s", code, errs)
			}
			if left, _ := os.ReadDir(parent); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// havingScores tells who has polygenic scores.
func havingScores(t *testing.T, cohort string, ids []string) (with, without []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cohort, "pgs", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	text := read(t, files[0])
	for _, id := range ids {
		if bytes.Contains(text, []byte(id+"\t")) || bytes.Contains(text, []byte(id+" ")) {
			with = append(with, id)
		} else {
			without = append(without, id)
		}
	}
	if len(with) < 6 || len(without) < 2 {
		t.Fatalf("%d with scores, %d without", len(with), len(without))
	}
	return with, without
}

// TestExplainWantsGenetics: a network that was trained on images alone has nothing to explain.
func TestExplainWantsGenetics(t *testing.T) {
	x := trainTiny(t, tiny(t), "--objective", "simclr")
	parent := t.TempDir()
	code, _, errs := exec(t, x.explain(filepath.Join(parent, "out"))...)
	if left, _ := os.ReadDir(parent); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E900: ") || len(left) > 0 {
		t.Errorf("exit code %d, %s, left %v", code, errs, left)
	}
}

// TestExplainWords: a word that is not known is a mistake of use, with a proposal where one is near.
func TestExplainWords(t *testing.T) {
	base := []string{"explain", "--checkpoint", "c", "--images", "i", "--data", "d", "--out", "o"}
	for want, args := range map[string][]string{
		`--method: want gradient, gradient-input, ig, smooth, expected, deeplift, separated by commas, found "deeplft", did you mean deeplift?`: append(base, "--method", "ig,deeplft"),
		"--method: ig is there twice":     append(base, "--method", "ig,ig"),
		`found "los", did you mean loss?`: append(base, "--of", "los"),
		`--image-method: want gradient, smooth, ig, gradcam, occlusion, separated by commas, found "gradcan", did you mean gradcam?`: append(base, "--image-method", "gradcan"),
		`--persons: no split and no file "tset", did you mean test?`:                                                                 append(base, "--persons", "tset"),
		"--checkpoint is required, or --run":                                                                                         {"explain", "--out", "o"},
		"--direction makes heat maps":                                                                                                append(base, "--direction", "a:b"),
		"--out is required":                                                                                                          append(base[:7:7], "--steps", "8"),
		"--fdr: want a number above 0, at most 1":                                                                                    append(base, "--fdr", "2"),
		"--steps: want a whole number":                                                                                               append(base, "--steps", "-1"),
		"unknown flag --methods, did you mean --method?":                                                                             append(base, "--methods", "ig"),
	} {
		if code, _, errs := exec(t, args...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %q, want %q", args, code, errs, want)
		}
	}
}

// TestExplainWordsOfTheCheckpoint: modalities and stages are the checkpoint's.
func TestExplainWordsOfTheCheckpoint(t *testing.T) {
	x, out := trainTiny(t, tiny(t)), filepath.Join(t.TempDir(), "out")
	for want, flags := range map[string][]string{
		`the checkpoint has burden`:                                          {"--modalities", "x"},
		`found "snp", did you mean snps?`:                                    {"--modalities", "snp"},
		`found "layer44", did you mean layer4?`:                              {"--stage", "layer44"},
		"--reference: want a file, or a whole number of at least 2, found 1": {"--reference", "1"},
	} {
		code, _, errs := exec(t, x.explain(out, flags...)...)
		if code != 2 || !strings.Contains(errs, strings.Replace(want, "has burden", "has ", 1)) {
			t.Errorf("%v: exit code %d, %q, want %q", flags, code, errs, want)
		}
	}
	must(t, x.explain(out, "--modalities", "covariates", "--test", "none", "--reference", "4")...)
	if _, err := os.Stat(filepath.Join(out, "snps.tsv")); err == nil {
		t.Error("a modality is explained that nobody asked for")
	}
}

// TestExplainRoom: what does not fit beside the weights is E905, which lists it; plan explain counts the same kinds of memory without data.
func TestExplainRoom(t *testing.T) {
	r := explainRoom{Weights: 100, Embedding: 50, Attribution: 70, Maps: 60, Host: 5}
	if r.Total() != 175 || r.fits(75) != nil || r.fits(0) != nil {
		t.Errorf("%v takes %d: %v", r, r.Total(), r.fits(75))
	}
	r.Tables = 1000 // are there already
	if r.Total() != 1175 || r.fits(75) != nil || r.fits(74) == nil {
		t.Errorf("%v takes %d with tables: %v", r, r.Total(), r.fits(75))
	}
	if maps := (explainRoom{Weights: 100, Embedding: 50, Attribution: 70, Maps: 80}); maps.Total() != 180 {
		t.Errorf("%v takes %d", maps, maps.Total())
	}
	var b bytes.Buffer
	if code := finish(r.fits(74), &b); code != 1 || !strings.HasPrefix(b.String(), "contig-gpu: E905: ") || !strings.Contains(b.String(), "heat maps") {
		t.Errorf("exit code %d, %s", code, b.String())
	}
	var small, large explainRoom
	args := []string{"plan", "explain", "--encoder", "resnet18", "--hidden", "8", "--embedding", "8", "--image-size", "32", "--batch", "2", "--device", "cpu", "--json", "--features"}
	for features, into := range map[string]*explainRoom{"7": &small, "7,5000": &large} {
		if err := json.Unmarshal([]byte(must(t, append(args, features)...)), into); err != nil {
			t.Fatal(err)
		}
	}
	if !(small.Weights > 40e6 && small.Embedding > 0 && small.Attribution > 0 && large.Weights > small.Weights && large.Attribution > small.Attribution && large.Host > small.Host) {
		t.Errorf("%+v, with a wider modality %+v", small, large)
	}
}
