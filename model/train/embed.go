package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"contig-gpu/data"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/eval"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// Embeddings are what a network makes of a cohort. Rows of images are in the order of the source; rows of persons
// ascend by index into Cohort.Persons. A network without tables has one image head, and nothing by modality.
type Embeddings struct {
	Width, Dim int           // values per row of features and of embeddings
	Person     []int         // per image: index into Cohort.Persons
	Features   [][]float32   // per image: [Width], of the image encoder
	Image      [][][]float32 // per image head and image: [Dim], projected, not normalised

	Persons        []int         // with an image
	PersonFeatures [][]float32   // per person: [Width], the mean over the person's images
	PersonImage    [][][]float32 // per modality and person: [Dim], mean of the unit rows, to unit length: as retrieval compares them
	PersonGenetics [][][]float32 // per modality and person: [Dim], to unit length; NaN where absent
}

// Embed runs a loaded network over all batches of src, which are of cohort c.
func Embed(ctx context.Context, l *checkpoint.Loaded, c *data.Cohort, src data.Source) (*Embeddings, error) {
	e, err := engine.NewEvaluator(engine.Options{Device: l.Device, DType: l.DType, Dims: src.Dims(), Tables: packed(c, src.Dims()),
		Build: func() (objective.Objective, error) { return build.New(l.Settings.Config) }}, l.Objective)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	out, rows := &Embeddings{Dim: l.Settings.Model.Embedding}, newRows(l.Objective, l.Settings.Model.Embedding)
	err = e.Sweep(ctx, src, func(b *data.Batch, s engine.Swept) {
		addRows(rows, b, s)
		out.add(b, s)
	})
	if err != nil {
		return nil, err
	}
	out.finish(rows)
	return out, nil
}

// NotFinite returns E716 where an embedding or feature is NaN or infinite, with how many persons it is of. Rows of those who lack a
// modality are not looked at: genetics of a person that are NaN as a whole, of a table that the person does not have.
func (e *Embeddings) NotFinite(path string, c *data.Cohort) error {
	bad := map[int]bool{}
	mark := func(persons []int, rows [][]float32, has func(person int) bool) {
		for i, r := range rows {
			if !bad[persons[i]] && has(persons[i]) && !finite(r) {
				bad[persons[i]] = true
			}
		}
	}
	everyone := func(int) bool { return true }
	mark(e.Person, e.Features, everyone)
	mark(e.Persons, e.PersonFeatures, everyone)
	for _, rows := range e.Image {
		mark(e.Person, rows, everyone)
	}
	for i, t := range c.Tables {
		mark(e.Persons, e.PersonImage[i], everyone)
		mark(e.Persons, e.PersonGenetics[i], t.Has)
	}
	if len(bad) == 0 {
		return nil
	}
	return notFinite(path, fmt.Sprintf("the features or embeddings of %d of %d persons are not finite", len(bad), len(e.Persons)))
}

// Usable returns E716 where Unusable names a modality.
func Usable(path string, c *data.Cohort) error {
	if name, n := Unusable(c); n > 0 {
		return notFinite(path, fmt.Sprintf("by the statistics of the modality %q, features of %d of %d persons are not finite", name, n, len(c.Persons)))
	}
	return nil
}

func notFinite(path, what string) error {
	return &data.Problem{Code: codeNoEmbedding, File: path, What: what,
		Expected: "finite numbers", Cause: "weights or statistics that are finite but of no use, such as those of a training with too high a rate; or extreme values in a table",
		Fix: "take an earlier checkpoint; where few persons are concerned, look at their values"}
}

func finite(v []float32) bool {
	for _, x := range v {
		if x-x != 0 {
			return false
		}
	}
	return true
}

// Unusable returns the first modality of which the statistics of a checkpoint make values infinite or NaN, "" where there is none,
// and how many persons have them. A network may make finite embeddings of these, which say nothing.
func Unusable(c *data.Cohort) (modality string, persons int) {
	for _, t := range c.Tables {
		if bounded(t.Stats()) {
			continue
		}
		row := make([]float32, t.Stats().Width())
		for p := range c.Persons {
			if t.Row(p, row) && !finite(row) {
				persons++
			}
		}
		if persons > 0 {
			return t.Name(), persons
		}
	}
	return "", 0
}

// bounded reports whether no value that a table can have becomes a feature beyond single precision: counts of alleles are 0 to 2.
func bounded(s *data.Stats) bool {
	most := float64(math.MaxFloat32)
	if len(s.Allele) > 0 {
		most = 2
	}
	for i, scale := range s.Scale {
		if !((most+math.Abs(s.Center[i]))*scale <= math.MaxFloat32) {
			return false
		}
	}
	return true
}

func (e *Embeddings) add(b *data.Batch, s engine.Swept) {
	e.Width = len(s.Features) / b.N
	if e.Image == nil {
		e.Image = make([][][]float32, len(s.Images))
	}
	for j, p := range b.Person[:b.N] {
		e.Person = append(e.Person, int(p))
		e.Features = append(e.Features, float32s(rowOf(s.Features, j, b.N)))
		for i := range e.Image {
			e.Image[i] = append(e.Image[i], float32s(rowOf(s.Images[i], j, b.N)))
		}
	}
}

// finish fills what is per person.
func (e *Embeddings) finish(rows []*eval.Rows) {
	e.Persons = slices.Compact(slices.Sorted(slices.Values(e.Person)))
	e.meanFeatures()
	absent := slices.Repeat([]float32{float32(math.NaN())}, e.Dim)
	for _, r := range rows {
		var image, genetics [][]float32
		for _, p := range e.Persons {
			image = append(image, float32s(r.Image(p)))
			g := absent
			if r.HasGenetics(p) {
				g = float32s(r.Genetics(p))
			}
			genetics = append(genetics, g)
		}
		e.PersonImage, e.PersonGenetics = append(e.PersonImage, image), append(e.PersonGenetics, genetics)
	}
}

func (e *Embeddings) meanFeatures() {
	sums, counts := map[int][]float64{}, map[int]float64{}
	for i, p := range e.Person {
		if sums[p] == nil {
			sums[p] = make([]float64, e.Width)
		}
		counts[p]++
		for k, v := range e.Features[i] {
			sums[p][k] += float64(v)
		}
	}
	for _, p := range e.Persons {
		row := make([]float32, e.Width)
		for k, v := range sums[p] {
			row[k] = float32(v / counts[p])
		}
		e.PersonFeatures = append(e.PersonFeatures, row)
	}
}

func float32s(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// EmbedMemory returns what Embed takes on the device of l beside the weights, for batches of dims, in bytes; tables that stay on a
// GPU are not included. It takes nothing.
func EmbedMemory(l *checkpoint.Loaded, dims data.Dims) (int, error) {
	dev := l.Device.Plan()
	dims.PixelSide = 0
	obj, err := build.New(l.Settings.Config)
	if err != nil {
		return 0, err
	}
	if err := obj.Weights().Place(dev, l.DType); err != nil {
		return 0, err
	}
	weights := sum(dev.Allocated())
	e, err := engine.NewEvaluator(engine.Options{Device: dev, DType: l.DType, Dims: dims, Build: func() (objective.Objective, error) { return build.New(l.Settings.Config) }}, obj)
	if err != nil {
		return 0, err
	}
	defer e.Close()
	need, err := e.NeedToEvaluate()
	if err != nil {
		return 0, err
	}
	e.Reserve(need)
	return sum(dev.Allocated()) - weights, nil
}
