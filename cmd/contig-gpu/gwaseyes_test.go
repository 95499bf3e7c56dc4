package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/genotype"
)

// TestGWASEyes: the locus of a variant that changes both eyes has one direction in them, and eyes.tsv has a line for each locus.
func TestGWASEyes(t *testing.T) {
	f := makeGWAS(t)
	fam := strings.Split(strings.TrimSpace(string(read(t, "", f.genotypes+".fam"))), "\n")
	bed := read(t, "", f.genotypes+".bed")
	g := rand.New(rand.NewPCG(2, 9))
	images, manifest := "person_id\timage\tsplit\trow\n", "person_id\timage\teye\n"
	var rows [][]float32
	for i, l := range fam {
		id := strings.Fields(l)[1]
		copies := []float32{2, 0, 1, 0}[bed[3+i/4]>>(2*(i%4))&3]
		for _, eye := range []string{"L", "right"} {
			row := make([]float32, 5)
			for j := range row {
				row[j] = float32(g.NormFloat64()) + 3*copies*float32(j%2)
			}
			images += fmt.Sprintf("%s\t%s_%s.png\ttest\t%d\n", id, id, eye, len(rows))
			manifest += fmt.Sprintf("%s\t%s_%s.png\t%s\n", id, id, eye, eye)
			rows = append(rows, row)
		}
	}
	dir := filepath.Join(f.features, "per-image")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeNPY(filepath.Join(dir, "features.npy"), 5, rows); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "images.tsv"), images)
	put(t, filepath.Join(f.features, "m.tsv"), manifest)
	out := filepath.Join(t.TempDir(), "out")
	must(t, f.args(out, "--images", filepath.Join(f.features, "m.tsv"), "--clump-p1", "1e-4", "--clump-p2", "1e-3", "--tables", "none")...)
	loci := strings.Split(strings.TrimSpace(string(read(t, out, "loci.tsv"))), "\n")
	eyes := strings.Split(strings.TrimSpace(string(read(t, out, "eyes.tsv"))), "\n")
	if len(eyes) != len(loci) || !strings.HasSuffix(eyes[1], "\t1") || len(strings.Split(eyes[1], "\t")) != 11 {
		t.Errorf("%d loci, eyes:\n%s", len(loci)-1, strings.Join(eyes, "\n"))
	}
}

// TestModelInputs: a variant is marked by its id or its full name, and where nothing is known of the encoder that is said.
func TestModelInputs(t *testing.T) {
	set := &genotype.Set{Sites: []genotype.Variant{{Chrom: "1", ID: "rs1", Pos: 5, Ref: "A", Alt: "C"}, {Chrom: "1", ID: ".", Pos: 9, Ref: "G", Alt: "T"}, {Chrom: "1", ID: "rs3", Pos: 11, Ref: "A", Alt: "C"}}}
	g := &gwas{set: set, known: true, inputs: map[string]bool{"rs1": true, set.Sites[1].FullName(): true}}
	if got := g.isInput(0) + g.isInput(1) + g.isInput(2); got != "110" {
		t.Error(got)
	}
	if g.known = false; g.isInput(0) != "NA" {
		t.Error(g.isInput(0))
	}
}

// TestBGZF: the blocks are those of the SAM specification: each says its own length, and an empty one ends the file.
func TestBGZF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.gz")
	text := strings.Repeat("0123456789abcdef\t1.25\n", 9000)
	var z bgzf
	packed, err := z.append(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, string(packed)+bgzfEnd)
	if got := strings.Join(unpacked(t, path), "\n") + "\n"; got != text {
		t.Error("the text is another")
	}
	b := read(t, "", path)
	blocks := 0
	for at := 0; at < len(b); blocks++ {
		if string(b[at:at+4]) != "\x1f\x8b\x08\x04" || string(b[at+12:at+14]) != "BC" {
			t.Fatalf("block %d", blocks)
		}
		at += int(b[at+16]) + int(b[at+17])<<8 + 1
	}
	if blocks != (len(text)+bgzfText-1)/bgzfText+1 || string(b[len(b)-len(bgzfEnd):]) != bgzfEnd {
		t.Errorf("%d blocks", blocks)
	}
}
