// Package traintest has cohorts for tests of training.
package traintest

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/synth"
)

// UnitStats returns statistics that leave width features as they are, named after name.
func UnitStats(name string, width int) *data.Stats {
	s := &data.Stats{Center: make([]float64, width), Scale: make([]float64, width), Fill: make([]float64, width)}
	for i := range width {
		s.Names = append(s.Names, fmt.Sprint(name, i))
		s.Scale[i] = 1
	}
	return s
}

// Trait is what images and tables of a person share: a colour.
func Trait(person int) []float32 {
	r := rand.New(rand.NewPCG(uint64(person), 99))
	return []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64())}
}

// counted is a modality of small whole numbers; nobody with odd number has it, or nobody at all.
type counted struct {
	name   string
	width  int
	nobody bool
}

func (c counted) Name() string { return c.name }

func (c counted) Stats() *data.Stats { return UnitStats(c.name, c.width) }

func (c counted) Has(person int) bool { return !c.nobody && person%2 == 0 }

func (c counted) Row(person int, dst []float32) bool {
	clear(dst)
	for f := range dst {
		if c.Has(person) {
			dst[f] = float32((7*person + f) % 9)
		}
	}
	return c.Has(person)
}

// Cohort writes a cohort of files and opens it: genotypes, scores, carriers and covariates, two images a person, some of everything
// missing; beside them counts, and a modality that nobody has. The images are noise around the person's trait: a fundus of
// a few pixels varies so little that normalisation would blow up the rounding of either device.
func Cohort(t testing.TB, persons int) *data.Cohort {
	t.Helper()
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.SNPs, o.Genes, o.Scores = persons, 40, 30, 13, 5
	s, err := synth.Write(t.Context(), filepath.Join(t.TempDir(), "cohort"), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cohort.Open(cohort.Options{Manifest: s.Manifest, DataTOML: s.DataTOML, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range c.Images {
		paint(t, m.Path, uint64(i), Trait(m.Person))
	}
	c.Tables = append(c.Tables, counted{name: "counts", width: 9}, counted{name: "nobody", width: 3, nobody: true})
	return c
}

// paint writes an image of noise around a colour.
func paint(t testing.TB, path string, seed uint64, colour []float32) {
	t.Helper()
	r, m := rand.New(rand.NewPCG(seed, 1)), image.NewNRGBA(image.Rect(0, 0, 40, 36))
	for i := range m.Pix {
		m.Pix[i] = 255
		if i%4 < 3 {
			m.Pix[i] = uint8(max(0, min(255, 128+60*float64(colour[i%4])+12*r.NormFloat64())))
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		t.Fatal(err)
	}
}
