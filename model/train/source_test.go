package train

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"

	"contig-gpu/data"
	"contig-gpu/model/train/traintest"
)

// memoryTable is a modality made up from a person's number: a noisy copy of what the images show.
type memoryTable struct {
	name  string
	width int
	lacks func(person int) bool
}

func (t *memoryTable) Name() string { return t.name }

func (t *memoryTable) Stats() *data.Stats {
	return traintest.UnitStats(t.name, t.width)
}

func (t *memoryTable) Has(person int) bool { return !t.lacks(person) }

func (t *memoryTable) Row(person int, dst []float32) bool {
	clear(dst)
	if t.lacks(person) {
		return false
	}
	h := fnv.New64a()
	h.Write([]byte(t.name))
	r := rand.New(rand.NewPCG(uint64(person), h.Sum64()))
	for i := range dst {
		dst[i] = float32(0.3 * r.NormFloat64())
	}
	for i, x := range traintest.Trait(person) {
		dst[i%len(dst)] += x
	}
	return true
}

func testCohort(persons int) *data.Cohort {
	c := &data.Cohort{Hash: "abc"}
	c.Tables = []data.Table{
		&memoryTable{"scores", 5, func(p int) bool { return p%5 == 3 }},
		&memoryTable{"genes", 7, func(p int) bool { return p%7 == 1 }},
	}
	for i := range persons {
		split := data.Train
		switch i % 8 {
		case 6:
			split = data.Validation
		case 7:
			split = data.Test
		}
		c.Images = append(c.Images, data.Image{Person: i}, data.Image{Person: i})
		c.Persons = append(c.Persons, data.Person{ID: fmt.Sprintf("secret-%d", i), Group: i, Split: split, Images: []int{2 * i, 2*i + 1}})
	}
	return c
}

// memorySource yields images drawn from their index; in training one image per person, shuffled by epoch.
type memorySource struct {
	c       *data.Cohort
	split   data.Split
	train   bool
	batch   int
	size    int
	order   []int // images
	at      int
	epoch   int
	corrupt float32 // where not 0, every pixel of every image in epoch 2
}

func (s *memorySource) Dims() data.Dims {
	d := data.Dims{Batch: s.batch, Height: s.size, Width: s.size}
	for _, t := range s.c.Tables {
		d.Modalities, d.Features = append(d.Modalities, t.Name()), append(d.Features, t.Stats().Width())
	}
	return d
}

func (s *memorySource) images(epoch int) []int {
	var order []int
	r := rand.New(rand.NewPCG(7, uint64(epoch)))
	for _, p := range s.c.Persons {
		switch {
		case p.Split != s.split:
		case s.train:
			order = append(order, p.Images[r.IntN(len(p.Images))])
		default:
			order = append(order, p.Images...)
		}
	}
	if s.train {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return order
}

func (s *memorySource) Batches() int {
	n := len(s.images(0))
	if s.train {
		return n / s.batch
	}
	return (n + s.batch - 1) / s.batch
}

func (s *memorySource) Reset(epoch, skip int) error {
	s.epoch, s.order, s.at = epoch, s.images(epoch), skip*s.batch
	return nil
}

func (s *memorySource) Next(b *data.Batch) error {
	rest := s.order[min(s.at, len(s.order)):]
	if len(rest) == 0 || s.train && len(rest) < s.batch {
		return io.EOF
	}
	rest = rest[:min(len(rest), s.batch)]
	s.at += len(rest)
	*b = data.Batch{N: len(rest)}
	for _, img := range rest {
		p := s.c.Images[img].Person
		b.Person, b.Group = append(b.Person, int32(p)), append(b.Group, int32(p))
		b.Image = append(b.Image, s.pixels(img, p)...)
	}
	for _, t := range s.c.Tables {
		var rows []float32
		var present []uint8
		for _, p := range b.Person {
			row := make([]float32, t.Stats().Width())
			has := uint8(0)
			if t.Row(int(p), row) {
				has = 1
			}
			rows, present = append(rows, row...), append(present, has)
		}
		b.Tables, b.Present = append(b.Tables, rows), append(b.Present, present)
	}
	return nil
}

// pixels is noise around the person's trait, one colour channel per number.
func (s *memorySource) pixels(img, person int) []float32 {
	r := rand.New(rand.NewPCG(uint64(img), uint64(s.epoch)))
	v, shared := make([]float32, s.size*s.size*3), traintest.Trait(person)
	for i := range v {
		v[i] = shared[i%3] + float32(0.2*r.NormFloat64())
		if s.corrupt != 0 && s.epoch == 2 {
			v[i] = s.corrupt
		}
	}
	return v
}

func (s *memorySource) Close() error { return nil }
