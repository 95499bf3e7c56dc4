package loader

import (
	"errors"
	"io"
	"slices"
	"testing"

	"contig-gpu/data"
)

// TestShares: the shares of all ranks, one after the other, are the batch that one rank has, image by image, in training and evaluation, with views,
// without images that are marked, and as raw pixels; all ranks are told the same of the whole.
func TestShares(t *testing.T) {
	c := people(t, 40, 2)
	marked := slices.Clone(c.Images)
	for _, i := range []int{0, 7, 17, 33} {
		marked[i].Skip = true
	}
	variety := data.Augmentation{CropScale: 0.5, FlipHorizontal: 0.5}
	for name, o := range map[string]Options{
		"training":   {Batch: 12, Shuffle: true, OneImagePerGroup: true, Augment: variety},
		"views":      {Batch: 12, Shuffle: true, Views: 2, Augment: variety},
		"raw":        {Batch: 12, Shuffle: true, Raw: true, Augment: variety},
		"skipping":   {Batch: 12, Shuffle: true, OneImagePerGroup: true, Bad: NewBad(marked, false)},
		"evaluation": {Batch: 12, Split: data.Validation},
		"all images": {Batch: 12, Whole: true, Bad: NewBad(marked, false)},
	} {
		o.Size, o.Seed, o.Workers = 8, 3, 2
		whole := open(t, c, o)
		for _, ranks := range []int{2, 3, 4} {
			var parts []data.Source
			for r := range ranks {
				o.Rank, o.Ranks = r, ranks
				parts = append(parts, open(t, c, o))
			}
			o.Ranks = 0
			for epoch := range 2 {
				checkShares(t, name, epoch, whole, parts)
			}
		}
	}
}

func checkShares(t *testing.T, name string, epoch int, whole data.Source, parts []data.Source) {
	t.Helper()
	if err := whole.Reset(epoch, 0); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := p.Reset(epoch, 0); err != nil || p.Batches() != whole.Batches() || p.Dims().Batch*len(parts) != whole.Dims().Batch {
			t.Fatalf("%s: %v; %d batches of %d, want %d", name, err, p.Batches(), p.Dims().Batch, whole.Batches())
		}
	}
	for n := 0; ; n++ {
		var all data.Batch
		err := whole.Next(&all)
		for r, p := range parts {
			var b data.Batch
			if e := p.Next(&b); !errors.Is(e, err) {
				t.Fatalf("%s: batch %d of rank %d: %v, want %v", name, n, r, e, err)
			}
			if err == nil {
				checkShare(t, name, r, len(parts), &b, &all)
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func checkShare(t *testing.T, name string, rank, ranks int, b, all *data.Batch) {
	t.Helper()
	e := b.Everyone()
	if e.N != all.N || !slices.Equal(e.Index, all.Index[:all.N]) || !slices.Equal(e.Person, all.Person[:all.N]) || !slices.Equal(e.Group, all.Group[:all.N]) {
		t.Fatalf("%s: rank %d knows of images %v, want %v", name, rank, e.Index, all.Index)
	}
	for m := range all.Present {
		if !slices.Equal(e.Present[m], all.Present[m][:all.N]) || slices.Contains(b.Whole.Present[m][all.N:], 1) {
			t.Fatalf("%s: rank %d knows of modality %d %v, want %v", name, rank, m, b.Whole.Present[m], all.Present[m])
		}
	}
	if len(b.Whole.Group) != ranks*b.N {
		t.Fatalf("%s: %d rows of %d ranks with %d each", name, len(b.Whole.Group), ranks, b.N)
	}
	for k := range b.N {
		row := rank*b.N + k
		if row >= all.N {
			for m := range b.Present {
				if b.Present[m][k] != 0 {
					t.Fatalf("%s: row %d is no image and has modality %d", name, row, m)
				}
			}
			continue
		}
		if b.Index[k] != all.Index[row] || b.Person[k] != all.Person[row] {
			t.Fatalf("%s: row %d is image %d, want %d", name, row, b.Index[k], all.Index[row])
		}
		for v := range all.Variations() {
			sameRow(t, name, b.Image, all.Image, v*b.N+k, v*all.N+row, all.Variations()*b.N, all.Variations()*all.N)
			sameRow(t, name, b.Pixels, all.Pixels, v*b.N+k, v*all.N+row, all.Variations()*b.N, all.Variations()*all.N)
			sameRow(t, name, b.Geometry, all.Geometry, v*b.N+k, v*all.N+row, all.Variations()*b.N, all.Variations()*all.N)
		}
		for m := range all.Tables {
			sameRow(t, name, b.Tables[m], all.Tables[m], k, row, b.N, all.N)
			if b.Present[m][k] != all.Present[m][row] {
				t.Fatalf("%s: row %d: modality %d is %d", name, row, m, b.Present[m][k])
			}
		}
	}
}

// sameRow compares row i of x, of n rows, with row j of y, of m rows.
func sameRow[E comparable](t *testing.T, name string, x, y []E, i, j, n, m int) {
	t.Helper()
	if len(x)/n != len(y)/m {
		t.Fatalf("%s: rows of %d, want %d", name, len(x)/n, len(y)/m)
	}
	if w := len(x) / n; !slices.Equal(x[i*w:(i+1)*w], y[j*w:(j+1)*w]) {
		t.Fatalf("%s: row %d differs from row %d of the whole batch", name, i, j)
	}
}

// TestSharesRefuse: what ranks cannot share is refused when a source is opened.
func TestSharesRefuse(t *testing.T) {
	c := people(t, 20, 1)
	for name, o := range map[string]Options{
		"no multiple":  {Batch: 5, Ranks: 2},
		"no such rank": {Batch: 4, Ranks: 2, Rank: 2},
		"skipping":     {Batch: 4, Ranks: 2, Bad: NewBad(c.Images, true)},
	} {
		o.Size = 8
		if s, err := New(c, o); err == nil {
			s.Close()
			t.Errorf("%s is not refused", name)
		}
	}
	if n := open(t, c, Options{Batch: 40, Ranks: 2, Size: 8}).Batches(); n != 0 {
		t.Errorf("%d batches of more images than there are", n)
	}
}
