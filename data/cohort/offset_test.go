package cohort

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestOffsets: features are the same wherever the values of a column begin: dates and times lose nothing to single precision.
func TestOffsets(t *testing.T) {
	for seed := range uint64(4) {
		g := rand.New(rand.NewPCG(seed, 5))
		var steps [people]float64
		for i := range steps {
			steps[i] = float64(g.IntN(97))
		}
		features := func(offset, scale float64) [people]float32 {
			w := newWorld(t)
			text := "person_id\tx\tsame\n"
			for i, s := range steps {
				text += fmt.Sprintf("%s\t%.4f\t%.4f\n", person(i), offset+scale*s, offset+0.1)
			}
			w.put("labs.tsv", text)
			w.replace("data.toml", `standardize = "none"`, `standardize = "train"`)
			c := w.open()
			var out [people]float32
			x := c.Tables[len(c.Tables)-1]
			row := make([]float32, x.Stats().Width())
			for p := range c.Persons {
				if x.Row(p, row) {
					out[p] = row[0]
				}
				if len(row) > 1 && row[1] != 0 {
					t.Fatalf("offset %g: a constant becomes %g", offset, row[1])
				}
			}
			return out
		}
		want := features(0, 1)
		for _, c := range [][2]float64{{1.7e9, 1}, {-1.7e9, 3600}, {20200101, 1}, {738000, 0.001}, {1e12, 1000}, {4096, 0.01}} {
			for i, v := range features(c[0], c[1]) {
				if math.Abs(float64(v-want[i])) > 2e-5 {
					t.Fatalf("seed %d, from %g in steps of %g: person %d has %g, want %g", seed, c[0], c[1], i, v, want[i])
				}
			}
		}
	}
}
