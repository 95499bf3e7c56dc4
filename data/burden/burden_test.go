package burden

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/plink"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// drawn are random genotypes: NaN is missing; a variant with one value between has dosages.
type drawn struct {
	persons  []genotype.Person
	variants []genotype.Variant
	alt      [][]float64
}

func (d *drawn) Persons() []genotype.Person   { return d.persons }
func (d *drawn) Variants() []genotype.Variant { return d.variants }
func (d *drawn) Each(_ context.Context, variants []int, visit genotype.Visit) error {
	for k, v := range variants {
		hard, dosage := make([]byte, len(d.persons)), make([]float32, len(d.persons))
		for i, x := range d.alt[v] {
			dosage[i] = float32(x)
		}
		if !genotype.Hard(hard, dosage) {
			hard = nil
		} else {
			dosage = nil
		}
		if err := visit(k, hard, dosage); err != nil {
			return err
		}
	}
	return nil
}

func draw(g *rand.Rand, persons, variants int) *drawn {
	d := &drawn{}
	for i := range persons {
		d.persons = append(d.persons, genotype.Person{FID: fmt.Sprint("f", i), IID: fmt.Sprint("p", i)})
	}
	for j := range variants {
		d.variants = append(d.variants, genotype.Variant{Chrom: "1", ID: fmt.Sprint("v", j), Pos: j + 1, Ref: "A", Alt: "G"})
		f, soft := g.Float64()*g.Float64()*g.Float64(), g.IntN(4) == 0
		row := make([]float64, persons)
		for i := range row {
			switch {
			case g.IntN(12) == 0:
				row[i] = math.NaN()
			case g.Float64() < f && soft:
				row[i] = float64(1+g.IntN(31)) / 16
			case g.Float64() < f:
				row[i] = float64(1 + g.IntN(2))
			}
		}
		d.alt = append(d.alt, row)
	}
	return d
}

// plainly sums one column as its definition says: the variants of a set that keep says are in the mask and that are within the limit.
func (d *drawn) plainly(o Options, limit int, keep []int, weight []float64) (values []float64, variants int) {
	values = make([]float64, len(d.persons))
	known := make([]bool, len(d.persons))
	for k, v := range keep {
		copies, n := 0.0, 0.0
		for i, x := range d.alt[v] {
			if !math.IsNaN(x) && (o.Without == nil || !o.Without[i]) {
				copies, n = copies+x, n+1
			}
		}
		aaf, singleton := ratio(copies, 2*n), math.Round(copies) == 1
		if given, ok := o.Given[d.variants[v].ID]; ok {
			aaf, singleton = given.AAF, given.Singleton
		}
		if limit == 0 && (!singleton || aaf > o.Bins[0]) || limit > 0 && aaf > o.Bins[limit-1] {
			continue
		}
		variants++
		for i, x := range d.alt[v] {
			if math.IsNaN(x) {
				continue
			}
			known[i] = true
			switch o.Rule {
			case Max:
				values[i] = max(values[i], x*weight[k])
			case Indicator:
				if x > 0.5 {
					values[i] = 1
				}
			default:
				values[i] += x * weight[k]
			}
		}
	}
	for i := range values {
		if o.Rule == Comphet {
			values[i] = min(values[i], 2)
		}
		if !known[i] && o.Rule != Indicator {
			values[i] = math.NaN()
		}
	}
	return values, variants
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// TestCompute: every rule, limits, singletons, missing calls, dosages, weights, domains, given frequencies and persons who count in none, column by column as one by one.
func TestCompute(t *testing.T) {
	for seed := range uint64(24) {
		g := rand.New(rand.NewPCG(seed, 9))
		d := draw(g, 1+g.IntN(70), 1+g.IntN(60))
		o := Options{Rule: Rules()[seed%4], Bins: [][]float64{{0.01}, {0.05, 0.3}, {0.001, 0.01, 1}}[g.IntN(3)]}
		if g.IntN(2) == 0 {
			o.Without = make([]bool, len(d.persons))
			for i := range o.Without {
				o.Without[i] = g.IntN(5) == 0
			}
		}
		if g.IntN(2) == 0 {
			o.Given = map[string]Given{}
			for _, v := range d.variants {
				if g.IntN(3) == 0 {
					o.Given[v.ID] = Given{AAF: g.Float64() / 4, Says: true, Singleton: g.IntN(3) == 0}
				}
			}
		}
		domains, weighted := g.IntN(2) == 0, g.IntN(2) == 0
		type said struct {
			category, domain string
			weight           float64
		}
		notes := map[string]map[int]said{}
		anno, sets, weights := "", "", 0
		for s := range 1 + g.IntN(4) {
			name := fmt.Sprint("G", s)
			notes[name] = map[int]said{}
			var list []string
			for _, v := range g.Perm(len(d.variants)) {
				if g.IntN(3) == 0 {
					continue
				}
				list = append(list, fmt.Sprint("v", v))
				if g.IntN(6) == 0 {
					continue
				}
				n := said{[]string{"lof", "mis", "syn"}[g.IntN(3)], []string{"d1", "d2"}[g.IntN(2)], 1}
				anno += fmt.Sprintf("v%d %s", v, name)
				if domains {
					anno += " " + n.domain
				}
				anno += " " + n.category
				if weighted {
					n.weight = float64(g.IntN(9)) / 4
					anno += fmt.Sprintf(" %g", n.weight)
					weights = 4
					if domains {
						weights = 5
					}
				}
				anno += "\n"
				notes[name][v] = n
			}
			if len(list) > 0 {
				sets += fmt.Sprintf("%s 1 1 %s\n", name, strings.Join(list, ","))
			}
		}
		if anno == "" || sets == "" {
			continue
		}
		dir := t.TempDir()
		def, err := Read(write(t, dir, "a", anno), write(t, dir, "s", sets), write(t, dir, "m", "M1 lof\nM2 lof,mis\nM3 syn none\n"), weights)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Compute(context.Background(), d, def, o, func(int, int) {})
		var p *data.Problem
		if errors.As(err, &p) && p.Code == codeNothing {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		columns := make([][]float64, len(b.Columns))
		if err := b.Rows(func(_ int, values []float32) error {
			for j, v := range values {
				columns[j] = append(columns[j], float64(v))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		at := 0
		for s := range 9 {
			name := fmt.Sprint("G", s)
			parts := []string{""}
			if domains {
				parts = nil
				for _, n := range def.domainList {
					parts = append(parts, n+".")
				}
				parts = append(parts, "")
			}
			for _, mask := range []string{"M1 lof", "M2 lof mis", "M3 syn"} {
				for _, part := range parts {
					for l := range len(o.Bins) + 1 {
						title, categories, _ := strings.Cut(mask, " ")
						var keep []int
						var weight []float64
						for v := range d.variants {
							if n, ok := notes[name][v]; ok && strings.Contains(categories, n.category) && (part == "" || part == n.domain+".") {
								keep, weight = append(keep, v), append(weight, n.weight)
							}
						}
						want, variants := d.plainly(o, l, keep, weight)
						if variants == 0 {
							continue
						}
						limit := "singleton"
						if l > 0 {
							limit = fmt.Sprint(o.Bins[l-1])
						}
						if at == len(b.Columns) || b.Columns[at].Name != name+"."+part+title+"."+limit || b.Columns[at].Variants != variants {
							t.Fatalf("seed %d: column %d is %+v, want %s.%s%s.%s of %d variants", seed, at, b.Columns[at], name, part, title, limit, variants)
						}
						for i, w := range want {
							if got := columns[at][i]; math.Abs(got-w) > 1e-5 || math.IsNaN(got) != math.IsNaN(w) {
								t.Fatalf("seed %d: %s of person %d is %g, want %g", seed, b.Columns[at].Name, i, got, w)
							}
						}
						at++
					}
				}
			}
		}
		if at != len(b.Columns) {
			t.Errorf("seed %d: %d columns, want %d", seed, len(b.Columns), at)
		}
	}
}

// fixtures is the folder of real files, where there is one.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONTIG_FIXTURES")
	if dir == "" {
		dir = "../../../shared/fixtures"
	}
	if _, err := os.Stat(filepath.Join(dir, "burden")); err != nil {
		t.Skipf("no fixtures at %s (set CONTIG_FIXTURES)", dir)
	}
	return filepath.Join(dir, "burden")
}

// TestRegenie: the masks that regenie wrote of its example, by the same files.
func TestRegenie(t *testing.T) {
	dir := fixtures(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	g, err := plink.Genotypes(at("example_3chr"), nil)
	if err != nil {
		t.Fatal(err)
	}
	masks, err := plink.Genotypes(at("example_3chr_masks"), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(at("example_3chr.annotations"), at("example_3chr.setlist"), at("example_3chr.masks"), 0)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Rule: Max, Bins: []float64{0.2}}
	if o.Without, _, err = ReadPersons(at("fid_iid_to_remove.txt"), g.Persons()); err != nil {
		t.Fatal(err)
	}
	b, err := Compute(context.Background(), g, d, o, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	err = masks.Each(context.Background(), []int{0, 1}, func(k int, hard []byte, _ []float32) error {
		j := slices.IndexFunc(b.Columns, func(c *Column) bool { return c.Name == masks.Variants()[k].ID })
		if j < 0 {
			t.Fatalf("no column %s", masks.Variants()[k].ID)
		}
		return b.Rows(func(i int, values []float32) error {
			if values[j] != float32(hard[i]) {
				t.Errorf("%s of person %d is %g, regenie wrote %d", b.Columns[j].Name, i, values[j], hard[i])
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestForms: one gene in the three forms of sets, named by ids or by places.
func TestForms(t *testing.T) {
	d := &drawn{persons: make([]genotype.Person, 3), alt: [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 2}}}
	for i := range 3 {
		d.variants = append(d.variants, genotype.Variant{Chrom: "chr2", ID: fmt.Sprint("rs", i), Pos: i + 1, Ref: "A", Alt: "C"})
	}
	for name, c := range map[string]struct{ anno, sets, masks, want string }{
		"regenie":             {"rs0 G lof\nrs1 G mis\n", "G 2 1 rs0,rs1,rs2\n", "M lof\n", "G.M.1 1 0 0"},
		"places":              {"2:1:A:C G lof\nchr2:2:C:A G lof\n", "G 2 1 2:1:A:C,chr2:2:C:A\n", "M lof\n", "G.M.1 1 1 0"},
		"SAIGE-GENE":          {"", "G var rs0 rs1 rs2\nG anno lof mis lof\n", "M lof\n", "G.M.1 1 0 2"},
		"SAIGE-GENE, weights": {"", "G var rs0 rs1 rs2\nG anno lof mis lof\nG weight 0.5 1 0.25\n", "M lof\n", "G.M.1 0.5 0 0.5"},
		"SKAT":                {"", "G rs0\nG rs2\n", "", "G.all.1 1 0 2"},
		"SKAT, annotated":     {"rs0 G lof\nrs2 G mis\n", "G rs0\nG rs2\n", "", "G.all.1 1 0 2"},
	} {
		dir := t.TempDir()
		anno, masks := "", ""
		if c.anno != "" {
			anno = write(t, dir, "anno", "# a comment\n"+c.anno)
		}
		if c.masks != "" {
			masks = write(t, dir, "masks", c.masks)
		}
		def, err := Read(anno, write(t, dir, "sets", c.sets), masks, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := Compute(context.Background(), d, def, Options{Rule: Max, Bins: []float64{1}}, func(int, int) {})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := b.Columns[len(b.Columns)-1].Name
		err = b.Rows(func(_ int, values []float32) error { got += fmt.Sprintf(" %g", values[len(values)-1]); return nil })
		if err != nil || got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	d := &drawn{persons: make([]genotype.Person, 3), alt: [][]float64{{1, 0, 0}, {1, 0, 0}}, variants: []genotype.Variant{{Chrom: "1", ID: "a", Pos: 1, Ref: "A", Alt: "C"}, {Chrom: "1", ID: "a", Pos: 1, Ref: "A", Alt: "G"}}}
	for _, c := range []struct {
		anno, sets, masks string
		weights           int
		code              int
	}{
		{"a G\n", "G 1 1 a\n", "M lof\n", 0, 420}, {"a G lof\n", "G 1 1 a\nH 1\n", "M lof\n", 0, 420}, {"a G lof\n", "G 1 1\n", "M lof\n", 0, 420}, {"a G lof\n", "G 1 1 a\nG 1 1 a\n", "M lof\n", 0, 420}, {"a G lof\n", "G 1 1 a\n", "M\n", 0, 420},
		{"a G lof x\n", "G 1 1 a\n", "M lof\n", 4, 420}, {"a G lof\n", "G 1 1 a\n", "M lof\n", 4, 420}, {"a G lof\n", "G 1 1 a\n", "M lof\nM lof\n", 0, 423}, {"b G lof\n", "G 1 1 b\n", "M lof\n", 0, 421}, {"a H lof\n", "H 1 1 a\n", "M lof\n", 0, 422},
		{"a G lof\n", "G 1 1 b\n", "M lof\n", 0, 421}, {"", "G var a b\nG anno lof\n", "M lof\n", 0, 420}, {"", "", "M lof\n", 0, 105},
	} {
		dir := t.TempDir()
		anno := ""
		if c.anno != "" {
			anno = write(t, dir, "anno", c.anno)
		}
		def, err := Read(anno, write(t, dir, "sets", c.sets), write(t, dir, "masks", c.masks), c.weights)
		if err == nil {
			_, err = Compute(context.Background(), d, def, Options{Rule: Max, Bins: []float64{1}}, func(int, int) {})
		}
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code {
			t.Errorf("%+v: %v", c, err)
		}
	}
	many := ""
	for i := range 70 {
		many += fmt.Sprintf("a G c%d\n", i)
	}
	var p *data.Problem
	if _, err := Read(write(t, t.TempDir(), "a", many), "", "", 0); !errors.As(err, &p) || p.Code != 423 {
		t.Error(err)
	}
	if _, err := ReadAAF(write(t, t.TempDir(), "f", "a 2\n")); !errors.As(err, &p) || p.Code != 420 {
		t.Error(err)
	}
}

// TestRoom: columns that there is no memory for are E403; what is kept of a column is its carriers.
func TestRoom(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(1, 1)), 1000, 1)
	for i := range d.alt[0] {
		d.alt[0][i] = 0
	}
	d.alt[0][7] = 1
	def, err := Read("", write(t, t.TempDir(), "s", "G v0\n"), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Rule: Max, Bins: []float64{1}, Room: 2*bytesEach*1000 - 1}
	var p *data.Problem
	if _, err := Compute(context.Background(), d, def, o, func(int, int) {}); !errors.As(err, &p) || p.Code != 403 {
		t.Error(err)
	}
	o.Room++
	b, err := Compute(context.Background(), d, def, o, func(int, int) {})
	if err != nil || len(b.Columns) != 2 || len(b.Columns[0].persons) != 1 || b.Columns[0].Limit != "singleton" || b.Columns[1].Carriers != 1 {
		t.Errorf("%+v %v", b, err)
	}
}

// FuzzRead reads anything as annotations, sets and masks, and sums what comes of it.
func FuzzRead(f *testing.F) {
	f.Add([]byte("v0 G lof\n"), []byte("G 1 1 v0,v1\n"), []byte("M lof\n"))
	f.Add([]byte("v0 G d lof\n"), []byte("G var v0 v1\nG anno a b\nG weight 1 2\n"), []byte("M a,b\n"))
	f.Add([]byte("v0 G lof 0.5\n"), []byte("G v0\n"), []byte("M lof\n"))
	d := draw(rand.New(rand.NewPCG(3, 1)), 20, 3)
	f.Fuzz(func(t *testing.T, anno, sets, masks []byte) {
		dir := t.TempDir()
		var p *data.Problem
		def, err := Read(write(t, dir, "a", string(anno)), write(t, dir, "s", string(sets)), write(t, dir, "m", string(masks)), 0)
		if err == nil {
			_, err = Compute(context.Background(), d, def, Options{Rule: Sum, Bins: []float64{0.1, 1}}, func(int, int) {})
		}
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
	})
}
