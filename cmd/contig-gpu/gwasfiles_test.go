package main

import (
	"math"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// split writes the variants of the fixture as two filesets, and returns what names them.
func (f gwasFixture) split(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "two parts")
	mustDo(t, os.Mkdir(dir, 0o700))
	bim := strings.SplitAfter(strings.TrimSuffix(string(read(t, "", f.genotypes+".bim")), "\n"), "\n")
	bed, fam := string(read(t, "", f.genotypes+".bed")), string(read(t, "", f.genotypes+".fam"))
	row := (len(bed) - 3) / len(bim)
	half := len(bim) / 3
	for name, part := range map[string][2]int{"c1": {0, half}, "c2": {half, len(bim)}} {
		put(t, filepath.Join(dir, name+".bim"), strings.Join(bim[part[0]:part[1]], ""))
		put(t, filepath.Join(dir, name+".bed"), bed[:3]+bed[3+part[0]*row:3+part[1]*row])
		put(t, filepath.Join(dir, name+".fam"), fam)
	}
	return filepath.Join(dir, "c{1..2}")
}

// TestGWASOfSeveralFiles: genotypes in two files give the tables of those in one, and the scripts take both; plink2's, where plink2 is there, tests all variants.
func TestGWASOfSeveralFiles(t *testing.T) {
	f := makeGWAS(t)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	must(t, f.args(one)...)
	g := f
	g.genotypes = f.split(t)
	must(t, g.args(two, "--write-for", "plink2,regenie,bolt,saige")...)
	for _, name := range []string{"assoc.tsv.gz", "loci.tsv", "ssf.PC2.tsv.gz"} {
		if string(read(t, one, name)) != string(read(t, two, name)) {
			t.Errorf("%s differs", name)
		}
	}
	private := filepath.Join(two, "private")
	for _, p := range writers() {
		text := string(read(t, private, "run_"+p+".sh"))
		for _, part := range []string{"c1", "c2"} {
			if !strings.Contains(text, "two parts/"+part+"'") {
				t.Errorf("the script for %s does not name %s:\n%s", p, part, text)
			}
		}
		if out, err := osexec.Command("sh", "-n", filepath.Join(private, "run_"+p+".sh")).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", p, err, out)
		}
	}
	for p, calls := range map[string][]string{
		"regenie": {"--step 1 --bed big ", "--step 2 --bed PARTS/c1 ", "--out step2.1\n", "--step 2 --bed PARTS/c2 ", "--out step2.2\n"},
		"bolt":    {"--fam=PARTS/c1.fam --bed=PARTS/c1.bed --bim=PARTS/c1.bim --bed=PARTS/c2.bed --bim=PARTS/c2.bim "},
		"saige":   {"--plinkFile=big ", "--bedFile=PARTS/c1.bed ", "--SAIGEOutputFile=PC3.1.txt\n", "--bedFile=PARTS/c2.bed ", "--SAIGEOutputFile=PC3.2.txt\n"},
	} {
		got := f.called(t, private, p)
		for _, want := range calls {
			if !strings.Contains(got, strings.ReplaceAll(want, "PARTS", filepath.Dir(g.genotypes))) {
				t.Errorf("%s is not called with %s:\n%s", p, want, got)
			}
		}
	}
	if _, err := osexec.LookPath("plink2"); err != nil {
		t.Skip("no plink2: apt-get install plink2")
	}
	if out, err := osexec.Command("sh", filepath.Join(private, "run_plink2.sh")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Count(string(read(t, private, "plink2.1.PC1.glm.linear"))+string(read(t, private, "plink2.2.PC1.glm.linear")), "\n")
	if want := len(unpacked(t, filepath.Join(two, "assoc.tsv.gz"))) + 1; lines != want {
		t.Errorf("plink2 wrote %d lines, want %d", lines, want)
	}
}

// called runs a script where its programs only write down how they are called.
func (f gwasFixture) called(t *testing.T, private, program string) string {
	t.Helper()
	bin, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	for _, name := range []string{"regenie", "bolt", "step1_fitNULLGLMM.R", "step2_SPAtests.R"} {
		mustDo(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho \"$@\" >>\"$LOG\"\n"), 0o700))
	}
	cmd := osexec.Command("sh", filepath.Join(private, "run_"+program+".sh"))
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "LOG="+log, "STEP1=big", "LD=ld", "MAP=map")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(read(t, "", log))
}

// TestGWASOfFeatures: --pca 0 tests the features themselves, by their numbers.
func TestGWASOfFeatures(t *testing.T) {
	f := makeGWAS(t)
	out := filepath.Join(t.TempDir(), "out")
	must(t, f.args(out, "--pca", "0", "--tables", "none")...)
	head := unpacked(t, filepath.Join(out, "assoc.tsv.gz"))[0]
	if n := strings.Count(head, "\tbeta_"); n != 5 || strings.Contains(head, "PC1") {
		t.Errorf("%d traits: %s", n, head)
	}
}

// TestGWASMarksInputs: variants that the checkpoint was trained with are marked in the table, by the folder that embed wrote and by --checkpoint.
func TestGWASMarksInputs(t *testing.T) {
	cohort, run, dir := tiny(t), filepath.Join(t.TempDir(), "run"), t.TempDir()
	must(t, small(cohort, run, "--max-steps", "1")...)
	emb := filepath.Join(dir, "emb")
	must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--out", emb)
	bims, err := filepath.Glob(filepath.Join(cohort, "*", "*.bim"))
	mustDo(t, err)
	if more, _ := filepath.Glob(filepath.Join(cohort, "*.bim")); len(bims) == 0 {
		bims = more
	}
	args := []string{"gwas", "--features", emb, "--genotypes", strings.TrimSuffix(bims[0], ".bim"), "--no-covariates", "--pca", "0", "--tables", "none", "--split", "test,train,validation,new,unknown", "--allow-train"}
	for name, more := range map[string][]string{"by the folder": nil, "by --checkpoint": {"--checkpoint", filepath.Join(run, "checkpoints", "last.safetensors")}} {
		out := filepath.Join(t.TempDir(), "out")
		must(t, append(append(args, "--out", out), more...)...)
		marks := map[string]int{}
		for _, l := range unpacked(t, filepath.Join(out, "assoc.tsv.gz"))[1:] {
			marks[l[strings.LastIndex(l, "\t")+1:]]++
		}
		if marks["1"] == 0 || marks["NA"] > 0 {
			t.Errorf("%s: %v", name, marks)
		}
	}
}

// TestGWASOnGPU: --device cuda gives the table of the CPU, to the digits that float32 leaves.
func TestGWASOnGPU(t *testing.T) {
	if !emulated(t) {
		return
	}
	f := makeGWAS(t)
	dir := t.TempDir()
	cpu, cuda := filepath.Join(dir, "cpu"), filepath.Join(dir, "cuda")
	must(t, f.args(cpu, "--tables", "none")...)
	must(t, f.args(cuda, "--tables", "none", "--device", "cuda:0")...)
	want, got := unpacked(t, filepath.Join(cpu, "assoc.tsv.gz")), unpacked(t, filepath.Join(cuda, "assoc.tsv.gz"))
	head := strings.Split(want[0], "\t")
	if len(got) != len(want) || got[0] != want[0] {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	differ := 0
	for i := range want[1:] {
		a, b := strings.Split(want[i+1], "\t"), strings.Split(got[i+1], "\t")
		for j, name := range head {
			if a[j] == b[j] {
				continue
			}
			differ++
			x, errX := strconv.ParseFloat(a[j], 64)
			y, errY := strconv.ParseFloat(b[j], 64)
			bound := 1e-4 * max(1, x) // of -log10 P, which is t²/4.6
			if strings.HasPrefix(name, "beta_") || strings.HasPrefix(name, "se_") {
				bound = 1e-5
			}
			if errX != nil || errY != nil || !(math.Abs(x-y) <= bound) {
				t.Errorf("%s, %s: %s, want %s", a[2], name, b[j], a[j])
			}
		}
	}
	if differ == 0 {
		t.Error("nothing differs: float64 was used")
	}
}
