package cohort

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// A world is a small cohort on disk: 12 persons with two images each, genotypes, scores and a table.
type world struct {
	t   *testing.T
	dir string
}

const people = 12

func (w world) put(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) get(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// replace changes a file and fails where there is nothing to change.
func (w world) replace(name, old, with string) {
	w.t.Helper()
	text := w.get(name)
	if !strings.Contains(text, old) {
		w.t.Fatalf("%s has no %q", name, old)
	}
	w.put(name, strings.ReplaceAll(text, old, with))
}

func person(i int) string { return fmt.Sprintf("10000%02d", i) }

const tomlText = `[geno]
files = "geno/c{1..2}"
select = {every = 2, restart = "file"}

[pgs]
sscore = "pgs/*.sscore"

[table.labs]
table = "labs.tsv"
standardize = "none"

[split]
train = 0.5
val = 0.25
test = 0.25
seed = 3
`

func newWorld(t *testing.T) world {
	w := world{t, t.TempDir()}
	var images, fam, labs, a, b strings.Builder
	images.WriteString("person_id\timage\teye\tvisit\n")
	labs.WriteString("person_id\tx\ty\n")
	a.WriteString("#FID\tIID\tS_AVG\n")
	b.WriteString("#IID\tS_AVG\n")
	for i := range people {
		for _, eye := range []string{"L", "R"} {
			name := fmt.Sprintf("img/%d%s.jpg", i, eye)
			fmt.Fprintf(&images, "%s\t%s\t%s\t0\n", person(i), name, eye)
			w.put(name, "not decoded here")
		}
		fmt.Fprintf(&fam, "F%d %s 0 0 1 -9\n", i, person(i))
		fmt.Fprintf(&a, "F%d\t%s\t%d\n", i, person(i), i)
		fmt.Fprintf(&labs, "%s\t%d\tNA\n", person(i), i%3)
	}
	w.put("images.tsv", images.String())
	w.put("labs.tsv", strings.ReplaceAll(labs.String(), "\t2\tNA", "\t2\t7"))
	w.put("pgs/PGS1.sscore", a.String())
	for c := 1; c <= 2; c++ {
		w.put(fmt.Sprintf("geno/c%d.fam", c), fam.String())
		w.genotypes(c)
	}
	w.put("data.toml", tomlText)
	return w
}

const variants = 20

func (w world) genotypes(c int) {
	bed := []byte{0x6c, 0x1b, 1}
	var bim strings.Builder
	for v := range variants {
		for i := 0; i < people; i += 4 {
			var b byte
			for k := range 4 {
				b |= byte((i*7+k*5+v*3+c)%11%4) << (2 * k)
			}
			bed = append(bed, b)
		}
		fmt.Fprintf(&bim, "%d rs%d_%d 0 %d A G\n", c, c, v, 100+v)
	}
	w.put(fmt.Sprintf("geno/c%d.bed", c), string(bed))
	w.put(fmt.Sprintf("geno/c%d.bim", c), bim.String())
}

func (w world) options() Options {
	return Options{Manifest: filepath.Join(w.dir, "images.tsv"), DataTOML: filepath.Join(w.dir, "data.toml"), Seed: 1}
}

func (w world) open() *data.Cohort {
	w.t.Helper()
	c, err := Open(w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestOpen(t *testing.T) {
	c := newWorld(t).open()
	if len(c.Persons) != people || len(c.Images) != 2*people || len(c.Tables) != 3 || c.Persons[3].ID != person(3) {
		t.Fatalf("%d persons, %d images, %d tables", len(c.Persons), len(c.Images), len(c.Tables))
	}
	for p, q := range c.Persons {
		for _, i := range q.Images {
			if c.Images[i].Person != p {
				t.Errorf("image %d is of %d, not %d", i, c.Images[i].Person, p)
			}
		}
	}
	sum := Summarise(c)
	if sum[0].Name != "geno" || sum[1].Name != "pgs" || sum[2].Name != "labs" || sum[0].Features != variants || sum[0].Split != [3]int{6, 3, 3} || sum[1].Shared[0] != people {
		t.Errorf("%+v", sum)
	}
	if c.Tables[1].Stats().Names[0] != "PGS1" {
		t.Error(c.Tables[1].Stats().Names)
	}
	for _, n := range c.Notes {
		if strings.Contains(n, "10000") {
			t.Errorf("a note holds an id: %s", n)
		}
	}
}

// TestFitTrainingOnly checks the z-score of training persons, and that others' values change nothing.
func TestFitTrainingOnly(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	var sum, squares float64
	n := 0
	row := make([]float32, 1)
	other := 0
	for p := range c.Persons {
		c.Tables[1].Row(p, row)
		if c.Persons[p].Split != data.Train {
			other = p
			continue
		}
		sum += float64(row[0])
		squares += float64(row[0]) * float64(row[0])
		n++
	}
	if math.Abs(sum) > 1e-5 || math.Abs(squares/float64(n)-1) > 1e-5 {
		t.Errorf("mean %g, square %g", sum/float64(n), squares/float64(n))
	}
	w.replace("pgs/PGS1.sscore", person(other)+"\t"+fmt.Sprint(other)+"\n", person(other)+"\t999\n")
	d := w.open()
	if a, b := c.Tables[1].Stats(), d.Tables[1].Stats(); a.Center[0] != b.Center[0] || a.Scale[0] != b.Scale[0] {
		t.Error("a test person changed the statistics")
	}
}

// TestGenotypes compares features with a computation from the files' bits.
func TestGenotypes(t *testing.T) {
	w := newWorld(t)
	for _, count := range []string{"a1", "a2"} {
		for _, scale := range []string{"none", "center", "2pq"} {
			for _, impute := range []string{"mean", "mode"} {
				w.put("data.toml", strings.Replace(tomlText, "select =", fmt.Sprintf("count=%q\nscaling=%q\nimpute=%q\nselect =", count, scale, impute), 1))
				checkGenotypes(t, w.open(), count, scale, impute)
			}
		}
	}
}

func rawCount(p, j int, count string) float64 {
	c, v := 1+j/(variants/2), j%(variants/2)*2
	code := (p/4*4*7 + p%4*5 + v*3 + c) % 11 % 4
	a1 := [4]float64{2, math.NaN(), 1, 0}[code]
	if count == "a2" {
		return 2 - a1
	}
	return a1
}

func checkGenotypes(t *testing.T, c *data.Cohort, count, scale, impute string) {
	t.Helper()
	row := make([]float32, variants)
	for p := range c.Persons {
		c.Tables[0].Row(p, row)
		for j, got := range row {
			if want := wantGenotype(c, p, j, count, scale, impute); math.Abs(float64(got)-want) > 1e-5 {
				t.Fatalf("%s %s %s: person %d variant %d is %g, want %g", count, scale, impute, p, j, got, want)
			}
		}
	}
}

func wantGenotype(c *data.Cohort, p, j int, count, scale, impute string) float64 {
	var n [3]int
	sum, known := 0.0, 0.0
	for q := range c.Persons {
		if x := rawCount(q, j, count); c.Persons[q].Split == data.Train && !math.IsNaN(x) {
			n[int(x)]++
			sum += x
			known++
		}
	}
	f := 0.0
	if known > 0 {
		f = sum / known / 2
	}
	x := rawCount(p, j, count)
	if math.IsNaN(x) {
		x = 2 * f
		if impute == "mode" {
			x = float64(slices.Index(n[:], slices.Max(n[:])))
		}
	}
	switch {
	case scale == "none":
		return x
	case scale == "center":
		return x - 2*f
	case f == 0 || f == 1:
		return 0
	}
	return (x - 2*f) / math.Sqrt(2*f*(1-f))
}

func TestInnerAndMissing(t *testing.T) {
	w := newWorld(t)
	w.replace("pgs/PGS1.sscore", "F0\t"+person(0)+"\t0\n", "")
	w.replace("labs.tsv", person(1)+"\t1\tNA\n", person(1)+"\tNA\tNA\n")
	c := w.open()
	row := []float32{9}
	if len(c.Persons) != people || c.Tables[1].Has(0) || c.Tables[1].Row(0, row) || row[0] != 0 || c.Tables[2].Has(1) {
		t.Error("persons without a modality")
	}
	o := w.options()
	o.Join = "inner"
	c, err := Open(o)
	if err != nil || len(c.Persons) != people-2 || len(c.Images) != 2*people-4 {
		t.Error(err)
	}
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	w.put("out.csv", person(0)+"\r\n"+person(1))
	w.put("in.txt", "FID IID\nF1 "+person(1)+"\nF2 "+person(2)+"\nF3 "+person(3)+"\nF4 "+person(4)+"\nF5 "+person(5)+"\nF6 "+person(6)+"\nF7 "+person(7)+"\n")
	w.put("bridge.tsv", "from\tto\nQ2\t"+person(2)+"\n")
	w.replace("labs.tsv", person(2), "Q2")
	w.put("data.toml", "[ids]\nkeep = \"in.txt\"\nremove = [\"out.csv\"]\nmap = \"bridge.tsv\"\n"+tomlText)
	c := w.open()
	if len(c.Persons) != 6 || c.Persons[0].ID != person(2) || !c.Tables[2].Has(0) {
		t.Errorf("%d persons", len(c.Persons))
	}
}

func TestSplit(t *testing.T) {
	w := newWorld(t)
	a, b := w.open(), w.open()
	if a.Hash != b.Hash || a.Hash == "" {
		t.Error("two readings differ")
	}
	lines := strings.Split(strings.TrimSpace(w.get("images.tsv")), "\n")
	slices.Reverse(lines[1:])
	w.put("images.tsv", strings.Join(lines, "\n"))
	c := w.open()
	for p := range a.Persons {
		if q := len(a.Persons) - 1 - p; a.Persons[p].ID != c.Persons[q].ID || a.Persons[p].Split != c.Persons[q].Split {
			t.Error("the split depends on the order of rows")
		}
	}
	w.replace("data.toml", "seed = 3", "seed = 4")
	same := true
	for p, q := range w.open().Persons {
		same = same && q.Split == c.Persons[p].Split
	}
	if same {
		t.Error("the seed does nothing")
	}
}

func TestGroups(t *testing.T) {
	w := newWorld(t)
	lines := strings.Split(strings.TrimSpace(w.get("images.tsv")), "\n")
	for i := range lines {
		if i == 0 {
			lines[i] += "\tgroup\tsplit"
			continue
		}
		lines[i] += fmt.Sprintf("\tG%d\t", (i-1)/6)
		if (i-1)/6 == 2 {
			lines[i] += "test"
		}
	}
	w.put("images.tsv", strings.Join(lines, "\n"))
	c := w.open()
	for p := range c.Persons {
		if first := p / 3 * 3; c.Persons[p].Split != c.Persons[first].Split || c.Persons[p].Group != c.Persons[first].Group {
			t.Errorf("person %d is apart from the group", p)
		}
	}
	if c.Persons[6].Split != data.Test {
		t.Error("the manifest's split does not win")
	}
}

// TestStats opens new data by a checkpoint's statistics, with alleles swapped and features in another order.
func TestStats(t *testing.T) {
	w := newWorld(t)
	a := w.open()
	st := map[string]*data.Stats{}
	for _, x := range a.Tables {
		st[x.Name()] = x.Stats()
	}
	for c := 1; c <= 2; c++ {
		name := fmt.Sprintf("geno/c%d", c)
		w.replace(name+".bim", "A G", "G A")
		w.put(name+".bed", turned(w.get(name+".bed")))
	}
	w.replace("data.toml", "every = 2", "every = 1")
	o := w.options()
	o.Stats = st
	b, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range a.Tables {
		u, v := make([]float32, x.Stats().Width()), make([]float32, x.Stats().Width())
		for p := range a.Persons {
			x.Row(p, u)
			b.Tables[i].Row(p, v)
			if !slices.Equal(u, v) {
				t.Fatalf("%s: person %d differs", x.Name(), p)
			}
		}
	}
	w.replace("geno/c2.bim", "rs2_4 0 104 G A", "rs2_4 0 104 G C")
	if _, err := Open(o); code(err) != 701 {
		t.Errorf("other alleles: %v", err)
	}
	w.replace("geno/c2.bim", "rs2_4 ", "new ")
	if _, err := Open(o); code(err) != 701 {
		t.Errorf("a variant less: %v", err)
	}
}

func code(err error) int {
	var p *data.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return 0
}
