// Package finetune trains an image encoder with a head for a task and predicts by what came of it: the steps, checkpoints and
// resuming are those of package train, the splits and metrics those of package downstream.
//
//	s := finetune.New(cohort, task, rows, split)
//	summary, err := train.Run(ctx, s.Options(options))
//	found, err := finetune.Predict(ctx, loaded, s, source)
//
// A row is what is predicted: an image, or a person with all images, whose predictions are averaged.
package finetune

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"

	"contig-gpu/data"
	"contig-gpu/model/build"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
	"contig-gpu/model/train"
	"contig-gpu/model/tune"
)

// A Study is what is predicted of whom.
type Study struct {
	Task   *downstream.Task
	Split  []data.Split // of each row
	Cohort *data.Cohort // the images of all rows, their persons by the rows' splits; without tables

	row    []int // of each image of Cohort
	head   tune.Config
	target []float32 // [rows, outputs]
	known  []uint8
}

// New returns the study of some rows of a task: images has those of each row, by index into c.Images; rows of a person are of one
// split. Traits are standardised by the training rows.
func New(c *data.Cohort, t *downstream.Task, images [][]int, split []data.Split) *Study {
	s := &Study{Task: t, Split: split, head: tune.Config{Task: string(t.Kind), Names: t.Names}}
	s.choose(c, images)
	s.aim()
	s.Cohort.Hash = s.hash(c)
	return s
}

// choose makes the cohort of the rows' images.
func (s *Study) choose(c *data.Cohort, images [][]int) {
	s.Cohort = &data.Cohort{Rule: c.Rule}
	person := map[int]int{}
	for r, all := range images {
		for _, i := range all {
			im := c.Images[i]
			p, seen := person[im.Person]
			if !seen {
				p = len(s.Cohort.Persons)
				person[im.Person] = p
				was := c.Persons[im.Person]
				s.Cohort.Persons = append(s.Cohort.Persons, data.Person{ID: was.ID, Group: was.Group, Split: s.Split[r]})
			}
			of := &s.Cohort.Persons[p]
			of.Images = append(of.Images, len(s.Cohort.Images))
			im.Person = p
			s.Cohort.Images, s.row = append(s.Cohort.Images, im), append(s.row, r)
		}
	}
}

// aim makes the targets of all rows.
func (s *Study) aim() {
	t, k := s.Task, len(s.Task.Names)
	if t.Kind != downstream.Labels && t.Kind != downstream.Traits {
		y, known := tune.Targets(string(t.Kind), k, t.Class)
		s.target, s.known = float32s(y), known
		return
	}
	s.target, s.known = make([]float32, len(t.Person)*k), make([]uint8, len(t.Person)*k)
	for j := range k {
		center, scale := 0.0, 1.0
		if t.Kind == downstream.Traits {
			center, scale = s.moments(j)
			s.head.Center, s.head.Scale = append(s.head.Center, center), append(s.head.Scale, scale)
		}
		for r := range t.Person {
			if v := t.Value(r, j); !math.IsNaN(v) {
				s.target[r*k+j], s.known[r*k+j] = float32((v-center)/scale), 1
			}
		}
	}
}

// moments returns mean and standard deviation of a trait in training, 1 of one that is the same for all.
func (s *Study) moments(j int) (mean, deviation float64) {
	var v []float64
	for r, split := range s.Split {
		if x := s.Task.Value(r, j); split == data.Train && !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return 0, 1
	}
	mean = measure.Mean(v, nil)
	for _, x := range v {
		deviation += (x - mean) * (x - mean)
	}
	if deviation = math.Sqrt(deviation / float64(len(v))); deviation == 0 {
		deviation = 1
	}
	return mean, deviation
}

// hash digests what is trained on and what is held out: the cohort's own digest, the task, and of each image person, split and target.
func (s *Study) hash(c *data.Cohort) string {
	h, k := sha256.New(), len(s.Task.Names)
	fmt.Fprintf(h, "%s\n%s %q %v %v\n", c.Hash, s.Task.Kind, s.Task.Names, s.head.Center, s.head.Scale)
	for i, im := range s.Cohort.Images {
		r := s.row[i]
		fmt.Fprintf(h, "%q %d %s %v %v\n", s.Task.Person[r], im.Size, s.Split[r], s.target[r*k:(r+1)*k], s.known[r*k:(r+1)*k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Config returns the settings of a training with the study's head.
func (s *Study) Config(c train.Config) train.Config {
	c.Objective, c.Head = build.Finetune, &s.head
	return c
}

// Options returns the options of a training of the study, by the metric best of the validation split; "" stands for Standard's.
// NewSource gives images of the study's Cohort.
func (s *Study) Options(o train.Options, best string) train.Options {
	o.Config, o.Cohort, o.NewSource = s.Config(o.Config), s.Cohort, s.Sources(o.NewSource)
	o.Judge = func(data.Split) train.Judge { return s.judge(best) }
	return o
}

// Sources adds to batches what is known of their images.
func (s *Study) Sources(open train.NewSource) train.NewSource {
	return func(f train.Feed) (data.Source, error) {
		src, err := open(f)
		if err != nil {
			return nil, err
		}
		return &source{src, s}, nil
	}
}

// A source adds targets.
type source struct {
	data.Source
	of *Study
}

// Next gives the next batch.
func (s *source) Next(b *data.Batch) error {
	if err := s.Source.Next(b); err != nil {
		return err
	}
	k := len(s.of.Task.Names)
	b.Target, b.Known = b.Target[:0], b.Known[:0]
	for _, i := range b.Index[:b.N] {
		r := s.of.row[i]
		b.Target, b.Known = append(b.Target, s.of.target[r*k:(r+1)*k]...), append(b.Known, s.of.known[r*k:(r+1)*k]...)
	}
	return nil
}

func float32s(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}
