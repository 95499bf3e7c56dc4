package bench

import (
	"math/rand/v2"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/model"
	"contig-gpu/model/train"
)

// leastPersons is how many there are at least: with fewer, values would repeat so much that all tables took the form of
// genotypes.
const leastPersons = 64

// A drawn table is a modality of random numbers.
type drawn struct {
	name string
	rows [][]float32 // of each person, nil where absent
	wide int
}

func (t *drawn) Name() string { return t.name }

func (t *drawn) Stats() *data.Stats { return &data.Stats{Names: make([]string, t.wide)} }

func (t *drawn) Has(person int) bool { return t.rows[person] != nil }

func (t *drawn) Row(person int, dst []float32) bool {
	clear(dst)
	copy(dst, t.rows[person])
	return t.Has(person)
}

// draws are what a feature's value is drawn by, those of a table: the three forms that tables have on a device take turns,
// values, four as genotypes have, and two as carriers.
func draws(r *rand.Rand) []func() float32 {
	genotypes, carriers := [4]float32{-1, 0, 0.5, 2}, [2]float32{-0.25, 4}
	return []func() float32{
		func() float32 { return float32(r.NormFloat64()) },
		func() float32 { return genotypes[r.IntN(4)] },
		func() float32 { return carriers[r.IntN(2)] },
	}
}

// randomCohort has persons with the modalities, each of which a share of them lacks.
func randomCohort(persons int, ms []model.Modality, missing float64) *data.Cohort {
	c := &data.Cohort{Persons: make([]data.Person, max(persons, leastPersons))}
	for i := range c.Persons {
		c.Persons[i].Group = i
	}
	r := rand.New(rand.NewPCG(1, 2))
	forms := draws(r)
	for i, m := range ms {
		t := &drawn{name: m.Name, rows: make([][]float32, len(c.Persons)), wide: m.Features}
		for p := range t.rows {
			if r.Float64() < missing {
				continue
			}
			t.rows[p] = make([]float32, m.Features)
			for f := range t.rows[p] {
				t.rows[p][f] = forms[i%len(forms)]()
			}
		}
		c.Tables = append(c.Tables, t)
	}
	return c
}

// A few is a source that gives the same few batches over and over, of a person an image.
type few struct {
	dims    data.Dims
	batches []data.Batch
	next    int
	held    bool // at the one that is next
}

// newFew draws n batches for a training by c: pixels, and their variation as it has them. Batches are raw, for a
// device that makes images and tables from them, or have those that it would make. Of ranks each has its share.
func newFew(c *data.Cohort, cfg train.Config, n int, raw bool, rank, ranks int) *few {
	work, share := fundus.WorkSize(cfg.Augmentation, cfg.ImageSize), cfg.Batch/ranks
	s := &few{dims: data.Dims{Batch: share, Height: cfg.ImageSize, Width: cfg.ImageSize}}
	if raw {
		s.dims.PixelSide, s.dims.Norm = work, fundus.Normalisation()
	}
	for _, t := range c.Tables {
		s.dims.Modalities, s.dims.Features = append(s.dims.Modalities, t.Name()), append(s.dims.Features, t.Stats().Width())
	}
	vary, r := fundus.NewAugmenter(cfg.Augmentation, cfg.ImageSize), rand.New(rand.NewPCG(3, 4))
	for k := range n {
		b, all := newBatch(share, c), newBatch(cfg.Batch, c)
		for i := range cfg.Batch {
			image, person := grain(r, work), k*cfg.Batch+i
			addPerson(&all, c, person)
			if i/share == rank {
				addPerson(&b, c, person)
				s.add(&b, c, vary, image, person, cfg.Seed)
			}
		}
		if ranks > 1 {
			b.Whole = data.Whole{N: all.N, Present: all.Present, Person: all.Person, Group: all.Group, Index: all.Index}
		}
		s.batches = append(s.batches, b)
	}
	return s
}

func newBatch(n int, c *data.Cohort) data.Batch {
	return data.Batch{N: n, Present: make([][]uint8, len(c.Tables)), Tables: make([][]float32, len(c.Tables))}
}

// grain returns an image of noise around a colour: of noise alone all images look the same to a network, and its gradient
// is one of differences near rounding.
func grain(r *rand.Rand, side int) *fundus.RGB {
	m, colour := fundus.NewRGB(side, side), [3]uint8{uint8(r.IntN(192)), uint8(r.IntN(192)), uint8(r.IntN(192))}
	for i := range m.Pix {
		m.Pix[i] = colour[i%3] + uint8(r.Uint32()%64)
	}
	return m
}

// addPerson appends what is known of image i, which is person i's, to a batch.
func addPerson(b *data.Batch, c *data.Cohort, i int) {
	b.Index, b.Person, b.Group = append(b.Index, int32(i)), append(b.Person, int32(i)), append(b.Group, int32(c.Persons[i].Group))
	for m, t := range c.Tables {
		present := uint8(0)
		if t.Has(i) {
			present = 1
		}
		b.Present[m] = append(b.Present[m], present)
	}
}

// add appends image i, and the tables of its person, to a batch.
func (s *few) add(b *data.Batch, c *data.Cohort, vary *fundus.Augmenter, image *fundus.RGB, i int, seed uint64) {
	if s.dims.PixelSide > 0 {
		p := vary.Params(image.W, image.H, seed, 0, i)
		b.PixelSide = image.W
		b.Pixels, b.Geometry, b.Colour = append(b.Pixels, vary.Blurred(image, seed, 0, i).Pix...), append(b.Geometry, p.Geometry[:]...), append(b.Colour, p.Colour[:]...)
		return
	}
	at := len(b.Image)
	b.Image = append(b.Image, make([]float32, 3*s.dims.Height*s.dims.Width)...)
	vary.Apply(b.Image[at:], image, seed, 0, i)
	for m, t := range c.Tables {
		row := make([]float32, t.Stats().Width())
		t.Row(i, row)
		b.Tables[m] = append(b.Tables[m], row...)
	}
}

// endless is the number of batches of an epoch that does not end.
const endless = 1 << 30

func (s *few) Dims() data.Dims { return s.dims }

func (s *few) Batches() int { return endless }

func (s *few) Reset(_, skip int) error {
	s.next = skip
	return nil
}

func (s *few) Next(b *data.Batch) error {
	*b = s.batches[s.next%len(s.batches)]
	if !s.held {
		s.next++
	}
	return nil
}

func (s *few) Close() error { return nil }
