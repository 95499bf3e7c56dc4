package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

func small() Options {
	return Options{Persons: 41, ImagesPerPerson: 2, ImageSize: 16, SNPs: 45, Scores: 14, Genes: 13, Covariates: 8, Effect: 1, Seed: 7}
}

func write(t *testing.T, o Options) Summary {
	t.Helper()
	s, err := Write(t.Context(), filepath.Join(t.TempDir(), "new", "cohort"), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// contents returns every file below dir.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func lines(raw []byte) []string { return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") }

func TestSameOptionsSameBytes(t *testing.T) {
	first := contents(t, write(t, small()).Dir)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	second := contents(t, write(t, small()).Dir)
	if len(first) != len(second) || len(first) < 82+14+8 {
		t.Fatalf("%d and %d files", len(first), len(second))
	}
	for name, raw := range first {
		if !bytes.Equal(raw, second[name]) {
			t.Errorf("%s differs", name)
		}
	}
	o := small()
	o.Seed = 8
	other := contents(t, write(t, o).Dir)
	for _, name := range []string{"cohort.bed", "burden.tsv", "truth.json"} {
		if bytes.Equal(first[name], other[name]) {
			t.Errorf("%s is the same with another seed", name)
		}
	}
}

func TestSummaryCounts(t *testing.T) {
	s := write(t, small())
	if s.Persons != 41 || s.Images != 82 || s.SNPs != 45 || s.Scores != 14 || s.Genes != 13 || s.Covariates != 8 {
		t.Errorf("%+v", s)
	}
	files := contents(t, s.Dir)
	for name, want := range map[string]int{"images.tsv": 83, "burden.tsv": 42, "covariates.tsv": 42, "phenotypes.tsv": 42,
		"cohort.bim": 45, "cohort.fam": 41, filepath.Join("pgs", "SYN000014.sscore"): 42} {
		if got := len(lines(files[name])); got != want {
			t.Errorf("%s: %d lines, want %d", name, got, want)
		}
	}
	for _, path := range []string{s.Manifest, s.DataTOML, s.TruthJSON} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(s.Dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the cohort: %v %v", entries, err)
	}
}

func TestBedReadsBack(t *testing.T) {
	o := small()
	o.MissingCalls, o.Missing = 0.1, map[string]float64{sectionSNPs: 0.2}
	w, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	s := write(t, o)
	g, people, err := readBFile(filepath.Join(s.Dir, "cohort"), 0)
	if err != nil {
		t.Fatal(err)
	}
	gone, at, lost := absent(o.Seed, sectionSNPs, o.Persons, 0.2), 0, 0
	for i, p := range w.people {
		if gone[i] {
			continue
		}
		if people[at] != p {
			t.Fatalf("person %d: %v, want %v", at, people[at], p)
		}
		for j := range g.snps {
			if g.calls[j][at] != w.geno.calls[j][i] {
				t.Fatalf("SNP %d of person %d: %d, want %d", j, at, g.calls[j][at], w.geno.calls[j][i])
			}
			if g.calls[j][at] == missingCall {
				lost++
			}
		}
		at++
	}
	if at != len(people) || at == o.Persons || !slices.Equal(g.snps, w.geno.snps) {
		t.Errorf("%d persons of %d read, of %d", len(people), at, o.Persons)
	}
	if rate := float64(lost) / float64(at*45); rate < 0.07 || rate > 0.13 {
		t.Errorf("missing calls: %g of all, want about 0.1", rate)
	}
}

func TestMissingRates(t *testing.T) {
	o := small()
	o.Persons, o.ImagesPerPerson = 400, 1
	o.Missing = map[string]float64{sectionSNPs: 0.1, sectionScores: 0.3, sectionGenes: 0.5, sectionCovariates: 1}
	s := write(t, o)
	files := contents(t, s.Dir)
	for section, name := range map[string]string{sectionSNPs: "cohort.fam", sectionScores: filepath.Join("pgs", "SYN000001.sscore"),
		sectionGenes: "burden.tsv", sectionCovariates: "covariates.tsv"} {
		rows := len(lines(files[name]))
		if section != sectionSNPs {
			rows--
		}
		if rows != s.With[section] {
			t.Errorf("%s: %d rows, %d in the summary", section, rows, s.With[section])
		}
		if rate := 1 - float64(rows)/400; math.Abs(rate-o.Missing[section]) > 0.08 {
			t.Errorf("%s: %g missing, want %g", section, rate, o.Missing[section])
		}
	}
}

func TestFrequenciesAndLinkage(t *testing.T) {
	o := small()
	o.Persons = 1500
	g := simulateGenotypes(o, 400)
	var near, far, rare float64
	for j := range 400 {
		x, maf := g.standardised(j)
		if maf < 0.002 {
			t.Errorf("SNP %d: frequency %g", j, maf)
		}
		if maf < 0.1 {
			rare++
		}
		if j%10 != 9 {
			y, _ := g.standardised(j + 1)
			near += r2(x, y) / 360
		}
		y, _ := g.standardised((j + 200) % 400)
		far += r2(x, y) / 400
	}
	if near < 0.15 || far > 0.01 {
		t.Errorf("r2 is %g between neighbours, %g far apart", near, far)
	}
	if rare < 80 || rare > 240 {
		t.Errorf("%g SNPs of 400 are rarer than 0.1", rare)
	}
}

func TestSectionsLeftOut(t *testing.T) {
	o := small()
	o.SNPs, o.Genes, o.Covariates = 0, 0, 0
	s := write(t, o)
	files := contents(t, s.Dir)
	for _, name := range []string{"cohort.bed", "burden.tsv", "covariates.tsv"} {
		if files[name] != nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, section := range []string{"[snps]", "[burden]", "[covariates]"} {
		if bytes.Contains(files["data.toml"], []byte(section)) {
			t.Errorf("data.toml has %s", section)
		}
	}
	if !bytes.Contains(files["data.toml"], []byte("[pgs]")) {
		t.Error("data.toml lacks [pgs]")
	}
}

func readTruth(t *testing.T, s Summary) (out truth) {
	t.Helper()
	raw, err := os.ReadFile(s.TruthJSON)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTruthNamesTheCauses(t *testing.T) {
	o := small()
	o.Persons, o.ImagesPerPerson, o.ImageSize = 300, 1, 8
	for _, p := range readTruth(t, write(t, o)).Properties {
		causes := len(p.SNPs) + len(p.Genes) + len(p.Scores) + len(p.Covariates)
		if causes == 0 || p.R2 < 0.9 {
			t.Errorf("%s: %d causes, r2 %g", p.Name, causes, p.R2)
		}
		for _, s := range p.Scores {
			if want := liabilityR2 * scoreR2 * (1 - p.Burden); math.Abs(s.R2-want) > 0.12 {
				t.Errorf("%s: %s explains %g, want about %g", p.Name, s.Name, s.R2, want)
			}
		}
	}
	o.Effect = 0
	for _, p := range readTruth(t, write(t, o)).Properties {
		if len(p.SNPs)+len(p.Genes)+len(p.Scores)+len(p.Covariates) != 0 || p.R2 != 0 {
			t.Errorf("%s has causes at effect 0", p.Name)
		}
	}
}

func code(err error) int {
	if p := (*data.Problem)(nil); errors.As(err, &p) {
		return p.Code
	}
	return 0
}

func TestRefusesAFolderInUse(t *testing.T) {
	dir := t.TempDir()
	if _, err := Write(t.Context(), dir, small()); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	before := len(contents(t, dir))
	if _, err := Write(t.Context(), dir, small()); code(err) != 130 || before != len(contents(t, dir)) {
		t.Errorf("a full folder: %v", err)
	}
	if _, err := Write(t.Context(), filepath.Join(dir, "data.toml"), small()); code(err) != 130 {
		t.Errorf("a file: %v", err)
	}
	if _, err := Write(t.Context(), filepath.Join(dir, "data.toml", "in"), small()); code(err) == 0 {
		t.Errorf("below a file: %v", err)
	}
}

func TestInterruptedLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(ctx, filepath.Join(parent, "cohort"), small()); !errors.Is(err, context.Canceled) || code(err) != 0 {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestOneErrorWhereNothingCanBeWritten: the first failure ends it.
func TestOneErrorWhereNothingCanBeWritten(t *testing.T) {
	w, err := newWorld(small())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.fill(t.Context(), filepath.Join(t.TempDir(), "gone")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"persons":       func(o *Options) { o.Persons = 1 },
		"images":        func(o *Options) { o.ImagesPerPerson = 0 },
		"size":          func(o *Options) { o.ImageSize = 4 },
		"genes":         func(o *Options) { o.Genes = -1 },
		"effect":        func(o *Options) { o.Effect = 1.1 },
		"not a number":  func(o *Options) { o.Effect = math.NaN() },
		"section":       func(o *Options) { o.Missing = map[string]float64{"snp": 0.1} },
		"rate":          func(o *Options) { o.Missing = map[string]float64{sectionSNPs: 2} },
		"calls":         func(o *Options) { o.MissingCalls = 1 },
		"no modalities": func(o *Options) { o.SNPs, o.Scores, o.Genes, o.Covariates = 0, 0, 0, 0 },
	} {
		o := small()
		change(&o)
		if err := o.Validate(); err == nil || code(err) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o := DefaultDemo(); o.Validate() != nil {
		t.Error(o.Validate())
	}
}

func TestMoreVisitsAndIDs(t *testing.T) {
	o := small()
	o.ImagesPerPerson, o.ImageSize = 3, 8
	s := write(t, o)
	rows := lines(contents(t, s.Dir)["images.tsv"])
	if want := "S000001\timages/00001_S000001_L_1.jpg\tL\t1"; len(rows) != 1+3*41 || rows[3] != want {
		t.Errorf("%d rows, the third image is %q, want %q", len(rows), rows[3], want)
	}
	w := &world{o: o, people: []person{{iid: "../a b"}}}
	if got, want := w.imagePath(0), "images/00001____a_b_L_0.jpg"; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
}

// correlation returns Pearson's of a and b.
func correlation(a, b []float64) float64 {
	a, b = slices.Clone(a), slices.Clone(b)
	standardise(a)
	standardise(b)
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum / float64(len(a))
}

// TestIdleFeaturesDriveNothing: further scores and genes change nothing of what was there, are no cause in truth.json, and say nothing
// of what images show beside the score that they overlap with.
func TestIdleFeaturesDriveNothing(t *testing.T) {
	o := small()
	o.Persons = 4000
	plain, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	o.IdleScores, o.IdleGenes, o.IdleOverlap = 20, 9, 0.6
	w, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.scores) != o.Scores+20 || len(w.genes) != o.Genes+9 || scoreName(33) != w.scores[33].name {
		t.Fatalf("%d scores and %d genes, the last score is %q", len(w.scores), len(w.genes), w.scores[len(w.scores)-1].name)
	}
	for i := range w.traits {
		if !slices.Equal(w.traits[i], plain.traits[i]) || w.scores[3].values[i] != plain.scores[3].values[i] {
			t.Fatalf("person %d is another with idle features", i)
		}
	}
	for s := range 20 {
		own, with := w.scores[o.Scores+s].values, w.scores[s%o.Scores]
		if r := correlation(own, with.values); math.Abs(r-0.6) > 0.05 {
			t.Errorf("idle score %d: correlation %.3f with its score, want 0.6", s, r)
		}
		rest := make([]float64, len(own))
		for i, v := range own {
			rest[i] = v - 0.6*with.values[i]
		}
		for k := range traitCount {
			if r := correlation(rest, w.trait(k)); math.Abs(r) > 0.08 { // five standard errors
				t.Errorf("idle score %d, given its score: correlation %.3f with property %d", s, r, k)
			}
		}
	}
	o.Persons = 41
	var found truth
	if err := json.Unmarshal(contents(t, write(t, o).Dir)["truth.json"], &found); err != nil {
		t.Fatal(err)
	}
	for _, p := range found.Properties {
		for _, c := range slices.Concat(p.Scores, p.Genes) {
			if c.Name > scoreName(o.Scores-1) || strings.HasPrefix(c.Name, "GENE") && c.Name > "GENE0013" {
				t.Errorf("%s: %s drives it, an idle feature", p.Name, c.Name)
			}
		}
	}
}
