package train

import (
	"errors"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
	"contig-gpu/data/fundus"
	batches "contig-gpu/data/loader"
	"contig-gpu/data/synth"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model"
	"contig-gpu/model/setting"
)

// counted is a modality of small whole numbers; nobody with odd number has it, or nobody at all.
type counted struct {
	name   string
	width  int
	nobody bool
}

func (c counted) Name() string { return c.name }

func (c counted) Stats() *data.Stats { return (&memoryTable{name: c.name, width: c.width}).Stats() }

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

// synthCohort is a cohort of files: genotypes, scores, carriers and covariates, two images a person, some of everything
// missing; beside them counts, and a modality that nobody has. The images are noise around the person's trait: a fundus of
// a few pixels varies so little that normalisation would blow up the rounding of either device.
func synthCohort(t testing.TB, persons int) *data.Cohort {
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
		paint(t, m.Path, uint64(i), trait(m.Person))
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

// A pair of sources gives the same batches in both forms.
type pairOfSources struct{ raw, plain data.Source }

func pairOf(t *testing.T, co *data.Cohort, o batches.Options) pairOfSources {
	t.Helper()
	open := func(raw bool) data.Source {
		o.Raw, o.Workers = raw, 2
		s, err := batches.New(co, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if err := s.Reset(1, 0); err != nil {
			t.Fatal(err)
		}
		return s
	}
	return pairOfSources{open(true), open(false)}
}

// next returns the next batch in both forms, false at the end.
func (p pairOfSources) next(t *testing.T) (raw, plain data.Batch, ok bool) {
	t.Helper()
	errs := [2]error{p.raw.Next(&raw), p.plain.Next(&plain)}
	if errs == [2]error{io.EOF, io.EOF} {
		return raw, plain, false
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return raw, plain, true
}

// rawWorkspace returns a workspace for what src gives of the cohort.
func rawWorkspace(t *testing.T, dev *gpu.Device, dtype gpu.DType, co *data.Cohort, src data.Source) *workspace {
	t.Helper()
	c := tiny(t)
	c.Model.Modalities = modalitiesOf(co)
	m, err := model.New(c.Model)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	w, err := newWorkspace(m, dev, dtype, src.Dims(), packed(co, src.Dims()))
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	return w
}

// varieties are the recipes, and all that neither has.
func varieties(t *testing.T) []Config {
	t.Helper()
	var all []Config
	for _, recipe := range []string{setting.Default, setting.Paper, setting.Default} {
		c, err := Recipe(recipe)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	a := &all[2].Augmentation
	a.FlipVertical, a.Greyscale, a.Blur = 0.5, 0.5, 0.5
	return all
}

// TestRawBatches: what a device makes of pixels and persons is what the loader makes on the CPU: tables bit by bit, images
// to rounding. Two working sizes and batches of fewer rows than there is room for share one workspace.
func TestRawBatches(t *testing.T) {
	co := synthCohort(t, 40)
	for _, target := range gputest.Targets() {
		for _, dtype := range target.Types {
			t.Run(target.Name+"/"+dtype.String(), func(t *testing.T) {
				dev := target.Open(t)
				for _, c := range varieties(t) {
					o := batches.Options{Batch: 7, Size: 32, Seed: 5, Fit: c.Fit, Augment: c.Augmentation, Shuffle: true, OneImagePerGroup: true}
					first := pairOf(t, co, o)
					w := rawWorkspace(t, dev, dtype, co, first.raw)
					checkRawBatches(t, w, first)
					o.Augment = data.Augmentation{}
					checkRawBatches(t, w, pairOf(t, co, o))
					o.Split, o.Batch = data.Validation, 5
					checkRawBatches(t, w, pairOf(t, co, o))
					o.Whole, o.Batch = true, 6
					checkRawBatches(t, w, pairOf(t, co, o))
					w.close()
				}
			})
		}
	}
}

// checkRawBatches compares what w makes of every raw batch with the plain one.
func checkRawBatches(t *testing.T, w *workspace, p pairOfSources) {
	t.Helper()
	norm := fundus.Normalisation()
	grey := slices.Max(norm[:3])        // one grey level, normalised
	rounding := gputest.Tol(w.dtype, 1) // of the type, relative
	turn, missing, short := 0, false, false
	for {
		raw, plain, ok := p.next(t)
		if !ok {
			break
		}
		s := w.slots[turn%len(w.slots)]
		turn++
		if err := w.load(s, &raw, p.raw.Dims().Work, 1); err != nil {
			t.Fatal(err)
		}
		pass, err := w.pass(load{raw.N, false})
		if err != nil {
			t.Fatal(err)
		}
		s.upload.Arrive()
		b := w.prepare(pass, s.input)
		s.upload.Release()
		channels := b.Image.Dim(3)
		for i, v := range host(b.Image) {
			want := 0.0 // beyond the three colours
			if c := i % channels; c < 3 {
				want = float64(plain.Image[i/channels*3+c])
			}
			if !(math.Abs(v-want) <= float64(grey)/100+4*rounding*math.Abs(want)) {
				t.Fatalf("batch %d, value %d of the images is %g, want %g", turn, i, v, want)
			}
		}
		for m, table := range b.Tables {
			a := w.dev.NewArena(table.Bytes() + arenaAlign)
			want := host(gputest.Put(a, w.dtype, plain.Tables[m], table.Dims()...))
			a.Close()
			for i, v := range host(table) {
				if v != want[i] {
					t.Fatalf("batch %d, modality %d, value %d is %v, want %v", turn, m, i, v, want[i])
				}
			}
			present := make([]uint8, raw.N)
			gpu.Read(present, b.Present[m])
			if !slices.Equal(present, plain.Present[m][:raw.N]) {
				t.Fatalf("batch %d, modality %d: present %v, want %v", turn, m, present, plain.Present[m][:raw.N])
			}
			missing = missing || slices.Contains(present, 0)
		}
		short = short || raw.N < w.dims.Batch
	}
	if turn < 2 || !missing {
		t.Errorf("%d batches, somebody without a modality: %v", turn, missing)
	}
	if w.dims.Batch > p.raw.Dims().Batch && !short {
		t.Error("no batch was smaller than its slot")
	}
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
		src, err := batches.New(co, batches.Options{Whole: true, Batch: 5, Size: 32, Raw: l.Device.Overlaps(), Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if all[i], err = Embed(t.Context(), l, co, src); err != nil {
			t.Fatal(err)
		}
	}
	cpu, card := all[0], all[1]
	if len(card.Persons) != 18 || len(card.Person) != 36 {
		t.Fatalf("%d persons, %d images", len(card.Persons), len(card.Person))
	}
	sameRows(t, "features", card.Features, cpu.Features)
	for m, table := range co.Tables {
		sameRows(t, table.Name()+", images", card.Image[m], cpu.Image[m])
		sameRows(t, table.Name(), card.PersonGenetics[m], cpu.PersonGenetics[m])
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
