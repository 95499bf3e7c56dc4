package train

import (
	"math"
	"path/filepath"
	"testing"

	"contig-gpu/data"
	batches "contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/train/traintest"
)

// synthCohort is traintest's.
func synthCohort(t testing.TB, persons int) *data.Cohort { return traintest.Cohort(t, persons) }

// synthOptions trains on a cohort by way of the loader, as the program does.
func synthOptions(c Config, co *data.Cohort, dir string) Options {
	return Options{Config: c, Cohort: co, Dir: dir, Version: "test", NewSource: func(f Feed) (data.Source, error) {
		o := batches.Options{Split: f.Split, Raw: f.Raw, Batch: c.Batch, Size: c.ImageSize, Seed: c.Seed, Fit: c.Fit, Shuffle: f.Train && c.Shuffle,
			OneImagePerGroup: true, Workers: 2}
		if f.Train && c.Augment {
			o.Augment = c.Augmentation
		}
		return batches.New(co, o)
	}}
}

// TestCUDAEmbeds: what a GPU embeds from pixels and persons, in 16 bits, is what the CPU embeds: persons without a modality,
// two images a person, a last batch that is smaller.
func TestCUDAEmbeds(t *testing.T) {
	gputest.UseEmulator(t)
	co, dir := synthCohort(t, 18), filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Batch, c.MaxSteps = 5, 1
	mustRun(t, synthOptions(c, co, dir))
	var all [2]*Embeddings
	for i, device := range []string{"cpu", "cuda"} {
		l := mustLoad(t, CheckpointPath(dir, "last"), gputest.Open(t, device, gpu.Options{Threads: 2}))
		src, err := batches.New(co, batches.Options{Whole: true, Batch: 5, Size: 32, Raw: l.Device.Async(), Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if all[i], err = Embed(t.Context(), l, co, src); err != nil {
			t.Fatal(err)
		}
	}
	cpu, onGPU := all[0], all[1]
	if len(onGPU.Persons) != 18 || len(onGPU.Person) != 36 {
		t.Fatalf("%d persons, %d images", len(onGPU.Persons), len(onGPU.Person))
	}
	sameRows(t, "features", onGPU.Features, cpu.Features)
	for m, table := range co.Tables {
		sameRows(t, table.Name()+", images", onGPU.Image[m], cpu.Image[m])
		sameRows(t, table.Name(), onGPU.PersonGenetics[m], cpu.PersonGenetics[m])
	}
}

// sameRows compares rows that were computed in 16 bits with those of float32. Rows of NaN are those of absent persons.
func sameRows(t *testing.T, name string, got, want [][]float32) {
	t.Helper()
	const bound = 0.03 // relative; bf16 has 8 bits, and rows of two persons are ten times as far apart
	for i := range want {
		var off, length float64
		for k, w := range want[i] {
			d := float64(got[i][k]) - float64(w)
			off, length = off+d*d, length+float64(w)*float64(w)
		}
		if absent := math.IsNaN(float64(want[i][0])); absent != math.IsNaN(off) || !absent && off > bound*bound*length {
			t.Errorf("%s: row %d is off by %.3g", name, i, math.Sqrt(off/length))
		}
	}
}
