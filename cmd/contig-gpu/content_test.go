package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
)

// pair returns the ids and .fam rows of two training persons of a tiny cohort whose genotypes and burdens differ.
func pair(t *testing.T, dir string) (ids [2]string, rows [2]int) {
	t.Helper()
	c, err := cohort.Open(cohort.Options{Manifest: filepath.Join(dir, "images.tsv"), DataTOML: filepath.Join(dir, "data.toml")})
	if err != nil {
		t.Fatal(err)
	}
	fam := map[string]int{}
	for i, l := range strings.Split(string(read(t, dir, "cohort.fam")), "\n") {
		if f := strings.Fields(l); len(f) > 1 {
			fam[f[1]] = i
		}
	}
	seen := map[string]int{}
	for p := range c.Persons {
		text := ""
		for _, x := range c.Tables {
			row := make([]float32, x.Stats().Width())
			if !x.Row(p, row) || c.Persons[p].Split != data.Train {
				text = ""
				break
			}
			if x.Name() == "burden" {
				text = fmt.Sprint(row)
			}
		}
		if text == "" {
			continue
		}
		for other, q := range seen {
			if other != text {
				a, b := c.Persons[q].ID, c.Persons[p].ID
				return [2]string{a, b}, [2]int{fam[a], fam[b]}
			}
		}
		seen[text] = p
	}
	t.Fatal("all persons are alike")
	return ids, rows
}

// exchange swaps two persons' genotypes in a .bed of so many persons.
func exchange(persons int, rows [2]int) func([]byte) []byte {
	return func(b []byte) []byte {
		stride := (persons + 3) / 4
		for row := b[3:]; len(row) > 0; row = row[stride:] {
			shift := [2]int{2 * (rows[0] % 4), 2 * (rows[1] % 4)}
			differ := (row[rows[0]/4]>>shift[0] ^ row[rows[1]/4]>>shift[1]) & 3
			row[rows[0]/4] ^= differ << shift[0]
			row[rows[1]/4] ^= differ << shift[1]
		}
		return b
	}
}

// TestResumeRefusesOtherData: what leaves ids, sizes and statistics as they are is seen all the same, and what changes
// nothing but times is not.
func TestResumeRefusesOtherData(t *testing.T) {
	dir, run := tiny(t), filepath.Join(t.TempDir(), "run")
	change(t, filepath.Join(dir, "data.toml"), replace("\"burden.tsv\"\n", "\"burden.tsv\"\nstandardize = \"none\"\n"))
	must(t, small(dir, run, "--max-steps", "1")...)
	resume := func() (int, string) {
		code, _, errs := exec(t, "train", "--run", run, "--resume", "--max-steps", "2")
		return code, errs
	}
	images, err := filepath.Glob(filepath.Join(dir, "images", "*.jpg"))
	if err != nil || len(images) != 40 {
		t.Fatalf("%d images, %v", len(images), err)
	}
	ids, rows := pair(t, dir)
	before := read(t, run, "checkpoints", "last.safetensors")
	persons := bytes.Count(read(t, dir, "cohort.fam"), []byte("\n"))
	for _, c := range []struct {
		file string
		edit func([]byte) []byte
	}{
		{filepath.Join(dir, "cohort.bed"), exchange(persons, rows)},
		{filepath.Join(dir, "burden.tsv"), func(b []byte) []byte {
			b = replace(ids[0]+"\t", "nobody\t")(b)
			return replace("nobody\t", ids[1]+"\t")(replace(ids[1]+"\t", ids[0]+"\t")(b))
		}},
		// The first byte of the quantisation table: another image, of the same length.
		{images[7], func(b []byte) []byte { b[7]++; return b }},
	} {
		was := read(t, c.file)
		change(t, c.file, c.edit)
		if now := read(t, c.file); bytes.Equal(now, was) || len(now) != len(was) {
			t.Fatalf("%s is as it was, or of another size", c.file)
		}
		if code, errs := resume(); code != 1 || !strings.Contains(errs, "contig-gpu: E702: ") || !strings.Contains(errs, "genotypes, values or images differ") {
			t.Errorf("%s: exit code %d, %s", filepath.Base(c.file), code, errs)
		}
		change(t, c.file, func([]byte) []byte { return was })
	}
	if !bytes.Equal(before, read(t, run, "checkpoints", "last.safetensors")) {
		t.Error("a refused run changed the checkpoint")
	}
	for _, path := range append(images, filepath.Join(dir, "cohort.bed"), filepath.Join(dir, "burden.tsv")) {
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if code, errs := resume(); code != 0 {
		t.Errorf("the same data with other times: exit code %d, %s", code, errs)
	}
}

// TestTrainKeepsImageDigests: in the user's cache folder, by nobody's name.
func TestTrainKeepsImageDigests(t *testing.T) {
	dir := tiny(t)
	time.Sleep(2500 * time.Millisecond) // younger files are not kept
	must(t, small(dir, filepath.Join(t.TempDir(), "run"), "--max-steps", "1")...)
	cache := filepath.Join(os.Getenv("XDG_CACHE_HOME"), "contig-gpu", "images")
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	if text := read(t, cache, entries[0].Name()); len(text) < 40*64 || bytes.Contains(text, []byte("S0000")) {
		t.Errorf("%d bytes", len(text))
	}
}

// TestDuplicatedVariantIDs: a model trained on a selection from files with an id several times embeds the same files.
func TestDuplicatedVariantIDs(t *testing.T) {
	dir, run, again := tiny(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "cohort")
	bim := filepath.Join(dir, "cohort.bim")
	ids := map[int]string{}
	for i, l := range strings.Split(string(read(t, bim)), "\n") {
		if f := strings.Fields(l); len(f) > 1 {
			ids[i] = f[1]
		}
	}
	for _, twin := range []int{1, 10, 16} { // none of which every third is
		change(t, bim, replace("\t"+ids[twin]+"\t", "\t"+ids[0]+"\t"))
	}
	must(t, "synth", "--bfile", filepath.Join(dir, "cohort"), "--out", again, "--images-per-person", "1", "--image-size", "32", "--seed", "5")
	change(t, filepath.Join(again, "data.toml"), replace("every = 1}", "every = 3}"))
	must(t, small(again, run, "--max-steps", "2")...)
	out := filepath.Join(t.TempDir(), "embedded")
	must(t, "embed", "--checkpoint", filepath.Join(run, "checkpoints", "last.safetensors"), "--images", again+"/images.tsv", "--data", again+"/data.toml", "--out", out)
	if text := read(t, out, "snps.genetics.tsv"); bytes.Count(text, []byte("\n")) != bytes.Count(read(t, again, "cohort.fam"), []byte("\n"))+1 || bytes.Contains(text, []byte("\tNA")) {
		t.Errorf("embeddings of genotypes: %s", text)
	}
}
