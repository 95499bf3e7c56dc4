package train

import (
	"math"
	"path/filepath"
	"testing"

	"contig-gpu/data"
)

// TestRetrievalOfFloat64: a training in float64 ranks the persons of its evaluations by the embeddings that its checkpoint gives,
// here one by one.
func TestRetrievalOfFloat64(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Precision, c.Epochs, c.MaxSteps = "f64", 0, 2
	o := optionsFor(c, dir, 96)
	s := mustRun(t, o)
	l := mustLoad(t, CheckpointPath(dir, s.Tested), openCPU(t))
	e, err := Embed(t.Context(), l, o.Cohort, &memorySource{c: o.Cohort, split: data.Test, batch: c.Batch, size: c.ImageSize})
	if err != nil {
		t.Fatal(err)
	}
	for m, table := range o.Cohort.Tables {
		got := s.Test.Retrieval[table.Name()]
		var within [6]float64 // by k: persons whose own genetics are among the first k
		persons := 0.0
		for i, image := range e.PersonImage[m] {
			own, rank := cosine(image, e.PersonGenetics[m][i]), 1
			if math.IsNaN(own) {
				continue
			}
			persons++
			for _, genetics := range e.PersonGenetics[m] {
				if cosine(image, genetics) > own {
					rank++
				}
			}
			for k := rank; k < len(within); k++ {
				within[k]++
			}
		}
		if d := got.ImageToGenetics; persons < 6 || float64(got.Candidates) != persons || d.R1 != within[1]/persons || d.R5 != within[5]/persons {
			t.Errorf("%s: of %v persons %v are within the first k; the training says %+v", table.Name(), persons, within, got)
		}
	}
	if all := s.Test.Retrieval[AllName]; all.Candidates != 12 || all.GeneticsToImage.MedianRank < 1 {
		t.Errorf("all: %+v", all)
	}
}

// cosine is the product of unit rows, NaN of an absent one.
func cosine(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
