package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// keyed reads a table of embed as maps by column.
func keyed(t *testing.T, path ...string) []map[string]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(read(t, path...)))
	r.Comma = '\t'
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, l := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = l[i]
		}
		out = append(out, row)
	}
	return out
}

// TestEmbedImagesAlone: a manifest is enough for the features of every image; a run is named by its folder. They are the features that the same images
// have with genetics.
func TestEmbedImagesAlone(t *testing.T) {
	cohort, run, dir := tiny(t), filepath.Join(t.TempDir(), "run"), t.TempDir()
	must(t, small(cohort, run, "--max-steps", "1")...)
	alone, whole, folder := filepath.Join(dir, "alone"), filepath.Join(dir, "whole"), filepath.Join(dir, "folder")
	must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--out", alone)
	must(t, "embed", "--checkpoint", run, "--images", cohort+"/images.tsv", "--data", cohort+"/data.toml", "--out", whole)
	must(t, "embed", "--checkpoint", run+"/checkpoints/best.safetensors", "--images", cohort+"/images.tsv", "--out", folder)
	for _, name := range []string{"features.npy", "per-image/features.npy", "snps.image.npy"} {
		if !bytes.Equal(read(t, alone, name), read(t, whole, name)) || !bytes.Equal(read(t, alone, name), read(t, folder, name)) {
			t.Errorf("%s is not the same with and without genetics", name)
		}
	}
	if rest, _ := filepath.Glob(filepath.Join(alone, "*.genetics.*")); len(rest) > 0 {
		t.Errorf("genetics of nobody: %v", rest)
	}
	if said := must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--out", filepath.Join(dir, "said")); strings.Contains(said, "persons train") {
		t.Errorf("it tells of a split that it has drawn itself: %s", said)
	}
	for _, args := range [][]string{{"embed", "--images", "x", "--out", "y"}, {"embed", "--run", run, "--checkpoint", run, "--images", "x", "--out", "y"}, {"export", "--out", "y"}} {
		if code, _, _ := exec(t, args...); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	must(t, "export", "--run", run, "--out", filepath.Join(dir, "whole.safetensors"))
}

// TestEmbedDropsNobody: whoever has an image has features, and genetics where there are any. The keys join with the manifest, wherever embed was called.
func TestEmbedDropsNobody(t *testing.T) {
	cohort, run, out := tiny(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "out")
	must(t, small(cohort, run, "--max-steps", "1")...)
	manifest := keyed(t, cohort, "images.tsv")
	picture := read(t, cohort, manifest[0]["image"])
	change(t, filepath.Join(cohort, "images.tsv"), func(b []byte) []byte {
		columns := strings.Split(strings.SplitN(string(b), "\n", 2)[0], "\t")
		for _, id := range []string{"nobody-1", "nobody-2"} {
			line := make([]string, len(columns))
			line[0], line[1] = id, "images/"+id+".jpg"
			if err := os.WriteFile(filepath.Join(cohort, line[1]), append(picture, id[len(id)-1]), 0o644); err != nil {
				t.Fatal(err)
			}
			b = append(b, strings.Join(line, "\t")+"\n"...)
		}
		return b
	})
	said := must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--data", cohort+"/data.toml", "--out", out)
	if !strings.Contains(said, "of whom 2 have no genetics: image features only") {
		t.Errorf("it said %s", said)
	}
	persons, images := keyed(t, out, "persons.tsv"), keyed(t, out, "per-image", "images.tsv")
	if len(persons) != 42 || len(images) != 42 {
		t.Fatalf("%d persons, %d images", len(persons), len(images))
	}
	genetics, absent := keyed(t, out, "pgs.genetics.tsv"), 0
	for i, p := range persons {
		if (p["present_pgs"] == "0") != (genetics[i]["pgs.genetics.0"] == "NA") || p["person_id"] != genetics[i]["person_id"] {
			t.Errorf("line %d: %v, %v", i, p, genetics[i])
		}
		if strings.HasPrefix(p["person_id"], "nobody") {
			absent++
			if p["split"] != "new" || p["present_snps"] != "0" {
				t.Errorf("%v", p)
			}
		} else if p["split"] == "new" {
			t.Errorf("%v", p)
		}
	}
	if absent != 2 {
		t.Errorf("%d strangers", absent)
	}
	names := map[string]bool{"images/nobody-1.jpg": true, "images/nobody-2.jpg": true}
	for _, m := range manifest {
		names[m["image"]] = true
	}
	for _, im := range images {
		if !names[im["image"]] {
			t.Errorf("%q is no image of the manifest", im["image"])
		}
	}
	var about aboutEmbedding
	if err := json.Unmarshal(read(t, out, "embedding.json"), &about); err != nil || about.Persons != 42 || about.ImageSize != 32 || about.With["burden"] != 40 {
		t.Errorf("%+v, %v", about, err)
	}
}

// TestEmbedExamplesRun: the examples of README.txt run as they stand, in the folder.
func TestEmbedExamplesRun(t *testing.T) {
	cohort, run, out := tiny(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "out")
	must(t, small(cohort, run, "--max-steps", "1")...)
	must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--data", cohort+"/data.toml", "--out", out)
	text := string(read(t, out, "README.txt"))
	for _, c := range []struct{ name, program, asks, code, says string }{
		{"pandas", "python3", "import pandas, numpy", "-c", "(40, 512)"}, {"Parquet", "python3", "import pandas, pyarrow", "-c", "(40, 512)"}, {"R", "Rscript", "1", "-e", "40 513"}, {"PyTorch", "python3", "import torch, numpy", "-c", "torch.Size([40, 6])"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := regexp.MustCompile(`(?s)# ` + c.name + `\n(.*?)# end`).FindStringSubmatch(text)
			if found == nil {
				t.Fatal("no such example")
			}
			if err := osexec.Command(c.program, c.code, c.asks).Run(); err != nil {
				t.Skipf("%s does not run %q (%v): install it, as scripts/requirements/readers.txt does for pandas", c.program, c.asks, err)
			}
			cmd := osexec.Command(c.program, c.code, found[1])
			cmd.Dir = out
			if said, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(said), c.says) {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}

// sameParquet holds every .parquet of a folder to the .tsv and .npy beside it: names in their order, keys as text, values to the bit, NaN where absent.
const sameParquet = `
import pathlib, numpy, pandas
files = sorted(pathlib.Path(".").rglob("*.parquet"))
for f in files:
    a, b, v = pandas.read_parquet(f), pandas.read_csv(f.with_suffix(".tsv"), sep="\t", dtype={"person_id": str, "image": str}), numpy.load(f.with_suffix(".npy"))
    keys = [c for c in a.columns if c in ("person_id", "image")]
    assert list(a.columns) == list(b.columns) and a[keys].equals(b[keys].astype(a[keys].dtypes)), f
    values = a.drop(columns=keys).to_numpy()
    assert values.dtype == numpy.float32 and numpy.array_equal(values, v, equal_nan=True), f
print(len(files), "files,", int(numpy.isnan(pandas.read_parquet("pgs.genetics.parquet").to_numpy()[:, 1:].astype(float)).any(axis=1).sum()), "without")`

// TestParquet: pandas reads of each Parquet file what it reads of the .tsv and .npy beside it.
func TestParquet(t *testing.T) {
	cohort, run, out := tiny(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "out")
	must(t, small(cohort, run, "--max-steps", "1")...)
	must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--data", cohort+"/data.toml", "--out", out)
	if osexec.Command("python3", "-c", "import pandas, pyarrow").Run() != nil {
		t.Skip("python3 has no pandas and pyarrow to read the files: pip install -r scripts/requirements/readers.txt")
	}
	cmd := osexec.Command("python3", "-c", sameParquet)
	cmd.Dir = out
	if said, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(said), "14 files, ") || strings.Contains(string(said), " 0 without") {
		t.Errorf("%v: %s", err, said)
	}
}
