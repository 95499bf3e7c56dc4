package loader

import (
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// TestRaw: raw batches have the rows of the others, the images as decoded but for the blur, and the numbers of the others' variation.
func TestRaw(t *testing.T) {
	c := people(t, 20, 2)
	for _, o := range []Options{train(2), {Split: data.Validation, Batch: 3, Size: 9, Augment: varied()}, {Whole: true, Batch: 7, Size: 16, Fit: data.FitStretch}} {
		plain := open(t, c, o)
		want := epoch(t, plain, 3, 0)
		o.Raw = true
		s := open(t, c, o)
		got := epoch(t, s, 3, 0)
		d := s.Dims()
		work := o.Size
		if o.Split == data.Train && !o.Whole {
			work += o.Size / 4
		}
		if d.PixelSide != work || d.Norm != fundus.Normalisation() || plain.Dims().PixelSide != 0 {
			t.Errorf("%+v, beside %+v", d, plain.Dims())
		}
		if len(got) != len(want) {
			t.Fatalf("%d batches, want %d", len(got), len(want))
		}
		for i := range got {
			checkRaw(t, c, o, got[i], want[i], work)
		}
	}
}

func checkRaw(t *testing.T, c *data.Cohort, o Options, got, want data.Batch, work int) {
	t.Helper()
	if got.N != want.N || !slices.Equal(got.Person, want.Person) || !slices.Equal(got.Group, want.Group) ||
		!slices.Equal(got.Index, want.Index) || !slices.EqualFunc(got.Present, want.Present, slices.Equal[[]uint8]) {
		t.Fatalf("other rows: %+v, want %+v", got, want)
	}
	if got.Image != nil || got.Tables != nil || want.Pixels != nil {
		t.Fatal("a batch of both forms")
	}
	sharp := o.Augment
	sharp.Blur = 0 // the pixels are blurred already
	a, image, pixels := fundus.NewAugmenter(sharp, o.Size), make([]float32, 3*o.Size*o.Size), 3*work*work
	for n, i := range got.Index {
		m := &fundus.RGB{W: work, H: work, Pix: got.Pixels[n*pixels : (n+1)*pixels]}
		p := a.Plain()
		if o.Split == data.Train && !o.Whole {
			p = a.Params(work, work, o.Seed, 3, int(i))
			a.Apply(image, m, o.Seed, 3, int(i))
		} else {
			fundus.Normalise(image, m.Pix)
		}
		if !slices.Equal(image, want.Image[n*len(image):(n+1)*len(image)]) {
			t.Fatalf("image %d has other pixels", i)
		}
		if !slices.Equal(got.Geometry[10*n:10*n+10], p.Geometry[:]) || !slices.Equal(got.Colour[3*n:3*n+3], p.Colour[:]) {
			t.Fatalf("image %d is varied by %v %v, want %v", i, got.Geometry[10*n:10*n+10], got.Colour[3*n:3*n+3], p)
		}
	}
}
