package cohort

import (
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// TestOpenAligned: a cohort has the checkpoint's modalities in the checkpoint's order, whatever data.toml names and in which
// order; what is there has the features of training, what is not is absent.
func TestOpenAligned(t *testing.T) {
	w := newWorld(t)
	trained := w.open()
	o := w.asTrained(trained)
	o.Stats["never"] = &data.Stats{Names: []string{"x", "y"}, Center: []float64{0, 0}, Scale: []float64{1, 1}, Fill: []float64{0, 0}}
	w.replace("geno/c1.bim", "A G", "G A")
	w.put("geno/c1.bed", turned(w.get("geno/c1.bed")))
	w.replace("data.toml", "every = 2", "every = 1")
	w.replace("data.toml", "[pgs]", "[renamed]")
	c, err := OpenAligned(o, []string{"labs", "never", "pgs", "geno"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(c.Notes, func(n string) bool { return strings.HasPrefix(n, "renamed: not in the checkpoint") }) {
		t.Errorf("no note of what is left out: %q", c.Notes)
	}
	if len(c.Tables) != 4 {
		t.Fatalf("%d tables", len(c.Tables))
	}
	sameRows(t, &data.Cohort{Persons: trained.Persons, Tables: []data.Table{trained.Tables[2], trained.Tables[0]}}, &data.Cohort{Tables: []data.Table{c.Tables[0], c.Tables[3]}})
	for i, name := range []string{"labs", "never", "pgs", "geno"} {
		x := c.Tables[i]
		if x.Name() != name || !slices.Equal(x.Stats().Names, o.Stats[name].Names) {
			t.Errorf("table %d is %s of %v", i, x.Name(), x.Stats().Names)
		}
		if name != "never" && name != "pgs" {
			continue
		}
		row := slices.Repeat([]float32{7}, x.Stats().Width())
		if x.Has(0) || x.Row(0, row) || slices.Max(row) != 0 || slices.Min(row) != 0 {
			t.Errorf("%s, which data.toml does not name: %v", name, row)
		}
	}
}

// turned exchanges the homozygous genotypes of a .bed.
func turned(bed string) string {
	b := []byte(bed)
	for i := 3; i < len(b); i++ {
		for k := 0; k < 8; k += 2 {
			if v := b[i] >> k & 3; v == 0 || v == 3 {
				b[i] ^= 3 << k
			}
		}
	}
	return string(b)
}

func TestNothingToAlign(t *testing.T) {
	w := newWorld(t)
	o := w.asTrained(w.open())
	if _, err := OpenAligned(o, []string{"geno", "absent"}); code(err) != 701 || !strings.Contains(err.Error(), `"absent"`) {
		t.Errorf("a modality without statistics: %v", err)
	}
	for what, cut := range map[string]func(*data.Stats){
		"names":  func(s *data.Stats) { s.Names = nil },
		"centre": func(s *data.Stats) { s.Center = nil },
		"scale":  func(s *data.Stats) { s.Scale = nil },
		"fill":   func(s *data.Stats) { s.Fill = nil },
	} {
		o = w.asTrained(w.open())
		short := *o.Stats["pgs"]
		cut(&short)
		o.Stats["pgs"] = &short
		if _, err := OpenAligned(o, []string{"geno", "pgs"}); code(err) != 701 || !strings.Contains(err.Error(), " features, ") {
			t.Errorf("a modality without its %s: %v", what, err)
		}
	}
	o = w.asTrained(w.open())
	o.Stats["other"] = o.Stats["labs"]
	if _, err := OpenAligned(o, []string{"other"}); code(err) != 701 {
		t.Errorf("statistics of sections that are not modalities: %v", err)
	}
}
